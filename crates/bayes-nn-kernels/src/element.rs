//! The two number types that programs run in, and access to their bits.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, BitAnd, BitOr, BitXor, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// The numbers a program calculates with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single precision: what variational inference needs, and enough for most trajectories
    /// of Hamiltonian samplers.
    #[default]
    F32,
    /// IEEE double precision, for gradient checks and the draws of Hamiltonian samplers.
    F64,
}

impl Precision {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }
}

/// `f32` or `f64`: what a compiled program computes in.
///
/// Arithmetic only. What else kernels ask of a number is a trait of the layer that gives it:
/// elementary functions, vector registers, products and factors. Methods are forced inline, so
/// that they take on the target features of the function they end up in.
pub trait Element:
    Copy
    + Send
    + Sync
    + 'static
    + Default
    + Debug
    + Display
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// Unsigned integer of the same width.
    type Bits: Bits;

    /// Which of the two it is.
    const PRECISION: Precision;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// 1/2.
    const HALF: Self;
    /// 2.
    const TWO: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Negative infinity.
    const NEG_INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// Smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// Stored bits of the significand: 23 or 52.
    const MANTISSA_BITS: u32;
    /// Bias of the exponent field: 127 or 1023.
    const EXPONENT_BIAS: u32;

    /// Nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number in `f64`.
    fn to_f64(self) -> f64;
    /// Nearest number of this type.
    fn from_u32(x: u32) -> Self;
    /// Nearest number of this type.
    fn from_i32(x: i32) -> Self;
    /// IEEE representation.
    fn to_bits(self) -> Self::Bits;
    /// Number with this IEEE representation.
    fn from_bits(bits: Self::Bits) -> Self;
    /// `self * b + c` with one rounding. A library call unless the function is compiled for FMA
    /// hardware, so kernels choose by instruction set.
    #[must_use]
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Correctly rounded square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Whether it is no number.
    fn is_nan(self) -> bool;
    /// Absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// Magnitude of `self`, sign of `sign`.
    #[must_use]
    fn copysign(self, sign: Self) -> Self;
}

/// What the elementary functions do with the bits of a number. Arithmetic wraps.
pub trait Bits:
    Copy
    + PartialEq
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Send
    + Sync
    + 'static
{
    /// Low bits of `x`.
    fn low(x: u64) -> Self;
    /// Sum modulo two to the width.
    fn plus(self, other: Self) -> Self;
    /// Difference modulo two to the width.
    fn minus(self, other: Self) -> Self;
    /// Logical shift left by less than the width.
    fn left(self, n: u32) -> Self;
    /// Logical shift right by less than the width.
    fn right(self, n: u32) -> Self;
}

macro_rules! element {
    ($float:ident, $bits:ident, $precision:ident) => {
        impl Bits for $bits {
            #[inline(always)]
            fn low(x: u64) -> Self {
                x as $bits
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn left(self, n: u32) -> Self {
                self.wrapping_shl(n)
            }
            #[inline(always)]
            fn right(self, n: u32) -> Self {
                self.wrapping_shr(n)
            }
        }

        impl Element for $float {
            type Bits = $bits;

            const PRECISION: Precision = Precision::$precision;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const HALF: Self = 0.5;
            const TWO: Self = 2.0;
            const INFINITY: Self = $float::INFINITY;
            const NEG_INFINITY: Self = $float::NEG_INFINITY;
            const NAN: Self = $float::NAN;
            const MIN_POSITIVE: Self = $float::MIN_POSITIVE;
            const MANTISSA_BITS: u32 = $float::MANTISSA_DIGITS - 1;
            const EXPONENT_BIAS: u32 = $float::MAX_EXP as u32 - 1;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn from_u32(x: u32) -> Self {
                x as $float
            }
            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                x as $float
            }
            #[inline(always)]
            fn to_bits(self) -> $bits {
                $float::to_bits(self)
            }
            #[inline(always)]
            fn from_bits(bits: $bits) -> Self {
                $float::from_bits(bits)
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $float::mul_add(self, b, c)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $float::is_nan(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                $float::copysign(self, sign)
            }
        }
    };
}

element!(f32, u32, F32);
element!(f64, u64, F64);
