//! Rows that a fit does not learn from, by which it is scored while it runs.

use std::fmt;

use bayes_nn_kernels::Runtime;

use crate::{Approximation, DensityError};

/// How well draws of a guide predict rows that it was not fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOutScore {
    /// How many rows were predicted.
    pub rows: usize,
    /// The mean of their log predictive densities, or of the log probabilities of their labels, in
    /// nats a row: the negative log loss.
    pub log_likelihood: f64,
    /// Of classes the share of rows whose most probable class is the label.
    pub accuracy: Option<f64>,
    /// Of numbers the root of the mean squared error, in the unit of the data.
    pub rmse: Option<f64>,
}

impl fmt::Display for HeldOutScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log likelihood {:.4} nats a row", self.log_likelihood)?;
        if let Some(accuracy) = self.accuracy {
            write!(f, ", accuracy {:.2} %", 100.0 * accuracy)?;
        }
        match self.rmse {
            Some(rmse) => write!(f, ", RMSE {rmse:.4}"),
            None => Ok(()),
        }
    }
}

/// How held-out rows are to be scored.
#[derive(Clone, Debug)]
pub struct Scoring {
    /// Where, and in which precision.
    pub runtime: Runtime,
    /// How many of the rows at the most, the same for every score.
    pub rows: usize,
    /// Draws of a guide for each score.
    pub draws: usize,
    /// The seed of their noise, which all scores have in common, so that they differ by their guides
    /// alone.
    pub seed: u64,
}

/// Scores guides of one density, one after the other.
pub type Scorer<'a> = Box<dyn FnMut(&Approximation) -> Result<HeldOutScore, DensityError> + 'a>;

/// Rows of the kind that a density was made of, held out of it.
pub trait HeldOut: Sync {
    /// How many there are.
    fn rows(&self) -> usize;

    /// Compiles what scores guides like this one: over the same sites, of the same family.
    ///
    /// # Errors
    /// When the rows cannot be predicted.
    fn scorer(&self, guide: &Approximation, how: &Scoring) -> Result<Scorer<'_>, DensityError>;
}
