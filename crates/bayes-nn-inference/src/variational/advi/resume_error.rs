//! Fits whose training cannot go on.

/// Why a fit cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// A fit that does not know where its training was.
    #[error(
        "the fit does not know where its training was, as one that was put together from parts, or saved \
         by a version that did not keep it; `Advi::warm_start` begins at it"
    )]
    NoTraining,
    /// A fit by a method whose runs do not go on.
    #[error("a fit by {method} does not go on; {remedy}")]
    OtherMethod {
        /// The method.
        method: &'static str,
        /// What would be right.
        remedy: &'static str,
    },
    /// Steps beyond the end of a fit to a mode.
    #[error(
        "the fit is at the mode that L-BFGS came to, and no steps can be added; one for which `steps` are set \
         goes by an optimiser"
    )]
    Mode,
    /// A cycle of a fit by natural gradients.
    #[error(
        "the fit goes by natural gradients, which halve their rate until it has converged and have no cycle; \
         `Resume::steps` goes on"
    )]
    NoCycle,
    /// A fit that is at its end.
    #[error(
        "the fit has done all of its {steps} steps; `Resume::steps` goes on at the last learning rate, \
         `Resume::cycle` with a new cycle of its schedule"
    )]
    Complete {
        /// Its steps.
        steps: u64,
    },
    /// No steps.
    #[error("no steps were asked for; it must be at least one")]
    NoSteps,
    /// A learning rate that has fallen to nothing.
    #[error(
        "the learning rate has fallen to {factor:.1e} of what it was, at which further steps move nothing; \
         `Resume::cycle` begins a new cycle"
    )]
    NoRate {
        /// The factor of the schedule at the last step.
        factor: f64,
    },
    /// Training that was drawn with other random numbers.
    #[error(
        "the fit was trained with version {found} of the random stream, and this library has {own}: going on \
         would not give its bits (predicting is not affected); `Advi::warm_start` begins at it"
    )]
    OtherStream {
        /// The version of the training.
        found: u64,
        /// That of the library.
        own: u64,
    },
    /// Data with another number of rows.
    #[error("the fit was trained on {}, and the data have {}", rows(*found), rows(*given))]
    OtherRows {
        /// Rows of the training.
        found: Option<usize>,
        /// Rows of the data.
        given: Option<usize>,
    },
    /// A state of the optimiser, or of an ascent, that the fit does not have.
    #[error("the training of the fit has no `{name}`, without which it does not go on")]
    NoState {
        /// Its name.
        name: String,
    },
    /// A state of an ascent by natural gradients, or of the search for its start, that cannot be.
    #[error("the training of the fit has a `{name}` that is of no such fit")]
    OtherState {
        /// Its name.
        name: String,
    },
    /// A state of the optimiser that cannot be.
    #[error("the training of the fit has a `{name}` that is not finite at element {element}")]
    NotFinite {
        /// Its name.
        name: String,
        /// The element.
        element: usize,
    },
}

fn rows(rows: Option<usize>) -> String {
    rows.map_or("no rows".to_owned(), |rows| format!("{rows} rows"))
}
