//! What a graph keeps: folded constants, common subexpressions, neutral operations, numbers.

use bayes_nn_autodiff::noise::{NoiseKey, normal};
use bayes_nn_autodiff::{Bindings, Graph, Kind, NoiseKind, Op, Shape, Var, concat, grad, stack};

/// How many nodes `write` adds.
fn added<'g>(graph: &'g Graph, write: impl FnOnce() -> Var<'g>) -> usize {
    let before = graph.len();
    write();
    graph.check().unwrap();
    graph.len() - before
}

#[test]
fn numbers_need_no_graph() {
    let x = Var::from(0.5);
    let formula = (x.exp() + 2.0 * x - 1.0 / x).tanh().maximum(x).pow(2.0) * (-x).lt(x);
    let expected = (0.5f64.exp() + 1.0 - 2.0).tanh().max(0.5).powi(2);
    assert!((formula.number().unwrap() - expected).abs() < 1e-15);
    assert_eq!(x.gt(0.0).select(3.0, 4.0).number(), Some(3.0));
    assert_eq!(x.sum().number(), Some(0.5));
    let column = x.reshape([1, 1]);
    assert_eq!(
        column.matmul(Var::from(4.0).reshape(1)).constant_values(),
        Some(vec![2.0])
    );
    assert!((column.row(0).logsumexp(0).number().unwrap() - 0.5).abs() < 1e-15);
    let two = stack(&[x, 2.0 * x], 0);
    assert_eq!((two * x).constant_values(), Some(vec![0.25, 0.5]));
    assert_eq!(concat(&[two, x.reshape(1)], 0).sum().number(), Some(2.0));
    let matrix = two.diagonal_matrix() + x;
    assert_eq!(matrix.constant_values(), Some(vec![1.0, 0.5, 0.5, 1.5]));
    assert_eq!(matrix.tril(-1).sum().number(), Some(0.5));
    assert_eq!(
        matrix.t().diagonal().constant_values(),
        Some(vec![1.0, 1.5])
    );
    assert_eq!(x.shape(), Shape::SCALAR);
    assert_eq!(
        (x.t().number(), x.reshape([]).number()),
        (Some(0.5), Some(0.5))
    );
    assert_eq!(x.constant_values(), Some(vec![0.5]));
}

#[test]
fn operations_on_constants_are_done_when_written() {
    let graph = Graph::new();
    let a = graph.constant(&[1.0, 2.0, 3.0, 4.0], [2, 2]);
    let b = graph.constant(&[0.5, -0.5], [2]);
    let index = graph.index_constant(&[1, 1, 0]);
    for (result, expected) in [
        ((a + b) * 2.0, vec![3.0, 3.0, 7.0, 7.0]),
        (a.matmul(b), vec![-0.5, -0.5]),
        (a.t().sum_axis(0), vec![3.0, 7.0]),
        (a.max(), vec![4.0]),
        (a.gather(index, 1).row(1), vec![4.0, 4.0, 3.0]),
        (concat(&[b, b], 0).exp().ln(), vec![0.5, -0.5, 0.5, -0.5]),
        (b.lt(0.0).select(b, 7.0), vec![7.0, -0.5]),
    ] {
        assert_eq!(result.constant_values(), Some(expected));
    }
    assert_eq!(
        a.sum().number(),
        Some(10.0),
        "a scalar constant is a number"
    );
}

#[test]
fn where_ranks_meet_stays_as_it_was_written() {
    let graph = Graph::new();
    let constant = graph.constant(&[1.0, 2.0], [2]);
    let mean = constant.all_reduce_mean();
    assert_eq!(mean.constant_values(), None);
    let values = graph.evaluate(&[mean], &Bindings::new()).unwrap();
    assert_eq!(values[0].values(), [1.0, 2.0]);
    assert_eq!(Var::from(3.0).all_reduce_mean().number(), Some(3.0));
}

#[test]
fn a_constant_is_not_blown_up_when_stretched() {
    let graph = Graph::new();
    let large = graph.constant(&[1.0], [1]).broadcast_to([1000, 1000]);
    assert_eq!(large.constant_values(), None);
    assert_eq!(large.shape().elements(), 1_000_000);
}

#[test]
fn equal_expressions_are_one_node() {
    let graph = Graph::new();
    let (x, y) = (graph.input("x", [3]), graph.input("y", [3]));
    let first = (x * y + 2.0).exp();
    assert_eq!(
        added(&graph, || (2.0 + y * x).exp()),
        0,
        "either order of operands"
    );
    assert_eq!((2.0 + y * x).exp().id(), first.id());
    assert_ne!((x - y).id(), (y - x).id());
    assert_eq!(
        graph.constant(&[1.0, 2.0], [2]).id(),
        graph.constant(&[1.0, 2.0], [2]).id()
    );
    assert_ne!(
        graph.constant(&[0.0, 2.0], [2]).id(),
        graph.constant(&[-0.0, 2.0], [2]).id()
    );
    assert_ne!(
        graph.constant(&[1.0], [1]).id(),
        graph.index_constant(&[1]).id()
    );
    assert_ne!(
        graph.input("x", [3]).id(),
        x.id(),
        "inputs of one name are still two"
    );
    let noise = |stream| graph.noise(NoiseKind::Normal, stream, [3]);
    assert_eq!(noise(1).id(), noise(1).id());
    assert_ne!(noise(1).id(), noise(2).id());
    let gradient = grad((x * x).sum(), &[x]).unwrap()[0];
    assert_eq!(added(&graph, || grad((x * x).sum(), &[x]).unwrap()[0]), 0);
    assert_eq!(gradient.shape(), x.shape());
}

#[test]
fn neutral_operations_vanish() {
    let graph = Graph::new();
    let x = graph.input("x", [2, 3]);
    let zeros = graph.constant(&[0.0; 6], [2, 3]);
    let ones = graph.constant(&[1.0; 3], [3]);
    graph.constant(&[0.0, 1.0, -1.0, 2.0], [4]);
    for same in [
        x + 0.0,
        0.0 + x,
        x - 0.0,
        x * 1.0,
        1.0 * x,
        x / 1.0,
        x.pow(1.0),
        x + zeros,
        x * ones,
        -(-x),
        -1.0 * (x * -1.0),
        x.t().t(),
        x.reshape([3, 2]).reshape([2, 3]),
        x.view(0, [2, 3]),
        x.broadcast_to([2, 3]),
        concat(&[x], 1),
        Var::from(1.0).select(x, 7.0),
    ] {
        assert_eq!(same.id(), x.id());
    }
    assert_eq!(x.pow(2.0).id(), (x * x).id());
    assert_eq!(x.view(1, [5]).view(2, [3]).id(), x.view(3, [3]).id());
    let column = graph.input("column", [3, 1]);
    assert_eq!(
        column.sum_axis(1).id(),
        column.max_axis(1).id(),
        "one element is its own sum"
    );
    assert!(matches!(
        graph.node(column.sum_axis(1).id().unwrap()).op,
        Op::View { .. }
    ));
}

#[test]
fn an_operand_that_is_stretched_does_not_vanish() {
    let graph = Graph::new();
    let x = graph.input("x", [3]);
    let zeros = graph.constant(&[0.0; 6], [2, 3]);
    assert_eq!((x + zeros).shape(), Shape::from([2, 3]));
    assert_eq!(Var::from(0.0).select(zeros, x).shape(), Shape::from([2, 3]));
    let at = Bindings::new().bind(x, &[1.0, 2.0, 3.0]);
    let value = graph.evaluate(&[x + zeros], &at).unwrap();
    assert_eq!(value[0].values(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
}

#[test]
fn no_rewrite_loses_a_nan_or_an_infinity() {
    let graph = Graph::new();
    let x = graph.input("x", [3]);
    let inf = f64::INFINITY;
    let outputs = [
        x * 0.0,
        x - x,
        x / x,
        0.0 / x,
        x + f64::NAN,
        x.pow(0.0),
        x.max(),
        x.logsumexp(0),
    ];
    let bindings = Bindings::new().bind(x, &[f64::NAN, inf, -inf]);
    let values = graph.evaluate(&outputs, &bindings).unwrap();
    let nan: Vec<Vec<bool>> = values
        .iter()
        .map(|v| v.values().iter().map(|x| x.is_nan()).collect())
        .collect();
    for (i, nan) in nan[..3].iter().enumerate() {
        assert_eq!(nan[..], [true; 3], "output {i}");
    }
    assert_eq!(values[3].values()[1..], [0.0, -0.0]);
    assert_eq!(nan[4][..], [true; 3]);
    assert_eq!(values[5].values(), [1.0; 3]);
    assert_eq!((nan[6][0], nan[7][0]), (true, true));
    assert!(Var::from(0.0).maximum(f64::NAN).number().unwrap().is_nan());
    assert!(Var::from(f64::NAN).minimum(0.0).number().unwrap().is_nan());
}

#[test]
fn sums_of_nothing_are_zero() {
    let graph = Graph::new();
    let x = graph.input("x", [0, 3]);
    let outputs = [
        x.sum(),
        x.sum_axis(0),
        x.sum_axis(1),
        x.exp(),
        x.t().matmul(x),
    ];
    let values = graph
        .evaluate(&outputs, &Bindings::new().bind(x, &[]))
        .unwrap();
    assert_eq!(values[0].values(), [0.0]);
    assert_eq!(values[1].values(), [0.0; 3]);
    assert_eq!(values[2].values(), [0.0; 0]);
    assert_eq!(values[3].values(), [0.0; 0]);
    assert_eq!(values[4].values(), [0.0; 9]);
    let gradient = grad((x * x).sum() + x.exp().sum(), &[x]).unwrap()[0];
    assert_eq!(gradient.shape(), x.shape());
}

#[test]
fn noise_is_numbered_by_its_last_long_axis() {
    let graph = Graph::new();
    let shapes = [
        Shape::from([4]),
        Shape::from([1, 4]),
        Shape::from([4, 1]),
        Shape::from([1, 4, 1]),
    ];
    let key = NoiseKey {
        seed: 9,
        step: 5,
        stream: 2,
    };
    let expected: Vec<f64> = (0..4).map(|column| normal(&key, 0, column)).collect();
    let bindings = Bindings::new().seed(9).step(5);
    for shape in shapes {
        let noise = graph.noise(NoiseKind::Normal, 2, shape);
        assert_eq!(
            graph.evaluate(&[noise], &bindings).unwrap()[0].values(),
            expected,
            "{shape}"
        );
    }
    let noise = graph.noise(NoiseKind::Normal, 2, [3, 4, 1]);
    let value = graph.evaluate(&[noise], &bindings).unwrap();
    assert_eq!(value[0].values()[6], normal(&key, 1, 2));
}

#[test]
fn dependence_is_found_through_other_nodes_only_where_it_is() {
    let graph = Graph::new();
    let (x, y) = (graph.input("x", [2]), graph.input("y", [2]));
    let product = (x * 2.0).exp();
    let sum = product.sum() + 1.0;
    assert!(graph.depends_on(sum, x) && graph.depends_on(sum, product));
    assert!(graph.depends_on(x, x));
    assert!(!graph.depends_on(sum, y) && !graph.depends_on(x, sum));
    assert!(!graph.depends_on(Var::from(1.0), x));
}

#[test]
fn what_comes_from_rows_is_known_of_every_node() {
    let graph = Graph::new();
    let (column, z) = (graph.input("column", [5]), graph.input("z", [3]));
    graph.mark_rows(column);
    let gathered = z.gather(graph.batch(9, 3, 0), 0);
    for from_rows in [column, column.exp().sum() * z, gathered, -gathered.row(1)] {
        assert!(from_rows.comes_from_rows());
    }
    let gradient = grad((column.sum() * z).sum(), &[z]).unwrap()[0];
    assert!(gradient.comes_from_rows());
    for other in [
        z,
        z.exp() * 2.0,
        Var::from(1.0),
        graph.step(),
        (column * 0.5).max() - z,
    ] {
        assert_eq!(other.comes_from_rows(), graph.depends_on(other, column));
    }
    assert_eq!(
        (column * 2.0).id(),
        (2.0 * column).id(),
        "the mark is no part of the node"
    );
}

#[test]
fn names_kinds_and_places_of_inputs_can_be_asked() {
    let graph = Graph::new();
    assert!(graph.is_empty());
    let x = graph.input("x", [2, 3]);
    let rows = graph.index_input("rows", 4);
    let inputs = graph.inputs();
    assert_eq!(
        (inputs[0].name.as_str(), inputs[1].name.as_str()),
        ("x", "rows")
    );
    assert_eq!(Some(inputs[1].node), rows.id());
    assert_eq!(rows.input_id().unwrap().index(), 1);
    assert_eq!((x.kind(), rows.kind()), (Kind::Float, Kind::Index));
    assert_eq!((x + 1.0).input_id(), None);
    assert_eq!(format!("{x:?} {:?}", Var::from(1.5)), "%0: [2, 3] 1.5");
    let product = x.exp();
    assert!(
        format!("{graph:?}").contains("%4 = Unary(Exp)[%0] : [2, 3]"),
        "{graph:?}"
    );
    assert_eq!(product.shape(), x.shape());
}

/// A distribution, say, whose parameters are numbers: it serves in every graph.
struct Scale<'g> {
    factor: Var<'g>,
}

impl<'g> Scale<'g> {
    fn of(&self, x: Var<'g>) -> Var<'g> {
        x * self.factor
    }
}

#[test]
fn what_holds_only_numbers_fits_any_graph() {
    let scale: Scale<'static> = Scale {
        factor: Var::from(3.0),
    };
    for shape in [2, 3] {
        let graph = Graph::new();
        let x = graph.input("x", shape);
        let scaled = scale.of(x);
        assert_eq!(scaled.shape(), Shape::from(shape));
    }
}

#[test]
fn graphs_are_shared_between_threads() {
    fn shareable<T: Send + Sync>(_: &T) {}
    let graph = Graph::new();
    let x = graph.input("x", [4]);
    shareable(&graph);
    shareable(&x);
    std::thread::scope(|threads| {
        for i in 0..4 {
            threads.spawn(move || (x * f64::from(i) + 0.5).exp().sum());
        }
    });
    graph.check().unwrap();
    assert_eq!(added(&graph, || (x * 3.0 + 0.5).exp().sum()), 0);
}
