//! Replicas: programs of one plan that run in one launch, on the host that plays a GPU, or with
//! BAYES_NN_TEST_ON=cuda on the first GPU.
#![cfg(feature = "cuda")]

mod common;
#[path = "common/network.rs"]
mod network;

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, Var};
use bayes_nn_kernels::cuda::{Cuda, Host};
use bayes_nn_kernels::plan::Input;
use bayes_nn_kernels::{
    Backend, Binding, Cpu, Device, KernelError, Plan, Precision, Program, Replicas,
};
use common::{Model, assert_close, numbers};
use network::variational_step;

const REPLICAS: usize = 3;

/// What runs replicas together, threads in both orders; none where there is no C++ compiler.
fn backends() -> Vec<Box<dyn Backend>> {
    if std::env::var("BAYES_NN_TEST_ON").as_deref() == Ok("cuda") {
        return vec![Box::new(Cuda::new(0).unwrap())];
    }
    match Host::find() {
        Ok(host) => vec![Box::new(host.clone()), Box::new(host.reversed())],
        Err(error) => {
            let required = std::env::var_os("BAYES_NN_REQUIRE_HOST").is_some();
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
            Vec::new()
        }
    }
}

fn id(input: Var<'_>) -> InputId {
    input.input_id().unwrap()
}

/// The replicas of a tiny plan.
fn replicas(
    backend: &dyn Backend,
    plan: &Plan,
    precision: Precision,
    data: &[Binding],
) -> Box<dyn Replicas> {
    let loaded = backend.load(&Arc::new(plan.clone()), data, precision);
    let loaded = loaded.unwrap();
    assert!(loaded.together() > REPLICAS, "the plan is tiny");
    loaded.start(REPLICAS).unwrap()
}

/// Sets an input in all replicas.
fn write_all(replicas: &mut dyn Replicas, input: InputId, values: &[f64]) {
    for replica in 0..REPLICAS {
        replicas.program_mut(replica).write(input, values).unwrap();
    }
}

fn seed(replica: usize) -> u64 {
    common::SEED + replica as u64
}

/// The states of a replica at the start: the first two are means and scales.
fn starts(model: &Model<'_>, replica: usize) -> Vec<(InputId, Vec<f64>)> {
    let parameters = model.inputs[2..4].iter().enumerate();
    let start = |(i, (input, _)): (usize, &(Var<'_>, Vec<f64>))| {
        (id(*input), numbers(40, (10 * replica + i) as u64))
    };
    parameters.map(start).collect()
}

fn begin(model: &Model<'_>, replica: usize, program: &mut dyn Program) {
    for (input, values) in starts(model, replica) {
        program.write(input, &values).unwrap();
    }
    program.rewind(seed(replica), 0);
}

/// Everything that can be read of a replica.
fn readable(model: &Model<'_>, program: &dyn Program) -> Vec<Vec<f64>> {
    let states = model
        .updates
        .iter()
        .map(|(s, _)| program.read_input(id(*s)));
    states.chain([program.read_output(0)]).collect()
}

fn bits(values: &[Vec<f64>]) -> Vec<u64> {
    values.iter().flatten().map(|v| v.to_bits()).collect()
}

#[test]
fn replicas_are_the_programs_that_they_would_be_alone() {
    let steps = [5, 3, 4];
    for batch in [None, Some(50)] {
        let graph = Graph::new();
        let model = variational_step(&graph, batch);
        let plan = model.plan();
        let data = model.inputs[..2].iter();
        let data: Vec<Binding> = data
            .map(|(v, values)| Binding::new(id(*v), values))
            .collect();
        for (precision, tolerance) in [(Precision::F64, 1e-10), (Precision::F32, 2e-4)] {
            let alone = |backend: &dyn Backend, replica: usize| {
                let mut replicas = model.bound(backend, precision);
                let program = replicas.program_mut(0);
                begin(&model, replica, &mut *program);
                program.run(steps[replica]).unwrap();
                readable(&model, &*program)
            };
            for backend in backends() {
                let mut replicas = replicas(&*backend, &plan, precision, &data);
                for (input, values) in &model.inputs[2..] {
                    write_all(&mut *replicas, id(*input), values);
                }
                for replica in 0..REPLICAS {
                    begin(&model, replica, replicas.program_mut(replica));
                }
                // Two launches, of which the first is not the same for all.
                let outcomes = replicas.run_all(&[2, 3, 0]);
                assert_eq!(outcomes, [Ok(()), Ok(()), Ok(())]);
                assert_eq!(replicas.run_all(&[3, 0, 4]).len(), REPLICAS);
                let cpu = Cpu::detect().unwrap();
                for replica in 0..REPLICAS {
                    let what = format!("{precision:?}, batch {batch:?}, replica {replica}");
                    let values = readable(&model, replicas.program(replica));
                    assert!(bits(&values) == bits(&alone(&*backend, replica)), "{what}");
                    for (value, expected) in values.iter().zip(alone(&cpu, replica)) {
                        let largest = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                        assert_close(&what, value, &expected, tolerance * largest);
                    }
                }
            }
        }
    }
}

#[test]
fn a_replica_goes_back_and_the_others_stay() {
    let graph = Graph::new();
    let model = variational_step(&graph, None);
    for backend in backends() {
        let mut replicas = replicas(&*backend, &model.plan(), Precision::F32, &[]);
        for (input, values) in &model.inputs {
            write_all(&mut *replicas, id(*input), values);
        }
        for replica in 0..REPLICAS {
            replicas.program_mut(replica).rewind(seed(replica), 0);
        }
        replicas.run_all(&[2; REPLICAS]);
        replicas.program_mut(1).save();
        let saved = readable(&model, replicas.program(1));
        replicas.run_all(&[3; REPLICAS]);
        let before = [0, 1, 2].map(|replica| readable(&model, replicas.program(replica)));
        assert_ne!(before[1], saved);
        let program = replicas.program_mut(1);
        program.restore();
        program.rewind(seed(1), 2);
        let states = readable(&model, program);
        assert_eq!(bits(&states[..6]), bits(&saved[..6]));
        // The replica alone, while the others wait.
        program.run(3).unwrap();
        for (replica, before) in before.iter().enumerate() {
            let values = readable(&model, replicas.program(replica));
            assert_eq!(bits(&values), bits(before), "replica {replica}");
        }
        // What is not finite stays in its replica, too.
        let mean = id(model.inputs[2].0);
        let program = replicas.program_mut(2);
        program.write(mean, &[f64::NAN; 40]).unwrap();
        replicas.run_all(&[1; REPLICAS]);
        let finite = [0, 1, 2].map(|replica| replicas.program(replica).first_non_finite(mean));
        assert_eq!(finite, [None, None, Some(0)]);
    }
}

#[test]
fn an_index_outside_stops_its_replica_alone() {
    let graph = Graph::new();
    let (x, i, next) = (
        graph.input("x", 3),
        graph.index_input("i", 2),
        graph.index_input("next", 2),
    );
    let count = graph.input("count", []);
    let updates = [(i, next), (count, count + 1.0)];
    let plan = Plan::new(&graph, &[x.gather(i, 0)], &updates).unwrap();
    for backend in backends() {
        let data = [Binding::new(id(x), vec![1_u8, 2, 3])];
        let mut replicas = replicas(&*backend, &plan, Precision::F32, &data);
        let unset = replicas.run_all(&[1; REPLICAS]);
        assert!(
            unset
                .iter()
                .all(|o| matches!(o, Err(KernelError::Unset { .. })))
        );
        write_all(&mut *replicas, id(next), &[2.0, 2.0]);
        write_all(&mut *replicas, id(count), &[0.0]);
        for replica in 0..REPLICAS {
            replicas
                .program_mut(replica)
                .write(id(i), &[replica as f64, 3.0 * f64::from(replica == 1)])
                .unwrap();
        }
        let outcomes = replicas.run_all(&[4; REPLICAS]);
        let error = outcomes[1].as_ref().unwrap_err();
        let place = |e: &KernelError| matches!(e, KernelError::Index { position: 1, length: 3, value, .. } if *value == 3.0);
        assert!(place(error), "{error}");
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
        let counts = [0, 1, 2].map(|replica| replicas.program(replica).read_input(id(count))[0]);
        assert_eq!(counts, [4.0, 0.0, 4.0]);
        replicas.program_mut(1).write(id(i), &[1.0, 0.0]).unwrap();
        assert_eq!(replicas.run_all(&[0, 1]), [Ok(()), Ok(()), Ok(())]);
        let outputs = [0, 1, 2].map(|replica| replicas.program(replica).read_output(0));
        assert_eq!(outputs, [[3.0, 3.0], [2.0, 1.0], [3.0, 3.0]]);
        // An input of its own that is no state.
        replicas
            .program_mut(2)
            .write(id(next), &[0.0, 1.0])
            .unwrap();
        replicas.run_all(&[1, 1, 1]);
        assert_eq!(replicas.run_all(&[1, 1, 1]), [Ok(()), Ok(()), Ok(())]);
        let outputs = [0, 1, 2].map(|replica| replicas.program(replica).read_output(0));
        assert_eq!(outputs, [[3.0, 3.0], [3.0, 3.0], [1.0, 2.0]]);
        // What all share cannot be set.
        let error = replicas.program_mut(0).write(id(x), &[0.0; 3]).unwrap_err();
        let name = "x".to_owned();
        assert_eq!(error, KernelError::Bound { name });
    }
}

/// A step of variational inference on so many rows.
fn plan(rows: usize, batch: Option<usize>) -> Plan {
    let graph = Graph::new();
    let mut m = Model::new(&graph);
    let (x, mean) = (m.input([rows, 2]), m.input([2, 20]));
    let x = match batch {
        Some(size) => x.gather(graph.batch(rows, size, 1), 0),
        None => x,
    };
    m.outputs = vec![x.matmul(mean).tanh().sum_axis(0)];
    m.plan()
}

#[test]
fn only_replicas_of_tiny_plans_run_together() {
    let together = |backend: &dyn Backend, plan: Plan| {
        let zeros = |input: &Input| {
            let elements = plan.value(input.value).shape.elements();
            Binding::new(input.id, vec![0_u8; elements])
        };
        let data: Vec<Binding> = plan.inputs().iter().map(zeros).collect();
        let loaded = backend.load(&plan.into(), &data, Precision::F32);
        loaded.unwrap().together() > 1
    };
    for backend in backends() {
        assert!(together(&*backend, plan(500, None)));
        // The products of all rows have no room, or there are too many of them.
        assert!(!together(&*backend, plan(5_000, None)));
        assert!(!together(&*backend, plan(500_000, None)));
        // Data may be larger than the memory of a block.
        assert!(together(&*backend, plan(500_000, Some(50))));
    }
    assert!(!together(&Device::cpu(), plan(500, None)));
}
