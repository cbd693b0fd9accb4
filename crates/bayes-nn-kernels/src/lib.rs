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
mod step;

use bayes_nn_autodiff::InputId;

pub use cpu::Cpu;
pub use cpu::isa::Isa;
pub use data::{Binding, Column};
pub use device::{Device, DeviceError, DeviceInfo};
pub use element::Element;
pub use error::KernelError;
pub use lanes::{Alone, Lanes};
pub use plan::Plan;
pub use profile::Profile;
pub use ranks::DeviceGroup;
pub use step::{Run, Runtime, Slot, Snapshot, Start, Step, StepProgram, fan_out};

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

/// Something that can run plans.
pub trait Backend {
    /// Makes a program: lays out its memory, chooses its kernels. Nothing is run yet.
    ///
    /// # Errors
    /// When the device has not what the plan needs.
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError>;

    /// Makes `lanes` programs of one plan that run at the same time, in one call, with the same
    /// values of the inputs `shared`, as data are. `None` where the device would run several one
    /// after another, as the CPU does: then each is better compiled by itself, and run on a thread
    /// of its own.
    ///
    /// # Errors
    /// As [`Backend::compile`].
    fn compile_lanes(
        &self,
        plan: &Plan,
        precision: Precision,
        shared: &[InputId],
        lanes: usize,
    ) -> Result<Option<Box<dyn Lanes>>, KernelError> {
        let _ = (plan, precision, shared, lanes);
        Ok(None)
    }

    /// How many ranks run a plan in which ranks meet, each with its part of every minibatch: 1,
    /// unless this is a [`DeviceGroup`].
    fn ranks(&self) -> usize {
        1
    }
}

/// A plan laid out on a device.
///
/// Values cross the boundary as `f64` in row-major order, whatever the program calculates in.
pub trait Program: Send {
    /// Sets the value of an input or of a state.
    ///
    /// # Errors
    /// When the program has no such input, or the number of values does not fit its shape; for
    /// an index input also when a value is not a whole number from 0.
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError>;

    /// Sets every element of an input or of a state to one number, without a vector of them.
    ///
    /// # Errors
    /// As [`Program::write`], but for the number of values.
    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError>;

    /// The present value of an input or of a state; empty if the program has no such input.
    fn read_input(&self, input: InputId) -> Vec<f64>;

    /// The value that the last step gave output number `output`, counted in the order given to
    /// [`Plan::new`]; empty if there is no such output.
    fn read_output(&self, output: usize) -> Vec<f64>;

    /// As [`Program::read_output`], into memory that is there already; elements beyond the
    /// shorter of the two stay as they are.
    fn read_output_into(&self, output: usize, values: &mut [f64]);

    /// Runs `steps` steps. Each computes the outputs from the states as they are, then
    /// replaces every state by its next value.
    ///
    /// # Errors
    /// When an input was never written, or an index points outside the axis it selects from.
    fn run(&mut self, steps: u64) -> Result<(), KernelError>;

    /// Runs `steps` steps, and measures how long each pass of the plan takes, the median
    /// over the steps, or the mean where a device times all steps at once. Passes that threads
    /// would run strip by strip are run by one.
    ///
    /// # Errors
    /// As [`Program::run`].
    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError>;

    /// Remembers all states as they are, in the precision of the program. Only the last time
    /// counts.
    fn save(&mut self);

    /// Puts all states back to what they were when last saved; without that nothing changes.
    fn restore(&mut self);

    /// Gives up what was saved, and on the CPU its memory.
    fn forget(&mut self);

    /// The row-major number of the first element of an input or state that is NaN or infinite.
    fn first_non_finite(&self, input: InputId) -> Option<usize>;

    /// Sets the seed of noise and minibatches, and the number of the next step. The same seed
    /// and step give the same numbers on every device, whatever ran before.
    fn rewind(&mut self, seed: u64, step: u64);
}
