//! Instruction sets to which all programs of a run are held, ours and the peers' alike.

use std::fs;

use clap::ValueEnum;

/// An instruction set of a processor of this architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Isa {
    Avx2,
    Avx512,
}

/// Variables by which a program is told what to use.
pub type Variables = &'static [(&'static str, &'static str)];

impl Isa {
    /// The best of this machine.
    pub fn best() -> Isa {
        match has("avx512f") {
            true => Isa::Avx512,
            false => Isa::Avx2,
        }
    }

    /// # Errors
    /// When this machine does not have it.
    pub fn check(self) -> Result<(), String> {
        let (flag, name) = match self {
            Isa::Avx2 => ("avx2", self.name()),
            Isa::Avx512 => ("avx512f", self.name()),
        };
        match has(flag) {
            true => Ok(()),
            false => Err(format!(
                "this machine has no {name}; its section of the page stays as it is"
            )),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Isa::Avx2 => "AVX2",
            Isa::Avx512 => "AVX-512",
        }
    }

    /// What holds to it, in this order: ours; kernels of torch and loops that its compiler writes; oneDNN and MKL, which
    /// multiply for it; XLA; C that PyMC has compiled; Numba, which compiles for nutpie.
    pub fn variables(self) -> Variables {
        match self {
            Isa::Avx2 => &[
                ("BAYES_NN_ISA", "avx2"),
                ("ATEN_CPU_CAPABILITY", "avx2"),
                ("ONEDNN_MAX_CPU_ISA", "AVX2"),
                ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
                ("XLA_FLAGS", "--xla_cpu_max_isa=AVX2"),
                ("PYTENSOR_FLAGS", "gcc__cxxflags=-march=x86-64-v3"),
                ("NUMBA_CPU_NAME", "haswell"),
            ],
            Isa::Avx512 => &[
                ("BAYES_NN_ISA", "avx512"),
                ("ATEN_CPU_CAPABILITY", "avx512"),
            ],
        }
    }

    /// One of two, by instruction set.
    pub fn of<T>(self, avx2: T, avx512: T) -> T {
        match self {
            Isa::Avx2 => avx2,
            Isa::Avx512 => avx512,
        }
    }
}

fn has(flag: &str) -> bool {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = cpu.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|there| there == flag))
}
