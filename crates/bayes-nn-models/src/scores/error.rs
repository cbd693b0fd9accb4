//! What can be wrong with what is to be scored.

/// What was wrong with predictions or targets, and what would be right. Rows count from 0.
///
/// ```
/// use bayes_nn::scores::{self, ScoreError};
///
/// let error = scores::accuracy(&[0.5, 1.5], &[0.0, 1.0]).unwrap_err();
/// assert!(matches!(error, ScoreError::Probability { row: 1, .. }));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// There is nothing to score.
    #[error("no rows to score; at least one is needed")]
    Empty,
    /// The predictions do not fit the targets.
    #[error("{what} has {found} values for {rows} targets; {expected}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Its length.
        found: usize,
        /// Number of targets.
        rows: usize,
        /// What would be right.
        expected: &'static str,
    },
    /// A label is no class.
    #[error(
        "row {row}: label {label} is none of the {classes} classes; labels are whole numbers from 0"
    )]
    Label {
        /// Row, from 0.
        row: usize,
        /// The label found.
        label: f64,
        /// Number of classes.
        classes: usize,
    },
    /// A probability is NaN or outside [0, 1].
    #[error("row {row}, class {class}: {value} is no probability; it must lie between 0 and 1")]
    Probability {
        /// Row, from 0.
        row: usize,
        /// Class, from 0.
        class: usize,
        /// The value found.
        value: f64,
    },
    /// The probabilities of a row do not sum to 1.
    #[error("row {row}: the class probabilities sum to {sum}, not to 1")]
    Sum {
        /// Row, from 0.
        row: usize,
        /// Their sum.
        sum: f64,
    },
    /// A value is NaN or infinite.
    #[error("row {row} of {what}: {value} is not finite")]
    NotFinite {
        /// Which argument.
        what: &'static str,
        /// Row, from 0.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// An interval's lower end lies above its upper end.
    #[error("row {row}: the interval's lower end {lower} lies above its upper end {upper}")]
    Interval {
        /// Row, from 0.
        row: usize,
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// A number of most probable classes that is none, or more than there are.
    #[error("the {k} most probable of {classes} classes; it must be from 1 to {classes}")]
    TopK {
        /// The number given.
        k: usize,
        /// Number of classes.
        classes: usize,
    },
    /// No bins.
    #[error("0 bins; at least one is needed")]
    NoBins,
}
