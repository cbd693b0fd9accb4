//! Exponentials and logarithms.

use super::real::{BLOCK, Real, polynomial, select};
use crate::cpu::isa::{Level, fma};
use crate::element::Bits;

/// x = n ln 2 + r with |r| <= ln(2)/2. Returns n in the low bits of an integer, and r.
///
/// Cody and Waite, "Software Manual for the Elementary Functions" (1980): n times the leading part of ln 2 is exact.
#[inline(always)]
fn reduce<L: Level, T: Real>(x: T) -> (T::Bits, T) {
    let shifted = fma::<L, T>(x, T::LOG2_E, T::ROUND_MAGIC);
    let n = shifted - T::ROUND_MAGIC;
    let r = fma::<L, T>(-n, T::LN2_HI, x);
    (shifted.to_bits(), fma::<L, T>(-n, T::LN2_LO, r))
}

/// exp(r) - 1 for |r| <= ln(2)/2.
#[inline(always)]
fn expm1_reduced<L: Level, T: Real>(r: T) -> T {
    fma::<L, T>(r * r, polynomial::<L, T>(r, T::EXP), r)
}

/// Two to the n + offset, n in the low bits; the sum must be the exponent of a normal number.
#[inline(always)]
fn power_of_two<T: Real>(n: T::Bits, offset: i64) -> T {
    let bias = T::Bits::low((i64::from(T::EXPONENT_BIAS) + offset) as u64);
    T::from_bits(n.plus(bias).left(T::MANTISSA_BITS))
}

/// exp(x) for x at most [`Real::EXP_HIGHEST`].
#[inline(always)]
pub(super) fn exp_bounded<L: Level, T: Real>(x: T) -> T {
    let x = at_least_lowest(x);
    let (n, r) = reduce::<L, T>(x);
    scaled(x, n, T::ONE + expm1_reduced::<L, T>(r))
}

/// [`exp_bounded`] of a block of numbers, to the same bits.
#[inline(always)]
pub(super) fn exp_bounded_block<L: Level, T: Real>(x: &[T; BLOCK], y: &mut [T; BLOCK]) {
    for i in 0..BLOCK {
        y[i] = reduce::<L, T>(at_least_lowest(x[i])).1;
    }
    for y in &mut *y {
        *y = T::ONE + expm1_reduced::<L, T>(*y);
    }
    for i in 0..BLOCK {
        let x = at_least_lowest(x[i]);
        y[i] = scaled(x, reduce::<L, T>(x).0, y[i]);
    }
}

/// x where exp is not zero.
#[inline(always)]
fn at_least_lowest<T: Real>(x: T) -> T {
    select(x < T::EXP_LOWEST, T::EXP_LOWEST, x)
}

/// p times two to the n, which is about exp(x); 0 below [`Real::EXP_ZERO`].
///
/// Two factors reach the subnormal results and the largest ones, whose powers of two are no normal numbers.
#[inline(always)]
fn scaled<T: Real>(x: T, n: T::Bits, p: T) -> T {
    let p = select(x < T::EXP_ZERO, T::ZERO, p);
    let small = x < T::EXP_NORMAL;
    let lift = i64::from(T::MANTISSA_BITS + 3);
    let first = select(small, power_of_two::<T>(n, lift), power_of_two::<T>(n, -1));
    let second = select(
        small,
        power_of_two::<T>(T::Bits::low(0), -lift),
        power_of_two::<T>(T::Bits::low(0), 1),
    );
    p * first * second
}

/// Exponential, within 1 ulp; subnormal results are 0 in single precision, and rounded once more in double.
#[inline(always)]
pub fn exp<L: Level, T: Real>(x: T) -> T {
    exp_bounded::<L, T>(select(x > T::EXP_HIGHEST, T::EXP_HIGHEST, x))
}

/// [`exp`] of a block of numbers, to the same bits.
#[inline(always)]
pub fn exp_block<L: Level, T: Real>(x: &[T; BLOCK], y: &mut [T; BLOCK]) {
    let bounded = x.map(|x| select(x > T::EXP_HIGHEST, T::EXP_HIGHEST, x));
    exp_bounded_block::<L, T>(&bounded, y);
}

/// exp(x) - 1 without cancellation near zero, within 2 ulp.
#[inline(always)]
pub fn expm1<L: Level, T: Real>(x: T) -> T {
    let bounded = select(x > T::EXP_HIGHEST, T::EXP_HIGHEST, x);
    let bounded = select(bounded < T::EXPM1_LOWEST, T::EXPM1_LOWEST, bounded);
    let (n, r) = reduce::<L, T>(bounded);
    let p = expm1_reduced::<L, T>(r);
    // Half of the result, since 2^n overflows before the result does.
    let half_power = power_of_two::<T>(n, -1);
    let y = fma::<L, T>(p, half_power, half_power - T::HALF) * T::TWO;
    // Where the square is below every rounding: keeps the sign of zero, and subnormal numbers whole.
    select(x.abs() < T::MIN_POSITIVE, x, y)
}

/// A positive normal x as 2^k m with m in [sqrt(1/2), sqrt(2)); also the exponent field of 2^k.
#[inline(always)]
pub(crate) fn split<T: Real>(x: T) -> (T, T, T::Bits) {
    let one = T::ONE.to_bits();
    let root = T::SQRT_HALF.to_bits();
    let mantissa = T::Bits::low((1 << T::MANTISSA_BITS) - 1);
    let moved = x.to_bits().plus(one.minus(root));
    let field = moved.right(T::MANTISSA_BITS);
    let m = T::from_bits((moved & mantissa).plus(root));
    let k = T::from_bits(T::BIASED_MAGIC.to_bits() | field)
        - (T::BIASED_MAGIC + T::from_u32(T::EXPONENT_BIAS));
    (m, k, field)
}

/// With s = f/(2 + f): the sum f^2/2 and s (f^2/2 + R), so that ln(1 + f) = f - (first - second).
///
/// ln(1 + f) = 2 atanh(s) = 2s + s R(s^2) and 2s = f - s f; the rounding of s only enters in small terms. The scheme of
/// fdlibm's `e_log.c` (Sun Microsystems, 1993).
#[inline(always)]
fn log_terms<L: Level, T: Real>(f: T) -> (T, T) {
    let s = f / (f + T::TWO);
    let z = s * s;
    let half_square = T::HALF * f * f;
    let tail = (z + z) * polynomial::<L, T>(z, T::LOG);
    (half_square, s * (half_square + tail))
}

/// ln(2^k (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)], within 1 ulp.
#[inline(always)]
pub(crate) fn ln_reduced<L: Level, T: Real>(f: T, k: T) -> T {
    let (half_square, rest) = log_terms::<L, T>(f);
    let small = fma::<L, T>(k, T::LN2_LO, rest);
    fma::<L, T>(k, T::LN2_HI, f - (half_square - small))
}

/// `y` where `x` is positive and finite, what a logarithm gives elsewhere.
#[inline(always)]
fn log_edges<T: Real>(x: T, y: T) -> T {
    let positive = select(x < T::INFINITY, y, x);
    let other = select(x == T::ZERO, T::NEG_INFINITY, T::NAN);
    select(x > T::ZERO, positive, other)
}

/// Natural logarithm, within 1 ulp.
#[inline(always)]
pub fn ln<L: Level, T: Real>(x: T) -> T {
    let subnormal = x < T::MIN_POSITIVE;
    let lift = T::MANTISSA_BITS + 2;
    let up = power_of_two::<T>(T::Bits::low(u64::from(lift)), 0);
    let (m, k, _) = split(select(subnormal, x * up, x));
    let k = k - select(subnormal, T::from_u32(lift), T::ZERO);
    log_edges(x, ln_reduced::<L, T>(m - T::ONE, k))
}

/// 1 + x as 2^k (1 + f), f with the digits that 1 + x loses.
#[inline(always)]
fn split_one_plus<L: Level, T: Real>(x: T) -> (T, T) {
    let u = T::ONE + x;
    // Knuth's two-sum: u + lost is 1 + x exactly.
    let moved = u - T::ONE;
    let lost = (T::ONE - (u - moved)) + (x - moved);
    let (m, k, field) = split(u);
    let inverse = T::Bits::low(2 * u64::from(T::EXPONENT_BIAS)).minus(field);
    let scale = T::from_bits(inverse.left(T::MANTISSA_BITS));
    (fma::<L, T>(lost, scale, m - T::ONE), k)
}

/// ln(1 + x) without cancellation near zero, within 2 ulp.
#[inline(always)]
pub fn log1p<L: Level, T: Real>(x: T) -> T {
    let (f, k) = split_one_plus::<L, T>(x);
    // log_edges sees 1 + x, in which an infinite or missing number survives and -1 becomes 0.
    let y = log_edges(T::ONE + x, ln_reduced::<L, T>(f, k));
    select(x == T::ZERO, x, y)
}

/// ln(1 + x) - x without cancellation near zero, where it is about -x^2/2; within 4 ulp.
#[inline(always)]
pub fn log1pmx<L: Level, T: Real>(x: T) -> T {
    let (f, k) = split_one_plus::<L, T>(x);
    let (half_square, rest) = log_terms::<L, T>(f);
    // Zero for small x, where k = 0 and f = x. Elsewhere k ln 2 + f is near x, so that the difference is almost exact.
    let large = fma::<L, T>(k, T::LN2_HI, f) - x;
    let y = large + (fma::<L, T>(k, T::LN2_LO, rest) - half_square);
    let inside = x < T::INFINITY;
    let positive = select(inside, y, -x);
    let other = select(x == -T::ONE, T::NEG_INFINITY, T::NAN);
    select(x > -T::ONE, positive, other)
}

/// ln(1 + e) for e in [0, 1], within 2 ulp.
#[inline(always)]
pub(super) fn log1p_unit<L: Level, T: Real>(e: T) -> T {
    log1p_of_quotient::<L, T>(e / (e + T::TWO))
}

/// [`log1p_unit`] of a block of numbers in their place, to the same bits.
#[inline(always)]
pub(super) fn log1p_unit_block<L: Level, T: Real>(e: &mut [T; BLOCK]) {
    for e in &mut *e {
        *e = *e / (*e + T::TWO);
    }
    for e in e {
        *e = log1p_of_quotient::<L, T>(*e);
    }
}

/// ln(1 + e) from s = e/(2 + e): 2 atanh(s).
#[inline(always)]
fn log1p_of_quotient<L: Level, T: Real>(s: T) -> T {
    let z = s * s;
    let twice = s + s;
    fma::<L, T>(twice * z, polynomial::<L, T>(z, T::LOG_UNIT), twice)
}
