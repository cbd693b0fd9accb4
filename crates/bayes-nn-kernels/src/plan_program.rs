//! Programs of a plan: what those of all backends do in the same way.

use std::iter::repeat_n;

use bayes_nn_autodiff::{InputId, Kind};

use crate::backend::Program;
use crate::element::Precision;
use crate::error::KernelError;
use crate::known::{Bound, Known};
use crate::plan::{Plan, ValueId};
use crate::profile::Profile;

/// A program that holds the values of a plan. It is a [`Program`]: here inputs and outputs are
/// found, and what is written is checked.
pub(crate) trait PlanProgram: Send {
    fn plan(&self) -> &Plan;
    fn known(&self) -> &Known;
    fn precision(&self) -> Precision;
    /// Of each input of the plan whether it has a value.
    fn written(&self) -> &[bool];
    /// Gives an input, by its number in the plan, its elements in row-major order.
    fn put(&mut self, input: usize, elements: impl Iterator<Item = f64>)
    -> Result<(), KernelError>;
    /// Reads elements of a value in row-major order, from number `first` on.
    fn read(&self, id: ValueId, first: usize, elements: &mut [f64]);
    fn run(&mut self, steps: u64) -> Result<(), KernelError>;
    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError>;
    fn save(&mut self);
    fn restore(&mut self);
    fn forget(&mut self);
    fn rewind(&mut self, seed: u64, step: u64);

    /// The elements of a value.
    fn values(&self, id: ValueId) -> Vec<f64> {
        let mut values = vec![0.0; self.plan().value(id).shape.elements()];
        self.read(id, 0, &mut values);
        values
    }

    /// Whether every input has a value.
    fn check_written(&self) -> Result<(), KernelError> {
        match self.written().iter().position(|written| !written) {
            Some(unset) => Err(self.plan().unset(&self.plan().inputs[unset])),
            None => Ok(()),
        }
    }

    /// The number of an input that can be written.
    fn free_input(&self, input: InputId) -> Result<usize, KernelError> {
        let number = self.plan().number_of(input)?;
        match self.known().columns[number] {
            Some(_) => Err(self.plan().bound(number)),
            None => Ok(number),
        }
    }
}

impl<P: PlanProgram> Program for P {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        let number = self.free_input(input)?;
        let find = |is: fn(f64) -> bool| values.iter().position(|v| is(*v));
        self.plan()
            .check_values(number, values.len(), find, |i| values[i])?;
        self.put(number, values.iter().copied())
    }

    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        let number = self.free_input(input)?;
        let plan = self.plan();
        let elements = plan.value(plan.inputs[number].value).shape.elements();
        plan.check_values(number, elements, |is| is(value).then_some(0), |_| value)?;
        self.put(number, repeat_n(value, elements))
    }

    fn read_input(&self, input: InputId) -> Vec<f64> {
        let Ok(number) = self.plan().number_of(input) else {
            return Vec::new();
        };
        let id = self.plan().inputs[number].value;
        let is_single = self.precision() == Precision::F32;
        let bound = self.known().columns[number].as_ref();
        match (bound.map(Bound::laid_out), self.plan().value(id).kind) {
            (None, _) => self.values(id),
            (Some(column), Kind::Float) if is_single => {
                let numbers = column.to_f64().into_iter();
                numbers.map(|number| f64::from(number as f32)).collect()
            }
            (Some(column), _) => column.to_f64(),
        }
    }

    fn read_output(&self, output: usize) -> Vec<f64> {
        let output = self.plan().outputs.get(output);
        output.map_or_else(Vec::new, |value| self.values(*value))
    }

    fn read_output_from(&self, output: usize, first: usize, values: &mut [f64]) {
        if let Some(id) = self.plan().outputs.get(output) {
            self.read(*id, first, values);
        }
    }

    fn first_non_finite(&self, input: InputId) -> Option<usize> {
        let values = self.read_input(input);
        values.iter().position(|value| !value.is_finite())
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        PlanProgram::run(self, steps)
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        PlanProgram::profile(self, steps)
    }

    fn save(&mut self) {
        PlanProgram::save(self);
    }

    fn restore(&mut self) {
        PlanProgram::restore(self);
    }

    fn forget(&mut self) {
        PlanProgram::forget(self);
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        PlanProgram::rewind(self, seed, step);
    }
}
