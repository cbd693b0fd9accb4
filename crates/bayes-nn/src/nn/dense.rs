//! The fully connected layer.

use bayes_nn_autodiff::{Shape, Var};

use super::{Layer, Parameters};

/// `weight^T x + bias`, with `weight [inputs, outputs]` and `bias [outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    bias: bool,
}

impl Dense {
    /// A layer with a bias.
    pub fn new(inputs: usize, outputs: usize) -> Dense {
        Dense {
            inputs,
            outputs,
            bias: true,
        }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Dense {
        Dense {
            bias: false,
            ..self
        }
    }
}

impl Layer for Dense {
    fn outputs(&self, inputs: usize) -> Result<usize, String> {
        if self.inputs == 0 || self.outputs == 0 {
            return Err(format!(
                "needs at least one input and one output, it has {} and {}",
                self.inputs, self.outputs
            ));
        }
        match inputs == self.inputs {
            true => Ok(self.outputs),
            false => Err(format!(
                "takes {} inputs but is given {inputs}",
                self.inputs
            )),
        }
    }

    fn inputs(&self) -> Option<usize> {
        Some(self.inputs)
    }

    fn parameters(&self) -> Vec<(&'static str, Shape)> {
        let weight = ("weight", Shape::from([self.inputs, self.outputs]));
        match self.bias {
            true => vec![weight, ("bias", Shape::from(self.outputs))],
            false => vec![weight],
        }
    }

    fn forward<'g>(&self, parameters: &Parameters<'_, 'g>, x: Var<'g>) -> Var<'g> {
        let weight = parameters.get("weight", [self.inputs, self.outputs]);
        let product = weight.t().matmul(x);
        match self.bias {
            true => {
                product
                    + parameters
                        .get("bias", self.outputs)
                        .reshape([self.outputs, 1])
            }
            false => product,
        }
    }
}
