//! Replicas of a step that run in lockstep, one or many.

use std::fmt;

use super::program::{PlannedState, StepProgram};
use super::{Feeder, Start};
use crate::{KernelError, Profile, Program, Replicas};

/// Replicas of a step: each has states, seed, step, outputs and records of its own; they share
/// data and windows.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Runtime, Step};
///
/// let graph = Graph::new();
/// let step = Step::new(&graph);
/// let x = step.state("x", [2], vec![1.0, 2.0]);
/// step.next(x, 2.0 * x);
/// step.record("sum", x.sum());
/// let mut run = step.finish(&Runtime::default())?.start(1)?;
/// run.begin(&[0])?;
/// run.advance_one(0, 2)?;
/// assert_eq!(run.get(0, "x")?, [4.0, 8.0]);
/// assert_eq!(run.recorded(0, "sum")?, [3.0, 6.0]);
///
/// run.save(0)?;
/// run.advance_one(0, 5)?;
/// run.restore(0)?;
/// assert_eq!(run.get(0, "x")?, [4.0, 8.0]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub struct Run {
    pub(super) program: StepProgram,
    pub(super) replicas: Box<dyn Replicas>,
    /// The entries of the last advance, by replica and record.
    pub(super) recorded: Vec<Vec<Vec<f64>>>,
    /// The seed and the next step of each replica.
    pub(super) seeds: Vec<u64>,
    pub(super) steps: Vec<u64>,
    /// What feeds each replica, once it has taken a step.
    pub(super) feeders: Vec<Option<Box<dyn Feeder>>>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("replicas", &self.steps.len())
            .finish_non_exhaustive()
    }
}

/// A state, a window or an output of a step, found by its name once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(Place);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    State(usize),
    Window(usize),
    Output(usize),
}

impl Run {
    pub(super) fn new(program: &StepProgram, replicas: Box<dyn Replicas>) -> Run {
        let (count, records) = (replicas.count(), program.step.records.len());
        Run {
            program: program.clone(),
            replicas,
            recorded: vec![vec![Vec::new(); records]; count],
            seeds: vec![0; count],
            steps: vec![0; count],
            feeders: (0..count).map(|_| None).collect(),
        }
    }

    /// How many replicas there are.
    pub fn replicas(&self) -> usize {
        self.steps.len()
    }

    /// The program that is run.
    pub fn program(&self) -> &StepProgram {
        &self.program
    }

    /// The names of the states, in the order in which they were written.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        self.program.step.states.iter().map(|state| &*state.name)
    }

    /// Puts as many replicas as there are seeds to the start: every state to what it starts with,
    /// the seed, and step 0.
    ///
    /// # Errors
    /// More seeds than replicas.
    pub fn begin(&mut self, seeds: &[u64]) -> Result<(), KernelError> {
        let step = self.program.step.clone();
        for (replica, seed) in seeds.iter().enumerate() {
            for state in &step.states {
                self.with_mut(replica, |program| match &state.start {
                    Start::Number(number) => program.fill(state.input, *number),
                    Start::Values(values) => program.write(state.input, values),
                })??;
            }
            self.rewind(replica, *seed, 0)?;
            self.recorded[replica].iter_mut().for_each(Vec::clear);
        }
        Ok(())
    }

    /// The place of a state, a window or an output.
    ///
    /// # Errors
    /// [`KernelError::NoName`] when the step has none of this name.
    pub fn slot(&self, name: &str) -> Result<Slot, KernelError> {
        let step = &self.program.step;
        let state = step.states.iter().position(|state| state.name == name);
        let window = step.windows.iter().position(|window| window.0 == name);
        let output = step.outputs.iter().position(|output| output == name);
        let place = (state.map(Place::State))
            .or(window.map(Place::Window))
            .or(output.map(Place::Output));
        place.map(Slot).ok_or_else(|| no_name(name))
    }

    /// Sets a state of a replica, in row-major order.
    ///
    /// # Errors
    /// No such state or replica; another number of values.
    pub fn set(&mut self, replica: usize, name: &str, values: &[f64]) -> Result<(), KernelError> {
        let slot = self.slot(name)?;
        self.set_at(replica, slot, values)
    }

    /// As [`Run::set`], by the state's place.
    ///
    /// # Errors
    /// As [`Run::set`].
    pub fn set_at(
        &mut self,
        replica: usize,
        slot: Slot,
        values: &[f64],
    ) -> Result<(), KernelError> {
        let input = self.state(slot)?.input;
        self.with_mut(replica, |program| program.write(input, values))?
    }

    /// Sets every element of a state of a replica to one number.
    ///
    /// # Errors
    /// No such state or replica.
    pub fn fill(&mut self, replica: usize, name: &str, value: f64) -> Result<(), KernelError> {
        let input = self.state(self.slot(name)?)?.input;
        self.with_mut(replica, |program| program.fill(input, value))?
    }

    /// A state of a replica, or what its last step gave an output, in row-major order.
    ///
    /// # Errors
    /// No such state, output or replica.
    pub fn get(&self, replica: usize, name: &str) -> Result<Vec<f64>, KernelError> {
        let slot = self.slot(name)?;
        if let Place::Output(output) = slot.0 {
            return self.with(replica, |program| program.read_output(output));
        }
        let input = self.state(slot)?.input;
        self.with(replica, |program| program.read_input(input))
    }

    /// As [`Run::get`], by the place, into memory that is there already; elements beyond the
    /// shorter of the two stay as they are.
    ///
    /// # Errors
    /// As [`Run::get`].
    pub fn get_into(
        &self,
        replica: usize,
        slot: Slot,
        values: &mut [f64],
    ) -> Result<(), KernelError> {
        if let Place::Output(output) = slot.0 {
            let read = |program: &dyn Program| program.read_output_from(output, 0, values);
            return self.with(replica, read);
        }
        let input = self.state(slot)?.input;
        let state = self.with(replica, |program| program.read_input(input))?;
        for (to, value) in values.iter_mut().zip(state) {
            *to = value;
        }
        Ok(())
    }

    /// Gives a window its next block, for all replicas, in row-major order.
    ///
    /// # Errors
    /// No such window; another number of values; an index that is no whole number from 0.
    pub fn feed(&mut self, name: &str, values: &[f64]) -> Result<(), KernelError> {
        let Place::Window(window) = self.slot(name)?.0 else {
            return Err(no_name(name));
        };
        // Nothing depends on a window without an input.
        let Some(input) = self.program.step.windows[window].1 else {
            return Ok(());
        };
        let mut replicas = 0..self.replicas();
        replicas.try_for_each(|replica| self.replicas.program_mut(replica).write(input, values))
    }

    /// Lets replica `i` take `steps[i]` steps; replicas without a number take none. Each comes to
    /// what it would come to alone, to the last bit.
    ///
    /// # Errors
    /// Those of each replica, such as an index outside its axis; that of one does not stop
    /// another. After one, states and step are to be set again ([`Run::restore`],
    /// [`Run::rewind`]).
    pub fn advance(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        let replicas = self.replicas();
        let mut left: Vec<u64> = steps.iter().copied().take(replicas).collect();
        let mut outcomes = vec![Ok(()); left.len()];
        for (recorded, _) in self.recorded.iter_mut().zip(&left).filter(|(_, n)| **n > 0) {
            recorded.iter_mut().for_each(Vec::clear);
        }
        while left.iter().any(|left| *left > 0) {
            let due = left.iter().zip(0..).map(|(left, i)| self.due(i, *left));
            let mut due: Vec<u64> = due.collect();
            for replica in 0..due.len() {
                if due[replica] > 0
                    && let Err(error) = self.feed_step(replica)
                {
                    outcomes[replica] = Err(error);
                    (due[replica], left[replica]) = (0, 0);
                }
            }
            let ran = self.replicas.run_all(&due);
            for (replica, ran) in ran.into_iter().enumerate().take(due.len()) {
                if due[replica] == 0 {
                    continue;
                }
                left[replica] -= due[replica];
                match ran {
                    Ok(()) => self.look(replica, due[replica]),
                    Err(error) => {
                        outcomes[replica] = Err(self.told(replica, error));
                        left[replica] = 0;
                    }
                }
            }
        }
        outcomes
    }

    /// Lets one replica take `steps` steps, and allocates nothing.
    ///
    /// # Errors
    /// No such replica; those of [`Run::advance`].
    pub fn advance_one(&mut self, replica: usize, steps: u64) -> Result<(), KernelError> {
        self.checked(replica)?;
        self.recorded[replica].iter_mut().for_each(Vec::clear);
        let mut left = steps;
        while left > 0 {
            let due = self.due(replica, left);
            self.feed_step(replica)?;
            let ran = self.replicas.program_mut(replica).run(due);
            ran.map_err(|error| self.told(replica, error))?;
            self.look(replica, due);
            left -= due;
        }
        Ok(())
    }

    /// Remembers the states of a replica as they are, on the device. Only the last time counts.
    ///
    /// # Errors
    /// No such replica.
    pub fn save(&mut self, replica: usize) -> Result<(), KernelError> {
        self.with_mut(replica, |program| program.save())
    }

    /// Puts the states of a replica back to what they were when last saved; without that nothing
    /// changes.
    ///
    /// # Errors
    /// No such replica.
    pub fn restore(&mut self, replica: usize) -> Result<(), KernelError> {
        self.with_mut(replica, |program| program.restore())
    }

    /// Gives up what was saved of a replica.
    ///
    /// # Errors
    /// No such replica.
    pub fn forget(&mut self, replica: usize) -> Result<(), KernelError> {
        self.with_mut(replica, |program| program.forget())
    }

    /// Sets the seed of a replica's noise and minibatches, and the number of its next step.
    ///
    /// # Errors
    /// No such replica.
    pub fn rewind(&mut self, replica: usize, seed: u64, step: u64) -> Result<(), KernelError> {
        self.with_mut(replica, |program| program.rewind(seed, step))?;
        (self.seeds[replica], self.steps[replica]) = (seed, step);
        self.feeders[replica] = None;
        Ok(())
    }

    /// Lets the first replica take `steps` steps, and measures their passes. Of windows that are
    /// [fed](super::Step::fed_by) all of them see the same block.
    ///
    /// # Errors
    /// As [`Run::advance`].
    pub fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.feed_step(0)?;
        let profile = self.with_mut(0, |program| program.profile(steps))??;
        self.steps[0] += steps;
        Ok(profile)
    }

    /// The row-major number of the first element of a state that is NaN or infinite.
    ///
    /// # Errors
    /// No such state or replica.
    pub fn first_non_finite(
        &self,
        replica: usize,
        name: &str,
    ) -> Result<Option<usize>, KernelError> {
        let input = self.state(self.slot(name)?)?.input;
        self.with(replica, |program| program.first_non_finite(input))
    }

    fn state(&self, slot: Slot) -> Result<&PlannedState, KernelError> {
        let step = &self.program.step;
        match slot.0 {
            Place::State(state) => Ok(&step.states[state]),
            Place::Window(window) => Err(no_name(&step.windows[window].0)),
            Place::Output(output) => Err(no_name(&step.outputs[output])),
        }
    }

    pub(super) fn checked(&self, replica: usize) -> Result<(), KernelError> {
        match replica < self.replicas() {
            true => Ok(()),
            false => Err(KernelError::Replica {
                replica,
                replicas: self.replicas(),
            }),
        }
    }

    fn with<R>(
        &self,
        replica: usize,
        look: impl FnOnce(&dyn Program) -> R,
    ) -> Result<R, KernelError> {
        self.checked(replica)?;
        Ok(look(self.replicas.program(replica)))
    }

    fn with_mut<R>(
        &mut self,
        replica: usize,
        change: impl FnOnce(&mut dyn Program) -> R,
    ) -> Result<R, KernelError> {
        self.checked(replica)?;
        Ok(change(self.replicas.program_mut(replica)))
    }
}

pub(super) fn no_name(name: &str) -> KernelError {
    KernelError::NoName {
        name: name.to_owned(),
    }
}
