//! Ranks of this machine that go on, fail and panic.

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

fn started(plan: Plan, precision: Precision, ranks: usize, ended_by_failure: bool) -> Ranks {
    let communicator = Communicator::new(ranks, ended_by_failure);
    let group = Cpu::detect().unwrap().group(ranks).unwrap();
    let start = (group.load)(&Arc::new(plan), &[], precision).unwrap();
    Ranks {
        programs: start(communicator.seats()).unwrap(),
        communicator,
        turn: Arc::default(),
    }
}

#[test]
fn the_states_of_all_ranks_have_the_same_bits() {
    let graph = Graph::new();
    let (plan, [x, state]) = walk(&graph);
    for precision in [Precision::F32, Precision::F64] {
        let mut ranks = started(plan.clone(), precision, 3, false);
        let numbers: Vec<f64> = (0..60).map(|i| f64::from(i).sqrt()).collect();
        ranks.write(x, &numbers).unwrap();
        ranks.fill(state, 0.5).unwrap();
        ranks.rewind(9, 0);
        for _ in 0..20 {
            ranks.run(7).unwrap();
            let programs = ranks.programs.iter();
            let states = programs.map(|program| program.program(0).read_input(state));
            let bits = states.map(|state| state.into_iter().map(f64::to_bits).collect());
            let all: Vec<Vec<u64>> = bits.collect();
            assert!(all.iter().all(|bits| *bits == all[0]));
        }
    }
}

/// A rank that panics in its third step, before it meets the others.
struct Panics(Box<dyn Replicas>);

impl Program for Panics {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        self.0.program_mut(0).write(input, values)
    }
    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        self.0.program_mut(0).fill(input, value)
    }
    fn read_input(&self, input: InputId) -> Vec<f64> {
        self.0.program(0).read_input(input)
    }
    fn read_output(&self, output: usize) -> Vec<f64> {
        self.0.program(0).read_output(output)
    }
    fn read_output_from(&self, output: usize, first: usize, values: &mut [f64]) {
        self.0.program(0).read_output_from(output, first, values);
    }
    fn run(&mut self, _: u64) -> Result<(), KernelError> {
        self.0.program_mut(0).run(2)?;
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
        self.0.program(0).first_non_finite(input)
    }
    fn rewind(&mut self, seed: u64, step: u64) {
        self.0.program_mut(0).rewind(seed, step);
    }
}

fn panics(rank: Box<dyn Replicas>) -> Box<dyn Replicas> {
    Box::new(vec![Box::new(Panics(rank)) as Box<dyn Program>])
}

#[test]
fn no_rank_waits_for_one_that_panics_or_fails() {
    let graph = Graph::new();
    let (plan, [x, state]) = walk(&graph);
    for bad in 0..3 {
        let mut ranks = started(plan.clone(), Precision::F64, 3, false);
        ranks.fill(x, 0.5).unwrap();
        ranks.fill(state, 0.5).unwrap();
        let place = ranks.programs.remove(bad);
        ranks.programs.insert(bad, panics(place));
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
    let mut ranks = started(plan.clone(), Precision::F64, 3, true);
    ranks.fill(x, 0.5).unwrap();
    ranks.fill(state, 0.5).unwrap();
    ranks.run(4).unwrap();
    let good = ranks.programs.remove(1);
    ranks.programs.insert(1, panics(good));
    let error = ranks.profile(10).unwrap_err();
    assert_eq!(error.to_string(), "this rank failed: fails");
    let left = ranks.programs[1].program(0).read_input(state);
    // Not even the rank that would panic.
    assert_eq!(ranks.run(100), Err(RANK_FAILED));
    assert_eq!(ranks.programs[1].program(0).read_input(state), left);
}
