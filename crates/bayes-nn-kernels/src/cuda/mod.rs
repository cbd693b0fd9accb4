//! The CUDA executor: the same plans as kernels printed as CUDA C++, compiled at run time, and
//! replayed as one graph.
//!
//! `emit` turns a plan into text and a list of launches. `program` holds what no device is
//! needed for: where everything lies in the one block of device memory, how values cross to it,
//! what a failed step means. It drives an engine, and there are two: `gpu`, a real device
//! through driver, NVRTC and cuBLAS; and [`Host`], which compiles the same text as C++ and runs
//! it block by block on this machine, so that a wrong place is found where there is no GPU.

mod cache;
pub mod compiler;
pub mod emit;
mod gpu;
mod host;
mod program;

pub use gpu::{Cuda, Products};
pub use host::Host;
