//! The fully connected layer.

use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// `weight^T x + bias`, with `weight [inputs, outputs]` and `bias [outputs]`.
///
/// Inputs are `[inputs, rows]`, as many as there are.
///
/// ```
/// use bayes_nn::nn::{Dense, Input, Layer};
/// let dense = Dense::new(20);
/// assert_eq!(dense.parameters(&[Input::values([5])])?[0].shape.to_string(), "[5, 20]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Dense {
    pub(super) outputs: usize,
    pub(super) inputs: Option<usize>,
    pub(super) bias: bool,
}

impl Dense {
    /// A layer with so many outputs, and a bias.
    pub fn new(outputs: usize) -> Dense {
        Dense {
            outputs,
            inputs: None,
            bias: true,
        }
    }

    /// The same for so many inputs: others are an error.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer};
    /// let dense = Dense::new(1).inputs(5);
    /// assert!(dense.output_shape(&[Input::values([4])]).is_err());
    /// ```
    pub fn inputs(self, inputs: usize) -> Dense {
        Dense {
            inputs: Some(inputs),
            ..self
        }
    }

    /// The same without a bias.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer};
    /// let dense = Dense::new(1).without_bias();
    /// assert_eq!(dense.parameters(&[Input::values([4])])?.len(), 1);
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn without_bias(self) -> Dense {
        Dense {
            bias: false,
            ..self
        }
    }
}

impl Layer for Dense {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        let fits = match x.shape()[..] {
            [inputs, _] => self.inputs.is_none_or(|own| own == inputs),
            _ => false,
        };
        if !fits {
            let inputs = self.inputs.map_or("inputs".to_owned(), |n| n.to_string());
            return Err(p.wrong_input(x, format!("[{inputs}, rows]")));
        }
        let product = p.weighted("weight", self.outputs, x)?;
        match self.bias {
            true => Ok(product + p.bias("bias", self.outputs)?),
            false => Ok(product),
        }
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }

    fn with_outputs(&self, outputs: usize) -> Option<Arc<dyn Layer>> {
        Some(Arc::new(Dense {
            outputs,
            inputs: None,
            bias: self.bias,
        }))
    }
}
