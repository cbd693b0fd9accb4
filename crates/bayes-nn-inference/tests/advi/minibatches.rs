//! A minibatch estimates what the full data say: over an epoch exactly so.

use std::rc::Rc;

use crate::regression::Regression;
use bayes_nn_autodiff::{Graph, grad};
use bayes_nn_inference::{Density, Point, Rows};
use bayes_nn_kernels::{Backend, Binding, Cpu, Plan, Precision, Runtime, Step};

/// Log density and gradient at a fixed point, for each of `steps` steps.
fn gradients(rows: Rows, steps: u64) -> Vec<Vec<f64>> {
    let model = Regression::line();
    let graph = Graph::new();
    let step = Step::new(&graph);
    let z = step.state("z", [2], vec![0.3, -0.7]);
    let point = Rc::new(Point::at(z, model.sites()));
    let traced = model.trace(&graph, point, rows).unwrap();
    step.bind(traced.data.clone());
    step.record("log_prob", traced.log_prob());
    step.record("gradient", grad(traced.log_prob(), &[z]).unwrap()[0]);
    let runtime = Runtime {
        precision: Precision::F64,
        ..Runtime::default()
    };
    let mut run = step.finish(&runtime).unwrap().start(1).unwrap();
    run.begin(&[11]).unwrap();
    run.advance_one(0, steps).unwrap();
    let gradients = run.recorded(0, "gradient").unwrap().chunks(2);
    let log_probs = run.recorded(0, "log_prob").unwrap().chunks(1);
    log_probs
        .zip(gradients)
        .map(|(a, b)| [a, b].concat())
        .collect()
}

#[test]
fn the_mean_of_all_minibatch_gradients_of_an_epoch_is_the_full_gradient() {
    let full = gradients(Rows::All, 1).remove(0);
    // 5 does not divide 12: twelve batches of five are five epochs.
    for (batch, steps) in [(1, 12), (4, 3), (3, 4), (5, 12), (12, 1)] {
        let parts = gradients(Rows::Minibatch(batch), steps);
        for (element, full) in full.iter().enumerate() {
            let mean = parts.iter().map(|p| p[element]).sum::<f64>() / steps as f64;
            assert!(
                (mean / full - 1.0).abs() < 1e-12,
                "{batch}: {mean} for {full}"
            );
        }
    }
}

#[test]
fn no_row_is_lost_or_doubled_in_an_epoch() {
    let (rows, batch) = (103, 10);
    let graph = Graph::new();
    let numbers: Vec<f64> = (0..rows).map(|i| i as f64).collect();
    let values = graph.input("rows", [rows]);
    let chosen = values.gather(graph.batch(rows, batch, 1), 0);
    let plan = Plan::new(&graph, &[chosen], &[]).unwrap();
    let backend = Cpu::detect().unwrap();
    let data = [Binding::new(values.input_id().unwrap(), &numbers)];
    let loaded = backend.load(&plan.into(), &data, Precision::F32).unwrap();
    let mut replicas = loaded.start(1).unwrap();
    let program = replicas.program_mut(0);
    program.rewind(3, 0);
    let mut seen = Vec::new();
    for _ in 0..rows {
        program.run(1).unwrap();
        seen.extend(program.read_output(0));
    }
    for epoch in seen.chunks(rows) {
        let mut epoch = epoch.to_vec();
        assert_ne!(epoch, numbers);
        epoch.sort_by(f64::total_cmp);
        assert_eq!(epoch, numbers);
    }
}
