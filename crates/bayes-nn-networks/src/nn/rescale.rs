//! A fixed linear map of every element.

use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// `factor x + shift` for every element of any shape: data that stay in the type in which they came
/// are brought to the scale that priors suppose as they are used.
///
/// ```
/// use bayes_nn::prelude::*;
/// use bayes_nn::nn::Rescale;
/// let net = Sequential::new().layer(Rescale::pixels()).layer(Dense::new(10));
/// let data = Dataset::new(vec![0_u8, 255, 30, 70], 2, vec![1_u8, 0])?;
/// let fit = Bnn::new(net, Categorical).fit(&data, &Advi::mean_field().steps(20))?;
/// # let _ = fit;
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescale {
    pub(super) factor: f64,
    pub(super) shift: f64,
}

impl Rescale {
    /// With this factor, then this shift.
    pub fn new(factor: f64, shift: f64) -> Rescale {
        Rescale { factor, shift }
    }

    /// Bytes, from 0 to 255, as numbers from 0 to 1.
    pub fn pixels() -> Rescale {
        Rescale::new(1.0 / 255.0, 0.0)
    }
}

impl Layer for Rescale {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        Ok(x * self.factor + self.shift)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }

    fn with_outputs(&self, _: usize) -> Option<Arc<dyn Layer>> {
        Some(Arc::new(*self))
    }
}
