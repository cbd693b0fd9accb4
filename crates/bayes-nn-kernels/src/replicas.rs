//! Programs of one plan that run together.

use crate::backend::Program;
use crate::error::KernelError;

/// Programs of one plan that run together, each with states, seed, step and outputs of its own.
/// The data that they were [loaded](crate::Backend::load) with are the same in all of them.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Backend, Device, Plan, Precision};
///
/// let graph = Graph::new();
/// let x = graph.input("x", []);
/// let plan = Plan::new(&graph, &[], &[(x, 2.0 * x)])?;
/// let loaded = Device::cpu().load(&plan.into(), &[], Precision::F64)?;
/// let mut replicas = loaded.start(2)?;
/// let x = x.input_id().unwrap();
/// replicas.program_mut(0).write(x, &[1.0])?;
/// replicas.program_mut(1).write(x, &[3.0])?;
/// assert_eq!(replicas.run_all(&[10, 1]), [Ok(()), Ok(())]);
/// assert_eq!(replicas.program(0).read_input(x), [1024.0]);
/// assert_eq!(replicas.program(1).read_input(x), [6.0]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub trait Replicas: Send {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them, to read.
    ///
    /// # Panics
    /// If there are no more than `replica`, as indexing a slice does.
    fn program(&self, replica: usize) -> &dyn Program;

    /// One of them, to write, save, rewind, or run alone.
    ///
    /// # Panics
    /// As [`Replicas::program`].
    fn program_mut(&mut self, replica: usize) -> &mut dyn Program;

    /// Runs replica `i` for `steps[i]` steps; replicas without a number run none. What each gives
    /// is what it would give alone, to the last bit.
    ///
    /// # Errors
    /// For each replica those of [`Program::run`]; that of one does not stop another. Where the
    /// device fails it fails for all that ran.
    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>>;
}

/// Programs that run one after another.
impl Replicas for Vec<Box<dyn Program>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn program(&self, replica: usize) -> &dyn Program {
        &*self[replica]
    }

    fn program_mut(&mut self, replica: usize) -> &mut dyn Program {
        &mut *self[replica]
    }

    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        let steps = steps.iter().copied().chain(std::iter::repeat(0));
        let programs = self.iter_mut().zip(steps);
        programs
            .map(|(program, steps)| program.run(steps))
            .collect()
    }
}
