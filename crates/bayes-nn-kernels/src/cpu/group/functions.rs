//! Functions of one, two and three numbers, each a type: what a routine loops over is then part of
//! its own type, and compiled into it.

use bayes_nn_autodiff::Binary;

use super::sums::{maximum, minimum};
use crate::Element;
use crate::cpu::isa::{Level, fma};
use crate::cpu::math;

/// A function of one number.
pub(super) trait Function1: 'static {
    fn at<L: Level, T: Element>(x: T) -> T;
}

/// A function of one number, and its derivative.
pub(super) trait FunctionWithSlope: 'static {
    fn at<L: Level, T: Element>(x: T) -> (T, T);
}

/// A function of two numbers.
pub(super) trait Function2: 'static {
    fn at<L: Level, T: Element>(a: T, b: T) -> T;
}

/// A function of three numbers.
pub(super) trait Function3: 'static {
    fn at<L: Level, T: Element>(a: T, b: T, c: T) -> T;
}

macro_rules! functions {
    ($kind:ident -> $result:ty: $($name:ident($($x:ident),+) = $value:expr;)*) => {
        $(
            pub(super) struct $name;

            impl $kind for $name {
                #[inline(always)]
                fn at<L: Level, T: Element>($($x: T),+) -> $result {
                    $value
                }
            }
        )*
    };
}

functions! { Function1 -> T:
    Neg(x) = -x;
    Abs(x) = x.abs();
    Sign(x) = if x > T::ZERO { T::ONE } else if x < T::ZERO { -T::ONE } else { x };
    Floor(x) = math::floor::<L, T>(x);
    Reciprocal(x) = T::ONE / x;
    Sqrt(x) = math::sqrt::<L, T>(x);
    Exp(x) = math::exp::<L, T>(x);
    Ln(x) = math::ln::<L, T>(x);
    Log1p(x) = math::log1p::<L, T>(x);
    Expm1(x) = math::expm1::<L, T>(x);
    Log1pmx(x) = math::log1pmx::<L, T>(x);
    Sin(x) = math::sin::<L, T>(x);
    Cos(x) = math::cos::<L, T>(x);
    Tanh(x) = math::tanh::<L, T>(x);
    Sigmoid(x) = math::sigmoid::<L, T>(x);
    Softplus(x) = math::softplus::<L, T>(x);
    LogSigmoid(x) = math::log_sigmoid::<L, T>(x);
    Relu(x) = if x < T::ZERO { T::ZERO } else { x };
    Identity(x) = x;
    Lgamma(x) = math::lgamma::<L, T>(x);
    Erf(x) = math::erf::<L, T>(x);
    Erfc(x) = math::erfc::<L, T>(x);
}

functions! { FunctionWithSlope -> (T, T):
    SoftplusWithSlope(x) = math::softplus_with_slope::<L, T>(x);
    LogSigmoidWithSlope(x) = math::log_sigmoid_with_slope::<L, T>(x);
}

functions! { Function2 -> T:
    Add(a, b) = a + b;
    Sub(a, b) = a - b;
    Mul(a, b) = a * b;
    Div(a, b) = a / b;
    Max(a, b) = maximum(a, b);
    Min(a, b) = minimum(a, b);
    Less(a, b) = indicator(a < b);
    LessEqual(a, b) = indicator(a <= b);
    Equal(a, b) = indicator(a == b);
    MulSlope(a, b) = fma::<L, T>(-a, a, T::ONE) * b;
    Pow(a, b) = T::from_f64(Binary::Pow.apply(a.to_f64(), b.to_f64()));
}

functions! { Function3 -> T:
    MulAdd(a, b, c) = fma::<L, T>(a, b, c);
    SubMul(a, b, c) = fma::<L, T>(-a, b, c);
    Select(c, a, b) = if c != T::ZERO { a } else { b };
}

#[inline(always)]
fn indicator<T: Element>(condition: bool) -> T {
    if condition { T::ONE } else { T::ZERO }
}
