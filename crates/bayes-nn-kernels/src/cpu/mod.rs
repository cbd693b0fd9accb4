//! The CPU executor: plans run as scalar loops compiled for each instruction set.

pub mod isa;
mod kernel;
mod kernels;
mod loaded;
pub mod math;
mod memory;
mod program;
mod strips;
mod watch;

use std::sync::Arc;

use crate::backend::{Backend, Loaded};
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::plan::Plan;
use crate::ranks::{DeviceGroup, Start, rank};
use isa::{Isa, Runnable};
use kernel::Number;
use loaded::CpuLoaded;

/// The CPU as a backend: an instruction set and a number of threads.
///
/// Results do not depend on the number of threads, to the last bit: work is cut into fixed
/// pieces, and what the pieces give is combined in a fixed order.
#[derive(Clone, Debug)]
pub struct Cpu {
    isa: Runnable,
    threads: usize,
}

impl Cpu {
    /// The best instruction set of this machine, or the one that the environment variable
    /// `BAYES_NN_ISA` names, and all its cores.
    ///
    /// # Errors
    /// When `BAYES_NN_ISA` names what this machine cannot run.
    pub fn detect() -> Result<Cpu, KernelError> {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        Ok(Cpu {
            isa: Isa::detect()?.check()?,
            threads,
        })
    }

    /// This CPU with at most `threads` threads to a program; 0 counts as 1.
    #[must_use]
    pub fn threads(self, threads: usize) -> Cpu {
        let threads = threads.max(1);
        Cpu { threads, ..self }
    }

    /// This CPU as so many ranks, which share its threads and meet in memory. It is not faster
    /// than the CPU as one: it computes what a group of GPUs does, on any machine.
    ///
    /// # Errors
    /// When there are no ranks.
    pub fn group(self, ranks: usize) -> Result<DeviceGroup, DeviceError> {
        let threads = self.threads / ranks.max(1);
        let members = vec![self.threads(threads); ranks];
        DeviceGroup::new(members, |members, plan, data, precision| {
            // One memory holds the data of all ranks.
            let Some(Cpu { isa, threads }) = members.first().cloned() else {
                return Err(DeviceError::EmptyGroup.into());
            };
            Ok(match precision {
                Precision::F32 => ranks_of(CpuLoaded::<f32>::new(plan, data, isa, threads)?),
                Precision::F64 => ranks_of(CpuLoaded::<f64>::new(plan, data, isa, threads)?),
            })
        })
    }

    /// This CPU with another instruction set.
    ///
    /// # Errors
    /// When this machine cannot run it.
    pub fn isa(self, isa: Isa) -> Result<Cpu, KernelError> {
        let isa = isa.check()?;
        Ok(Cpu { isa, ..self })
    }
}

/// What makes a program for each seat.
fn ranks_of<T: Number>(loaded: CpuLoaded<T>) -> Box<Start> {
    Box::new(move |seats| {
        let program = |seat| rank(loaded.program(Some(seat)));
        Ok(seats.into_iter().map(program).collect())
    })
}

impl Backend for Cpu {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let Cpu { isa, threads } = *self;
        Ok(match precision {
            Precision::F32 => Arc::new(CpuLoaded::<f32>::new(plan, data, isa, threads)?),
            Precision::F64 => Arc::new(CpuLoaded::<f64>::new(plan, data, isa, threads)?),
        })
    }
}
