//! Which instruction sets this machine has.

use std::fmt;

use thiserror::Error;

/// Environment variable that forces an instruction set: `baseline`, `avx2` or `avx512`.
pub const ISA_VARIABLE: &str = "BAYES_NN_ISA";

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
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
            None => Ok(Isa::available().pop().unwrap_or(Isa::Baseline)),
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
        match Isa::ALL.into_iter().find(|isa| isa.name() == value) {
            Some(isa) => isa.check().map(Runnable::isa),
            None => Err(IsaError::Unknown {
                value: value.to_owned(),
                possible: Isa::available(),
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
}
