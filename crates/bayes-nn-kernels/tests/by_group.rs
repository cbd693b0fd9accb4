//! Products by the weights of groups on every instruction set, against the reference.

mod common;

use bayes_nn_autodiff::{Graph, Var, grad};
use bayes_nn_kernels::{Cpu, Isa, KernelError, Precision};
use common::Model;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Rows around which vectors and paddings change.
const ROWS: [usize; 9] = [1, 2, 5, 16, 17, 32, 40, 70, 150];

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 40,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A product and its derivatives by weights and inputs.
fn with_slopes<'g>(model: &mut Model<'g>, product: Var<'g>, by: [Var<'g>; 2]) {
    let slopes = grad((product * product).sum() * 0.5, &by).unwrap();
    model.outputs.push(product);
    model.outputs.extend(slopes);
}

/// In which order rows of so many groups come.
fn order(how: usize, rows: usize, groups: usize) -> Vec<usize> {
    let of = |row: usize| match how {
        // Some groups have no rows, others most.
        0 => row * row / rows * groups / rows,
        1 => row % groups,
        _ => (row * 7 + row / 5) % groups,
    };
    (0..rows).map(of).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn products_by_group_and_their_derivatives_are_those_of_the_reference(
        (groups, outputs, inputs) in (1..6usize, 1..9usize, 1..40usize),
        (how, rows) in (0..3usize, 0..ROWS.len()),
        known in any::<bool>(),
    ) {
        let graph = Graph::new();
        let mut model = Model::new(&graph);
        let rows = ROWS[rows];
        let (w, x) = (model.input([groups, outputs, inputs]), model.input([inputs, rows]));
        let index = order(how, rows, groups);
        let index = match known {
            true => graph.index_constant(&index),
            false => model.index(&index),
        };
        with_slopes(&mut model, w.matmul_by_group(x, index), [w, x]);
        model.assert_gradients_like_reference(1, 1e-12, 1e-5);
    }

    #[test]
    fn products_of_three_axes_are_those_of_the_reference(
        (groups, outputs, inputs) in (1..6usize, 1..40usize, 1..9usize),
        rows in 0..ROWS.len(),
    ) {
        let graph = Graph::new();
        let mut model = Model::new(&graph);
        let w = model.input([groups, outputs, inputs]);
        let x = model.input([groups, inputs, ROWS[rows]]);
        with_slopes(&mut model, w.matmul(x), [w, x]);
        model.assert_gradients_like_reference(1, 1e-12, 1e-5);
    }
}

/// Rows of minibatches, which come in another order in every step, and rows of gathered weights.
#[test]
fn rows_of_minibatches_meet_the_weights_of_their_groups() {
    let graph = Graph::new();
    let mut model = Model::new(&graph);
    let (w, of_groups, x) = (
        model.input([4, 3, 5]),
        model.input([5, 3, 4]),
        model.input([90, 5]),
    );
    let groups = model.index(&order(2, 90, 4));
    let rows = graph.batch(90, 24, 1);
    let (groups, x) = (groups.gather(rows, 0), x.gather(rows, 0).t());
    with_slopes(&mut model, w.matmul_by_group(x, groups), [w, x]);
    let gathered = (x.reshape([5, 1, 24]) * of_groups.gather(groups, 2)).sum_axis(0);
    with_slopes(&mut model, gathered, [of_groups, x]);
    model.assert_gradients_like_reference(6, 1e-12, 1e-5);
}

/// Long groups, the sums over which are cut into parts, and products that a library does.
fn large<'g>(graph: &'g Graph, how: usize) -> Model<'g> {
    let mut model = Model::new(graph);
    let (w, x) = (model.input([2, 3, 2]), model.input([2, 9500]));
    let index = graph.index_constant(&order(how, 9500, 2));
    with_slopes(&mut model, w.matmul_by_group(x, index), [w, x]);
    let (w, x) = (model.input([3, 50, 40]), model.input([40, 400]));
    let index = graph.index_constant(&order(how, 400, 3));
    with_slopes(&mut model, w.matmul_by_group(x, index), [w, x]);
    let (w, x) = (model.input([2, 2, 3]), model.input([2, 3, 9000]));
    with_slopes(&mut model, w.matmul(x), [w, x]);
    model
}

#[test]
fn long_groups_and_large_products_are_those_of_the_reference() {
    for how in 0..2 {
        let graph = Graph::new();
        large(&graph, how).assert_gradients_like_reference(2, 1e-11, 1e-4);
    }
}

#[test]
fn products_by_group_have_the_same_bits_at_any_number_of_threads() {
    let graph = Graph::new();
    let model = large(&graph, 1);
    for isa in Isa::available() {
        let bits = |threads: usize| {
            let cpu = Cpu::detect().unwrap().isa(isa).unwrap().threads(threads);
            let mut replicas = model.program(&cpu, Precision::F32);
            let program = replicas.program_mut(0);
            program.run(1).unwrap();
            let outputs = (0..model.outputs.len()).flat_map(|i| program.read_output(i));
            outputs.map(f64::to_bits).collect::<Vec<_>>()
        };
        let one = bits(1);
        assert!([2, 8].into_iter().all(|threads| bits(threads) == one));
    }
}

/// The order of the rows is kept from step to step, so a changed index must be noticed, and one that
/// is wrong must change nothing.
#[test]
fn an_index_that_changes_is_followed_and_a_group_outside_is_named() {
    let graph = Graph::new();
    let mut model = Model::new(&graph);
    let (w, x) = (model.input([3, 1, 1]), model.input([1, 4]));
    let index = model.index(&[0, 1, 1, 2]);
    let id = index.input_id().unwrap();
    model.outputs = vec![w.matmul_by_group(x, index)];
    let (weights, rows) = (model.inputs[0].1.clone(), model.inputs[1].1.clone());
    let mut replicas = model.program(&Cpu::detect().unwrap(), Precision::F64);
    let program = replicas.program_mut(0);
    for groups in [
        [0.0, 1.0, 1.0, 2.0],
        [2.0, 0.0, 1.0, 0.0],
        [1.0, 1.0, 1.0, 1.0],
    ] {
        program.write(id, &[0.0, 7.0, 0.0, 3.0]).unwrap();
        let error = program.run(1).unwrap_err();
        let named = matches!(&error, KernelError::Index { name, value: 7.0, position: 1, length: 3 }
            if name == "matmul_by_group");
        assert!(named, "{error}");
        program.write(id, &groups).unwrap();
        program.run(1).unwrap();
        let expected: Vec<f64> = (groups.iter().zip(&rows))
            .map(|(group, x)| weights[*group as usize] * x)
            .collect();
        assert_eq!(program.read_output(0), expected);
    }
}
