//! Tiny programs: the lanes of a plan, each the loop of one block, all in one launch.
//!
//! Between launches a lane is bytes of the host; a launch takes along those that run and brings
//! them back, so that reading, saving and testing them cost no call of a driver.

use std::iter::repeat_n;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bayes_nn_autodiff::InputId;

use super::emit::block::HEAD;
use super::emit::{BlockLoop, Place};
use super::values::{NO_ERROR, bytes_of, decode, encode, index_error, numbers_of, span, unset};
use crate::backend::Program;
use crate::element::Precision;
use crate::error::DeviceError;
use crate::error::KernelError;
use crate::lanes::Lanes;
use crate::plan::{Plan, ValueId};
use crate::profile::Profile;

/// What computes: a device with memory for the data, and the launch of a loop.
pub(super) trait LoopEngine: Send {
    /// Copies bytes to `at` of the data.
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError>;
    /// Copies bytes from `at` of the data.
    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError>;
    /// Runs these lanes, which lie one after the other, each for as many steps as it says.
    fn run(&mut self, lanes: &mut [u8]) -> Result<(), DeviceError>;
    /// Runs one lane, adds to each pass's clock what it took, in some unit, and gives the seconds
    /// of all.
    fn time(&mut self, lane: &mut [u8], clocks: &mut [u64]) -> Result<f64, DeviceError>;
}

/// The numbers of the control block: seed, step, error, stopped.
const CONTROL: usize = 4;

/// What the lanes of a program share.
struct Shared<E> {
    plan: Plan,
    precision: Precision,
    code: BlockLoop,
    lanes: usize,
    device: Mutex<Device<E>>,
}

struct Device<E> {
    engine: E,
    /// Of each input that lanes share whether it is known; of the others they know.
    written: Vec<bool>,
}

/// One lane: a program by itself.
struct Lane<E> {
    shared: Arc<Shared<E>>,
    /// What stands for it in the device's memory while it runs.
    bytes: Vec<u8>,
    saved: Option<Vec<u8>>,
    written: Vec<bool>,
}

/// Lanes that run in one launch.
struct Group<E> {
    lanes: Vec<Lane<E>>,
    shared: Arc<Shared<E>>,
    /// The lanes that run, side by side.
    running: Vec<u8>,
}

/// A program of one lane.
pub(super) fn alone<E: LoopEngine + 'static>(
    plan: &Plan,
    precision: Precision,
    code: BlockLoop,
    engine: E,
) -> Result<Box<dyn Program>, KernelError> {
    let shared = Shared::new(plan, precision, code, engine, 1)?;
    Ok(Box::new(Lane::new(&Arc::new(shared))))
}

/// Programs that run together.
pub(super) fn together<E: LoopEngine + 'static>(
    plan: &Plan,
    precision: Precision,
    code: BlockLoop,
    engine: E,
    lanes: usize,
) -> Result<Box<dyn Lanes>, KernelError> {
    let shared = Arc::new(Shared::new(plan, precision, code, engine, lanes)?);
    Ok(Box::new(Group {
        lanes: (0..lanes).map(|_| Lane::new(&shared)).collect(),
        running: vec![0; lanes * shared.code.lane],
        shared,
    }))
}

impl<E: LoopEngine> Shared<E> {
    fn new(
        plan: &Plan,
        precision: Precision,
        code: BlockLoop,
        mut engine: E,
        lanes: usize,
    ) -> Result<Shared<E>, KernelError> {
        let tables: Vec<u8> = code.tables.iter().flat_map(|n| n.to_ne_bytes()).collect();
        engine.write(code.tables_at, &tables)?;
        for (id, constant) in &plan.constants {
            if let Some(Place::Data(at)) = code.place(*id) {
                let value = &plan.values[id.index()];
                let bytes = encode(value, precision, constant.iter().copied());
                engine.write(at, &bytes)?;
            }
        }
        Ok(Shared {
            plan: plan.clone(),
            precision,
            code,
            lanes,
            device: Mutex::new(Device {
                engine,
                written: vec![false; plan.inputs.len()],
            }),
        })
    }

    fn device(&self) -> MutexGuard<'_, Device<E>> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where an input lies that lanes share.
    fn data_at(&self, number: usize) -> Option<usize> {
        match self.code.place(self.plan.inputs[number].value) {
            Some(Place::Data(at)) => Some(at),
            _ => None,
        }
    }

    fn write_data(
        &self,
        number: usize,
        at: usize,
        elements: impl Iterator<Item = f64>,
    ) -> Result<(), KernelError> {
        let value = &self.plan.values[self.plan.inputs[number].value.index()];
        let mut device = self.device();
        device
            .engine
            .write(at, &encode(value, self.precision, elements))?;
        device.written[number] = true;
        Ok(())
    }

    fn number_of(&self, input: InputId) -> Option<usize> {
        self.plan.inputs.iter().position(|i| i.id == input)
    }
}

impl<E: LoopEngine> Lane<E> {
    fn new(shared: &Arc<Shared<E>>) -> Lane<E> {
        let mut lane = Lane {
            bytes: vec![0; shared.code.lane],
            saved: None,
            written: vec![false; shared.plan.inputs.len()],
            shared: shared.clone(),
        };
        lane.rewind(0, 0);
        lane
    }

    fn control(&self) -> [u64; CONTROL] {
        numbers_of(&self.bytes[..8 * CONTROL])
    }

    fn set_steps(&mut self, steps: u64) {
        self.bytes[8 * CONTROL..HEAD].copy_from_slice(&steps.to_ne_bytes());
    }

    fn write_own(&mut self, number: usize, elements: impl Iterator<Item = f64>) {
        let id = self.shared.plan.inputs[number].value;
        if let Some(Place::Lane(at)) = self.shared.code.place(id) {
            let value = &self.shared.plan.values[id.index()];
            let bytes = encode(value, self.shared.precision, elements);
            self.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
            self.written[number] = true;
        }
    }

    /// Gives an input its elements, in row-major order.
    fn put(
        &mut self,
        number: usize,
        elements: impl Iterator<Item = f64>,
    ) -> Result<(), KernelError> {
        match self.shared.data_at(number) {
            None => self.write_own(number, elements),
            Some(at) if self.shared.lanes == 1 => self.shared.write_data(number, at, elements)?,
            Some(_) => {
                return Err(KernelError::SharedInput {
                    name: self.shared.plan.inputs[number].name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Puts the elements of a value into `elements`: as many as fit; NaN where the device cannot
    /// be asked any more, which the next run reports.
    fn read(&self, id: ValueId, elements: &mut [f64]) {
        let (plan, precision) = (&self.shared.plan, self.shared.precision);
        let value = &plan.values[id.index()];
        let length = span(value, precision);
        match self.shared.code.place(id) {
            Some(Place::Lane(at)) => {
                decode(value, precision, &self.bytes[at..at + length], elements);
            }
            Some(Place::Data(at)) => {
                let mut bytes = vec![0; length];
                match self.shared.device().engine.read(at, &mut bytes) {
                    Ok(()) => decode(value, precision, &bytes, elements),
                    Err(_) => elements.fill(f64::NAN),
                }
            }
            None => elements.fill(f64::NAN),
        }
    }

    fn values(&self, id: ValueId) -> Vec<f64> {
        let mut values = vec![0.0; self.shared.plan.values[id.index()].shape.elements()];
        self.read(id, &mut values);
        values
    }

    fn ready(&self) -> Result<(), KernelError> {
        let device = self.shared.device();
        let pairs = self.written.iter().zip(&device.written);
        unset(&self.shared.plan, pairs.map(|(own, all)| *own || *all))
    }

    /// Says which index was outside, if one was, and lets the program go on from there.
    fn check_indices(&mut self) -> Result<(), KernelError> {
        let [seed, step, error, _] = self.control();
        if error == NO_ERROR {
            return Ok(());
        }
        self.rewind(seed, step);
        Err(index_error(&self.shared.plan, error, |index| {
            self.values(index)
        }))
    }
}

impl<E: LoopEngine> Program for Lane<E> {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        let number = self.shared.plan.input_for(input, values)?;
        self.put(number, values.iter().copied())
    }

    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        let number = self.shared.plan.input_of(input, &[value])?;
        let id = self.shared.plan.inputs[number].value;
        let elements = self.shared.plan.values[id.index()].shape.elements();
        self.put(number, repeat_n(value, elements))
    }

    fn read_input(&self, input: InputId) -> Vec<f64> {
        let number = self.shared.number_of(input);
        number.map_or_else(Vec::new, |n| self.values(self.shared.plan.inputs[n].value))
    }

    fn read_output(&self, output: usize) -> Vec<f64> {
        let output = self.shared.plan.outputs.get(output);
        output.map_or_else(Vec::new, |value| self.values(*value))
    }

    fn read_output_into(&self, output: usize, values: &mut [f64]) {
        if let Some(id) = self.shared.plan.outputs.get(output) {
            self.read(*id, values);
        }
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        self.ready()?;
        self.set_steps(steps);
        self.shared.device().engine.run(&mut self.bytes)?;
        self.check_indices()
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.ready()?;
        self.set_steps(steps);
        let passes = self.shared.plan.passes();
        let mut clocks = vec![0; passes.len()];
        let seconds = self
            .shared
            .device()
            .engine
            .time(&mut self.bytes, &mut clocks)?;
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

    fn first_non_finite(&self, input: InputId) -> Option<usize> {
        let number = self.shared.number_of(input)?;
        let values = self.values(self.shared.plan.inputs[number].value);
        values.iter().position(|number| !number.is_finite())
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        let control = bytes_of(&[seed, step, NO_ERROR, 0]);
        self.bytes[..8 * CONTROL].copy_from_slice(&control);
    }
}

impl<E: LoopEngine> Lanes for Group<E> {
    fn programs(&mut self) -> Vec<&mut dyn Program> {
        let lanes = self.lanes.iter_mut();
        lanes.map(|lane| lane as &mut dyn Program).collect()
    }

    fn write_all(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        let number = self.shared.plan.input_for(input, values)?;
        if let Some(at) = self.shared.data_at(number) {
            return self.shared.write_data(number, at, values.iter().copied());
        }
        for lane in &mut self.lanes {
            lane.write_own(number, values.iter().copied());
        }
        Ok(())
    }

    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        let size = self.shared.code.lane;
        let mut outcomes: Vec<_> = self.lanes.iter().map(Lane::ready).collect();
        let runs = |lane: usize, outcome: &Result<(), KernelError>| {
            outcome.is_ok() && steps.get(lane).is_some_and(|steps| *steps > 0)
        };
        let running: Vec<usize> = (0..outcomes.len())
            .filter(|&lane| runs(lane, &outcomes[lane]))
            .collect();
        let bytes = &mut self.running[..running.len() * size];
        for (&lane, bytes) in running.iter().zip(bytes.chunks_exact_mut(size)) {
            self.lanes[lane].set_steps(steps[lane]);
            bytes.copy_from_slice(&self.lanes[lane].bytes);
        }
        let ran = self.shared.device().engine.run(bytes);
        for (&lane, bytes) in running.iter().zip(bytes.chunks_exact(size)) {
            outcomes[lane] = match &ran {
                Ok(()) => {
                    self.lanes[lane].bytes.copy_from_slice(bytes);
                    self.lanes[lane].check_indices()
                }
                Err(error) => Err(error.clone().into()),
            };
        }
        outcomes
    }
}
