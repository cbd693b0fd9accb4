//! Derivatives against differences: what every operation has to stand.

use bayes_nn_autodiff::{Bindings, Graph, Shape, Var, grad};

/// An input: its shape, and the point at which derivatives are taken.
pub struct At {
    pub shape: Shape,
    pub values: Vec<f64>,
}

/// A point given element by element.
pub fn at(shape: impl Into<Shape>, values: &[f64]) -> At {
    let shape = shape.into();
    assert_eq!(shape.elements(), values.len());
    At {
        shape,
        values: values.to_vec(),
    }
}

/// A point without symmetries, its elements between -1.5 and 1.5 and never close to one another.
pub fn somewhere(shape: impl Into<Shape>, seed: usize) -> At {
    let shape = shape.into();
    let n = shape.elements();
    let values = (0..n)
        .map(|i| {
            let place = (i * 7 + seed * 5 + 3) % (11 * n + 1);
            3.0 * (place as f64 + 0.3) / (11 * n + 1) as f64 - 1.5 + 0.001 * i as f64
        })
        .collect();
    At { shape, values }
}

/// Weights that make one number of a tensor, all different.
pub fn weighted_sum(x: Var<'_>) -> Var<'_> {
    let Some(graph) = x.graph() else {
        return x * 0.7;
    };
    let shape = x.shape();
    let weights: Vec<f64> = (0..shape.elements())
        .map(|i| 0.7 + 0.31 * (1.3 * i as f64).sin())
        .collect();
    (x * graph.constant(&weights, shape)).sum()
}

fn bound(inputs: &[Var<'_>], at: &[Vec<f64>]) -> Bindings {
    let start = Bindings::new().seed(3).step(2);
    let pairs = inputs.iter().zip(at);
    pairs.fold(start, |bindings, (input, values)| {
        bindings.bind(*input, values)
    })
}

/// Every derivative of the scalar `output` against a difference quotient of fourth order.
fn assert_derivatives(
    what: &str,
    graph: &Graph,
    output: Var<'_>,
    gradients: &[Var<'_>],
    inputs: &[Var<'_>],
    at: &[At],
) {
    let points: Vec<Vec<f64>> = at.iter().map(|a| a.values.clone()).collect();
    let values = graph.evaluate(gradients, &bound(inputs, &points)).unwrap();
    for (i, gradient) in values.iter().enumerate() {
        assert_eq!(
            gradient.values().len(),
            at[i].values.len(),
            "{what}: input {i}"
        );
        for (j, &derivative) in gradient.values().iter().enumerate() {
            let moved = |by: f64| {
                let mut points = points.clone();
                points[i][j] += by;
                graph.evaluate(&[output], &bound(inputs, &points)).unwrap()[0].values()[0]
            };
            let h = 5e-4;
            let quotient =
                (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h);
            let error = (derivative - quotient).abs();
            assert!(
                error <= 1e-7 * derivative.abs().max(0.1),
                "{what}: input {i}, element {j}: {derivative}, but the differences say {quotient}"
            );
        }
    }
}

/// First and second derivatives of `f` at a point, for every element of every input.
pub fn assert_differentiable(
    what: &str,
    at: &[At],
    f: impl for<'g> Fn(&'g Graph, &[Var<'g>]) -> Var<'g>,
) {
    let graph = Graph::new();
    let inputs: Vec<Var<'_>> = at.iter().map(|a| graph.input("x", a.shape)).collect();
    let output = weighted_sum(f(&graph, &inputs));
    let first = grad(output, &inputs).unwrap();
    assert_derivatives(what, &graph, output, &first, &inputs, at);

    let slope = first.iter().fold(Var::from(0.0), |sum, gradient| {
        sum + weighted_sum(*gradient)
    });
    let second = grad(slope, &inputs).unwrap();
    let what = format!("gradient of {what}");
    assert_derivatives(&what, &graph, slope, &second, &inputs, at);
}
