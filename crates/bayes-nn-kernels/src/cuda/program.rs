//! A plan laid out in one block of device memory, whatever the engine that computes there.
//!
//! Every replica has a block of its own, in which the data lie beside its states, in the type in
//! which the program calculates. They are converted and copied there when it is started.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_autodiff::Kind;

use super::emit::Source;
use super::values::{
    NO_ERROR, bytes_of, decode, element_bytes, encode, encode_column, index_error, numbers_of,
    part_of,
};
use crate::backend::{Loaded, Program};
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::known::Known;
use crate::plan::{Plan, Value, ValueId};
use crate::plan_program::PlanProgram;
use crate::profile::Profile;
use crate::ranks::Seat;
use crate::replicas::Replicas;

/// What computes: a device with one block of memory, and the launches of a step.
pub(super) trait Engine: Send {
    /// Copies bytes to `at`.
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError>;
    /// Copies bytes from `at`, after all that was asked for before.
    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError>;
    /// Copies bytes within the device's memory.
    fn copy(&mut self, from: Range<usize>, to: usize) -> Result<(), DeviceError>;
    /// Runs so many steps.
    fn run(&mut self, steps: u64) -> Result<(), DeviceError>;
    /// Runs one launch of a step, and says how many seconds it took.
    fn time(&mut self, launch: usize) -> Result<f64, DeviceError>;
}

/// Where everything lies, in bytes. The control block comes first.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    element: usize,
    pub partials: usize,
    pub arena: usize,
    pub indices: usize,
    saved: usize,
    /// All of it.
    pub bytes: usize,
}

/// The numbers of the control block: seed, step, error, stopped. Behind them, of a plan in which
/// ranks meet, are the number of this one and how many there are.
const CONTROL: usize = 4;

/// Every part starts at a multiple of this many bytes.
const ALIGNMENT: usize = 256;

/// Elements behind each arena: what an index outside an empty axis may touch.
const SLACK: usize = 64;

impl Memory {
    fn new(plan: &Plan, source: &Source, precision: Precision) -> Memory {
        let element = precision.bytes();
        let partials = ALIGNMENT;
        let after = |start: usize, bytes: usize| (start + bytes).next_multiple_of(ALIGNMENT);
        let arena = after(partials, 8 * source.partials);
        let indices = after(arena, element * (plan.floats + SLACK));
        let saved = after(indices, 4 * (plan.indices + source.tables.len() + SLACK));
        let states: usize = states(plan).map(|range| range.len()).sum();
        Memory {
            element,
            partials,
            arena,
            indices,
            saved,
            bytes: after(saved, element * states),
        }
    }
}

/// Where the states lie, in elements of the arena.
fn states(plan: &Plan) -> impl Iterator<Item = Range<usize>> {
    plan.states.iter().filter_map(|state| {
        let value = &plan.values[state.index()];
        let range = value.offset..value.offset + value.layout.span();
        (value.kind == Kind::Float).then_some(range)
    })
}

/// A plan as launches, with its data.
pub(super) struct Launches {
    plan: Arc<Plan>,
    precision: Precision,
    memory: Memory,
    source: Source,
    known: Known,
}

impl Launches {
    pub fn new(
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Launches, KernelError> {
        let source = Source::new(plan, precision)?;
        Ok(Launches {
            known: Known::new(plan, data)?,
            memory: Memory::new(plan, &source, precision),
            plan: plan.clone(),
            precision,
            source,
        })
    }
}

/// A plan as launches, and what makes an engine for them.
pub(super) struct LoadedLaunches<F> {
    pub launches: Arc<Launches>,
    pub engine: F,
}

impl<E, F> Loaded for LoadedLaunches<F>
where
    E: Engine + 'static,
    F: Fn(&Source, &Memory) -> Result<E, DeviceError> + Send + Sync,
{
    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError> {
        let program = |_| -> Result<Box<dyn Program>, KernelError> {
            let program = DeviceProgram::new(&self.launches, None, &self.engine)?;
            Ok(Box::new(program))
        };
        let programs = (0..replicas).map(program);
        Ok(Box::new(programs.collect::<Result<Vec<_>, _>>()?))
    }
}

/// A program on an engine.
pub(super) struct DeviceProgram<E> {
    shared: Arc<Launches>,
    written: Vec<bool>,
    has_saved: bool,
    /// What went wrong where nothing could be returned; the next run does.
    failed: Option<DeviceError>,
    engine: E,
}

impl<E: Engine> DeviceProgram<E> {
    /// Makes the engine, and puts there what is known already. Without a seat it is the only rank.
    pub fn new(
        shared: &Arc<Launches>,
        seat: Option<&Seat>,
        engine: impl FnOnce(&Source, &Memory) -> Result<E, DeviceError>,
    ) -> Result<DeviceProgram<E>, KernelError> {
        let Launches {
            plan,
            precision,
            memory,
            source,
            known,
        } = &**shared;
        let mut program = DeviceProgram {
            shared: shared.clone(),
            written: known.columns.iter().map(Option::is_some).collect(),
            has_saved: false,
            failed: None,
            engine: engine(source, memory)?,
        };
        program.set_control(0, 0)?;
        if plan.has_all_reduce() {
            let rank = seat.map_or([0, 1], |seat| [seat.rank(), seat.ranks()]);
            let rank = bytes_of(&rank.map(|number| number as u64));
            program.engine.write(8 * CONTROL, &rank)?;
        }
        let tables: Vec<u8> = source.tables.iter().flat_map(|n| n.to_ne_bytes()).collect();
        let at = memory.indices + 4 * plan.indices;
        program.engine.write(at, &tables)?;
        for (value, constant) in &plan.constants {
            program.fill(*value, constant.iter().copied())?;
        }
        for (input, column) in plan.inputs.iter().zip(&known.columns) {
            if let Some(column) = column {
                let value = &plan.values[input.value.index()];
                let bytes = encode_column(value, *precision, &column.laid_out());
                program.engine.write(program.place(value), &bytes)?;
            }
        }
        Ok(program)
    }

    /// What computes, to be connected to that of other ranks.
    #[cfg(feature = "nccl")]
    pub fn engine(&mut self) -> &mut E {
        &mut self.engine
    }

    fn set_control(&mut self, seed: u64, step: u64) -> Result<(), DeviceError> {
        self.engine.write(0, &bytes_of(&[seed, step, NO_ERROR, 0]))
    }

    fn control(&self) -> Result<[u64; CONTROL], DeviceError> {
        let mut bytes = [0; 8 * CONTROL];
        self.engine.read(0, &mut bytes)?;
        Ok(numbers_of(&bytes))
    }

    /// Where a value starts.
    fn place(&self, value: &Value) -> usize {
        let start = match value.kind {
            Kind::Float => self.shared.memory.arena,
            Kind::Index => self.shared.memory.indices,
        };
        start + value.offset * element_bytes(value, self.shared.precision)
    }

    /// Gives a value its elements, in row-major order.
    fn fill(
        &mut self,
        id: ValueId,
        elements: impl Iterator<Item = f64>,
    ) -> Result<(), DeviceError> {
        let value = &self.shared.plan.values[id.index()];
        let bytes = encode(value, self.shared.precision, elements);
        self.engine.write(self.place(value), &bytes)
    }

    /// As [`PlanProgram::read`], as long as the device can be asked.
    fn read_bytes(&self, id: ValueId, first: usize, to: &mut [f64]) -> Result<(), DeviceError> {
        let value = self.plan().value(id);
        let part = part_of(value, self.precision(), first, to.len());
        let mut bytes = vec![0; part.len()];
        self.engine
            .read(self.place(value) + part.start, &mut bytes)?;
        decode(value, self.precision(), &bytes, first, to);
        Ok(())
    }

    fn ready(&mut self) -> Result<(), KernelError> {
        match self.failed.take() {
            Some(failure) => Err(failure.into()),
            None => self.check_written(),
        }
    }

    /// Says which index was outside, if one was, and lets the program go on from there.
    fn check_indices(&mut self) -> Result<(), KernelError> {
        let [seed, step, error, _] = self.control()?;
        if error == NO_ERROR {
            return Ok(());
        }
        self.set_control(seed, step)?;
        Err(index_error(&self.shared.plan, error, |index| {
            self.values(index)
        }))
    }

    /// The bytes of the states, and where each is kept.
    fn saved(&self) -> Vec<(Range<usize>, usize)> {
        let (element, arena) = (self.shared.memory.element, self.shared.memory.arena);
        let mut at = self.shared.memory.saved;
        let pairs = states(&self.shared.plan).map(|range| {
            let own = arena + range.start * element..arena + range.end * element;
            let kept = at;
            at += own.len();
            (own, kept)
        });
        pairs.collect()
    }
}

impl<E: Engine> PlanProgram for DeviceProgram<E> {
    fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    fn known(&self) -> &Known {
        &self.shared.known
    }

    fn precision(&self) -> Precision {
        self.shared.precision
    }

    fn written(&self) -> &[bool] {
        &self.written
    }

    fn put(
        &mut self,
        input: usize,
        elements: impl Iterator<Item = f64>,
    ) -> Result<(), KernelError> {
        self.fill(self.plan().inputs[input].value, elements)?;
        self.written[input] = true;
        Ok(())
    }

    /// NaN where the device cannot be asked any more; the next run reports it.
    fn read(&self, id: ValueId, first: usize, elements: &mut [f64]) {
        if self.read_bytes(id, first, elements).is_err() {
            elements.fill(f64::NAN);
        }
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        self.ready()?;
        self.engine.run(steps)?;
        self.check_indices()
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.ready()?;
        let passes = self.shared.plan.costs();
        let mut samples = vec![Vec::with_capacity(steps as usize); passes.len()];
        for _ in 0..steps {
            let mut seconds = vec![0.0; passes.len() + 1];
            for (number, launch) in self.shared.source.launches.iter().enumerate() {
                seconds[launch.pass()] += self.engine.time(number)?;
            }
            for (samples, seconds) in samples.iter_mut().zip(seconds) {
                samples.push(seconds);
            }
        }
        self.check_indices()?;
        Ok(Profile::of_samples(passes, samples, self.shared.precision))
    }

    fn save(&mut self) {
        for (own, kept) in self.saved() {
            if let Err(error) = self.engine.copy(own, kept) {
                self.failed = Some(error);
            }
        }
        self.has_saved = true;
    }

    fn restore(&mut self) {
        if !self.has_saved {
            return;
        }
        for (own, kept) in self.saved() {
            if let Err(error) = self.engine.copy(kept..kept + own.len(), own.start) {
                self.failed = Some(error);
            }
        }
    }

    fn forget(&mut self) {
        self.has_saved = false;
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        if let Err(error) = self.set_control(seed, step) {
            self.failed = Some(error);
        }
    }
}
