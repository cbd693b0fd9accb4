//! What can be wrong with rows that are to be acquired.

use bayes_nn_autodiff::Shape;

use super::Acquisition;

/// Rows that cannot be chosen from a pool: what was wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AcquisitionError {
    /// More rows than there are.
    #[error("{k} rows are to be acquired from a pool of {rows} rows; ask for {rows} at the most")]
    PoolSize {
        /// The rows asked for.
        k: usize,
        /// Those of the pool.
        rows: usize,
    },
    /// A variable that is no class.
    #[error(
        "`{site}` comes from {distribution}, and {by:?} compares probabilities of classes; it needs a variable of two or more classes, as the heads `Bernoulli` and `Categorical` have it (`Acquisition::Random` takes any)"
    )]
    NotClasses {
        /// The observed variable.
        site: String,
        /// Its distribution.
        distribution: &'static str,
        /// By what rows were to be chosen.
        by: Acquisition,
    },
    /// A variable that has not one class in each row of the pool.
    #[error(
        "`{site}` has the shape {shape}, and the pool {rows} rows; {by:?} chooses rows of which each has one class"
    )]
    Shape {
        /// The observed variable.
        site: String,
        /// Its shape.
        shape: Box<Shape>,
        /// Rows of the pool.
        rows: usize,
        /// By what rows were to be chosen.
        by: Acquisition,
    },
    /// Targets of something else than EPIG.
    #[error(
        "rows to be predicted well are given (`Acquire::targets`) to {by:?}, which does not look at them; `Acquisition::Epig` does"
    )]
    Targets {
        /// By what rows were to be chosen.
        by: Acquisition,
    },
}
