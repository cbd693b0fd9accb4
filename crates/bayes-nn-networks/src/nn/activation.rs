//! Functions between layers.

use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

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
    /// `x` above 0, `e^x - 1` below (Clevert, Unterthiner and Hochreiter 2016).
    Elu,
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
            // Of what is not chosen the exponential must not overflow.
            Activation::Elu => x.gt(0.0).select(x, x.minimum(0.0).expm1()),
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

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }

    fn with_outputs(&self, _: usize) -> Option<Arc<dyn Layer>> {
        Some(Arc::new(*self))
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::Shape;

    use super::*;
    use crate::nn::testing::run;

    #[test]
    fn every_activation_has_the_derivative_of_its_formula() {
        let relu = |x: f64| x.max(0.0);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let phi = |x: f64| 0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2));
        type Function<'a> = &'a dyn Fn(f64) -> f64;
        let functions: [(Activation, Function<'_>); 10] = [
            (Activation::Tanh, &f64::tanh),
            (Activation::Relu, &relu),
            (Activation::LeakyRelu, &|x| x.max(0.1 * x)),
            (Activation::Elu, &|x| {
                if x > 0.0 { x } else { x.exp() - 1.0 }
            }),
            (Activation::Sigmoid, &sigmoid),
            (Activation::Softplus, &|x| x.exp().ln_1p()),
            (Activation::Silu, &|x| x * sigmoid(x)),
            (Activation::Gelu, &|x| x * phi(x)),
            (Activation::Sin, &f64::sin),
            (Activation::Identity, &|x| x),
        ];
        for (activation, function) in functions {
            let run = run(&activation, &[Shape::from([5, 4])]);
            for (y, x) in run.output.iter().zip(&run.inputs[0]) {
                assert!((y - function(*x)).abs() < 1e-14, "{activation:?} at {x}");
            }
        }
        // Where the exponential overflows, it is not what is chosen.
        assert_eq!(Activation::Elu.apply(1e4.into()).number(), Some(1e4));
    }

    /// The error function by its series.
    fn erf(x: f64) -> f64 {
        let term = |n: i32| {
            let factorial: f64 = (1..=n).map(f64::from).product();
            (-1f64).powi(n) * x.powi(2 * n + 1) / (factorial * f64::from(2 * n + 1))
        };
        (0..40).map(term).sum::<f64>() * std::f64::consts::FRAC_2_SQRT_PI
    }
}
