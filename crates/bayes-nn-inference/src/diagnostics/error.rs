//! What keeps a diagnostic from being computed.

/// A diagnostic that has no value for the draws given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DiagnosticsError {
    /// Too few chains.
    #[error("there are {got} chains; at least {needed} are needed")]
    TooFewChains {
        /// Chains needed.
        needed: usize,
        /// Chains given.
        got: usize,
    },
    /// Chains too short.
    #[error("there are {got} draws; at least {needed} are needed")]
    TooFewDraws {
        /// Draws needed.
        needed: usize,
        /// Draws given: of each chain, or, for importance sampling, of all together.
        got: usize,
    },
    /// Chains of different lengths.
    #[error("chain {chain} has {got} draws, chain 0 has {expected}; all must have as many")]
    UnequalChains {
        /// The first chain that differs.
        chain: usize,
        /// Its draws.
        got: usize,
        /// The draws of the first chain.
        expected: usize,
    },
    /// A draw that is not finite.
    #[error("draw {draw} of chain {chain} is {value}; every draw must be finite")]
    NotFinite {
        /// The chain.
        chain: usize,
        /// The draw within the chain.
        draw: usize,
        /// Its value.
        value: f64,
    },
    /// A log likelihood that is not finite.
    #[error(
        "the log likelihood of observation {observation} at draw {draw} of chain {chain} is {value}; all must be finite"
    )]
    LogLikelihood {
        /// The chain.
        chain: usize,
        /// The draw within the chain.
        draw: usize,
        /// The observation.
        observation: usize,
        /// The value.
        value: f64,
    },
    /// Draws that are all the same, where the diagnostic is a ratio of variances.
    #[error("all draws are the same; at least two must differ")]
    Constant,
    /// A setting outside its range.
    #[error("`{field}` is {value}; it must be {allowed}")]
    Setting {
        /// The argument.
        field: &'static str,
        /// The value given.
        value: f64,
        /// What would be right.
        allowed: &'static str,
    },
    /// A log likelihood whose values do not fill its shape.
    #[error(
        "{got} log likelihoods do not fill the shape [{chains} chains, {draws} draws, {observations} observations]; the product must be {got} and above 0"
    )]
    Shape {
        /// Values given.
        got: usize,
        /// Chains.
        chains: usize,
        /// Draws of each chain.
        draws: usize,
        /// Observations.
        observations: usize,
    },
    /// Values that are not as many as go with a log likelihood.
    #[error("there are {got} {what}; the log likelihood has {needed}")]
    Length {
        /// Which values.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A scalar of a table whose chains do not fit.
    #[error("`{name}`: {source}")]
    Scalar {
        /// The scalar.
        name: String,
        /// What is wrong with its chains.
        source: Box<DiagnosticsError>,
    },
}
