//! Instruction sets: which one this machine has, and how one generic body is compiled for each of them.
//!
//! Kernels are scalar, branch-free generic Rust, but for small products, which name registers (`cpu/pack.rs`).
//! `multiversion!` compiles a body once per instruction set; inside, the compiler's own vectoriser uses whatever the set
//! offers. The choice is made once per program, as an [`Isa`].

use std::fmt;

use thiserror::Error;

use super::pack::Packs;
use crate::element::Element;

/// Environment variable that forces an instruction set: `baseline`, `avx2` or `avx512`.
pub const ISA_VARIABLE: &str = "BAYES_NN_ISA";

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Isa {
    /// Whatever the build's target has without asking; SSE2 on x86-64. No fused multiply-add.
    Baseline,
    /// AVX2 with FMA: x86-64 since about 2013.
    Avx2,
    /// AVX-512 with the F, BW, DQ, VL and CD parts.
    Avx512,
}

/// [`ISA_VARIABLE`] asks for what cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IsaError {
    /// No instruction set has this name.
    #[error("{ISA_VARIABLE}={value:?} names no instruction set; this machine can run: {}", names(.possible))]
    Unknown {
        /// What the variable holds.
        value: String,
        /// Names that would be right here.
        possible: Vec<Isa>,
    },
    /// The instruction set exists, but not on this machine.
    #[error("{ISA_VARIABLE}={isa} is not supported by this machine, which can run: {}", names(.possible))]
    Unsupported {
        /// What was asked for.
        isa: Isa,
        /// Names that would be right here.
        possible: Vec<Isa>,
    },
}

fn names(sets: &[Isa]) -> String {
    sets.iter().map(Isa::name).collect::<Vec<_>>().join(", ")
}

impl Isa {
    const ALL: [Isa; 3] = [Isa::Baseline, Isa::Avx2, Isa::Avx512];

    /// The best instruction set of this machine, or the one that `BAYES_NN_ISA` names.
    ///
    /// # Errors
    /// [`IsaError`] if the variable holds anything that this machine cannot run.
    pub fn detect() -> Result<Isa, IsaError> {
        match std::env::var_os(ISA_VARIABLE) {
            Some(value) => Isa::parse(&value.to_string_lossy()),
            None => Ok(if Isa::Avx512.is_available() {
                Isa::Avx512
            } else if Isa::Avx2.is_available() {
                Isa::Avx2
            } else {
                Isa::Baseline
            }),
        }
    }

    /// All instruction sets that this machine can run, slowest first.
    pub fn available() -> Vec<Isa> {
        Isa::ALL
            .into_iter()
            .filter(|isa| isa.is_available())
            .collect()
    }

    /// Whether this machine can run it.
    #[inline]
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Isa::Baseline => true,
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512cd")
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        matches!(self, Isa::Baseline)
    }

    /// This instruction set, found to be one that this machine can run.
    ///
    /// # Errors
    /// [`IsaError::Unsupported`], with what would be possible.
    pub fn check(self) -> Result<Runnable, IsaError> {
        match self.is_available() {
            true => Ok(Runnable(self)),
            false => Err(IsaError::Unsupported {
                isa: self,
                possible: Isa::available(),
            }),
        }
    }

    /// `"baseline"`, `"avx2"` or `"avx512"`.
    pub fn name(&self) -> &'static str {
        match self {
            Isa::Baseline => "baseline",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }

    fn parse(value: &str) -> Result<Isa, IsaError> {
        let possible = Isa::available();
        match Isa::ALL.into_iter().find(|isa| isa.name() == value) {
            Some(isa) if possible.contains(&isa) => Ok(isa),
            Some(isa) => Err(IsaError::Unsupported { isa, possible }),
            None => Err(IsaError::Unknown {
                value: value.to_owned(),
                possible,
            }),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An instruction set that this machine can run: what kernels are called with, so that they need
/// not ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runnable(Isa);

impl Runnable {
    /// Which one it is.
    #[inline]
    pub fn isa(self) -> Isa {
        self.0
    }
}

/// The compile-time side of an [`Isa`]: what a generic body may assume.
pub trait Level: Packs + Copy + Send + Sync + 'static {
    /// Whether a fused multiply-add is one instruction. Without it `mul_add` would be a call into the C library.
    const FMA: bool;
    /// Bytes of a vector register.
    const VECTOR_BYTES: usize;
}

/// Level of [`Isa::Baseline`].
#[derive(Clone, Copy, Debug)]
pub struct Baseline;

/// Level of [`Isa::Avx2`].
#[derive(Clone, Copy, Debug)]
pub struct Avx2;

/// Level of [`Isa::Avx512`].
#[derive(Clone, Copy, Debug)]
pub struct Avx512;

impl Level for Baseline {
    const FMA: bool = false;
    const VECTOR_BYTES: usize = 16;
}

impl Level for Avx2 {
    const FMA: bool = true;
    const VECTOR_BYTES: usize = 32;
}

impl Level for Avx512 {
    const FMA: bool = true;
    const VECTOR_BYTES: usize = 64;
}

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
/// The entry is safe: only [`Isa::check`] makes a [`Runnable`].
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
/// `isa`, to be called many times. Calls are as safe as those of the body.
macro_rules! compiled {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident <$($generic:ident : $bound:path),+> (
            $($argument:ident : $kind:ty),* $(,)?
        ) = $($body:ident)::+;
    )+) => {$(
        $(#[$attribute])*
        $visibility fn $name <$($generic: $bound),+> (
            isa: $crate::cpu::isa::Runnable,
        ) -> unsafe fn($($kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2 <$($generic: $bound),+> ($($argument: $kind),*) {
                    // SAFETY: as the caller promised.
                    unsafe { $($body)::+::<$crate::cpu::isa::Avx2, $($generic),+>($($argument),*) }
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma")]
                unsafe fn avx512 <$($generic: $bound),+> ($($argument: $kind),*) {
                    // SAFETY: as the caller promised.
                    unsafe { $($body)::+::<$crate::cpu::isa::Avx512, $($generic),+>($($argument),*) }
                }
                match isa.isa() {
                    $crate::cpu::isa::Isa::Baseline => {}
                    $crate::cpu::isa::Isa::Avx2 => return avx2::<$($generic),+>,
                    $crate::cpu::isa::Isa::Avx512 => return avx512::<$($generic),+>,
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = isa;
            $($body)::+::<$crate::cpu::isa::Baseline, $($generic),+>
        }
    )+};
}

pub(crate) use {compiled, multiversion};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_can_be_asked_for_by_name() {
        for isa in Isa::available() {
            assert_eq!(Isa::parse(isa.name()), Ok(isa));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_possible_ones() {
        let message = Isa::parse("neon").unwrap_err().to_string();
        assert!(message.contains("\"neon\""), "{message}");
        for isa in Isa::available() {
            assert!(message.contains(isa.name()), "{message}");
        }
    }

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
