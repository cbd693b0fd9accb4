//! Dropout.

use std::sync::Arc;

use bayes_nn_autodiff::{NoiseKind, Var};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// Sets each element to 0 with the probability `rate`, and divides the others by `1 - rate`, so
/// that the mean stays (Srivastava et al. 2014, *Dropout: A Simple Way to Prevent Neural Networks
/// from Overfitting*, section 4). `0 <= rate < 1`; inputs have any shape.
///
/// What is dropped is drawn anew at every step of a fit, and for every draw of a prediction, whose
/// mean over draws is that over networks (Gal and Ghahramani 2016, *Dropout as a Bayesian
/// Approximation*). It is for methods that meet noise at every step, ADVI and SGLD.
///
/// ```
/// use bayes_nn::nn::{Dense, Dropout, Input, Layer, Sequential};
/// let net = Sequential::new().layer(Dense::new(20)).layer(Dropout::new(0.2)).layer(Dense::new(1));
/// assert_eq!(net.output_shape(&[Input::values([5])])?.to_string(), "[1]");
/// let error = Dropout::new(1.0).output_shape(&[Input::values([5])]).unwrap_err();
/// assert_eq!(error.to_string(), "Dropout { rate: 1.0 }: the rate must be at least 0 and below 1");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    pub(super) rate: f64,
}

impl Dropout {
    /// With the probability of an element to be dropped.
    pub fn new(rate: f64) -> Dropout {
        Dropout { rate }
    }
}

impl Layer for Dropout {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        if !(0.0..1.0).contains(&self.rate) {
            return Err(p.problem("the rate must be at least 0 and below 1"));
        }
        if self.rate == 0.0 {
            return Ok(x);
        }
        let dropped = p.noise(NoiseKind::Uniform, x.shape()).lt(self.rate);
        Ok(dropped.select(0.0, x / (1.0 - self.rate)))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }

    fn with_outputs(&self, _: usize) -> Option<Arc<dyn Layer>> {
        Some(Arc::new(*self))
    }
}
