//! The hyperbolic tangent and the logistic family.

use super::exp_log::{exp_bounded, log1p_unit, power_of_two, reduce};
use super::{polynomial, select};
use crate::cpu::isa::{Level, fma};
use crate::element::Element;

/// Hyperbolic tangent, never beyond 1; within 3 ulp in `f64`, 6.1 ulp in `f32` (0.4 on average).
///
/// In `f32` a rational function of degrees 9 and 8, itself exact to 2.2e-8, which has no exponential in it. In `f64`
/// exp(2x) = 2^n (c + r)/(c - r) with 2x = n ln 2 + r and c = r coth(r/2), an even function of which few terms are
/// enough; then numerator and denominator of tanh lose nothing near zero, where n = 0 and they are 2r and 2c.
#[inline(always)]
pub fn tanh<L: Level, T: Element>(x: T) -> T {
    if T::TANH_P.is_empty() {
        // tanh rounds to 1 from about 19.06 on.
        let bounded = clamp(x, T::from_f64(20.0));
        let (n, r) = reduce::<L, T>(bounded + bounded);
        let c = polynomial::<L, T>(r * r, T::COTH);
        let power = power_of_two::<T>(n, 0);
        let (above, below) = (power + T::ONE, power - T::ONE);
        let numerator = fma::<L, T>(r, above, c * below);
        let denominator = fma::<L, T>(r, below, c * above);
        clamp(numerator / denominator, T::ONE).copysign(x)
    } else {
        // tanh rounds to 1 from about 9.01 on.
        let x = clamp(x, T::from_f64(9.02));
        let z = x * x;
        let p = polynomial::<L, T>(z, T::TANH_P);
        let q = polynomial::<L, T>(z, T::TANH_Q);
        clamp(x * p / q, T::ONE)
    }
}

/// The number nearest to x between -bound and bound; NaN where x is.
#[inline(always)]
fn clamp<T: Element>(x: T, bound: T) -> T {
    let x = select(x > bound, bound, x);
    select(x < -bound, -bound, x)
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
