//! The hyperbolic tangent and the logistic family.

use super::exp_log::{exp_bounded, log1p_unit};
use super::{polynomial, select};
use crate::cpu::isa::{Level, fma};
use crate::element::{Bits, Element};

/// Hyperbolic tangent, never beyond 1; within 3 ulp in `f64`, 6.1 ulp in `f32` (0.4 on average).
///
/// In `f32` a rational function of degrees 9 and 8, itself exact to 2.2e-8, which has no exponential in it. In `f64`
/// 2|x| = (n + t) ln 2 with |t| <= 1/2, and exp(2|x|) = 2^n (c + t)/(c - t) with c = t coth(t ln(2)/2), an even function
/// of which few terms are enough. Numerator and denominator of tanh, t (2^n + 1) + c (2^n - 1) and 2 (c - t) more, lose
/// nothing near zero, where n = 0 and they are 2t and 2c, and no rounding brings the quotient above 1.
#[inline(always)]
pub fn tanh<L: Level, T: Element>(x: T) -> T {
    if T::TANH_P.is_empty() {
        // tanh rounds to 1 from about 19.06 on.
        let bounded = least(x.abs(), T::from_f64(20.0));
        let scaled = bounded * (T::TWO * T::LOG2_E);
        // Half of 2^n is what is needed; n has the bias of its exponent in it already.
        let magic = T::ROUND_MAGIC + T::from_u32(T::EXPONENT_BIAS - 1);
        let shifted = scaled + magic;
        let t = scaled - (shifted - magic);
        let half_power = T::from_bits(shifted.to_bits().left(T::MANTISSA_BITS));
        let c = polynomial::<L, T>(t * t, T::COTH);
        let numerator = fma::<L, T>(t, half_power + T::HALF, c * (half_power - T::HALF));
        let denominator = numerator + (c - t);
        (numerator / denominator).copysign(x)
    } else {
        // tanh rounds to 1 from about 9.01 on.
        let bound = T::from_f64(9.02);
        let x = greatest(least(x, bound), -bound);
        let z = x * x;
        let p = polynomial::<L, T>(z, T::TANH_P);
        let q = polynomial::<L, T>(z, T::TANH_Q);
        greatest(least(x * p / q, T::ONE), -T::ONE)
    }
}

/// The lesser of x and a bound; NaN where x is.
#[inline(always)]
fn least<T: Element>(x: T, bound: T) -> T {
    select(x > bound, bound, x)
}

/// The greater of x and a bound; NaN where x is.
#[inline(always)]
fn greatest<T: Element>(x: T, bound: T) -> T {
    select(x < bound, bound, x)
}

/// Logistic function 1 / (1 + exp(-x)), within 3 ulp on both sides.
#[inline(always)]
pub fn sigmoid<L: Level, T: Element>(x: T) -> T {
    let e = exp_bounded::<L, T>(-x.abs());
    select(x < T::ZERO, e, T::ONE) / (T::ONE + e)
}

/// ln(1 + exp(x)), within 3 ulp on both sides: exp(x) far below zero, x far above.
#[inline(always)]
pub fn softplus<L: Level, T: Element>(x: T) -> T {
    softplus_with_slope::<L, T>(x).0
}

/// Logarithm of the logistic function, -softplus(-x), within 3 ulp on both sides.
#[inline(always)]
pub fn log_sigmoid<L: Level, T: Element>(x: T) -> T {
    log_sigmoid_with_slope::<L, T>(x).0
}

/// [`softplus`] and its derivative, [`sigmoid`] of x, to the same bits; they share an exponential.
#[inline(always)]
pub fn softplus_with_slope<L: Level, T: Element>(x: T) -> (T, T) {
    let e = exp_bounded::<L, T>(-x.abs());
    let value = select(x > T::ZERO, x, T::ZERO) + log1p_unit::<L, T>(e);
    (value, select(x < T::ZERO, e, T::ONE) / (T::ONE + e))
}

/// [`log_sigmoid`] and its derivative, [`sigmoid`] of -x, to the same bits; they share an exponential.
#[inline(always)]
pub fn log_sigmoid_with_slope<L: Level, T: Element>(x: T) -> (T, T) {
    let e = exp_bounded::<L, T>(-x.abs());
    let value = select(x < T::ZERO, x, T::ZERO) - log1p_unit::<L, T>(e);
    (value, select(x > T::ZERO, e, T::ONE) / (T::ONE + e))
}
