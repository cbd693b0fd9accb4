//! Plans and executors: what runs a computation graph, millions of times, without allocating.
//!
//! A [`Plan`] is made once from a graph of `bayes-nn-autodiff`: dead code is dropped,
//! element-wise operations are fused, and every value gets a place in one arena. A [`Backend`]
//! turns the plan into a [`Program`], which is written to, run for many steps at once, and read.
//!
//! ```
//! use bayes_nn_autodiff::Graph;
//! use bayes_nn_kernels::{Backend, Cpu, Plan, Precision};
//!
//! // Newton's iteration for the square root of 2: a state and its next value.
//! let graph = Graph::new();
//! let x = graph.input("x", []);
//! let plan = Plan::new(&graph, &[x * x], &[(x, 0.5 * (x + 2.0 / x))])?;
//!
//! let mut program = Cpu::detect()?.compile(&plan, Precision::F64)?;
//! program.write(x.input_id().unwrap(), &[1.0])?;
//! program.run(6)?;
//! let root = program.read_input(x.input_id().unwrap())[0];
//! assert!((root - 2f64.sqrt()).abs() < 1e-15);
//! # Ok::<(), bayes_nn_kernels::KernelError>(())
//! ```
mod backend;
pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
mod data;
mod device;
mod element;
mod error;
mod lanes;
pub mod plan;
pub mod profile;
mod ranks;

pub use backend::{Backend, Program};
pub use cpu::Cpu;
pub use cpu::isa::Isa;
pub use data::{Binding, Column};
pub use device::{Device, DeviceInfo};
pub use element::{Element, Precision};
pub use error::{DeviceError, KernelError};
pub use lanes::{Alone, Lanes};
pub use plan::Plan;
pub use profile::Profile;
pub use ranks::DeviceGroup;
