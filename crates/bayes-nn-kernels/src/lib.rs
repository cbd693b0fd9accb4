//! Plans and executors: what runs a computation graph, millions of times, without allocating.
//!
//! A [`Plan`] is made once from a graph of `bayes-nn-autodiff`: dead code is dropped,
//! element-wise operations are fused, and every value gets a place in one arena. A [`Backend`]
//! [loads](Backend::load) the plan with its data, which replicas share; each replica is a
//! [`Program`], which is written to, run for many steps at once, and read.
//!
//! ```
//! use bayes_nn_autodiff::Graph;
//! use bayes_nn_kernels::{Backend, Binding, Cpu, Plan, Precision};
//!
//! // Newton's iteration for the square root of a number: a state and its next value.
//! let graph = Graph::new();
//! let (number, x) = (graph.input("number", []), graph.input("x", []));
//! let plan = Plan::new(&graph, &[x * x], &[(x, 0.5 * (x + number / x))])?;
//! let data = [Binding::new(number.input_id().unwrap(), vec![2_u8])];
//!
//! let loaded = Cpu::detect()?.load(&plan.into(), &data, Precision::F64)?;
//! let mut replicas = loaded.start(1)?;
//! let program = replicas.program_mut(0);
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
mod known;
mod pivot;
pub mod plan;
mod plan_program;
pub mod profile;
mod ranks;
mod replicas;
mod step;

pub use backend::{Backend, Loaded, Program};
pub use cpu::Cpu;
pub use cpu::isa::Isa;
pub use data::{Binding, Column};
pub use device::{Device, DeviceInfo};
pub use element::{Element, Precision};
pub use error::{DeviceError, KernelError};
pub use pivot::first_bad_pivot;
pub use plan::Plan;
pub use profile::Profile;
pub use ranks::DeviceGroup;
pub use replicas::Replicas;
pub use step::{
    Feed, FeedError, Feeder, Run, Runtime, Slot, Start, Step, StepProgram, WrongIndex, fan_out,
    running_mean, running_mean_and_squares,
};
