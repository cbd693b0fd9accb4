//! Ranks: devices that run one program together, each on its part of the minibatches.

pub(crate) mod exchange;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bayes_nn_autodiff::InputId;

use crate::backend::{Backend, Program};
use crate::element::Precision;
use crate::error::DeviceError;
use crate::error::KernelError;
use crate::plan::Plan;
use crate::profile::Profile;
use exchange::Exchange;
pub(crate) use exchange::Seat;

type Programs = Vec<Box<dyn Program>>;
type Compile = dyn Fn(&Plan, Precision, Vec<Seat>) -> Result<Programs, KernelError> + Send + Sync;

/// Devices that run a plan together, a *rank* each, where the plan says that ranks meet
/// ([`Plan::has_all_reduce`]): all have the same states, the same data and the same noise, each
/// its own part of every minibatch, and
/// [`Var::all_reduce_mean`](bayes_nn_autodiff::Var::all_reduce_mean) makes what they learn from it
/// the same. Any other plan is run by the first of them.
///
/// Such a program writes, saves and rewinds all ranks and reads the first. Where one fails, all
/// stop with its error, at different steps: what they hold is good again once all states are
/// restored or written, and the program is rewound. A program of GPUs is then to be compiled again.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Backend, Cpu, Plan, Precision};
///
/// // The mean of ten numbers, two a rank.
/// let graph = Graph::new();
/// let x = graph.input("x", [10]);
/// let mean = x.gather(graph.batch(10, 2, 0), 0).mean().all_reduce_mean();
/// let plan = Plan::new(&graph, &[mean], &[])?;
/// let group = Cpu::detect()?.group(5)?;
/// assert_eq!(group.ranks(), 5);
///
/// let mut program = group.compile(&plan, Precision::F64)?;
/// let numbers: Vec<f64> = (0..10).map(f64::from).collect();
/// program.write(x.input_id().unwrap(), &numbers)?;
/// program.run(1)?;
/// assert_eq!(program.read_output(0), [4.5]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub struct DeviceGroup {
    ranks: usize,
    first: Box<dyn Backend + Send + Sync>,
    compile: Box<Compile>,
    /// Whether a program in which ranks meet is of no use after a failure.
    ended_by_failure: bool,
    /// Whose program is made, runs or is dropped.
    turn: Arc<Mutex<()>>,
}

impl DeviceGroup {
    /// Members by rank, and how they compile a plan in which they meet: a program for each seat.
    ///
    /// # Errors
    /// When there are no members.
    pub(crate) fn new<B: Backend + Clone + Send + Sync + 'static>(
        members: Vec<B>,
        compile: impl Fn(&[B], &Plan, Precision, Vec<Seat>) -> Result<Programs, KernelError>
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
            compile: Box::new(move |plan, precision, seats| {
                compile(&members, plan, precision, seats)
            }),
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

impl Backend for DeviceGroup {
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        // To allocate and to load may be to wait for what runs on a GPU, and that for another rank.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let meets = plan.has_all_reduce();
        let ranks = if meets { self.ranks } else { 1 };
        let exchange = Exchange::new(ranks, self.ended_by_failure && meets);
        let programs = match meets {
            true => (self.compile)(plan, precision, exchange.seats())?,
            false => vec![self.first.compile(plan, precision)?],
        };
        Ok(Box::new(Ranks {
            programs,
            exchange,
            turn: self.turn.clone(),
        }))
    }

    fn ranks(&self) -> usize {
        self.ranks
    }
}

/// The programs of all ranks as one, or the only one of a plan in which ranks do not meet.
///
/// All ranks run the same steps between two looks from outside, and whatever is looked at was
/// computed from means that are the same on all of them. So to stop, to go on or to find a NaN is
/// decided once, for the first rank, and the others agree.
struct Ranks {
    programs: Programs,
    exchange: Arc<Exchange>,
    turn: Arc<Mutex<()>>,
}

impl Ranks {
    /// Lets every rank run, each on a thread of its own, and gives what the first returns.
    fn together<R: Send>(
        &mut self,
        run: impl Fn(&mut dyn Program) -> Result<R, KernelError> + Sync,
    ) -> Result<R, KernelError> {
        // Two programs whose ranks met in different orders would wait for one another.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let exchange = &*self.exchange;
        exchange.begin()?;
        let attempt = |program: &mut Box<dyn Program>| {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut **program)));
            if !matches!(outcome, Ok(Ok(_))) {
                exchange.abandon();
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
                    thread.inspect_err(|_| exchange.abandon())
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
                // What let the others down says more than that they were.
                Ok(Err(error)) if failure.is_none() || failure == Some(LET_DOWN) => {
                    failure = Some(error);
                }
                Ok(Err(_)) => {}
                Err(panic) => resume_unwind(panic),
            }
        }
        match (failure, result) {
            (None, Some(result)) => Ok(result),
            (failure, _) => Err(failure.unwrap_or(LET_DOWN)),
        }
    }

    fn each(
        &mut self,
        mut change: impl FnMut(&mut dyn Program) -> Result<(), KernelError>,
    ) -> Result<(), KernelError> {
        let mut programs = self.programs.iter_mut();
        programs.try_for_each(|program| change(&mut **program))
    }
}

/// What a rank says that waited for another in vain.
const LET_DOWN: KernelError = KernelError::Device(DeviceError::RankFailed);

impl Drop for Ranks {
    fn drop(&mut self) {
        // To free is to wait, as to allocate is.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.programs.clear();
    }
}

impl Program for Ranks {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        self.each(|program| program.write(input, values))
    }

    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        self.each(|program| program.fill(input, value))
    }

    fn read_input(&self, input: InputId) -> Vec<f64> {
        self.programs[0].read_input(input)
    }

    fn read_output(&self, output: usize) -> Vec<f64> {
        self.programs[0].read_output(output)
    }

    fn read_output_into(&self, output: usize, values: &mut [f64]) {
        self.programs[0].read_output_into(output, values);
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        self.together(|program| program.run(steps))
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.together(|program| program.profile(steps))
    }

    fn save(&mut self) {
        self.programs.iter_mut().for_each(|program| program.save());
    }

    fn restore(&mut self) {
        let programs = self.programs.iter_mut();
        programs.for_each(|program| program.restore());
    }

    fn forget(&mut self) {
        let programs = self.programs.iter_mut();
        programs.for_each(|program| program.forget());
    }

    fn first_non_finite(&self, input: InputId) -> Option<usize> {
        self.programs[0].first_non_finite(input)
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        let programs = self.programs.iter_mut();
        programs.for_each(|program| program.rewind(seed, step));
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, NoiseKind, Var};

    use super::*;
    use crate::cpu::Cpu;

    /// A state that moves with noise and with the rows of each rank.
    fn walk(graph: &Graph) -> (Plan, [InputId; 2]) {
        let (x, state) = (graph.input("x", [60]), graph.input("state", [70]));
        let noise = graph.noise(NoiseKind::Normal, 0, [70]);
        let rows = x.gather(graph.batch(60, 5, 1), 0);
        let mean = (rows.sum() * noise).all_reduce_mean();
        let plan = Plan::new(graph, &[], &[(state, (state + mean).sin())]).unwrap();
        let id = |v: Var<'_>| v.input_id().unwrap();
        (plan, [id(x), id(state)])
    }

    fn compiled(plan: &Plan, precision: Precision, ranks: usize, ended_by_failure: bool) -> Ranks {
        let exchange = Exchange::new(ranks, ended_by_failure);
        let group = Cpu::detect().unwrap().group(ranks).unwrap();
        Ranks {
            programs: (group.compile)(plan, precision, exchange.seats()).unwrap(),
            exchange,
            turn: Arc::default(),
        }
    }

    #[test]
    fn the_states_of_all_ranks_have_the_same_bits() {
        let graph = Graph::new();
        let (plan, [x, state]) = walk(&graph);
        for precision in [Precision::F32, Precision::F64] {
            let mut ranks = compiled(&plan, precision, 3, false);
            let numbers: Vec<f64> = (0..60).map(|i| f64::from(i).sqrt()).collect();
            ranks.write(x, &numbers).unwrap();
            ranks.fill(state, 0.5).unwrap();
            ranks.rewind(9, 0);
            for _ in 0..20 {
                ranks.run(7).unwrap();
                let programs = ranks.programs.iter();
                let states = programs.map(|program| program.read_input(state));
                let bits = states.map(|state| state.into_iter().map(f64::to_bits).collect());
                let all: Vec<Vec<u64>> = bits.collect();
                assert!(all.iter().all(|bits| *bits == all[0]));
            }
        }
    }

    /// A rank that panics in its third step, before it meets the others.
    struct Panics(Box<dyn Program>);

    impl Program for Panics {
        fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
            self.0.write(input, values)
        }
        fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
            self.0.fill(input, value)
        }
        fn read_input(&self, input: InputId) -> Vec<f64> {
            self.0.read_input(input)
        }
        fn read_output(&self, output: usize) -> Vec<f64> {
            self.0.read_output(output)
        }
        fn read_output_into(&self, output: usize, values: &mut [f64]) {
            self.0.read_output_into(output, values);
        }
        fn run(&mut self, _: u64) -> Result<(), KernelError> {
            self.0.run(2)?;
            panic!("a mistake")
        }
        fn profile(&mut self, _: u64) -> Result<Profile, KernelError> {
            let call = "this rank";
            let message = "fails".to_owned();
            Err(KernelError::Device(DeviceError::Call { call, message }))
        }
        fn save(&mut self) {}
        fn restore(&mut self) {}
        fn forget(&mut self) {}
        fn first_non_finite(&self, input: InputId) -> Option<usize> {
            self.0.first_non_finite(input)
        }
        fn rewind(&mut self, seed: u64, step: u64) {
            self.0.rewind(seed, step);
        }
    }

    #[test]
    fn no_rank_waits_for_one_that_panics_or_fails() {
        let graph = Graph::new();
        let (plan, [x, state]) = walk(&graph);
        for bad in 0..3 {
            let mut ranks = compiled(&plan, Precision::F64, 3, false);
            ranks.fill(x, 0.5).unwrap();
            ranks.fill(state, 0.5).unwrap();
            let place = ranks.programs.remove(bad);
            ranks.programs.insert(bad, Box::new(Panics(place)));
            let panicked = catch_unwind(AssertUnwindSafe(|| ranks.run(100)));
            let message = panicked.unwrap_err();
            assert_eq!(message.downcast_ref(), Some(&"a mistake"));
            let error = ranks.profile(10).unwrap_err();
            assert_eq!(error.to_string(), "this rank failed: fails");
        }
    }

    #[test]
    fn ranks_that_a_failure_ends_begin_nothing_after_it() {
        let graph = Graph::new();
        let (plan, [x, state]) = walk(&graph);
        let mut ranks = compiled(&plan, Precision::F64, 3, true);
        ranks.fill(x, 0.5).unwrap();
        ranks.fill(state, 0.5).unwrap();
        ranks.run(4).unwrap();
        let good = ranks.programs.remove(1);
        ranks.programs.insert(1, Box::new(Panics(good)));
        let error = ranks.profile(10).unwrap_err();
        assert_eq!(error.to_string(), "this rank failed: fails");
        let left = ranks.programs[1].read_input(state);
        // Not even the rank that would panic.
        assert_eq!(ranks.run(100), Err(LET_DOWN));
        assert_eq!(ranks.programs[1].read_input(state), left);
    }
}
