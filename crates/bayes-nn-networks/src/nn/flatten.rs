//! Rows of any shape as rows of features.

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// The numbers of each row one after the other: `[..row, rows] -> [features, rows]`, as a dense
/// layer takes them after convolutions.
///
/// ```
/// use bayes_nn::nn::{Flatten, Input, Layer};
/// assert_eq!(Flatten.output_shape(&[Input::values([50, 4, 4])])?.to_string(), "[800]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten;

impl Layer for Flatten {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        let shape = x.shape();
        Ok(x.reshape([shape.rows(), shape.columns()]))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
