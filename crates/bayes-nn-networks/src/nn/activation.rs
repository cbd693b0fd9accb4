//! Functions between layers.

use bayes_nn_autodiff::Var;

use super::layer::Output;
use super::{Layer, Parameters};

/// A function applied to every element, as it is or as a layer.
///
/// ```
/// use bayes_nn::nn::Activation;
/// assert_eq!(Activation::Relu.apply((-2.0).into()).number(), Some(0.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `x` above 0, a tenth of it below.
    LeakyRelu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x sigmoid(x)`.
    Silu,
    /// `x Phi(x)` with the normal distribution function (Hendrycks and Gimpel 2016).
    Gelu,
    /// `sin(x)`.
    Sin,
    /// `x`.
    Identity,
}

impl Activation {
    /// The function, element by element.
    pub fn apply<'g>(self, x: Var<'g>) -> Var<'g> {
        match self {
            Activation::Tanh => x.tanh(),
            Activation::Relu => x.relu(),
            Activation::LeakyRelu => x.maximum(0.1 * x),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Softplus => x.softplus(),
            Activation::Silu => x * x.sigmoid(),
            Activation::Gelu => x * (0.5 * (-x * std::f64::consts::FRAC_1_SQRT_2).erfc()),
            Activation::Sin => x.sin(),
            Activation::Identity => x,
        }
    }
}

impl Layer for Activation {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        Ok(self.apply(x))
    }
}
