//! Functions of one, two and three numbers, each a type, so that a routine is compiled for its
//! function.

use bayes_nn_autodiff::Binary;

use crate::cpu::isa::{Level, fma};
use crate::cpu::math::sums::{maximum, minimum};
use crate::cpu::math::{self, Real};

/// A function of one number.
pub(super) trait Function1: 'static {
    fn at<L: Level, T: Real>(x: T) -> T;

    /// The function of each number of a slice of any length.
    #[inline(always)]
    fn map<L: Level, T: Real>(to: &mut [T], x: &[T]) {
        for (to, x) in to.iter_mut().zip(x) {
            *to = Self::at::<L, T>(*x);
        }
    }
}

/// A function of one number, and its derivative.
pub(super) trait FunctionWithSlope: 'static {
    /// The function of each number of a slice of any length.
    fn map<L: Level, T: Real>(to: &mut [T], slope: &mut [T], x: &[T]);
}

/// A function of two numbers.
pub(super) trait Function2: 'static {
    fn at<L: Level, T: Real>(a: T, b: T) -> T;
}

/// A function of three numbers.
pub(super) trait Function3: 'static {
    fn at<L: Level, T: Real>(a: T, b: T, c: T) -> T;
}

macro_rules! functions {
    ($kind:ident: $($name:ident($($x:ident),+) = $value:expr;)*) => {
        $(
            pub(super) struct $name;

            impl $kind for $name {
                #[inline(always)]
                fn at<L: Level, T: Real>($($x: T),+) -> T {
                    $value
                }
            }
        )*
    };
}

functions! { Function1:
    Neg(x) = -x;
    Abs(x) = x.abs();
    Sign(x) = if x > T::ZERO { T::ONE } else if x < T::ZERO { -T::ONE } else { x };
    Floor(x) = math::floor::<L, T>(x);
    Reciprocal(x) = T::ONE / x;
    Sqrt(x) = math::sqrt::<L, T>(x);
    Ln(x) = math::ln::<L, T>(x);
    Log1p(x) = math::log1p::<L, T>(x);
    Expm1(x) = math::expm1::<L, T>(x);
    Log1pmx(x) = math::log1pmx::<L, T>(x);
    Sin(x) = math::sin::<L, T>(x);
    Cos(x) = math::cos::<L, T>(x);
    Relu(x) = if x < T::ZERO { T::ZERO } else { x };
    Identity(x) = x;
    Lgamma(x) = math::lgamma::<L, T>(x);
    Erf(x) = math::erf::<L, T>(x);
    Erfc(x) = math::erfc::<L, T>(x);
    LogErfc(x) = math::log_erfc::<L, T>(x);
}

/// Functions of one number that are faster for [`math::BLOCK`] numbers at a time.
macro_rules! by_blocks {
    ($($name:ident: $at:ident, $block:ident;)*) => {
        $(
            pub(super) struct $name;

            impl Function1 for $name {
                #[inline(always)]
                fn at<L: Level, T: Real>(x: T) -> T {
                    math::$at::<L, T>(x)
                }

                #[inline(always)]
                fn map<L: Level, T: Real>(to: &mut [T], x: &[T]) {
                    let (blocks, rest) = to.as_chunks_mut::<{ math::BLOCK }>();
                    let (of, of_rest) = x.as_chunks::<{ math::BLOCK }>();
                    for (to, x) in blocks.iter_mut().zip(of) {
                        math::$block::<L, T>(x, to);
                    }
                    for (to, x) in rest.iter_mut().zip(of_rest) {
                        *to = Self::at::<L, T>(*x);
                    }
                }
            }
        )*
    };
}

by_blocks! {
    Exp: exp, exp_block;
    Tanh: tanh, tanh_block;
    Sigmoid: sigmoid, sigmoid_block;
    Softplus: softplus, softplus_block;
    LogSigmoid: log_sigmoid, log_sigmoid_block;
}

/// The same of functions with their slopes.
macro_rules! with_slope_by_blocks {
    ($($name:ident: $at:ident, $block:ident;)*) => {
        $(
            pub(super) struct $name;

            impl FunctionWithSlope for $name {
                #[inline(always)]
                fn map<L: Level, T: Real>(to: &mut [T], slope: &mut [T], x: &[T]) {
                    let (blocks, rest) = to.as_chunks_mut::<{ math::BLOCK }>();
                    let (slopes, slope_rest) = slope.as_chunks_mut::<{ math::BLOCK }>();
                    let (of, of_rest) = x.as_chunks::<{ math::BLOCK }>();
                    for ((to, slope), x) in blocks.iter_mut().zip(slopes).zip(of) {
                        math::$block::<L, T>(x, to, slope);
                    }
                    for ((to, slope), x) in rest.iter_mut().zip(slope_rest).zip(of_rest) {
                        (*to, *slope) = math::$at::<L, T>(*x);
                    }
                }
            }
        )*
    };
}

with_slope_by_blocks! {
    SoftplusWithSlope: softplus_with_slope, softplus_with_slope_block;
    LogSigmoidWithSlope: log_sigmoid_with_slope, log_sigmoid_with_slope_block;
}

functions! { Function2:
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
    Atan2(a, b) = T::from_f64(Binary::Atan2.apply(a.to_f64(), b.to_f64()));
}

functions! { Function3:
    MulAdd(a, b, c) = fma::<L, T>(a, b, c);
    MulSlopeMul(a, b, c) = fma::<L, T>(-a, a, T::ONE) * (b * c);
    SubMul(a, b, c) = fma::<L, T>(-a, b, c);
    Select(c, a, b) = if c != T::ZERO { a } else { b };
}

#[inline(always)]
fn indicator<T: Real>(condition: bool) -> T {
    if condition { T::ONE } else { T::ZERO }
}
