//! Groups: ranks take the steps of one device, however they are scheduled, and none waits for one
//! that failed. The environment variable BAYES_NN_TEST_ON may name other groups than those of CPUs:
//! `host`, CUDA's kernels as C++ (feature `cuda`), or `cuda`, the first GPU as a group of one, and
//! several (feature `nccl`; where it or the library is missing they are skipped unless
//! BAYES_NN_REQUIRE_NCCL is set).

mod common;
#[path = "common/network.rs"]
mod network;

use bayes_nn_autodiff::{Graph, InputId, Var, grad};
use bayes_nn_kernels::{
    Backend, Cpu, Device, DeviceError, DeviceGroup, KernelError, Plan, Precision, plan,
};
use common::{Model, SEED, assert_close, single};
use network::{step_of_ranks, variational_step};

const BOTH: [(Precision, f64); 2] = [(Precision::F64, 1e-10), (Precision::F32, 2e-4)];

fn cpus(ranks: usize) -> DeviceGroup {
    let cpu = Cpu::detect().unwrap().threads(ranks);
    cpu.group(ranks).unwrap()
}

/// Groups, all of which must take the same steps.
fn groups() -> Vec<Device> {
    let sizes = [1, 2, 4];
    let named = |group: DeviceGroup| Device::new("group", group);
    match std::env::var("BAYES_NN_TEST_ON").as_deref() {
        #[cfg(feature = "cuda")]
        Ok("host") => {
            let host = bayes_nn_kernels::cuda::Host::find().unwrap();
            sizes.map(|n| named(host.clone().group(n).unwrap())).into()
        }
        Ok("cuda") => gpus(),
        _ => sizes.map(|n| named(cpus(n))).into(),
    }
}

/// The first GPU by itself, and where there are more, four of them or two.
fn gpus() -> Vec<Device> {
    let count = Device::list().len() - 1;
    let most = [4, 2].into_iter().find(|ranks| *ranks <= count);
    if most.is_none() {
        eprintln!("skipped: a group of several GPUs, of which there is one");
    }
    let sizes = [1].into_iter().chain(most);
    let groups = sizes.map(|ranks| Device::cuda_group(&(0..ranks).collect::<Vec<_>>()));
    groups.collect::<Result<_, _>>().unwrap_or_else(|error| {
        let required = match error {
            DeviceError::NotBuiltForGroups
            | DeviceError::NoNccl
            | DeviceError::OldNccl { .. }
            | DeviceError::UnequalGroup { .. } => "BAYES_NN_REQUIRE_NCCL",
            _ => "BAYES_NN_REQUIRE_CUDA",
        };
        assert!(std::env::var_os(required).is_none(), "{error}");
        eprintln!("skipped: groups of GPUs: {error}");
        Vec::new()
    })
}

/// The output of each of so many steps, then the states.
fn run(model: &Model<'_>, backend: &dyn Backend, precision: Precision, steps: u64) -> Vec<f64> {
    let mut replicas = model.program(backend, precision);
    let program = replicas.program_mut(0);
    let mut numbers = Vec::new();
    for _ in 0..steps {
        program.run(1).unwrap();
        numbers.extend(program.read_output(0));
    }
    for (state, _) in &model.updates {
        numbers.extend(program.read_input(state.input_id().unwrap()));
    }
    numbers
}

#[test]
fn ranks_take_the_steps_of_one_device() {
    for group in groups() {
        // All rows, too, are a minibatch, the same in every step but for the order.
        for batch in [100, 500] {
            for (precision, tolerance) in BOTH {
                let (alone, together) = (Graph::new(), Graph::new());
                let alone = variational_step(&alone, Some(batch));
                let together = step_of_ranks(&together, batch / group.ranks());
                let cpu = Cpu::detect().unwrap();
                let expected = run(&alone, &cpu, precision, 20);
                let found = run(&together, &group, precision, 20);
                let what = format!("{} ranks, {batch} rows, {precision:?}", group.ranks());
                let scale = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                assert_close(&what, &found, &expected, tolerance * scale);
                // Many steps in one call are the same steps, and a second run has the same bits.
                let mut again_replicas = together.program(&group, precision);
                let again = again_replicas.program_mut(0);
                again.run(20).unwrap();
                let last = found.len() - 240;
                assert_eq!(again.read_output(0), found[19..20], "{what}");
                let states = together.updates.iter();
                let states = states.flat_map(|(s, _)| again.read_input(s.input_id().unwrap()));
                assert_eq!(states.collect::<Vec<f64>>(), found[last..], "{what}");
            }
        }
    }
}

#[test]
fn the_mean_of_gradients_through_a_mean_is_the_gradient_of_one_device() {
    for group in groups() {
        let ranks = group.ranks();
        // A function of the mean over all rows, each rank with its own.
        let run = |graph: &Graph, rows: usize, backend: &dyn Backend| -> Vec<f64> {
            let mut m = Model::new(graph);
            let (x, w) = (m.input([40]), m.input([3]));
            let row = x.gather(graph.batch(40, rows, 1), 0).reshape([rows, 1]);
            let mean = (row * w).sin().mean().all_reduce_mean();
            let loss = (2.0 * mean).exp() * w.sum();
            let gradient = grad(loss, &[w]).unwrap()[0];
            m.outputs = vec![loss.all_reduce_mean(), gradient.all_reduce_mean()];
            let mut replicas = m.program(backend, Precision::F64);
            let program = replicas.program_mut(0);
            program.run(1).unwrap();
            [program.read_output(0), program.read_output(1)].concat()
        };
        let (alone, together) = (Graph::new(), Graph::new());
        let expected = run(&alone, 40, &Cpu::detect().unwrap());
        let found = run(&together, 40 / ranks, &group);
        let what = format!("{ranks} ranks");
        assert_close(&what, &found, &expected, 1e-12);
    }
}

#[test]
fn each_row_comes_once_an_epoch_to_one_of_the_ranks() {
    for group in groups() {
        let ranks = group.ranks();
        let graph = Graph::new();
        let mut m = Model::new(&graph);
        let rows = 20 * ranks;
        let (x, counts) = (m.input([rows]), m.input_at([rows], vec![0.0; rows]));
        let chosen = x.gather(graph.batch(rows, 5, 1), 0);
        let one_each = grad(chosen.sum(), &[x]).unwrap()[0];
        let seen = one_each.all_reduce_mean() * ranks as f64;
        m.updates = vec![(counts, counts + seen)];
        let mut replicas = m.program(&group, Precision::F32);
        let program = replicas.program_mut(0);
        for epoch in 1..4 {
            // Five rows of each rank a step.
            program.run(4).unwrap();
            let counts = program.read_input(counts.input_id().unwrap());
            assert_eq!(counts, vec![f64::from(epoch); rows]);
        }
    }
}

#[test]
fn the_states_of_all_ranks_are_the_same() {
    for group in groups() {
        let graph = Graph::new();
        let mut model = step_of_ranks(&graph, 100 / group.ranks());
        let states: Vec<Var<'_>> = model.updates.iter().map(|(state, _)| *state).collect();
        let apart = states
            .iter()
            .map(|s| (*s - s.all_reduce_mean()).abs().max());
        model.outputs = apart.collect();
        let mut replicas = model.program(&group, Precision::F32);
        let program = replicas.program_mut(0);
        program.run(30).unwrap();
        for (number, state) in states.iter().enumerate() {
            let largest = program.read_input(state.input_id().unwrap());
            let largest = largest.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            // What is left is the rounding of the mean that is asked for here.
            let apart = program.read_output(number)[0];
            assert!(apart <= 1e-6 * largest, "{apart} of {largest}");
        }
    }
}

#[test]
fn passes_of_a_group_are_profiled_and_its_states_saved() {
    for group in groups() {
        let graph = Graph::new();
        let model = step_of_ranks(&graph, 100 / group.ranks());
        let mut replicas = model.program(&group, Precision::F64);
        let program = replicas.program_mut(0);
        let state = model.updates[0].0.input_id().unwrap();
        program.run(3).unwrap();
        program.save();
        program.run(3).unwrap();
        let later = program.read_input(state);
        program.restore();
        program.rewind(SEED, 3);
        let profile = program.profile(3).unwrap();
        assert_eq!(program.read_input(state), later);
        let met = |name: &str| name.starts_with("all-reduce");
        let means = profile.passes.iter().filter(|(pass, _)| met(&pass.name));
        assert_eq!(means.count(), 1);
        assert_eq!(program.first_non_finite(state), None);
        program.forget();
        program.fill(state, f64::NAN).unwrap();
        assert_eq!(program.first_non_finite(state), Some(0));
    }
}

/// A step in which the rank whose minibatch has row 7 selects from outside an axis.
fn picky<'g>(graph: &'g Graph, rows: usize) -> (Plan, [Var<'g>; 3]) {
    let (x, places, count) = (
        graph.input("x", [rows]),
        graph.index_input("places", [rows]),
        graph.input("count", []),
    );
    let row = places.gather(graph.batch(rows, 1, 1), 0);
    let mean = x.gather(row, 0).sum().all_reduce_mean();
    let updates = [(count, count + 1.0)];
    let plan = Plan::new(graph, &[mean], &updates).unwrap();
    (plan, [x, places, count])
}

fn id(var: Var<'_>) -> InputId {
    var.input_id().unwrap()
}

#[test]
fn an_index_outside_on_one_rank_ends_all_with_its_error() {
    for group in groups() {
        let graph = Graph::new();
        let (plan, [x, places, count]) = picky(&graph, 8);
        let mut replicas = single(&group, &plan, &[], Precision::F64);
        let program = replicas.program_mut(0);
        let error = program.run(1).unwrap_err();
        assert!(matches!(error, KernelError::Unset { .. }), "{error}");
        program.write(id(x), &[3.0; 8]).unwrap();
        program.write(id(count), &[0.0]).unwrap();
        program.save();
        let mut numbers: Vec<f64> = (0..8).map(f64::from).collect();
        numbers[7] = 8.0;
        program.write(id(places), &numbers).unwrap();
        let error = program.run(100).unwrap_err();
        assert!(error.to_string().starts_with("index 8 "), "{error}");
        if std::env::var("BAYES_NN_TEST_ON").as_deref() == Ok("cuda") {
            // A communicator does not outlast a failure.
            continue;
        }
        let again = program.run(100).unwrap_err();
        assert!(again.to_string().starts_with("index 8 "), "{again}");
        // Mended, and back at a step that all begin together, it goes on.
        program.write(id(places), &[0.0; 8]).unwrap();
        program.restore();
        program.rewind(1, 0);
        program.run(10).unwrap();
        assert_eq!(program.read_output(0), [3.0]);
        assert_eq!(program.read_input(id(count)), [10.0]);
    }
}

#[test]
fn programs_of_a_group_on_several_threads_take_turns() {
    for group in groups() {
        let graph = Graph::new();
        let model = step_of_ranks(&graph, 100 / group.ranks());
        let expected = run(&model, &group, Precision::F64, 5);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    // Made, run and dropped while others are.
                    let mut replicas = model.program(&group, Precision::F64);
                    let program = replicas.program_mut(0);
                    for step in 0..5 {
                        program.run(1).unwrap();
                        assert_eq!(program.read_output(0), expected[step..=step]);
                    }
                });
            }
        });
    }
}

#[test]
fn a_plan_in_which_ranks_do_not_meet_is_run_by_the_first() {
    let graph = Graph::new();
    let model = variational_step(&graph, Some(50));
    assert!(!model.plan().has_all_reduce());
    let cpu = Cpu::detect().unwrap();
    let alone = run(&model, &cpu, Precision::F64, 3);
    assert_eq!(run(&model, &cpus(4), Precision::F64, 3), alone);
    assert_eq!((cpu.ranks(), cpus(4).ranks()), (1, 4));
    let met = Graph::new();
    let plan = step_of_ranks(&met, 50).plan();
    let means = plan.passes().iter();
    let means = means.filter(|step| matches!(step, plan::Pass::AllReduceMean { .. }));
    assert_eq!(means.count(), 1);
    for plan in [plan, model.plan()] {
        let loaded = cpus(2).load(&plan.into(), &[], Precision::F32).unwrap();
        assert_eq!(loaded.together(), 1);
        assert_eq!(loaded.start(3).unwrap().count(), 3);
    }
}

#[test]
fn a_group_without_ranks_is_refused() {
    let refused = Cpu::detect().unwrap().group(0);
    assert_eq!(refused.err(), Some(DeviceError::EmptyGroup));
}
