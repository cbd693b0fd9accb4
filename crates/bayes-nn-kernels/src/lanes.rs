//! Programs that run together.

use bayes_nn_autodiff::InputId;

use crate::backend::Program;
use crate::error::KernelError;

/// Programs of one plan that run together, each with states, seed, step and outputs of its own.
/// Inputs that they were made to share are the same in all of them.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Alone, Backend, Device, Lanes, Plan, Precision};
///
/// let graph = Graph::new();
/// let x = graph.input("x", []);
/// let plan = Plan::new(&graph, &[], &[(x, 2.0 * x)])?;
/// // Several only where the device runs them at the same time, which a CPU does not.
/// assert!(Device::cpu().compile_lanes(&plan, Precision::F64, &[], 8)?.is_none());
/// let mut lanes = Alone(Device::cpu().compile(&plan, Precision::F64)?);
/// lanes.write_all(x.input_id().unwrap(), &[1.0])?;
/// assert_eq!(lanes.run_all(&[10]), [Ok(())]);
/// assert_eq!(lanes.programs()[0].read_input(x.input_id().unwrap()), [1024.0]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub trait Lanes: Send {
    /// The programs, to write, read, save, rewind, or run one alone. Writing what they share
    /// through one of them is [`KernelError::SharedInput`].
    fn programs(&mut self) -> Vec<&mut dyn Program>;

    /// Sets the value of an input or of a state in all lanes.
    ///
    /// # Errors
    /// As [`Program::write`].
    fn write_all(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError>;

    /// Runs lane `i` for `steps[i]` steps, all at the same time; lanes without a number run none.
    /// What each gives is what it would give alone, to the last bit.
    ///
    /// # Errors
    /// For each lane those of [`Program::run`]; that of one does not stop another. Where the
    /// device fails it fails for all that ran.
    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>>;
}

/// One program, as the lanes of everything that runs lanes.
pub struct Alone(pub Box<dyn Program>);

impl Lanes for Alone {
    fn programs(&mut self) -> Vec<&mut dyn Program> {
        vec![&mut *self.0]
    }

    fn write_all(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        self.0.write(input, values)
    }

    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        vec![self.0.run(steps.first().copied().unwrap_or(0))]
    }
}
