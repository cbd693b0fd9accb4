//! Products by the weights of groups: against loops over rows, and their derivatives against
//! differences.

mod common;

use bayes_nn_autodiff::{Bindings, Graph, Op, Shape, Side, grad};
use common::{assert_differentiable, at, somewhere};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_row_meets_the_weights_of_its_group(
        (outputs, inputs) in (0..4usize, 0..4usize),
        groups in prop::collection::vec(0..3usize, 0..7),
    ) {
        let graph = Graph::new();
        let (own, given) = (Shape::from([3, outputs, inputs]), Shape::from([inputs, groups.len()]));
        let (w, x) = (graph.input("w", own), graph.input("x", given));
        let product = w.matmul_by_group(x, graph.index_constant(&groups));
        prop_assert_eq!(product.shape(), Shape::from([outputs, groups.len()]));
        let (weights, rows) = (somewhere(own, 1).values, somewhere(given, 2).values);
        let at = Bindings::new().bind(w, &weights).bind(x, &rows);
        let values = graph.evaluate(&[product], &at).unwrap();
        for output in 0..outputs {
            for (row, group) in groups.iter().enumerate() {
                let terms = (0..inputs).map(|input| {
                    weights[(group * outputs + output) * inputs + input]
                        * rows[input * groups.len() + row]
                });
                let value = values[0].values()[output * groups.len() + row];
                prop_assert!((value - terms.sum::<f64>()).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_product_of_three_axes_is_one_for_each_entry_of_the_first(
        (groups, m, k, n) in (0..4usize, 0..4usize, 0..4usize, 0..4usize),
    ) {
        let graph = Graph::new();
        let shapes = [Shape::from([groups, m, k]), Shape::from([groups, k, n])];
        let [a, b] = shapes.map(|shape| graph.input("x", shape));
        let product = a.matmul(b);
        prop_assert_eq!(product.shape(), Shape::from([groups, m, n]));
        let single = (0..groups).map(|g| a.row(g).matmul(b.row(g)));
        let outputs: Vec<_> = single.chain([product]).collect();
        let at = Bindings::new()
            .bind(a, &somewhere(shapes[0], 1).values)
            .bind(b, &somewhere(shapes[1], 2).values);
        let mut values = graph.evaluate(&outputs, &at).unwrap();
        let product = values.pop().unwrap();
        let single: Vec<f64> = values.iter().flat_map(|v| v.values().to_vec()).collect();
        prop_assert_eq!(product.values(), single);
    }
}

#[test]
fn products_by_group_have_their_derivatives() {
    let points = [somewhere([3, 2, 4], 1), somewhere([4, 5], 2)];
    assert_differentiable("by an index", &points, |graph, x| {
        let groups = graph.index_constant(&[2, 0, 2, 2, 0]);
        x[0].matmul_by_group(x[1], groups)
    });
    let square = [somewhere([2, 2, 2], 1)];
    assert_differentiable("of itself", &square, |graph, x| {
        let groups = graph.index_constant(&[1, 0, 1, 0]);
        let rows = x[0].reshape([2, 4]);
        x[0].matmul_by_group(rows, groups)
    });
    let points = [somewhere([3, 2, 4], 1), somewhere([3, 4, 2], 2)];
    assert_differentiable("of three axes", &points, |_, x| x[0].matmul(x[1]));
    let one = [at([1, 2, 2], &[0.4, -1.1, 0.9, 0.2])];
    assert_differentiable("of one group", &one, |_, x| x[0].matmul(x[0]));
}

/// Which sides products by groups compute.
fn sides(graph: &Graph) -> Vec<Side> {
    let nodes = graph.nodes().iter();
    let of = nodes.filter_map(|node| match node.op {
        Op::ProductByGroup { result } => Some(result),
        _ => None,
    });
    of.collect()
}

#[test]
fn a_sum_of_gathered_weights_times_inputs_is_a_product_by_group() {
    let shapes = [[2, 3, 4], [3, 2, 4]];
    for (axis, shape) in shapes.into_iter().enumerate() {
        let graph = Graph::new();
        let (w, x) = (graph.input("w", shape), graph.input("x", [2, 5]));
        let groups = graph.index_input("groups", 5);
        let columns = match axis {
            0 => x.reshape([2, 1, 5]),
            _ => x,
        };
        let product = (columns * w.gather(groups, 2)).sum_axis(axis);
        assert_eq!(product.shape(), Shape::from([3, 5]));
        assert_eq!(sides(&graph), [[Side::Input], [Side::Output]][axis]);
        let slopes = grad((product * product).sum(), &[w, x]).unwrap();
        assert_eq!(sides(&graph).len(), 3);
        // What is computed before the sum is a gather, which no rewrite reaches.
        let terms = columns * w.gather(groups, 2);
        let terms = terms.reshape([terms.shape()[0], terms.shape()[1] * 5]);
        let gathered = match axis {
            0 => terms.sum_axis(0).reshape([3, 5]),
            _ => terms.reshape([3, 2, 5, 1]).sum_axis(1).reshape([3, 5]),
        };
        assert_eq!(sides(&graph).len(), 3);
        let expected = grad((gathered * gathered).sum(), &[w, x]).unwrap();
        let at = Bindings::new()
            .bind(w, &somewhere(shape, 1).values)
            .bind(x, &somewhere([2, 5], 2).values)
            .bind(groups, &[3.0, 0.0, 3.0, 1.0, 0.0]);
        let own = [product, slopes[0], slopes[1]];
        let values = graph.evaluate(&own, &at).unwrap();
        let expected = [gathered, expected[0], expected[1]];
        let expected = graph.evaluate(&expected, &at).unwrap();
        for (value, expected) in values.iter().zip(&expected) {
            assert_eq!(value.shape(), expected.shape());
            for (value, expected) in value.values().iter().zip(expected.values()) {
                assert!((value - expected).abs() < 1e-12, "{value} {expected}");
            }
        }
    }
}

#[test]
fn other_sums_of_gathered_slices_stay_as_they_are() {
    let graph = Graph::new();
    let groups = graph.index_input("groups", 3);
    let w = graph.input("w", [3, 3, 4]).gather(groups, 2);
    for other in [[3, 3, 3], [1, 3, 1], [3, 3, 1], [1, 1, 3]] {
        let _ = (w * graph.input("x", other)).sum_axis(0);
    }
    let first = graph.input("w", [4, 2, 3]).gather(groups, 0);
    let _ = (first * graph.input("x", [1, 2, 3])).sum_axis(1);
    let _ = (w * graph.input("x", [3, 1, 3])).max_axis(0);
    let _ = (w * graph.input("x", [3, 1, 3])).sum_axis(2);
    assert_eq!(graph.check(), Ok(()));
    assert!(sides(&graph).is_empty());
}

#[test]
fn a_product_of_one_group_is_a_product_of_matrices() {
    let graph = Graph::new();
    let (w, x) = (graph.input("w", [1, 2, 3]), graph.input("x", [1, 3, 4]));
    let product = w.matmul(x);
    let _ = grad((product * product).sum(), &[w, x]).unwrap();
    assert!(sides(&graph).is_empty());
}

#[test]
fn a_group_outside_the_weights_is_an_error() {
    let graph = Graph::new();
    let (w, x) = (graph.input("w", [2, 3, 1]), graph.input("x", [1, 2]));
    let groups = graph.index_input("groups", 2);
    let at = Bindings::new().bind(w, &[1.0; 6]).bind(x, &[1.0; 2]);
    let product = w.matmul_by_group(x, groups);
    let error = graph.evaluate(&[product], &at.bind(groups, &[1.0, 2.0]));
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("index 2") && message.contains("position 1"),
        "{message}"
    );
}
