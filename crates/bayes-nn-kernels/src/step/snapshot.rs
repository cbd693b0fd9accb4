//! Replicas as plain data: a checkpoint.

use super::Run;
use super::run::no_name;
use crate::KernelError;

/// A replica between two steps, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Its seed.
    pub seed: u64,
    /// The number of its next step.
    pub step: u64,
    /// Its states by name, each in row-major order.
    pub states: Vec<(String, Vec<f64>)>,
}

impl Run {
    /// A replica's states, seed and step.
    ///
    /// # Errors
    /// No such replica.
    pub fn snapshot(&self, replica: usize) -> Result<Snapshot, KernelError> {
        self.checked(replica)?;
        let states = self.program().step.states.iter().map(|state| {
            let values = self.with(replica, |program| program.read_input(state.input))?;
            Ok((state.name.clone(), values))
        });
        let (seed, step) = self.at[replica];
        Ok(Snapshot {
            seed,
            step,
            states: states.collect::<Result<_, KernelError>>()?,
        })
    }

    /// Puts a replica into the state of a snapshot, of the same step.
    ///
    /// # Errors
    /// No such replica; a state that only one of step and snapshot has, or that differs in length.
    pub fn resume(&mut self, replica: usize, snapshot: &Snapshot) -> Result<(), KernelError> {
        let step = self.program().step.clone();
        for state in &step.states {
            if !snapshot.states.iter().any(|(name, _)| *name == state.name) {
                return Err(no_name(&state.name));
            }
        }
        for (name, values) in &snapshot.states {
            self.set(replica, name, values)?;
        }
        self.rewind(replica, snapshot.seed, snapshot.step)
    }
}
