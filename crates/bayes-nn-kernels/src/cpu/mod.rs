//! The CPU executor: plans run as scalar loops compiled for each instruction set.

pub mod isa;
mod kernel;
mod kernels;
pub mod math;
mod memory;
mod program;
mod strips;
mod watch;

use crate::backend::{Backend, Program};
use crate::element::Precision;
use crate::error::DeviceError;
use crate::error::KernelError;
use crate::plan::Plan;
use crate::ranks::DeviceGroup;
use crate::ranks::Seat;
use isa::{Isa, Runnable};
use program::CpuProgram;

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
        DeviceGroup::new(members, |members, plan, precision, seats| {
            let pairs = members.iter().zip(seats);
            let programs = pairs.map(|(cpu, seat)| cpu.program(plan, precision, Some(seat)));
            Ok(programs.collect())
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

    fn program(&self, plan: &Plan, precision: Precision, seat: Option<Seat>) -> Box<dyn Program> {
        let Cpu { isa, threads } = *self;
        match precision {
            Precision::F32 => Box::new(CpuProgram::<f32>::new(plan, isa, threads, seat)),
            Precision::F64 => Box::new(CpuProgram::<f64>::new(plan, isa, threads, seat)),
        }
    }
}

impl Backend for Cpu {
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        Ok(self.program(plan, precision, None))
    }
}
