//! Numbers and nodes behave alike: one shape rule for both, whatever the operation.

use bayes_nn_autodiff::{Bindings, Graph, GraphError, NodeId, Var, concat, grad, stack};
use proptest::prelude::*;

type Write = for<'g> fn(Var<'g>, Var<'g>) -> Var<'g>;

/// Operations on a scalar and another one.
const OPERATIONS: [(&str, Write); 45] = [
    ("exp", |x, _| x.exp()),
    ("neg", |x, _| -x),
    ("add", |x, y| x + y),
    ("pow", |x, y| x.abs().pow(y)),
    ("maximum", |x, y| x.maximum(y)),
    ("lt", |x, y| x.lt(y)),
    ("select", |x, y| x.gt(0.0).select(x, y)),
    ("select by what failed", |x, y| {
        x.view(0, [2]).max().lt(1.0).select(y, 2.0)
    }),
    ("select of shapes", |x, y| x.gt(0.0).select(x.reshape(1), y)),
    ("sum", |x, _| x.sum()),
    ("sum_axis", |x, _| x.sum_axis(0)),
    ("mean", |x, _| x.mean()),
    ("max", |x, _| x.max()),
    ("max_axis", |x, _| x.max_axis(0)),
    ("logsumexp", |x, _| x.logsumexp(0)),
    ("all_reduce_mean", |x, _| x.all_reduce_mean()),
    ("reshape", |x, _| x.reshape([1, 1])),
    ("reshape, wrongly", |x, _| x.reshape([2])),
    ("broadcast_to", |x, _| x.broadcast_to([2, 3])),
    ("broadcast_to, of shapes", |x, _| {
        x.reshape([1]).broadcast_to([])
    }),
    ("sum of stretched", |x, _| {
        x.broadcast_to([2, 3]).sum_axis(1)
    }),
    ("max of stretched", |x, y| {
        (x.broadcast_to([2, 3]) + y).max()
    }),
    ("logsumexp of stretched", |x, _| {
        x.broadcast_to([4]).logsumexp(0)
    }),
    ("view", |x, _| x.view(0, [1])),
    ("view of nothing", |x, _| x.view(1, [0])),
    ("view, wrongly", |x, _| x.view(1, [1])),
    ("row", |x, _| x.row(0)),
    ("row of stretched", |x, _| x.broadcast_to([2, 3]).row(1)),
    ("t", |x, _| x.t()),
    ("t of stretched", |x, _| x.broadcast_to([2, 3]).t()),
    ("matmul", |x, y| x.matmul(y)),
    ("matmul of vectors", |x, y| {
        x.broadcast_to([3]).matmul(y.broadcast_to([3]))
    }),
    ("matmul of matrices", |x, y| {
        x.broadcast_to([2, 3]).matmul(y.broadcast_to([3]))
    }),
    ("cholesky", |x, _| x.cholesky()),
    ("cholesky of a matrix", |x, _| {
        x.abs().reshape([1, 1]).cholesky()
    }),
    ("solve_lower", |x, y| x.solve_lower(y)),
    ("solve_lower_t", |x, y| {
        x.reshape([1, 1]).solve_lower_t(y.reshape([1]))
    }),
    ("tril", |x, _| x.tril(0)),
    ("tril of stretched", |x, _| x.broadcast_to([2, 2]).tril(-1)),
    ("diagonal", |x, _| x.diagonal()),
    ("diagonal_matrix", |x, y| {
        (stack(&[x, y], 0)).diagonal_matrix().diagonal()
    }),
    ("concat", |x, y| concat(&[x, y], 0)),
    ("concat of shapes", |x, y| {
        concat(&[x.reshape(1), y.reshape(1)], 0)
    }),
    ("stack", |x, y| stack(&[x, y], 0)),
    ("stack, wrongly", |x, y| stack(&[x, y.reshape(1)], 1)),
];

/// The shape, or the operator and its problem.
fn rule(var: Var<'_>) -> Result<String, String> {
    match var.check() {
        Ok(()) => Ok(var.shape().to_string()),
        Err(GraphError::Operator {
            operator, problem, ..
        }) => Err(format!("{operator}: {problem}")),
        Err(other) => Err(other.to_string()),
    }
}

fn values(graph: &Graph, var: Var<'_>, at: &Bindings) -> Vec<u64> {
    let values = graph.evaluate(&[var], at).unwrap();
    values[0].values().iter().map(|v| v.to_bits()).collect()
}

proptest! {
    #[test]
    fn numbers_and_nodes_have_one_shape_rule(a in -3.0..3.0f64, b in -3.0..3.0f64) {
        for (name, write) in OPERATIONS {
            let numbers = write(a.into(), b.into());
            let graph = Graph::new();
            let constants = write(graph.constant(&[a], []), graph.constant(&[b], []));
            let other = Graph::new();
            let (x, y) = (other.input("x", []), other.input("y", []));
            let nodes = write(x, y);
            prop_assert_eq!(rule(numbers), rule(nodes), "numbers, {}", name);
            prop_assert_eq!(rule(constants), rule(nodes), "constants, {}", name);
            for first in [true, false] {
                let graph = Graph::new();
                let (number, node) = (Var::from(a), graph.input("y", []));
                let mixed = if first { write(number, node) } else { write(node, number) };
                prop_assert_eq!(rule(mixed), rule(nodes), "mixed, {}", name);
            }
            if other.check().is_ok() {
                let at = Bindings::new().bind(x, &[a]).bind(y, &[b]);
                let expected = values(&other, nodes, &at);
                let close = |var: Vec<u64>| var.iter().zip(&expected).all(|(v, e)| {
                    let (v, e) = (f64::from_bits(*v), f64::from_bits(*e));
                    v == e || v.is_nan() && e.is_nan() || (v - e).abs() < 1e-12 * e.abs()
                });
                prop_assert!(close(values(&other, numbers, &at)), "{}", name);
                prop_assert!(close(values(&graph, constants, &at)), "{}", name);
            }
        }
    }
}

proptest! {
    #[test]
    fn formulas_of_numbers_and_of_nodes_have_one_shape_and_value(
        at in [-3.0..3.0f64, -3.0..3.0f64],
        choices in prop::collection::vec(any::<[usize; 3]>(), 1..8),
    ) {
        let (graph, other) = (Graph::new(), Graph::new());
        let inputs = [other.input("x", []), other.input("y", [])];
        let bound = Bindings::new().bind(inputs[0], &at[..1]).bind(inputs[1], &at[1..]);
        let mut numbers = at.map(Var::from).to_vec();
        let mut constants = at.map(|number| graph.constant(&[number], [])).to_vec();
        let mut nodes = inputs.to_vec();
        for [which, first, second] in choices {
            let (name, write) = OPERATIONS[which % OPERATIONS.len()];
            let (i, j) = (first % nodes.len(), second % nodes.len());
            let node = write(nodes[i], nodes[j]);
            let (number, constant) = (write(numbers[i], numbers[j]), write(constants[i], constants[j]));
            prop_assert_eq!(rule(number), rule(node), "numbers, {}", name);
            prop_assert_eq!(rule(constant), rule(node), "constants, {}", name);
            if other.check().is_err() {
                return Ok(());
            }
            let expected = values(&other, node, &bound);
            for (graph, var) in [(&other, number), (&graph, constant)] {
                for (v, e) in values(graph, var, &bound).into_iter().zip(&expected) {
                    let (v, e) = (f64::from_bits(v), f64::from_bits(*e));
                    let close = (v - e).abs() < 1e-9 * e.abs().max(1.0);
                    prop_assert!(v == e || v.is_nan() && e.is_nan() || close, "{}", name);
                }
            }
            numbers.push(number);
            constants.push(constant);
            nodes.push(node);
        }
    }
}

#[test]
fn the_first_graph_that_meets_an_error_of_numbers_reports_it() {
    let line = line!() + 1;
    let wrong = Var::from(2.0).matmul(Var::from(3.0)).exp() + 1.0;
    assert!(wrong.number().unwrap().is_nan());
    type Meet = for<'g> fn(&'g Graph, Var<'g>, Var<'g>);
    let meetings: [Meet; 4] = [
        |_, x, wrong| drop_var(x * wrong),
        |_, x, wrong| drop_var(stack(&[wrong, x.sum()], 0)),
        |graph, _, wrong| drop_node(graph.node_of(wrong)),
        |graph, _, wrong| drop_var(graph.constant(&[1.0], []) - wrong),
    ];
    for meet in meetings {
        let graph = Graph::new();
        let x = graph.input("x", [2]);
        graph.scope("layer", || meet(&graph, x, wrong));
        let message = graph.check().unwrap_err().to_string();
        assert!(message.starts_with("matmul at "), "{message}");
        assert!(
            message.contains(&format!("tests/numbers.rs:{line}:")),
            "{message}"
        );
        assert!(message.contains("in `layer`"), "{message}");
    }
    let graph = Graph::new();
    let x = graph.input("x", [2]);
    let error = wrong.check().unwrap_err();
    assert_eq!(
        graph.evaluate(&[wrong], &Bindings::new()).unwrap_err(),
        error
    );
    assert_eq!(grad(wrong, &[x]).unwrap_err(), error);
}

fn drop_var(_: Var<'_>) {}

fn drop_node(_: NodeId) {}
