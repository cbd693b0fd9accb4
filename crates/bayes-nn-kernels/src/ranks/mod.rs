//! Ranks: devices that run one program together, each on its part of the minibatches.

pub(crate) mod communicator;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bayes_nn_autodiff::InputId;

use crate::backend::{Backend, Loaded, Program};
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::plan::Plan;
use crate::profile::Profile;
use crate::replicas::Replicas;
use communicator::Communicator;
pub(crate) use communicator::Seat;

/// A program of each rank.
type Programs = Vec<Box<dyn Replicas>>;
/// Makes a program for each seat, of a plan that is loaded on all ranks.
pub(crate) type Start = dyn Fn(Vec<Seat>) -> Result<Programs, KernelError> + Send + Sync;
type Load =
    dyn Fn(&Arc<Plan>, &[Binding], Precision) -> Result<Box<Start>, KernelError> + Send + Sync;

/// The program of a rank.
pub(crate) fn rank(program: impl Program + 'static) -> Box<dyn Replicas> {
    Box::new(vec![Box::new(program) as Box<dyn Program>])
}

/// Devices that run a plan together, a *rank* each, where the plan says that ranks meet
/// ([`Plan::has_all_reduce`]): all have the same states, the same data and the same noise, each
/// its own part of every minibatch, and
/// [`Var::all_reduce_mean`](bayes_nn_autodiff::Var::all_reduce_mean) makes what they learn from it
/// the same. Any other plan is run by the first of them.
///
/// Such a program writes, saves and rewinds all ranks and reads the first. Where one fails, all
/// stop with its error, at different steps: what they hold is good again once all states are
/// restored or written, and the program is rewound. A program of GPUs is then to be started again.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Backend, Binding, Cpu, Plan, Precision};
///
/// // The mean of ten numbers, two a rank.
/// let graph = Graph::new();
/// let x = graph.input("x", [10]);
/// let mean = x.gather(graph.batch(10, 2, 0), 0).mean().all_reduce_mean();
/// let plan = Plan::new(&graph, &[mean], &[])?;
/// let group = Cpu::detect()?.group(5)?;
/// assert_eq!(group.ranks(), 5);
///
/// let numbers: Vec<u8> = (0..10).collect();
/// let data = [Binding::new(x.input_id().unwrap(), numbers)];
/// let loaded = group.load(&plan.into(), &data, Precision::F64)?;
/// let mut replicas = loaded.start(1)?;
/// let program = replicas.program_mut(0);
/// program.run(1)?;
/// assert_eq!(program.read_output(0), [4.5]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub struct DeviceGroup {
    ranks: usize,
    first: Box<dyn Backend + Send + Sync>,
    load: Box<Load>,
    /// Whether a program in which ranks meet is of no use after a failure.
    ended_by_failure: bool,
    /// Held while a program of the group is made, runs or is dropped.
    turn: Arc<Mutex<()>>,
}

impl DeviceGroup {
    /// Members by rank, and how they load a plan in which they meet.
    ///
    /// # Errors
    /// When there are no members.
    pub(crate) fn new<B: Backend + Clone + Send + Sync + 'static>(
        members: Vec<B>,
        load: impl Fn(&[B], &Arc<Plan>, &[Binding], Precision) -> Result<Box<Start>, KernelError>
        + Send
        + Sync
        + 'static,
    ) -> Result<DeviceGroup, DeviceError> {
        let Some(first) = members.first().cloned() else {
            return Err(DeviceError::EmptyGroup);
        };
        Ok(DeviceGroup {
            ranks: members.len(),
            first: Box::new(first),
            load: Box::new(move |plan, data, precision| load(&members, plan, data, precision)),
            ended_by_failure: false,
            turn: Arc::default(),
        })
    }

    /// A group whose ranks cannot meet again once one has failed.
    #[cfg(feature = "nccl")]
    pub(crate) fn ended_by_failure(self) -> DeviceGroup {
        DeviceGroup {
            ended_by_failure: true,
            ..self
        }
    }
}

impl fmt::Debug for DeviceGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceGroup")
            .field("ranks", &self.ranks)
            .finish_non_exhaustive()
    }
}

impl Backend for DeviceGroup {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let _turn = turn(&self.turn);
        let meets = plan.has_all_reduce();
        let start: Box<Start> = match meets {
            true => (self.load)(plan, data, precision)?,
            false => {
                let first = self.first.load(plan, data, precision)?;
                Box::new(move |_| Ok(vec![first.start(1)?]))
            }
        };
        Ok(Arc::new(LoadedRanks {
            start: Some(start),
            ranks: if meets { self.ranks } else { 1 },
            ended_by_failure: self.ended_by_failure && meets,
            turn: self.turn.clone(),
        }))
    }

    fn ranks(&self) -> usize {
        self.ranks
    }
}

/// Waits until no program of a group is made, runs or is dropped: to allocate, to load and to free
/// may be to wait for what runs on a GPU, and that for another rank.
fn turn(turn: &Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A plan that is loaded on every rank, or on the first if ranks do not meet in it.
struct LoadedRanks {
    /// There until it is dropped.
    start: Option<Box<Start>>,
    ranks: usize,
    ended_by_failure: bool,
    turn: Arc<Mutex<()>>,
}

impl LoadedRanks {
    fn program(&self) -> Result<Box<dyn Program>, KernelError> {
        let Some(start) = &self.start else {
            unreachable!("it is dropped already");
        };
        let communicator = Communicator::new(self.ranks, self.ended_by_failure);
        let _turn = turn(&self.turn);
        Ok(Box::new(Ranks {
            programs: start(communicator.seats())?,
            communicator,
            turn: self.turn.clone(),
        }))
    }
}

impl Loaded for LoadedRanks {
    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError> {
        let programs = (0..replicas).map(|_| self.program());
        Ok(Box::new(programs.collect::<Result<Vec<_>, _>>()?))
    }
}

impl Drop for LoadedRanks {
    fn drop(&mut self) {
        let _turn = turn(&self.turn);
        self.start = None;
    }
}

/// The programs of all ranks as one, or the only one of a plan in which ranks do not meet.
///
/// All ranks run the same steps before a caller reads anything, and what it reads was computed from
/// means that are the same on all of them. So the first rank alone decides whether to stop, to go on,
/// or that a number is not finite.
struct Ranks {
    programs: Programs,
    communicator: Arc<Communicator>,
    turn: Arc<Mutex<()>>,
}

impl Ranks {
    /// Lets every rank run, each on a thread of its own, and gives what the first returns.
    fn together<R: Send>(
        &mut self,
        run: impl Fn(&mut dyn Program) -> Result<R, KernelError> + Sync,
    ) -> Result<R, KernelError> {
        // Programs of one group take turns: if their ranks met in different orders, each would wait
        // for the other.
        let _turn = turn(&self.turn);
        let communicator = &*self.communicator;
        communicator.begin()?;
        let attempt = |program: &mut Box<dyn Replicas>| {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(program.program_mut(0))));
            if !matches!(outcome, Ok(Ok(_))) {
                communicator.abandon();
            }
            outcome
        };
        let outcomes: Vec<thread::Result<Result<R, KernelError>>> = thread::scope(|scope| {
            let mut programs = self.programs.iter_mut();
            let first = programs.next();
            let threads: Vec<_> = programs
                .map(|program| {
                    let run = || attempt(program);
                    let thread = thread::Builder::new().spawn_scoped(scope, run);
                    thread.inspect_err(|_| communicator.abandon())
                })
                .collect();
            let first = first.map(attempt);
            let others = threads.into_iter().map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(Err),
                Err(error) => Ok(Err(KernelError::Device(DeviceError::Call {
                    call: "thread::spawn",
                    message: error.to_string(),
                }))),
            });
            first.into_iter().chain(others).collect()
        });
        let (mut result, mut failure) = (None, None);
        for outcome in outcomes {
            match outcome {
                Ok(Ok(value)) => result = result.or(Some(value)),
                // The error of the rank that failed first says more than that the others were left.
                Ok(Err(error)) if failure.is_none() || failure == Some(RANK_FAILED) => {
                    failure = Some(error);
                }
                Ok(Err(_)) => {}
                Err(panic) => resume_unwind(panic),
            }
        }
        match (failure, result) {
            (None, Some(result)) => Ok(result),
            (failure, _) => Err(failure.unwrap_or(RANK_FAILED)),
        }
    }

    /// The programs of all ranks.
    fn all(&mut self) -> impl Iterator<Item = &mut dyn Program> {
        self.programs
            .iter_mut()
            .map(|program| program.program_mut(0))
    }

    fn first(&self) -> &dyn Program {
        self.programs[0].program(0)
    }
}

/// What a rank says that waited for another in vain.
const RANK_FAILED: KernelError = KernelError::Device(DeviceError::RankFailed);

impl Drop for Ranks {
    fn drop(&mut self) {
        let _turn = turn(&self.turn);
        self.programs.clear();
    }
}

impl Program for Ranks {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        self.all()
            .try_for_each(|program| program.write(input, values))
    }

    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        self.all()
            .try_for_each(|program| program.fill(input, value))
    }

    fn read_input(&self, input: InputId) -> Vec<f64> {
        self.first().read_input(input)
    }

    fn read_output(&self, output: usize) -> Vec<f64> {
        self.first().read_output(output)
    }

    fn read_output_from(&self, output: usize, first: usize, values: &mut [f64]) {
        self.first().read_output_from(output, first, values);
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        self.together(|program| program.run(steps))
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.together(|program| program.profile(steps))
    }

    fn save(&mut self) {
        self.all().for_each(Program::save);
    }

    fn restore(&mut self) {
        self.all().for_each(Program::restore);
    }

    fn forget(&mut self) {
        self.all().for_each(Program::forget);
    }

    fn first_non_finite(&self, input: InputId) -> Option<usize> {
        self.first().first_non_finite(input)
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        self.all().for_each(|program| program.rewind(seed, step));
    }
}

#[cfg(test)]
mod tests;
