//! Tiny programs: the replicas of a plan, each the loop of one block, all in one launch.
//!
//! Between launches a replica is bytes of the host; a launch takes along those that run and brings
//! them back, so that reading, saving and testing them cost no call of a driver. Data are on the
//! device once for all replicas, in the type in which the program calculates.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bayes_nn_autodiff::InputId;

use super::emit::block::HEAD;
use super::emit::{BlockLoop, Place, Tiny};
use super::values::{
    NO_ERROR, bytes_of, decode, encode, encode_column, index_error, numbers_of, part_of,
};
use crate::backend::{Loaded, Program};
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::known::Known;
use crate::plan::{Plan, ValueId};
use crate::plan_program::PlanProgram;
use crate::profile::Profile;
use crate::replicas::Replicas;

/// What computes: a device with memory for the data, and the launch of a loop.
pub(super) trait LoopEngine: Send {
    /// Copies bytes to `at` of the data.
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError>;
    /// Copies bytes from `at` of the data.
    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError>;
    /// Runs these replicas, which lie one after the other, each for as many steps as it says.
    fn run(&mut self, replicas: &mut [u8]) -> Result<(), DeviceError>;
    /// Runs one replica, adds to each pass's clock what it took, in some unit, and gives the
    /// seconds of all.
    fn time(&mut self, replica: &mut [u8], clocks: &mut [u64]) -> Result<f64, DeviceError>;
}

/// The numbers of the control block: seed, step, error, stopped.
const CONTROL: usize = 4;

/// What the replicas of a program share.
struct Shared<E> {
    plan: Arc<Plan>,
    precision: Precision,
    code: BlockLoop,
    known: Known,
    device: Mutex<E>,
}

/// A tiny plan on a device.
struct LoadedLoop<E>(Arc<Shared<E>>);

/// One replica: a program by itself.
struct Replica<E> {
    shared: Arc<Shared<E>>,
    /// What stands for it in the device's memory while it runs.
    bytes: Vec<u8>,
    saved: Option<Vec<u8>>,
    written: Vec<bool>,
}

/// Replicas that run in one launch.
struct Together<E> {
    replicas: Vec<Replica<E>>,
    shared: Arc<Shared<E>>,
    /// Those that run, side by side.
    running: Vec<u8>,
}

/// Loads a plan on an engine, if it is tiny.
pub(super) fn load<E: LoopEngine + 'static>(
    plan: &Arc<Plan>,
    data: &[Binding],
    precision: Precision,
    tiny: Tiny,
    engine: impl FnOnce(&BlockLoop) -> Result<E, DeviceError>,
) -> Result<Option<Arc<dyn Loaded>>, KernelError> {
    let known = Known::new(plan, data)?;
    let bound = plan.inputs.iter().zip(&known.columns);
    let bound: Vec<InputId> = bound
        .filter_map(|(input, column)| column.as_ref().map(|_| input.id))
        .collect();
    let Some(code) = BlockLoop::new(plan, precision, tiny, &bound) else {
        return Ok(None);
    };
    let mut engine = engine(&code)?;
    let tables: Vec<u8> = code.tables.iter().flat_map(|n| n.to_ne_bytes()).collect();
    engine.write(code.tables_at, &tables)?;
    let mut put = |id: ValueId, encode: &dyn Fn() -> Vec<u8>| match code.place(id) {
        Some(Place::Data(at)) => engine.write(at, &encode()),
        _ => Ok(()),
    };
    for (id, constant) in &plan.constants {
        let value = &plan.values[id.index()];
        put(*id, &|| encode(value, precision, constant.iter().copied()))?;
    }
    for (input, column) in plan.inputs.iter().zip(&known.columns) {
        if let Some(column) = column {
            let value = &plan.values[input.value.index()];
            put(input.value, &|| {
                encode_column(value, precision, &column.laid_out())
            })?;
        }
    }
    Ok(Some(Arc::new(LoadedLoop(Arc::new(Shared {
        plan: plan.clone(),
        precision,
        code,
        known,
        device: Mutex::new(engine),
    })))))
}

impl<E: LoopEngine + 'static> Loaded for LoadedLoop<E> {
    fn together(&self) -> usize {
        usize::MAX
    }

    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError> {
        let shared = &self.0;
        Ok(Box::new(Together {
            replicas: (0..replicas).map(|_| Replica::new(shared)).collect(),
            running: vec![0; replicas * shared.code.replica],
            shared: shared.clone(),
        }))
    }
}

impl<E: LoopEngine> Shared<E> {
    fn device(&self) -> MutexGuard<'_, E> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: LoopEngine> Replica<E> {
    fn new(shared: &Arc<Shared<E>>) -> Replica<E> {
        let columns = shared.known.columns.iter();
        let mut replica = Replica {
            bytes: vec![0; shared.code.replica],
            saved: None,
            written: columns.map(Option::is_some).collect(),
            shared: shared.clone(),
        };
        PlanProgram::rewind(&mut replica, 0, 0);
        replica
    }

    fn control(&self) -> [u64; CONTROL] {
        numbers_of(&self.bytes[..8 * CONTROL])
    }

    fn set_steps(&mut self, steps: u64) {
        self.bytes[8 * CONTROL..HEAD].copy_from_slice(&steps.to_ne_bytes());
    }

    /// Says which index was outside, if one was, and lets the program go on from there.
    fn check_indices(&mut self) -> Result<(), KernelError> {
        let [seed, step, error, _] = self.control();
        if error == NO_ERROR {
            return Ok(());
        }
        PlanProgram::rewind(self, seed, step);
        Err(index_error(&self.shared.plan, error, |index| {
            self.values(index)
        }))
    }
}

impl<E: LoopEngine> PlanProgram for Replica<E> {
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
        let id = self.plan().inputs[input].value;
        if let Some(Place::Replica(at)) = self.shared.code.place(id) {
            let bytes = encode(self.plan().value(id), self.precision(), elements);
            self.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
            self.written[input] = true;
        }
        Ok(())
    }

    /// NaN where the device cannot be asked any more, which the next run reports.
    fn read(&self, id: ValueId, first: usize, elements: &mut [f64]) {
        let (value, precision) = (self.plan().value(id), self.precision());
        let part = part_of(value, precision, first, elements.len());
        match self.shared.code.place(id) {
            Some(Place::Replica(at)) => {
                let bytes = &self.bytes[at + part.start..at + part.end];
                decode(value, precision, bytes, first, elements);
            }
            Some(Place::Data(at)) => {
                let mut bytes = vec![0; part.len()];
                match self.shared.device().read(at + part.start, &mut bytes) {
                    Ok(()) => decode(value, precision, &bytes, first, elements),
                    Err(_) => elements.fill(f64::NAN),
                }
            }
            None => elements.fill(f64::NAN),
        }
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        self.check_written()?;
        self.set_steps(steps);
        self.shared.device().run(&mut self.bytes)?;
        self.check_indices()
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.check_written()?;
        self.set_steps(steps);
        let passes = self.shared.plan.costs();
        let mut clocks = vec![0; passes.len()];
        let seconds = self.shared.device().time(&mut self.bytes, &mut clocks)?;
        self.check_indices()?;
        let all = clocks.iter().sum::<u64>().max(1) as f64;
        let share = |clock: &u64| vec![*clock as f64 / all * seconds / steps.max(1) as f64];
        let samples = clocks.iter().map(share).collect();
        let profile = Profile::of_samples(passes, samples, self.shared.precision);
        Ok(Profile { steps, ..profile })
    }

    fn save(&mut self) {
        match &mut self.saved {
            Some(saved) => saved.copy_from_slice(&self.bytes),
            None => self.saved = Some(self.bytes.clone()),
        }
    }

    fn restore(&mut self) {
        if let Some(saved) = &self.saved {
            for inputs in self.shared.code.inputs() {
                self.bytes[inputs.clone()].copy_from_slice(&saved[inputs]);
            }
        }
    }

    fn forget(&mut self) {
        self.saved = None;
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        let control = bytes_of(&[seed, step, NO_ERROR, 0]);
        self.bytes[..8 * CONTROL].copy_from_slice(&control);
    }
}

impl<E: LoopEngine> Replicas for Together<E> {
    fn count(&self) -> usize {
        self.replicas.len()
    }

    fn program(&self, replica: usize) -> &dyn Program {
        &self.replicas[replica]
    }

    fn program_mut(&mut self, replica: usize) -> &mut dyn Program {
        &mut self.replicas[replica]
    }

    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        let size = self.shared.code.replica;
        let mut outcomes: Vec<_> = self.replicas.iter().map(Replica::check_written).collect();
        let runs = |replica: usize, outcome: &Result<(), KernelError>| {
            outcome.is_ok() && steps.get(replica).is_some_and(|steps| *steps > 0)
        };
        let running: Vec<usize> = (0..outcomes.len())
            .filter(|&replica| runs(replica, &outcomes[replica]))
            .collect();
        let bytes = &mut self.running[..running.len() * size];
        for (&replica, bytes) in running.iter().zip(bytes.chunks_exact_mut(size)) {
            self.replicas[replica].set_steps(steps[replica]);
            bytes.copy_from_slice(&self.replicas[replica].bytes);
        }
        let ran = self.shared.device().run(bytes);
        for (&replica, bytes) in running.iter().zip(bytes.chunks_exact(size)) {
            outcomes[replica] = match &ran {
                Ok(()) => {
                    self.replicas[replica].bytes.copy_from_slice(bytes);
                    self.replicas[replica].check_indices()
                }
                Err(error) => Err(error.clone().into()),
            };
        }
        outcomes
    }
}
