//! Domains: where a parameter must lie.

use std::fmt;

/// The set of values that a parameter may take. Neither NaN nor an infinity is in any of them.
///
/// ```
/// use bayes_nn_distributions::Domain;
/// assert!(!Domain::Positive.contains(0.0));
/// assert_eq!(Domain::Positive.to_string(), "a finite number > 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// Any finite number.
    Real,
    /// A finite number above 0.
    Positive,
    /// A finite number, 0 or above.
    NonNegative,
    /// A number from 0 to 1.
    Probability,
    /// A whole number, 0 or above.
    Count,
    /// A finite number; a matrix that is not positive definite has a factor of NaN.
    CholeskyFactor,
}

impl Domain {
    /// Whether `value` lies in the domain.
    pub fn contains(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Domain::Real | Domain::CholeskyFactor => true,
                Domain::Positive => value > 0.0,
                Domain::NonNegative => value >= 0.0,
                Domain::Probability => (0.0..=1.0).contains(&value),
                Domain::Count => value >= 0.0 && value.fract() == 0.0,
            }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Domain::Real => "a finite number",
            Domain::Positive => "a finite number > 0",
            Domain::NonNegative => "a finite number >= 0",
            Domain::Probability => "a number from 0 to 1",
            Domain::Count => "a whole number >= 0",
            Domain::CholeskyFactor => "finite, as in the factor of a positive definite matrix",
        })
    }
}
