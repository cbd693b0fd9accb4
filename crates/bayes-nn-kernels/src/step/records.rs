//! What a run recorded, step by step.

use super::program::Planned;
use super::run::{Run, no_name};
use crate::KernelError;

impl Run {
    /// How many of so many steps a replica can take before its records are to be read, or
    /// its windows to be fed.
    pub(super) fn due(&self, replica: usize, steps: u64) -> u64 {
        let step = &self.program.step;
        match step.records.is_empty() {
            _ if step.fed.is_some() => steps.min(1),
            true => steps,
            false => steps.min(step.rows - self.steps[replica] % step.rows),
        }
    }

    /// Appends what a replica recorded in its last steps.
    pub(super) fn look(&mut self, replica: usize, steps: u64) {
        let Planned {
            outputs,
            records,
            rows,
            ..
        } = &*self.program.step;
        let row = (self.steps[replica] % rows) as usize;
        self.steps[replica] += steps;
        let program = self.replicas.program(replica);
        for (number, record) in records.iter().enumerate() {
            let recorded = &mut self.recorded[replica][number];
            let before = recorded.len();
            recorded.resize(before + steps as usize * record.width, 0.0);
            let (output, first) = (outputs.len() + number, row * record.width);
            program.read_output_from(output, first, &mut recorded[before..]);
        }
    }

    /// The entries that the last [advance](Run::advance) of a replica gave a record, one a step,
    /// each in row-major order.
    ///
    /// # Errors
    /// No such record or replica.
    pub fn recorded(&self, replica: usize, name: &str) -> Result<&[f64], KernelError> {
        self.checked(replica)?;
        let mut records = self.program.step.records.iter();
        let record = records.position(|record| record.name == name);
        let record = record.ok_or_else(|| no_name(name))?;
        Ok(&self.recorded[replica][record])
    }
}
