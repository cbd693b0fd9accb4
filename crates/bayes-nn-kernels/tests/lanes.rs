//! Lanes: programs of one plan that run in one launch, on the host that plays a GPU, or with
//! BAYES_NN_TEST_ON=cuda on the first GPU.
#![cfg(feature = "cuda")]

mod common;
#[path = "common/network.rs"]
mod network;

use bayes_nn_autodiff::{Graph, InputId, Var};
use bayes_nn_kernels::cuda::{Cuda, Host};
use bayes_nn_kernels::{Backend, Cpu, Device, KernelError, Lanes, Plan, Precision, Program};
use common::{Model, assert_close, numbers};
use network::variational_step;

const LANES: usize = 3;

/// What has lanes, threads in both orders; none where there is no C++ compiler.
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

/// The lanes of a tiny plan.
fn lanes(
    backend: &dyn Backend,
    plan: &Plan,
    precision: Precision,
    shared: &[InputId],
) -> Box<dyn Lanes> {
    let lanes = backend.compile_lanes(plan, precision, shared, LANES);
    let lanes = lanes.unwrap();
    lanes.expect("the plan is tiny")
}

fn seed(lane: usize) -> u64 {
    common::SEED + lane as u64
}

/// The states of a lane at the start: the first two are means and scales.
fn starts(model: &Model<'_>, lane: usize) -> Vec<(InputId, Vec<f64>)> {
    let parameters = model.inputs[2..4].iter().enumerate();
    let start = |(i, (input, _)): (usize, &(Var<'_>, Vec<f64>))| {
        (id(*input), numbers(40, (10 * lane + i) as u64))
    };
    parameters.map(start).collect()
}

fn begin(model: &Model<'_>, lane: usize, program: &mut dyn Program) {
    for (input, values) in starts(model, lane) {
        program.write(input, &values).unwrap();
    }
    program.rewind(seed(lane), 0);
}

/// Everything that can be read of a lane.
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
fn lanes_are_the_programs_that_they_would_be_alone() {
    let steps = [5, 3, 4];
    for batch in [None, Some(50)] {
        let graph = Graph::new();
        let model = variational_step(&graph, batch);
        let plan = model.plan();
        let data = [id(model.inputs[0].0), id(model.inputs[1].0)];
        for (precision, tolerance) in [(Precision::F64, 1e-10), (Precision::F32, 2e-4)] {
            let alone = |backend: &dyn Backend, lane: usize| {
                let mut program = model.program(backend, precision);
                begin(&model, lane, &mut *program);
                program.run(steps[lane]).unwrap();
                readable(&model, &*program)
            };
            for backend in backends() {
                let mut lanes = lanes(&*backend, &plan, precision, &data);
                for (input, values) in &model.inputs {
                    lanes.write_all(id(*input), values).unwrap();
                }
                for (lane, program) in lanes.programs().into_iter().enumerate() {
                    begin(&model, lane, program);
                }
                // Two launches, of which the first is not the same for all.
                let outcomes = lanes.run_all(&[2, 3, 0]);
                assert_eq!(outcomes, [Ok(()), Ok(()), Ok(())]);
                assert_eq!(lanes.run_all(&[3, 0, 4]).len(), LANES);
                let cpu = Cpu::detect().unwrap();
                for (lane, program) in lanes.programs().into_iter().enumerate() {
                    let what = format!("{precision:?}, batch {batch:?}, lane {lane}");
                    let values = readable(&model, program);
                    assert!(bits(&values) == bits(&alone(&*backend, lane)), "{what}");
                    for (value, expected) in values.iter().zip(alone(&cpu, lane)) {
                        let largest = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                        assert_close(&what, value, &expected, tolerance * largest);
                    }
                }
            }
        }
    }
}

#[test]
fn a_lane_goes_back_and_the_others_stay() {
    let graph = Graph::new();
    let model = variational_step(&graph, None);
    for backend in backends() {
        let mut lanes = lanes(&*backend, &model.plan(), Precision::F32, &[]);
        for (input, values) in &model.inputs {
            lanes.write_all(id(*input), values).unwrap();
        }
        for (lane, program) in lanes.programs().into_iter().enumerate() {
            program.rewind(seed(lane), 0);
        }
        lanes.run_all(&[2; LANES]);
        let mut programs = lanes.programs();
        programs[1].save();
        let saved = readable(&model, programs[1]);
        lanes.run_all(&[3; LANES]);
        let before: Vec<_> = lanes
            .programs()
            .into_iter()
            .map(|program| readable(&model, program))
            .collect();
        assert_ne!(before[1], saved);
        let mut programs = lanes.programs();
        programs[1].restore();
        programs[1].rewind(seed(1), 2);
        let states = readable(&model, programs[1]);
        assert_eq!(bits(&states[..6]), bits(&saved[..6]));
        // The lane alone, while the others wait.
        programs[1].run(3).unwrap();
        for (lane, program) in programs.into_iter().enumerate() {
            let values = readable(&model, program);
            assert_eq!(bits(&values), bits(&before[lane]), "lane {lane}");
        }
        // What is not finite stays in its lane, too.
        let mean = id(model.inputs[2].0);
        lanes.programs()[2].write(mean, &[f64::NAN; 40]).unwrap();
        lanes.run_all(&[1; LANES]);
        let finite = lanes.programs().into_iter();
        let finite: Vec<_> = finite.map(|p| p.first_non_finite(mean)).collect();
        assert_eq!(finite, [None, None, Some(0)]);
    }
}

#[test]
fn an_index_outside_stops_its_lane_alone() {
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
        let mut lanes = lanes(&*backend, &plan, Precision::F32, &[id(x)]);
        let unset = lanes.run_all(&[1; LANES]);
        assert!(
            unset
                .iter()
                .all(|o| matches!(o, Err(KernelError::Unset { .. })))
        );
        lanes.write_all(id(x), &[1.0, 2.0, 3.0]).unwrap();
        lanes.write_all(id(next), &[2.0, 2.0]).unwrap();
        lanes.write_all(id(count), &[0.0]).unwrap();
        for (lane, program) in lanes.programs().into_iter().enumerate() {
            program
                .write(id(i), &[lane as f64, 3.0 * f64::from(lane == 1)])
                .unwrap();
        }
        let outcomes = lanes.run_all(&[4; LANES]);
        let error = outcomes[1].as_ref().unwrap_err();
        let place = |e: &KernelError| matches!(e, KernelError::Index { position: 1, length: 3, value, .. } if *value == 3.0);
        assert!(place(error), "{error}");
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
        let counts: Vec<f64> = lanes
            .programs()
            .iter()
            .map(|program| program.read_input(id(count))[0])
            .collect();
        assert_eq!(counts, [4.0, 0.0, 4.0]);
        lanes.programs()[1].write(id(i), &[1.0, 0.0]).unwrap();
        assert_eq!(lanes.run_all(&[0, 1]), [Ok(()), Ok(()), Ok(())]);
        let outputs: Vec<_> = lanes.programs().iter().map(|p| p.read_output(0)).collect();
        assert_eq!(outputs, [[3.0, 3.0], [2.0, 1.0], [3.0, 3.0]]);
        // An input of its own that is no state.
        lanes.programs()[2].write(id(next), &[0.0, 1.0]).unwrap();
        lanes.run_all(&[1, 1, 1]);
        assert_eq!(lanes.run_all(&[1, 1, 1]), [Ok(()), Ok(()), Ok(())]);
        let outputs: Vec<_> = lanes.programs().iter().map(|p| p.read_output(0)).collect();
        assert_eq!(outputs, [[3.0, 3.0], [3.0, 3.0], [1.0, 2.0]]);
        // What all share cannot be set for one.
        let error = lanes.programs()[0].write(id(x), &[0.0; 3]).unwrap_err();
        let name = "x".to_owned();
        assert_eq!(error, KernelError::SharedInput { name });
        let error = lanes.write_all(id(x), &[0.0; 2]).unwrap_err();
        assert!(
            matches!(error, KernelError::Length { got: 2, .. }),
            "{error}"
        );
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
fn only_tiny_plans_have_lanes() {
    let has = |backend: &dyn Backend, plan: &Plan| {
        let shared: Vec<InputId> = plan.inputs().iter().map(|input| input.id).collect();
        let lanes = backend
            .compile_lanes(plan, Precision::F32, &shared, 2)
            .unwrap();
        lanes.is_some()
    };
    for backend in backends() {
        assert!(has(&*backend, &plan(500, None)));
        // The products of all rows have no room, or there are too many of them.
        assert!(!has(&*backend, &plan(5_000, None)));
        assert!(!has(&*backend, &plan(500_000, None)));
        // Data may be larger than the memory of a block.
        assert!(has(&*backend, &plan(500_000, Some(50))));
    }
    assert!(!has(&Device::cpu(), &plan(500, None)));
}
