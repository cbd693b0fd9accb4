//! Functions of one number: name, value and derivative stand together.

use crate::formula::Formula;
use crate::{Binary, special};

/// A function of one number, applied to each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// -1, 0 or 1
    Sign,
    /// The largest whole number not above `x`
    Floor,
    /// `1 / x`
    Reciprocal,
    /// The square root
    Sqrt,
    /// `e^x`
    Exp,
    /// The natural logarithm
    Ln,
    /// `ln(1 + x)`
    Log1p,
    /// `e^x - 1`
    Expm1,
    /// `ln(1 + x) - x`
    Log1pmx,
    /// The sine
    Sin,
    /// The cosine
    Cos,
    /// The hyperbolic tangent
    Tanh,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// `ln(1 + e^x)`
    Softplus,
    /// `ln(sigmoid(x))`
    LogSigmoid,
    /// `max(x, 0)`
    Relu,
    /// The logarithm of the absolute gamma function
    Lgamma,
    /// The polygamma function of this order: 0 is digamma, 1 is trigamma
    Polygamma(u32),
    /// The error function
    Erf,
    /// `1 - erf(x)`
    Erfc,
    /// `ln(1 - erf(x))`
    LogErfc,
    /// `x`, a constant for differentiation
    StopGradient,
}

impl Unary {
    /// The name of the method of [`Var`](crate::Var) that writes it.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Floor => "floor",
            Unary::Reciprocal => "reciprocal",
            Unary::Sqrt => "sqrt",
            Unary::Exp => "exp",
            Unary::Ln => "ln",
            Unary::Log1p => "log1p",
            Unary::Expm1 => "expm1",
            Unary::Log1pmx => "log1pmx",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::Softplus => "softplus",
            Unary::LogSigmoid => "log_sigmoid",
            Unary::Relu => "relu",
            Unary::Lgamma => "lgamma",
            Unary::Polygamma(_) => "polygamma",
            Unary::Erf => "erf",
            Unary::Erfc => "erfc",
            Unary::LogErfc => "log_erfc",
            Unary::StopGradient => "stop_gradient",
        }
    }

    /// The value at `x`.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Unary::Neg => -x,
            Unary::Abs => x.abs(),
            Unary::Sign if x > 0.0 => 1.0,
            Unary::Sign if x < 0.0 => -1.0,
            Unary::Sign => x,
            Unary::Floor => x.floor(),
            Unary::Reciprocal => x.recip(),
            Unary::Sqrt => x.sqrt(),
            Unary::Exp => libm::exp(x),
            Unary::Ln => libm::log(x),
            Unary::Log1p => libm::log1p(x),
            Unary::Expm1 => libm::expm1(x),
            Unary::Log1pmx => special::log1pmx(x),
            Unary::Sin => libm::sin(x),
            Unary::Cos => libm::cos(x),
            Unary::Tanh => libm::tanh(x),
            Unary::Sigmoid => special::sigmoid(x),
            Unary::Softplus => special::softplus(x),
            Unary::LogSigmoid => special::log_sigmoid(x),
            Unary::Relu if x < 0.0 => 0.0,
            Unary::Relu => x,
            Unary::Lgamma => special::lgamma(x),
            Unary::Polygamma(order) => special::polygamma(order, x),
            Unary::Erf => special::erf(x),
            Unary::Erfc => special::erfc(x),
            Unary::LogErfc => special::log_erfc(x),
            Unary::StopGradient => x,
        }
    }

    /// The adjoint of the argument, given that of the value, the argument and the value: the first
    /// times the derivative; `None` where that is zero everywhere.
    pub(crate) fn pull_back<F: Formula>(self, adjoint: F, x: F, y: F) -> Option<F> {
        const TWO_OVER_SQRT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;
        let [zero, half, one] = [0.0, 0.5, 1.0].map(F::from);
        let derivative = match self {
            Unary::Neg => F::from(-1.0),
            Unary::Abs => x.unary(Unary::Sign),
            Unary::Sign | Unary::Floor | Unary::StopGradient => return None,
            // Not y * y first, which may overflow where this does not.
            Unary::Reciprocal => return Some(-(adjoint * y * y)),
            Unary::Sqrt => half / y,
            Unary::Exp => y,
            Unary::Ln => x.unary(Unary::Reciprocal),
            Unary::Log1p => (one + x).unary(Unary::Reciprocal),
            Unary::Expm1 => x.unary(Unary::Exp),
            Unary::Log1pmx => -(x / (one + x)),
            Unary::Sin => x.unary(Unary::Cos),
            Unary::Cos => -x.unary(Unary::Sin),
            Unary::Tanh => one - y * y,
            // Not y (1 - y), which loses every digit of the derivative as y nears 1.
            Unary::Sigmoid => y * (-x).unary(Unary::Sigmoid),
            Unary::Softplus => x.unary(Unary::Sigmoid),
            Unary::LogSigmoid => (-x).unary(Unary::Sigmoid),
            Unary::Relu => zero.binary(Binary::Less, x),
            Unary::Lgamma => x.unary(Unary::Polygamma(0)),
            Unary::Polygamma(order) => x.unary(Unary::Polygamma(order + 1)),
            Unary::Erf => (-(x * x)).unary(Unary::Exp) * F::from(TWO_OVER_SQRT_PI),
            Unary::Erfc => (-(x * x)).unary(Unary::Exp) * F::from(-TWO_OVER_SQRT_PI),
            Unary::LogErfc => log_erfc_slope(x, y),
        };
        Some(adjoint * derivative)
    }
}

/// The derivative of `y = ln(erfc(x))`, which is `-2 / sqrt(pi) exp(-x^2 - y)`. Where the two terms
/// of the exponent would cancel it is `-2 x` over the asymptotic series of `erfc`.
fn log_erfc_slope<F: Formula>(x: F, y: F) -> F {
    let far = F::from(special::ERFC_FAR).binary(Binary::LessEqual, x);
    let far_x = far.select(x, F::from(special::ERFC_FAR));
    let inverse = far_x.unary(Unary::Reciprocal);
    let t = inverse * inverse * F::from(0.5);
    let coefficients = special::ERFC_SERIES.iter().rev();
    let series = coefficients.fold(F::from(0.0), |sum, c| sum * t + F::from(*c));
    let near_x = far.select(F::from(0.0), x);
    let exponent = -(near_x * near_x) - far.select(F::from(0.0), y);
    let near = exponent.unary(Unary::Exp) * F::from(-std::f64::consts::FRAC_2_SQRT_PI);
    far.select(far_x * F::from(-2.0) / series, near)
}
