//! Maps of long vectors and large matrices against plain loops, and what they cost.

use bayes_nn_autodiff::{Bindings, Graph, Op, Var, grad};
use bayes_nn_distributions::Bijector;

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// A point of the support and the logarithm of the determinant.
type Mapped = (Vec<f64>, f64);

/// Breaks a stick.
fn simplex(z: &[f64]) -> Mapped {
    let (mut left, mut log_det, mut shares) = (0.0, 0.0, Vec::new());
    for (k, number) in z.iter().enumerate() {
        let t = number - ((z.len() - k) as f64).ln();
        let share: f64 = left - softplus(-t);
        shares.push(share.exp());
        log_det += share;
        left -= softplus(t);
    }
    shares.push(left.exp());
    (shares, log_det + left)
}

fn ordered(z: &[f64]) -> Mapped {
    let (mut points, mut log_det) = (vec![z[0]], 0.0);
    for number in &z[1..] {
        points.push(points[points.len() - 1] + number.exp());
        log_det += number;
    }
    (points, log_det)
}

/// Rows of length 1, of which each place takes a part of what is left.
fn correlation(z: &[f64]) -> Mapped {
    let size = (1..).find(|size| size * (size - 1) / 2 == z.len()).unwrap();
    let (mut rows, mut log_det, mut numbers) = (Vec::new(), 0.0, z.iter());
    for i in 0..size {
        let mut left = 0.0f64;
        for _ in 0..i {
            let number = numbers.next().unwrap();
            let own = -2.0 * number.cosh().ln();
            rows.push(number.tanh() * (0.5 * left).exp());
            log_det += own + 0.5 * left;
            left += own;
        }
        rows.push((0.5 * left).exp());
        rows.extend(std::iter::repeat_n(0.0, size - 1 - i));
    }
    (rows, log_det)
}

type Map = fn(&[f64]) -> Mapped;

const MAPS: [(Bijector<'static>, Map, usize); 6] = [
    (Bijector::Simplex, simplex, 63),
    (Bijector::Simplex, simplex, 64),
    (Bijector::Simplex, simplex, 5_000),
    (Bijector::Ordered, ordered, 300),
    (Bijector::CorrelationCholesky, correlation, 45),
    (Bijector::CorrelationCholesky, correlation, 80 * 79 / 2),
];

/// `count` numbers for each of a batch, the batch last.
fn numbers(count: usize, batch: usize) -> Vec<f64> {
    let number = |i: usize| 0.7 * (1.3 * i as f64 + 0.2).sin() - 0.3;
    (0..count * batch).map(number).collect()
}

fn column(values: &[f64], batch: usize, number: usize) -> Vec<f64> {
    values.iter().skip(number).step_by(batch).copied().collect()
}

#[test]
fn long_vectors_and_large_matrices_are_mapped_as_by_plain_loops() {
    for (bijector, map, count) in MAPS {
        for batch in [1, 3] {
            let graph = Graph::new();
            let z = match batch {
                1 => graph.input("z", [count]),
                _ => graph.input("z", [count, batch]),
            };
            let at = numbers(count, batch);
            let x = bijector.forward(z);
            let outputs = [x, bijector.log_det_jacobian(z), bijector.inverse(x)];
            let values = graph
                .evaluate(&outputs, &Bindings::new().bind(z, &at))
                .unwrap();
            for number in 0..batch {
                let z = column(&at, batch, number);
                let (point, log_det) = map(&z);
                let close = |a: &[f64], b: &[f64], tolerance: f64| {
                    assert_eq!(a.len(), b.len());
                    for (a, b) in a.iter().zip(b) {
                        let error = (a - b).abs() / b.abs().max(1e-3);
                        assert!(error < tolerance, "{bijector:?} of {count}: {a}, not {b}");
                    }
                };
                close(&column(values[0].values(), batch, number), &point, 1e-11);
                close(&values[1].values()[number..=number], &[log_det], 1e-11);
                close(&column(values[2].values(), batch, number), &z, 1e-7);
            }
        }
    }
}

#[test]
fn the_gradients_of_long_vectors_and_large_matrices_are_slopes() {
    for (bijector, map, count) in MAPS {
        let graph = Graph::new();
        let z = graph.input("z", [count]);
        let x = bijector.forward(z);
        let weights = numbers(x.shape().elements(), 1);
        let weighted = x * graph.constant(&weights, x.shape());
        let total = weighted.sum() + bijector.log_det_jacobian(z);
        let gradient = grad(total, &[z]).unwrap()[0];
        let at = numbers(count, 1);
        let values = graph
            .evaluate(&[gradient], &Bindings::new().bind(z, &at))
            .unwrap();
        let value = |at: &[f64]| {
            let (point, log_det) = map(at);
            log_det + point.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>()
        };
        for place in [0, 1, count / 2, count - 1] {
            let moved = |by: f64| {
                let mut at = at.clone();
                at[place] += by;
                value(&at)
            };
            let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            let got = values[0].values()[place];
            let error = (got - slope).abs() / slope.abs().max(1.0);
            assert!(
                error < 1e-6,
                "{bijector:?} of {count} at {place}: {got}, not {slope}"
            );
        }
    }
}

/// The largest value of a graph, and the elements of all constants together.
fn sizes(graph: &Graph) -> (usize, usize) {
    let nodes = || graph.nodes().iter();
    let constants = nodes().filter(|node| matches!(node.op, Op::Constant(_)));
    (
        nodes().map(|node| node.shape.elements()).max().unwrap(),
        constants.map(|node| node.shape.elements()).sum(),
    )
}

#[test]
fn maps_need_as_much_memory_as_they_give() {
    for (bijector, elements, count) in [
        (Bijector::Simplex, 10_000, 9_999),
        (Bijector::PositiveOrdered, 10_000, 10_000),
        (Bijector::CorrelationCholesky, 100 * 100, 100 * 99 / 2),
    ] {
        let graph = Graph::new();
        let z = graph.input("z", [count]);
        let x = bijector.forward(z);
        let total: Var<'_> = x.sum() + bijector.log_det_jacobian(z);
        assert_eq!(x.shape().elements(), elements);
        grad(total, &[z]).unwrap();
        bijector.inverse(x);
        let (largest, constants) = sizes(&graph);
        assert!(largest <= 2 * elements, "{bijector:?}: {largest}");
        assert!(constants <= 20 * elements, "{bijector:?}: {constants}");
    }
}
