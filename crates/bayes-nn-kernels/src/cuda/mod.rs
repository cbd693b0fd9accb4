//! The CUDA executor: the same plans as kernels printed as CUDA C++, compiled at run time, and
//! replayed as one graph; or, of a tiny plan, one kernel whose blocks each loop over many steps.
//!
//! `emit` turns a plan into text: [`emit::Tiny`] says of which plans into a loop, of all others
//! into a list of launches. `program` and `replicas` hold what no device is needed for: where
//! everything lies, how values cross to it (`values`), what a failed step means. They drive an
//! engine each, and there are two of both: `gpu`, a real device through driver, NVRTC and cuBLAS;
//! and [`Host`], which compiles the same text as C++ and runs it block by block on this machine,
//! so that a wrong place is found where there is no GPU.

mod cache;
pub mod compiler;
pub mod emit;
mod gpu;
mod host;
mod program;
mod replicas;
mod values;

pub use gpu::{Cuda, Products};
pub use host::Host;
