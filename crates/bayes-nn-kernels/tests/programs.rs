//! What a program refuses and how it says so, and what its results do not depend on.

mod common;

use bayes_nn_autodiff::{Graph, GraphError, NoiseKind, Var, grad};
use bayes_nn_kernels::{Cpu, Isa, KernelError, Plan, Precision};
use common::{Model, single};

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
    let graph = Graph::new();
    let (x, i) = (graph.input("weights", [2, 3]), graph.index_input("rows", 2));
    let unused = graph.input("unused", [1]);
    let plan = Plan::new(&graph, &[x.gather(i, 0)], &[]).unwrap();
    let mut replicas = single(&Cpu::detect().unwrap(), &plan, &[], Precision::F32);
    let program = replicas.program_mut(0);
    let (x, i) = (x.input_id().unwrap(), i.input_id().unwrap());

    let message = program.run(1).unwrap_err().to_string();
    assert!(
        message.contains("`weights` of shape [2, 3] has no value yet"),
        "{message}"
    );
    let message = program.write(x, &[0.0; 5]).unwrap_err().to_string();
    assert!(
        message.contains("`weights` of shape [2, 3] needs 6 values, got 5"),
        "{message}"
    );
    let message = program
        .write(unused.input_id().unwrap(), &[0.0])
        .unwrap_err()
        .to_string();
    assert!(message.contains("no input number 2"), "{message}");
    assert!(program.read_input(unused.input_id().unwrap()).is_empty());
    assert!(program.read_output(1).is_empty());
    for wrong in [-1.0, 0.5, f64::NAN, 4294967296.0] {
        let error = program.write(i, &[0.0, wrong]).unwrap_err();
        assert!(
            matches!(error, KernelError::Index { position: 1, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("position 1 of `rows`"),
            "{error}"
        );
    }
    program.write(x, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let message = program.run(1).unwrap_err().to_string();
    assert!(
        message.contains("`rows` of shape [2] has no value yet"),
        "{message}"
    );
    program.write(i, &[1.0, 2.0]).unwrap();
    let message = program.run(1).unwrap_err().to_string();
    assert!(message.contains("index 2 at position 1"), "{message}");
    assert!(message.contains("below 2"), "{message}");
    program.write(i, &[1.0, 1.0]).unwrap();
    program.run(1).unwrap();
    assert_eq!(program.read_output(0), [4.0, 5.0, 6.0, 4.0, 5.0, 6.0]);
    assert_eq!(program.read_input(i), [1.0, 1.0]);
}

#[test]
fn an_index_outside_is_found_when_it_is_scattered_or_kept_as_a_state_too() {
    let graph = Graph::new();
    let (x, i, next) = (
        graph.input("x", 3),
        graph.index_input("i", 2),
        graph.index_input("next", 2),
    );
    let chosen = x.gather(i, 0);
    let gradient = grad((chosen * chosen).sum(), &[x]).unwrap()[0];
    let plan = Plan::new(&graph, &[gradient], &[(i, next)]).unwrap();
    let mut replicas = single(&Cpu::detect().unwrap(), &plan, &[], Precision::F64);
    let program = replicas.program_mut(0);
    program
        .write(x.input_id().unwrap(), &[1.0, 2.0, 3.0])
        .unwrap();
    program.write(i.input_id().unwrap(), &[2.0, 2.0]).unwrap();
    program
        .write(next.input_id().unwrap(), &[0.0, 3.0])
        .unwrap();
    program.run(1).unwrap();
    assert_eq!(program.read_output(0), [0.0, 0.0, 12.0]);
    assert!(
        program
            .run(1)
            .unwrap_err()
            .to_string()
            .contains("index 3 at position 1")
    );
}

#[test]
fn states_that_cannot_be_updated_are_refused_by_name() {
    let graph = Graph::new();
    let (x, y) = (graph.input("mean", [2]), graph.input("y", [3]));
    let error = Plan::new(&graph, &[], &[(x, y)]).unwrap_err().to_string();
    assert!(
        error.contains("`mean` of shape [2]") && error.contains("shape [3]"),
        "{error}"
    );
    let error = Plan::new(&graph, &[], &[(x, x + 1.0), (x, x * 2.0)])
        .unwrap_err()
        .to_string();
    assert!(error.contains("`mean` is given two next values"), "{error}");
    let error = Plan::new(&graph, &[], &[(x + 1.0, x)]).unwrap_err();
    assert!(matches!(error, KernelError::State { .. }), "{error}");
    let index = graph.index_input("i", [2]);
    let error = Plan::new(&graph, &[], &[(x, index)]).unwrap_err();
    assert!(matches!(error, KernelError::State { .. }), "{error}");
}

#[test]
fn mistakes_in_the_graph_come_out_of_the_plan() {
    let (graph, other) = (Graph::new(), Graph::new());
    let (x, foreign) = (graph.input("x", [2]), other.input("x", [2]));
    for (outputs, updates) in [
        (vec![foreign], vec![]),
        (vec![], vec![(foreign, foreign)]),
        (vec![], vec![(x, foreign)]),
    ] {
        let error = Plan::new(&graph, &outputs, &updates).unwrap_err();
        assert!(
            matches!(error, KernelError::Graph(GraphError::Foreign { .. })),
            "{error}"
        );
    }
    let sum = graph.scope("layer", || x + graph.input("y", [3]));
    let error = Plan::new(&graph, &[sum], &[]).unwrap_err().to_string();
    assert!(
        error.contains("add at") && error.contains("`layer`"),
        "{error}"
    );
}

/// The loss of a network on many rows and its gradients.
fn network_on_many_rows<'g>(graph: &'g Graph, rows: usize) -> Model<'g> {
    let mut m = Model::new(graph);
    let (x, y) = (m.input([2, rows]), m.input([rows]));
    let weights = [m.input([5, 2]), m.input([5, 5]), m.input([3, 5])];
    let hidden = weights[0].matmul(x).tanh();
    let hidden = weights[1].matmul(hidden).tanh();
    let scores = weights[2].matmul(hidden);
    let total = scores.exp().sum_axis(0).ln();
    let error = total + scores.view(rows, [rows]) * y;
    let loss = (error * error).sum() + scores.max();
    m.outputs = vec![loss];
    m.outputs.extend(grad(loss, &weights).unwrap());
    m
}

#[test]
fn many_rows_go_through_a_network_strip_by_strip() {
    let graph = Graph::new();
    let model = network_on_many_rows(&graph, 2500);
    let plan = model.plan();
    let strips = plan.strips();
    let longest = strips.iter().map(|s| s.passes.len()).max();
    assert!(longest >= Some(6), "{strips:?}");
    for run in strips {
        let ranges: Vec<_> = (0..run.count()).map(|i| run.range(i)).collect();
        assert_eq!(ranges[0].start, 0);
        assert_eq!(ranges[run.count() - 1].end, 2500);
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
    model.assert_gradients_like_reference(2, 1e-10, 1e-4);
}

#[test]
fn what_depends_on_data_alone_is_computed_when_they_are_written() {
    for rows in [300, 2500] {
        let graph = Graph::new();
        let mut m = Model::new(&graph);
        let (counts, rate) = (m.input([rows]), m.input([rows]));
        let constant = (counts + 3.0).lgamma();
        let log_prob = counts * rate - rate.exp() - constant;
        m.outputs = vec![log_prob.sum(), constant.sum(), counts * 2.0];
        m.updates = vec![(rate, rate * 0.5)];
        let plan = m.plan();
        assert!((1..plan.passes().len()).contains(&plan.hoisted()));
        let hoisted = |var: Var| {
            let mut inputs = plan.inputs().iter();
            inputs.any(|input| Some(input.id) == var.input_id() && input.hoisted)
        };
        assert!(hoisted(counts) && !hoisted(rate));
        m.assert_like_reference(3);

        let cpu = Cpu::detect().unwrap();
        let mut replicas = m.program(&cpu, Precision::F64);
        let program = replicas.program_mut(0);
        program.run(2).unwrap();
        m.inputs[0].1.reverse();
        m.write(program);
        program.run(1).unwrap();
        let mut anew_replicas = m.program(&cpu, Precision::F64);
        let anew = anew_replicas.program_mut(0);
        anew.run(1).unwrap();
        for output in 0..m.outputs.len() {
            assert_eq!(program.read_output(output), anew.read_output(output));
        }
    }
}

/// Everything that is cut for threads: products by loops and by faer, groups, reductions, noise.
fn everything<'g>(graph: &'g Graph) -> Model<'g> {
    let mut m = Model::new(graph);
    let (a, b, c) = (m.input([60, 300]), m.input([300, 400]), m.input([500, 300]));
    let (long, state) = (m.input([3, 30_000]), m.input([50_000]));
    let few = m.input([4, 3]);
    let noise = graph.noise(NoiseKind::Normal, 0, [3, 30_000]);
    let wide = (long * noise).tanh() + graph.noise(NoiseKind::Uniform, 1, [30_000]);
    let batch = c.gather(graph.batch(500, 64, 0), 0);
    m.outputs = vec![
        a.matmul(b),
        a.matmul(c.t()),
        batch.matmul(b).tanh().sum(),
        long.matmul(wide.t()),
        few.matmul(wide).sum_axis(1),
        wide.sum(),
        wide.sum_axis(1),
        wide.max(),
        (state.exp() * 1e-3).sum(),
    ];
    m.updates = vec![(
        state,
        (state + graph.noise(NoiseKind::Normal, 2, [50_000])).sin(),
    )];
    m
}

#[test]
fn bits_depend_neither_on_the_number_of_threads_nor_on_the_run() {
    let graph = Graph::new();
    let model = everything(&graph);
    let state = model.updates[0].0.input_id().unwrap();
    for precision in [Precision::F32, Precision::F64] {
        let run = |threads: usize| {
            let cpu = Cpu::detect().unwrap().threads(threads);
            let mut replicas = model.program(&cpu, precision);
            let program = replicas.program_mut(0);
            program.run(3).unwrap();
            let outputs = (0..model.outputs.len()).map(|i| program.read_output(i));
            outputs
                .chain([program.read_input(state)])
                .collect::<Vec<_>>()
        };
        let expected = run(1);
        for threads in [1, 2, 8] {
            for (i, (value, expected)) in run(threads).iter().zip(&expected).enumerate() {
                let same = value
                    .iter()
                    .zip(expected)
                    .all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{precision:?}, {threads} threads, output {i}");
            }
        }
    }
}

#[test]
fn a_program_moves_between_threads_and_runs_in_a_foreign_pool() {
    let graph = Graph::new();
    let model = everything(&graph);
    let mut replicas = model.program(&Cpu::detect().unwrap().threads(3), Precision::F32);
    let program = replicas.program_mut(0);
    program.run(2).unwrap();
    let expected = program.read_output(0);
    model.write(program);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    let moved = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                pool.install(|| program.run(2).unwrap());
                program.read_output(0)
            })
            .join()
            .unwrap()
    });
    assert_eq!(moved, expected);
}

#[test]
fn every_row_comes_once_in_an_epoch() {
    for (rows, batch) in [
        (12, 4),
        (10, 10),
        (13, 5),
        (7, 3),
        (5, 8),
        (1, 3),
        (100, 33),
        (3, 1),
    ] {
        let graph = Graph::new();
        let index = graph.batch(rows, batch, 1);
        let plan = Plan::new(&graph, &[index], &[]).unwrap();
        for seed in [0, 1, u64::MAX] {
            let mut replicas = single(&Cpu::detect().unwrap(), &plan, &[], Precision::F32);
            let program = replicas.program_mut(0);
            program.rewind(seed, 0);
            let epochs = 6;
            let mut sequence = Vec::new();
            while sequence.len() < epochs * rows {
                program.run(1).unwrap();
                sequence.extend(program.read_output(0));
            }
            let mut orders = Vec::new();
            for epoch in sequence.chunks_exact(rows).take(epochs) {
                let mut sorted = epoch.to_vec();
                sorted.sort_by(f64::total_cmp);
                let all: Vec<f64> = (0..rows).map(|row| row as f64).collect();
                assert_eq!(sorted, all, "{rows} rows by {batch}, seed {seed}");
                orders.push(epoch.to_vec());
            }
            if rows > 9 {
                assert!(
                    orders.windows(2).all(|pair| pair[0] != pair[1]),
                    "one order for all"
                );
            }
        }
    }
}

/// Logistic regression on the rows that `index` selects, or on all: its log density and gradient.
fn regression<'g>(
    weights: Var<'g>,
    (x, y): (Var<'g>, Var<'g>),
    index: Option<Var<'g>>,
) -> (Var<'g>, Var<'g>) {
    let rows = x.shape()[0] as f64;
    let (x, y) = match index {
        Some(index) => (x.gather(index, 0), y.gather(index, 0)),
        None => (x, y),
    };
    let logits = weights.matmul(x.t());
    let scale = rows / x.shape()[0] as f64;
    let likelihood = (y * logits - logits.softplus()).sum() * scale;
    let density = likelihood - 0.5 * (weights * weights).sum();
    (density, grad(density, &[weights]).unwrap()[0])
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn minibatch_gradients_average_to_the_full_gradient() {
    for (rows, batch) in [(12, 4), (13, 5), (20, 8), (9, 1), (6, 6), (5, 7)] {
        for isa in Isa::available() {
            let graph = Graph::new();
            let mut model = Model::new(&graph);
            let (x, y) = (model.input([rows, 3]), model.input([rows]));
            let weights = model.input([3]);
            let (full, part) = (
                regression(weights, (x, y), None),
                regression(weights, (x, y), Some(graph.batch(rows, batch, 4))),
            );
            model.outputs = vec![full.0, full.1, part.0, part.1];
            let cpu = Cpu::detect().unwrap().isa(isa).unwrap();
            let mut replicas = model.program(&cpu, Precision::F64);
            let program = replicas.program_mut(0);
            let steps = rows / gcd(rows, batch);
            let mut means = [vec![0.0; 1], vec![0.0; 3]];
            for _ in 0..steps {
                program.run(1).unwrap();
                for (mean, output) in means.iter_mut().zip([2, 3]) {
                    for (sum, x) in mean.iter_mut().zip(program.read_output(output)) {
                        *sum += x / steps as f64;
                    }
                }
            }
            for (mean, output) in means.iter().zip([0, 1]) {
                for (mean, full) in mean.iter().zip(program.read_output(output)) {
                    assert!(
                        (mean - full).abs() <= 1e-12 * full.abs().max(1.0),
                        "{rows} by {batch}"
                    );
                }
            }
        }
    }
}

#[test]
fn saved_states_come_back_bit_for_bit_and_bad_numbers_are_found() {
    for precision in [Precision::F32, Precision::F64] {
        let graph = Graph::new();
        let (a, b) = (graph.input("a", [3, 40]), graph.input("b", [3]));
        let next = (a * 1.01).sin();
        let plan = Plan::new(&graph, &[], &[(a, next), (b, b + a.sum_axis(1))]).unwrap();
        let mut replicas = single(&Cpu::detect().unwrap(), &plan, &[], precision);
        let program = replicas.program_mut(0);
        let (a, b) = (a.input_id().unwrap(), b.input_id().unwrap());
        let start: Vec<f64> = (0..120).map(f64::from).collect();
        program.write(a, &start).unwrap();
        program.fill(b, 0.0).unwrap();
        program.run(2).unwrap();
        program.save();
        let saved = (program.read_input(a), program.read_input(b));
        program.run(3).unwrap();
        assert_ne!(program.read_input(b), saved.1);
        program.restore();
        assert_eq!((program.read_input(a), program.read_input(b)), saved);

        program.forget();
        program.fill(a, 0.5).unwrap();
        program.restore();
        assert_eq!(program.read_input(a), [0.5; 120]);

        assert_eq!(program.first_non_finite(a), None);
        let mut bad = start.clone();
        bad[77] = f64::INFINITY;
        bad[90] = f64::NAN;
        program.write(a, &bad).unwrap();
        assert_eq!(program.first_non_finite(a), Some(77));
    }
}
