//! Levels: how one generic body is compiled for each instruction set.

use super::registers::{Plain, Register};
use crate::element::Element;

/// The compile-time side of an [`Isa`](crate::Isa): what a generic body may assume.
pub trait Level: Copy + Send + Sync + 'static {
    /// Whether a fused multiply-add is one instruction. Without it `mul_add` would be a call into the C library.
    const FMA: bool;
    /// Bytes of a vector register.
    const VECTOR_BYTES: usize;
    /// Sixteen numbers of single precision.
    type F32: Register<f32>;
    /// Sixteen numbers of double precision.
    type F64: Register<f64>;
}

/// Level of [`Isa::Baseline`](crate::Isa::Baseline).
#[derive(Clone, Copy, Debug)]
pub struct Baseline;

/// Level of [`Isa::Avx2`](crate::Isa::Avx2).
#[derive(Clone, Copy, Debug)]
pub struct Avx2;

/// Level of [`Isa::Avx512`](crate::Isa::Avx512).
#[derive(Clone, Copy, Debug)]
pub struct Avx512;

macro_rules! level {
    ($name:ident, $fma:literal, $bytes:literal, $f32:ty, $f64:ty) => {
        impl Level for $name {
            const FMA: bool = $fma;
            const VECTOR_BYTES: usize = $bytes;
            type F32 = $f32;
            type F64 = $f64;
        }
    };
}

level!(Baseline, false, 16, Plain<f32>, Plain<f64>);

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::{Avx2, Avx512, Level};
    use crate::cpu::isa::registers::{__m256, __m256d, __m512, __m512d, Registers};

    level!(Avx2, true, 32, Registers<__m256, 2>, Registers<__m256d, 4>);
    level!(Avx512, true, 64, Registers<__m512, 1>, Registers<__m512d, 2>);
}

#[cfg(not(target_arch = "x86_64"))]
mod machine {
    use super::{Avx2, Avx512, Level, Plain};

    level!(Avx2, true, 32, Plain<f32>, Plain<f64>);
    level!(Avx512, true, 64, Plain<f32>, Plain<f64>);
}

/// A number that vector registers hold.
pub trait InRegisters: Element {
    /// Sixteen of them, in registers of a level.
    type Register<L: Level>: Register<Self>;
}

impl InRegisters for f32 {
    type Register<L: Level> = L::F32;
}

impl InRegisters for f64 {
    type Register<L: Level> = L::F64;
}

/// The registers of a level.
pub(crate) type RegisterOf<L, T> = <T as InRegisters>::Register<L>;

/// `a * b + c`: one rounding and one instruction where the level has it, two roundings elsewhere.
#[inline(always)]
pub fn fma<L: Level, T: Element>(a: T, b: T, c: T) -> T {
    if L::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Declares `fn name(isa: Runnable, ...)` that runs `body`, a generic `#[inline(always)]` function whose first type parameter
/// is the [`Level`], compiled for the instruction set `isa`.
///
/// ```ignore
/// multiversion! {
///     /// Documentation of the entry.
///     pub fn scale<T: Element>(factor: T, x: &mut [T]) = scale_body;
/// }
/// ```
///
/// The entry is safe: only [`Isa::check`](crate::Isa::check) makes a [`Runnable`].
macro_rules! multiversion {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $(<$($generic:ident : $bound:path),+>)? (
            $($argument:ident : $kind:ty),* $(,)?
        ) $(-> $result:ty)? = $($body:ident)::+;
    ) => {
        $(#[$attribute])*
        $visibility fn $name $(<$($generic: $bound),+>)? (
            isa: $crate::cpu::isa::Runnable,
            $($argument: $kind),*
        ) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<$($generic: $bound),+>)? ($($argument: $kind),*) $(-> $result)? {
                    $($body)::+::<$crate::cpu::isa::Avx2, $($($generic),+)?>($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma")]
                fn avx512 $(<$($generic: $bound),+>)? ($($argument: $kind),*) $(-> $result)? {
                    $($body)::+::<$crate::cpu::isa::Avx512, $($($generic),+)?>($($argument),*)
                }
                match isa.isa() {
                    $crate::cpu::isa::Isa::Baseline => {}
                    // SAFETY: this machine was found to have the features.
                    $crate::cpu::isa::Isa::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: as above.
                    $crate::cpu::isa::Isa::Avx512 => return unsafe { avx512($($argument),*) },
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = isa;
            $($body)::+::<$crate::cpu::isa::Baseline, $($($generic),+)?>($($argument),*)
        }
    };
}

/// Declares `fn name(isa: Runnable) -> unsafe fn(...)`: `body`, as for [`multiversion!`], compiled for the instruction set
/// `isa`, to be called many times. Calls are as safe as those of the body. Behind a semicolon after the types come numbers
/// for which it is compiled, `fn name<T: Element; M, N>`.
macro_rules! compiled {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident <
            $($generic:ident : $bound:path),+ $(; $($number:ident),+)?
        > (
            $($argument:ident : $kind:ty),* $(,)?
        ) = $($body:ident)::+;
    )+) => {$(
        $(#[$attribute])*
        $visibility fn $name <$($generic: $bound),+ $($(, const $number: usize)+)?> (
            isa: $crate::cpu::isa::Runnable,
        ) -> unsafe fn($($kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2 <$($generic: $bound),+ $($(, const $number: usize)+)?> ($($argument: $kind),*) {
                    // SAFETY: as the caller promised.
                    unsafe { $($body)::+::<$crate::cpu::isa::Avx2, $($generic),+ $($(, $number)+)?>($($argument),*) }
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma")]
                unsafe fn avx512 <$($generic: $bound),+ $($(, const $number: usize)+)?> ($($argument: $kind),*) {
                    // SAFETY: as the caller promised.
                    unsafe { $($body)::+::<$crate::cpu::isa::Avx512, $($generic),+ $($(, $number)+)?>($($argument),*) }
                }
                match isa.isa() {
                    $crate::cpu::isa::Isa::Baseline => {}
                    $crate::cpu::isa::Isa::Avx2 => return avx2::<$($generic),+ $($(, $number)+)?>,
                    $crate::cpu::isa::Isa::Avx512 => return avx512::<$($generic),+ $($(, $number)+)?>,
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = isa;
            $($body)::+::<$crate::cpu::isa::Baseline, $($generic),+ $($(, $number)+)?>
        }
    )+};
}

pub(crate) use {compiled, multiversion};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::isa::Isa;

    #[inline(always)]
    fn axpy_body<L: Level, T: Element>(a: T, x: &[T], y: &mut [T]) {
        for (x, y) in x.iter().zip(y) {
            *y = fma::<L, T>(a, *x, *y);
        }
    }

    multiversion! {
        fn axpy<T: Element>(a: T, x: &[T], y: &mut [T]) = axpy_body;
    }

    #[test]
    fn all_versions_of_a_body_agree() {
        let x: Vec<f64> = (0..37).map(f64::from).collect();
        for isa in Isa::available() {
            let mut y = vec![1.0; 37];
            axpy(isa.check().unwrap(), 0.5, &x, &mut y);
            assert!(y.iter().zip(&x).all(|(y, x)| *y == 1.0 + 0.5 * x), "{isa}");
        }
    }
}
