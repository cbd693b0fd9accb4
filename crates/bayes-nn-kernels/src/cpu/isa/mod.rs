//! Instruction sets: which one this machine has, and how one generic body is compiled for each of them.
//!
//! Kernels are scalar, branch-free generic Rust, but for small products, which name registers.
//! `multiversion!` compiles a body once per instruction set; inside, the compiler's own vectoriser uses whatever the set
//! offers. The choice is made once per program, as an [`Isa`].

mod level;
mod registers;
mod set;

pub use level::{Avx2, Avx512, Baseline, InRegisters, Level, fma};
pub(crate) use level::{RegisterOf, compiled, multiversion};
pub use registers::Register;
pub(crate) use registers::{LANES, tree_sum};
pub use set::{ISA_VARIABLE, Isa, IsaError, Runnable};
