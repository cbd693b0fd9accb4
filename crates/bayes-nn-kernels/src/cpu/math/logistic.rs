//! The hyperbolic tangent and the logistic family.

use super::exp_log::{exp_bounded, log1p_unit};
use super::{polynomial, select};
use crate::cpu::isa::{Level, fma};
use crate::element::{Bits, Element};

/// Hyperbolic tangent, never beyond 1; within 3 ulp in `f64`, 6.1 ulp in `f32` (0.4 on average).
///
/// In `f32` a rational function of degrees 9 and 8, itself exact to 2.2e-8, which has no exponential in it. In `f64`
/// exp(2|x|) = 2^n (c + r)/(c - r) with 2|x| = n ln 2 + 2r and c = r coth(r), an even function of which few terms are
/// enough; then numerator and denominator of tanh lose nothing near zero, where n = 0 and they are 2r and 2c.
#[inline(always)]
pub fn tanh<L: Level, T: Element>(x: T) -> T {
    if T::TANH_P.is_empty() {
        // tanh rounds to 1 from about 19.06 on.
        let bounded = least(x.abs(), T::from_f64(20.0));
        // As in `reduce`, of twice the number; n has the bias of exponents in it already.
        let magic = T::ROUND_MAGIC + T::from_u32(T::EXPONENT_BIAS);
        let shifted = fma::<L, T>(bounded, T::TWO * T::LOG2_E, magic);
        let n = shifted - magic;
        let r = fma::<L, T>(-n, T::HALF * T::LN2_HI, bounded);
        let r = fma::<L, T>(-n, T::HALF * T::LN2_LO, r);
        let power = T::from_bits(shifted.to_bits().left(T::MANTISSA_BITS));
        let c = polynomial::<L, T>(r * r, T::COTH);
        let (above, below) = (power + T::ONE, power - T::ONE);
        let numerator = fma::<L, T>(r, above, c * below);
        let denominator = fma::<L, T>(r, below, c * above);
        least(numerator / denominator, T::ONE).copysign(x)
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
    let e = exp_bounded::<L, T>(-x.abs());
    select(x > T::ZERO, x, T::ZERO) + log1p_unit::<L, T>(e)
}

/// Logarithm of the logistic function, -softplus(-x), within 3 ulp on both sides.
#[inline(always)]
pub fn log_sigmoid<L: Level, T: Element>(x: T) -> T {
    let e = exp_bounded::<L, T>(-x.abs());
    select(x < T::ZERO, x, T::ZERO) - log1p_unit::<L, T>(e)
}
