//! The interface between sampler and density: the log density and its gradient at a point.

use crate::{DensityError, InferenceError};

/// A log density over a vector of real numbers, up to a constant, with its gradient.
///
/// ```
/// use bayes_nn_inference::nuts::{EvalError, LogDensity, Nuts};
///
/// /// Independent normals with standard deviations 1, 2 and 3.
/// struct Normals;
///
/// impl LogDensity for Normals {
///     fn dim(&self) -> usize { 3 }
///     fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
///         let mut log_prob = 0.0;
///         for (i, (x, gradient)) in x.iter().zip(gradient).enumerate() {
///             let variance = ((i + 1) * (i + 1)) as f64;
///             log_prob -= 0.5 * x * x / variance;
///             *gradient = -x / variance;
///         }
///         Ok(log_prob)
///     }
/// }
///
/// let fit = Nuts::new().draws(500).chains(2).seed(1).sample_with(|_| Normals)?;
/// let third = fit.chains()[0].draws().column(2);
/// let mean_square = third.iter().map(|x| x * x).sum::<f64>() / 500.0;
/// assert!((mean_square / 9.0 - 1.0).abs() < 0.4);
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
pub trait LogDensity {
    /// The length of the vector.
    fn dim(&self) -> usize;

    /// The log density at `position [dim]`, in nats; its gradient goes to `gradient [dim]`.
    ///
    /// A value or gradient that is not finite is taken as a point of no density: a trajectory
    /// that meets it ends there and is counted as divergent.
    ///
    /// # Errors
    /// [`EvalError::Reject`] where the density is not defined, [`EvalError::Fatal`] when no
    /// further evaluation makes sense.
    fn log_prob_grad(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError>;
}

impl<D: LogDensity + ?Sized> LogDensity for Box<D> {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn log_prob_grad(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        (**self).log_prob_grad(position, gradient)
    }
}

/// Why a density has no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// Not at this point; others are fine. The trajectory ends there, as a divergence.
    #[error("the density is not defined at this point")]
    Reject,
    /// Nowhere, from now on. The chain ends and keeps what it has.
    #[error(transparent)]
    Fatal(DensityError),
}

impl EvalError {
    /// The end of a chain after so many draws.
    pub(crate) fn of_chain(self, chain: usize, draws: usize) -> InferenceError {
        let source = match self {
            EvalError::Fatal(source) => source,
            EvalError::Reject => Box::new(self),
        };
        InferenceError::Chain {
            chain,
            draws,
            source,
        }
    }
}
