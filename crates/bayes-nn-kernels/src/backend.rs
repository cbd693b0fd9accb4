//! Backends load plans; their replicas are programs, which are written to, run and read.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::InputId;

use crate::data::Binding;
use crate::element::Precision;
use crate::error::KernelError;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::replicas::Replicas;

/// Something that can run plans.
pub trait Backend {
    /// Makes a plan ready to run on data: chooses kernels, and brings to the device what replicas
    /// share. Data of inputs that the plan does not read are left out.
    ///
    /// # Errors
    /// When the device lacks what the plan needs; data of another length than their input, of an
    /// index that are not whole numbers from 0, or of a state.
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError>;

    /// How many ranks run a plan in which ranks meet, each with its part of every minibatch: 1,
    /// unless this is a [`DeviceGroup`](crate::DeviceGroup).
    fn ranks(&self) -> usize {
        1
    }
}

/// A plan on a device, with what all of its replicas share: their data, and what depends on these
/// alone.
pub trait Loaded: Send + Sync {
    /// How many replicas the device runs at the same time: 1 where it would run several one after
    /// another, as a CPU does. Then each is better started by itself, on a thread of its own.
    fn together(&self) -> usize {
        1
    }

    /// Lays out the memory of so many replicas. Nothing is run yet.
    ///
    /// # Errors
    /// When the device has not enough memory.
    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError>;
}

impl fmt::Debug for dyn Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("together", &self.together())
            .finish_non_exhaustive()
    }
}

/// One replica of a plan: states, seed, step and outputs of its own.
///
/// Values cross the boundary as `f64` in row-major order, whatever the program calculates in.
pub trait Program: Send {
    /// Sets the value of an input or of a state.
    ///
    /// # Errors
    /// When the program has no such input, it is bound to data, or the number of values does not
    /// fit its shape; for an index input also when a value is not a whole number from 0.
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

    /// As [`Program::read_output`], from the element of this row-major number on, into memory that
    /// is there already; elements beyond the shorter of the two stay as they are.
    fn read_output_from(&self, output: usize, first: usize, values: &mut [f64]);

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
