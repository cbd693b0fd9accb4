//! What can be wrong with representations.

use bayes_nn_autodiff::Shape;

/// What layers make of rows cannot be had or compared: what was wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RepresentationError {
    /// A model without layers.
    #[error(
        "the model has no layers; a network has them, and a model as a function says what they are by `Trace::layer`"
    )]
    NoLayers,
    /// A fit that has not the rows that it learned from.
    #[error(
        "the fit has no complete rows of its own, as those from files have none; rows are given to `representations`"
    )]
    NoRows,
    /// A layer that the model does not have.
    #[error("there is no layer `{layer}`; there are {available}")]
    UnknownLayer {
        /// The layer asked for.
        layer: String,
        /// The layers there are.
        available: String,
    },
    /// What a layer gives are no rows.
    #[error("the layer `{layer}` gives {shape} for {rows} rows; the last axis must be the rows")]
    NotOfRows {
        /// The layer.
        layer: String,
        /// What it gives.
        shape: Box<Shape>,
        /// The rows.
        rows: usize,
    },
    /// Too few rows for what is asked.
    #[error("{rows} rows are too few for {wanted}, which needs {least} or more")]
    TooFewRows {
        /// The rows there are.
        rows: usize,
        /// What was asked for.
        wanted: &'static str,
        /// The least.
        least: usize,
    },
    /// Numbers that do not fill rows.
    #[error("{len} numbers do not fill {rows} rows of the same length")]
    Length {
        /// The numbers there are.
        len: usize,
        /// The rows.
        rows: usize,
    },
    /// Representations of different rows.
    #[error(
        "`{layer}` was looked at with {rows} rows and `{other}` with {other_rows}; both must be of the same rows"
    )]
    OtherRows {
        /// A layer.
        layer: String,
        /// Its rows.
        rows: usize,
        /// The layer that it is compared with.
        other: String,
        /// The rows of that one.
        other_rows: usize,
    },
    /// What has no similarity with anything.
    #[error(
        "`{layer}` is the same for all rows but one at the most, so that its similarity with anything is undefined; ReLU units that are all off are a usual reason"
    )]
    Constant {
        /// The layer, or the argument.
        layer: String,
    },
    /// A value that is not finite.
    #[error("the layer `{layer}` gives a number that is not finite for row {row} in unit {unit}")]
    NotFinite {
        /// The layer.
        layer: String,
        /// The row, from 0.
        row: usize,
        /// The unit, from 0.
        unit: usize,
    },
}
