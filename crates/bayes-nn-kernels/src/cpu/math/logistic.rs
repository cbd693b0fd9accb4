//! The hyperbolic tangent and the logistic family.

use super::exp_log::{exp_bounded, exp_bounded_block, log1p_unit, log1p_unit_block};
use super::real::{BLOCK, Real, polynomial, select};
use crate::cpu::isa::{Level, fma};
use crate::element::Bits;

/// Hyperbolic tangent, never beyond 1, within 4 ulp.
///
/// 2|x| = (n + t) ln 2 with |t| <= 1/2, and exp(2|x|) = 2^n (c + t)/(c - t) with c = t coth(t ln(2)/2), an even function
/// of which few terms are enough. Numerator and denominator of tanh, t (2^n + 1) + c (2^n - 1) and 2 (c - t) more, lose
/// nothing near zero, where n = 0 and they are 2t and 2c, and no rounding brings the quotient above 1.
#[inline(always)]
pub fn tanh<L: Level, T: Real>(x: T) -> T {
    let (t, half_power) = reduce_doubled(x);
    joined::<L, T>(x, t, half_power, polynomial::<L, T>(t * t, T::COTH))
}

/// [`tanh`] of a block of numbers, to the same bits, in several loops, each a short chain of operations.
#[inline(always)]
pub fn tanh_block<L: Level, T: Real>(x: &[T; BLOCK], y: &mut [T; BLOCK]) {
    let mut t = [T::ZERO; BLOCK];
    let mut half_power = [T::ZERO; BLOCK];
    for i in 0..BLOCK {
        (t[i], half_power[i]) = reduce_doubled(x[i]);
    }
    for i in 0..BLOCK {
        y[i] = polynomial::<L, T>(t[i] * t[i], T::COTH);
    }
    for i in 0..BLOCK {
        y[i] = joined::<L, T>(x[i], t[i], half_power[i], y[i]);
    }
}

/// 2|x| = (n + t) ln 2: t, and half of 2^n.
#[inline(always)]
fn reduce_doubled<T: Real>(x: T) -> (T, T) {
    // tanh rounds to 1 from about 19.06 on.
    let bounded = least(x.abs(), T::from_f64(20.0));
    let scaled = bounded * (T::TWO * T::LOG2_E);
    // n has the bias of the exponent of half of 2^n in it already.
    let magic = T::ROUND_MAGIC + T::from_u32(T::EXPONENT_BIAS - 1);
    let shifted = scaled + magic;
    let t = scaled - (shifted - magic);
    (t, T::from_bits(shifted.to_bits().left(T::MANTISSA_BITS)))
}

/// tanh of x from its parts and c.
#[inline(always)]
fn joined<L: Level, T: Real>(x: T, t: T, half_power: T, c: T) -> T {
    let numerator = fma::<L, T>(t, half_power + T::HALF, c * (half_power - T::HALF));
    let denominator = numerator + (c - t);
    (numerator / denominator).copysign(x)
}

/// The lesser of x and a bound; NaN where x is.
#[inline(always)]
fn least<T: Real>(x: T, bound: T) -> T {
    select(x > bound, bound, x)
}

/// Logistic function 1 / (1 + exp(-x)), within 3 ulp on both sides.
#[inline(always)]
pub fn sigmoid<L: Level, T: Real>(x: T) -> T {
    let e = exp_bounded::<L, T>(-x.abs());
    select(x < T::ZERO, e, T::ONE) / (T::ONE + e)
}

/// ln(1 + exp(x)), within 3 ulp on both sides: exp(x) far below zero, x far above.
#[inline(always)]
pub fn softplus<L: Level, T: Real>(x: T) -> T {
    softplus_with_slope::<L, T>(x).0
}

/// Logarithm of the logistic function, -softplus(-x), within 3 ulp on both sides.
#[inline(always)]
pub fn log_sigmoid<L: Level, T: Real>(x: T) -> T {
    log_sigmoid_with_slope::<L, T>(x).0
}

/// [`softplus`] and its derivative, [`sigmoid`] of x, to the same bits; they share an exponential.
#[inline(always)]
pub fn softplus_with_slope<L: Level, T: Real>(x: T) -> (T, T) {
    let e = exp_bounded::<L, T>(-x.abs());
    let value = select(x > T::ZERO, x, T::ZERO) + log1p_unit::<L, T>(e);
    (value, select(x < T::ZERO, e, T::ONE) / (T::ONE + e))
}

/// [`log_sigmoid`] and its derivative, [`sigmoid`] of -x, to the same bits; they share an exponential.
#[inline(always)]
pub fn log_sigmoid_with_slope<L: Level, T: Real>(x: T) -> (T, T) {
    let e = exp_bounded::<L, T>(-x.abs());
    let value = select(x < T::ZERO, x, T::ZERO) - log1p_unit::<L, T>(e);
    (value, select(x > T::ZERO, e, T::ONE) / (T::ONE + e))
}

/// [`sigmoid`] of a block of numbers, to the same bits.
#[inline(always)]
pub fn sigmoid_block<L: Level, T: Real>(x: &[T; BLOCK], y: &mut [T; BLOCK]) {
    decayed::<L, T>(x, y);
    for i in 0..BLOCK {
        y[i] = select(x[i] < T::ZERO, y[i], T::ONE) / (T::ONE + y[i]);
    }
}

/// [`softplus`] of a block of numbers, to the same bits.
#[inline(always)]
pub fn softplus_block<L: Level, T: Real>(x: &[T; BLOCK], y: &mut [T; BLOCK]) {
    decayed::<L, T>(x, y);
    log1p_unit_block::<L, T>(y);
    for i in 0..BLOCK {
        y[i] = select(x[i] > T::ZERO, x[i], T::ZERO) + y[i];
    }
}

/// [`log_sigmoid`] of a block of numbers, to the same bits.
#[inline(always)]
pub fn log_sigmoid_block<L: Level, T: Real>(x: &[T; BLOCK], y: &mut [T; BLOCK]) {
    decayed::<L, T>(x, y);
    log1p_unit_block::<L, T>(y);
    for i in 0..BLOCK {
        y[i] = select(x[i] < T::ZERO, x[i], T::ZERO) - y[i];
    }
}

/// [`softplus_with_slope`] of a block of numbers, to the same bits.
#[inline(always)]
pub fn softplus_with_slope_block<L: Level, T: Real>(
    x: &[T; BLOCK],
    y: &mut [T; BLOCK],
    slope: &mut [T; BLOCK],
) {
    decayed::<L, T>(x, slope);
    *y = *slope;
    log1p_unit_block::<L, T>(y);
    for i in 0..BLOCK {
        y[i] = select(x[i] > T::ZERO, x[i], T::ZERO) + y[i];
        slope[i] = select(x[i] < T::ZERO, slope[i], T::ONE) / (T::ONE + slope[i]);
    }
}

/// [`log_sigmoid_with_slope`] of a block of numbers, to the same bits.
#[inline(always)]
pub fn log_sigmoid_with_slope_block<L: Level, T: Real>(
    x: &[T; BLOCK],
    y: &mut [T; BLOCK],
    slope: &mut [T; BLOCK],
) {
    decayed::<L, T>(x, slope);
    *y = *slope;
    log1p_unit_block::<L, T>(y);
    for i in 0..BLOCK {
        y[i] = select(x[i] < T::ZERO, x[i], T::ZERO) - y[i];
        slope[i] = select(x[i] > T::ZERO, slope[i], T::ONE) / (T::ONE + slope[i]);
    }
}

/// exp(-|x|) of a block.
#[inline(always)]
fn decayed<L: Level, T: Real>(x: &[T; BLOCK], e: &mut [T; BLOCK]) {
    exp_bounded_block::<L, T>(&x.map(|x| -x.abs()), e);
}
