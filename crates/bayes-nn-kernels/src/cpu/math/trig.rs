//! Sine and cosine.

use std::f64::consts::FRAC_2_PI;

use super::coefficients::HALF_PI;
use super::real::{Real, polynomial, select};
use crate::cpu::isa::{Level, fma};
use crate::element::Bits;

/// Largest argument of [`sin`] and [`cos`].
///
/// Below it the multiple of pi/2 fits 26 bits and is subtracted without loss. Beyond it neighbouring `f32` are more than
/// a period apart.
const LARGEST_ANGLE: f64 = 1e8;

/// x - q pi/2 in [-pi/4, pi/4], and q in the low bits; for |x| up to [`LARGEST_ANGLE`].
///
/// In `f64` for both precisions: the distance of an `f32` to the next multiple of pi/2 needs about 60 bits of pi.
#[inline(always)]
fn reduce<L: Level>(x: f64) -> (f64, u64) {
    let shifted = fma::<L, f64>(x, FRAC_2_PI, f64::ROUND_MAGIC);
    let n = shifted - f64::ROUND_MAGIC;
    let mut r = x;
    for part in HALF_PI {
        r = fma::<L, f64>(-n, part, r);
    }
    (r, shifted.to_bits())
}

/// Sine and cosine of r + q pi/2 for |r| <= pi/4 and q in the two low bits.
#[inline(always)]
pub(crate) fn sin_cos_reduced<L: Level, T: Real>(r: T, q: T::Bits) -> (T, T) {
    let z = r * r;
    let s = r * fma::<L, T>(z, polynomial::<L, T>(z, T::SIN), T::ONE);
    let c = fma::<L, T>(
        z * z,
        polynomial::<L, T>(z, T::COS),
        fma::<L, T>(z, -T::HALF, T::ONE),
    );
    let one = T::Bits::low(1);
    let two = T::Bits::low(2);
    let sign_place = T::MANTISSA_BITS.wrapping_add((T::EXPONENT_BIAS + 1).ilog2());
    let odd = (q & one) == one;
    let sin_sign = (q & two).left(sign_place);
    let cos_sign = (q.plus(one) & two).left(sign_place);
    (
        T::from_bits(select(odd, c, s).to_bits() ^ sin_sign),
        T::from_bits(select(odd, s, c).to_bits() ^ cos_sign),
    )
}

#[inline(always)]
fn sin_cos<L: Level, T: Real>(x: T) -> (T, T) {
    let (r, q) = reduce::<L>(x.to_f64());
    sin_cos_reduced::<L, T>(T::from_f64(r), T::Bits::low(q))
}

/// Sine, within 2 ulp for |x| up to 1e8; NaN beyond, where a branch-free reduction would be wrong.
#[inline(always)]
pub fn sin<L: Level, T: Real>(x: T) -> T {
    let y = sin_cos::<L, T>(x).0;
    select(x.abs() <= T::from_f64(LARGEST_ANGLE), y, T::NAN)
}

/// Cosine, within 2 ulp for |x| up to 1e8; NaN beyond, where a branch-free reduction would be wrong.
#[inline(always)]
pub fn cos<L: Level, T: Real>(x: T) -> T {
    let y = sin_cos::<L, T>(x).1;
    select(x.abs() <= T::from_f64(LARGEST_ANGLE), y, T::NAN)
}
