//! What the elementary functions share: constants of a precision, polynomials, choices without a branch.

use crate::cpu::isa::{Level, fma};
use crate::element::Element;

/// Numbers of a block. A loop over all of a long chain of operations is slow: the machine sees the
/// operations of the next few elements only, most of which wait for the one before. Over a block
/// the chain is split into several loops.
pub const BLOCK: usize = 64;

/// Coefficients of a polynomial that is computed in one chain of operations, at the most.
const LONGEST_CHAIN: usize = 6;

/// A number with elementary functions: their constants, which depend on the precision. The values come from
/// `coefficients.py`.
///
/// Polynomials are lists, lowest power first.
pub trait Real: Element {
    /// 3/2 times two to the stored significand bits: adding it rounds to an integer, held in the low bits.
    const ROUND_MAGIC: Self;
    /// Two to the stored significand bits: or-ing a small integer into its bits adds it.
    const BIASED_MAGIC: Self;
    /// Leading bits of ln 2; its product with any exponent is exact.
    const LN2_HI: Self;
    /// ln 2 - [`Self::LN2_HI`].
    const LN2_LO: Self;
    /// 1 / ln 2.
    const LOG2_E: Self;
    /// sqrt(1/2).
    const SQRT_HALF: Self;
    /// exp is zero below it, whatever its rounding.
    const EXP_LOWEST: Self;
    /// exp is taken for zero below it. In single precision that is where its results are subnormal:
    /// probabilities of classes reach them in common fits, and a product with such factors takes
    /// three times as long.
    const EXP_ZERO: Self;
    /// exp is a normal number from here on.
    const EXP_NORMAL: Self;
    /// exp is infinite above it.
    const EXP_HIGHEST: Self;
    /// expm1 rounds to -1 below it.
    const EXPM1_LOWEST: Self;
    /// (exp(r) - 1 - r) / r^2 in r, for |r| <= ln(2)/2.
    const EXP: &'static [Self];
    /// (atanh(s)/s - 1) / s^2 in s^2, for the s = f/(2 + f) of 1 + f in [sqrt(1/2), sqrt(2)].
    const LOG: &'static [Self];
    /// The same function, for 1 + f in [1, 2].
    const LOG_UNIT: &'static [Self];
    /// (sin(r)/r - 1) / r^2 in r^2, for |r| <= pi/4.
    const SIN: &'static [Self];
    /// (cos(r) - 1 + r^2/2) / r^4 in r^2, for |r| <= pi/4.
    const COS: &'static [Self];
    /// t coth(t ln(2)/2) in t^2 for |t| <= 1/2.
    const COTH: &'static [Self];
}

/// Polynomial with these coefficients, lowest power first: a short one by Horner's rule, a long one by that rule of the
/// even and of the odd powers, two chains of operations of half the length.
#[inline(always)]
pub(super) fn polynomial<L: Level, T: Real>(x: T, coefficients: &'static [T]) -> T {
    if coefficients.len() <= LONGEST_CHAIN {
        return horner::<L, T>(x, coefficients, 0, 1);
    }
    let square = x * x;
    let even = horner::<L, T>(square, coefficients, 0, 2);
    let odd = horner::<L, T>(square, coefficients, 1, 2);
    fma::<L, T>(odd, x, even)
}

/// Polynomial with every so-many-th coefficient from the `first` on.
#[inline(always)]
fn horner<L: Level, T: Real>(x: T, coefficients: &'static [T], first: usize, every: usize) -> T {
    let mut powers = coefficients[first..].iter().step_by(every).rev();
    let highest = *powers.next().unwrap_or(&T::ZERO);
    powers.fold(highest, |sum, &c| fma::<L, T>(sum, x, c))
}

/// One of two values that are both at hand, so that no branch is needed.
#[inline(always)]
pub(crate) fn select<V>(condition: bool, yes: V, no: V) -> V {
    if condition { yes } else { no }
}

/// Square root, correctly rounded.
#[inline(always)]
pub fn sqrt<L: Level, T: Real>(x: T) -> T {
    x.sqrt()
}

/// Absolute value.
#[inline(always)]
pub fn abs<L: Level, T: Real>(x: T) -> T {
    x.abs()
}

/// Largest integer that is at most `x`.
#[inline(always)]
pub fn floor<L: Level, T: Real>(x: T) -> T {
    // Larger numbers are all integers; infinities and NaN are returned with them.
    let fractional = x.abs() < T::BIASED_MAGIC;
    let magic = T::BIASED_MAGIC.copysign(x);
    let nearest = (x + magic) - magic;
    let below = select(nearest > x, nearest - T::ONE, nearest);
    select(fractional, below.copysign(x), x)
}
