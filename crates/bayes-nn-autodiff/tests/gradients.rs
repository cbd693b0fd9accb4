//! Every operation's derivative, and the derivative of that, against differences.

mod common;

use bayes_nn_autodiff::{
    Bindings, Graph, GraphError, Node, NoiseKind, Op, Shape, Var, concat, grad,
};
use common::{assert_differentiable, at, somewhere};

fn assert_unary(name: &str, points: &[f64], f: impl for<'g> Fn(Var<'g>) -> Var<'g>) {
    assert_differentiable(name, &[at([points.len()], points)], |_, x| f(x[0]));
}

#[test]
fn functions_of_one_number_have_their_derivatives() {
    let real = [-2.3, -0.7, -0.01, 0.4, 1.1, 3.2];
    let positive = [0.05, 0.3, 0.9, 1.7, 4.2];
    assert_unary("neg", &real, |x| -x);
    assert_unary("abs", &real, |x| x.abs());
    assert_unary("sign", &real, |x| x.sign());
    assert_unary("floor", &real, |x| x.floor());
    assert_unary("reciprocal", &[-2.3, -0.7, 0.4, 1.1, 3.2], |x| {
        x.reciprocal()
    });
    assert_unary("sqrt", &positive, |x| x.sqrt());
    assert_unary("exp", &real, |x| x.exp());
    assert_unary("ln", &positive, |x| x.ln());
    assert_unary("log1p", &[-0.6, -0.1, 0.0, 1e-3, 0.4, 3.2], |x| x.log1p());
    assert_unary("expm1", &real, |x| x.expm1());
    assert_unary("log1pmx", &[-0.6, -0.1, 0.0, 1e-3, 0.4, 3.2], |x| {
        x.log1pmx()
    });
    assert_unary("sin", &real, |x| x.sin());
    assert_unary("cos", &real, |x| x.cos());
    assert_unary("tanh", &real, |x| x.tanh());
    assert_unary("sigmoid", &real, |x| x.sigmoid());
    assert_unary("softplus", &real, |x| x.softplus());
    assert_unary("log_sigmoid", &real, |x| x.log_sigmoid());
    assert_unary("relu", &real, |x| x.relu());
    assert_unary("lgamma", &[-1.4, 0.2, 0.9, 1.7, 4.2, 30.0], |x| x.lgamma());
    assert_unary("digamma", &[-1.4, 0.3, 0.9, 1.7, 4.2, 30.0], |x| {
        x.digamma()
    });
    assert_unary("polygamma", &[0.8, 1.7, 4.2, 30.0], |x| x.polygamma(2));
    assert_unary("erf", &real, |x| x.erf());
    assert_unary("erfc", &real, |x| x.erfc());
    assert_unary("log_erfc", &[-2.3, -0.01, 0.4, 3.2, 17.5], |x| x.log_erfc());
}

fn assert_binary(name: &str, f: impl for<'g> Fn(Var<'g>, Var<'g>) -> Var<'g>) {
    let a = [0.3, 1.2, 2.6, 0.9];
    let b = [1.4, -0.8, 0.7, -2.1];
    assert_differentiable(name, &[at([4], &a), at([4], &b)], |_, x| f(x[0], x[1]));
    let of_itself = format!("{name} of one argument twice");
    assert_differentiable(&of_itself, &[at([4], &a)], |_, x| f(x[0], x[0]));
    let numbers = format!("{name} with a number");
    assert_differentiable(&numbers, &[at([4], &a)], |_, x| f(x[0], Var::from(1.7)));
    assert_differentiable(&numbers, &[at([4], &b)], |_, x| f(Var::from(1.7), x[0]));
    for (left, right) in [
        (Shape::SCALAR, Shape::from([3])),
        (Shape::from([2, 3]), Shape::from([3])),
        (Shape::from([2, 1]), Shape::from([2, 3])),
        (Shape::from([2, 1, 3]), Shape::from([4, 1])),
        (Shape::from([1, 3]), Shape::from([1])),
    ] {
        let what = format!("{name} of {left} and {right}");
        let a = at(
            left,
            &somewhere(left, 1)
                .values
                .iter()
                .map(|x| x + 2.0)
                .collect::<Vec<_>>(),
        );
        assert_differentiable(&what, &[a, somewhere(right, 4)], |_, x| f(x[0], x[1]));
    }
}

#[test]
fn functions_of_two_numbers_have_their_derivatives_through_broadcasting() {
    assert_binary("add", |a, b| a + b);
    assert_binary("sub", |a, b| a - b);
    assert_binary("mul", |a, b| a * b);
    assert_binary("div", |a, b| a / b);
    assert_binary("pow", |a, b| a.pow(b));
    assert_binary("atan2", |a, b| a.atan2(b));
    assert_binary("lt", |a, b| a.lt(b) * a);
    assert_binary("le", |a, b| a.le(b) * b);
    assert_binary("gt", |a, b| a.gt(b) * a);
    assert_binary("ge", |a, b| a.ge(b) * b);
    assert_binary("eq", |a, b| a.eq(b) + b);
}

#[test]
fn the_larger_and_the_smaller_hand_their_derivative_to_the_one_chosen() {
    let (a, b) = (
        at([4], &[0.3, 1.2, 2.6, 0.9]),
        at([4], &[1.4, -0.8, 0.7, 2.1]),
    );
    assert_differentiable("maximum", &[a, b], |_, x| x[0].maximum(x[1]) * x[1]);
    let (a, b) = (somewhere([2, 3], 1), somewhere([3], 3));
    assert_differentiable("minimum", &[a, b], |_, x| x[0].minimum(x[1]) * x[1]);

    let graph = Graph::new();
    let x = graph.input("x", [1]);
    let both = grad(x.maximum(x * 1.5).sum() + x.minimum(x * 1.5).sum(), &[x]).unwrap();
    let value = graph
        .evaluate(&both, &Bindings::new().bind(x, &[0.0]))
        .unwrap();
    assert_eq!(
        value[0].values(),
        [2.0],
        "the first of two equal arguments gets it all"
    );
}

#[test]
fn powers_of_zero_have_finite_derivatives() {
    let graph = Graph::new();
    let x = graph.input("x", [1]);
    for (exponent, slope) in [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 0.0)] {
        let gradient = grad(x.pow(exponent).sum(), &[x]).unwrap();
        let value = graph
            .evaluate(&gradient, &Bindings::new().bind(x, &[0.0]))
            .unwrap();
        assert_eq!(value[0].values(), [slope], "x^{exponent}");
    }
}

#[test]
fn a_choice_hands_its_derivative_to_what_was_chosen() {
    let (c, a, b) = (
        at([4], &[1.2, 0.3, -2.5, 0.4]),
        somewhere([4], 1),
        somewhere([4], 2),
    );
    assert_differentiable("select", &[c, a, b], |_, x| {
        x[0].floor().select(x[1] * x[1], x[2].exp())
    });
    let (a, b) = (somewhere([2, 3], 1), somewhere([3], 2));
    assert_differentiable("select by broadcast", &[a, b], |graph, x| {
        let condition = graph.constant(&[0.0, 1.0], [2, 1]);
        condition.select(x[0] * x[0], x[1].exp()) + condition.select(2.0, x[1] * x[1])
    });
    let a = somewhere([1, 1], 1);
    assert_differentiable("select of one element", &[a], |graph, x| {
        graph.input("unused", [1]);
        x[0].gt(-5.0).reshape([1]).select(x[0] * x[0], 3.0)
    });
}

#[test]
fn matrix_products_have_their_derivatives_with_every_transpose_and_vectors() {
    let (m, k, n) = (2, 3, 4);
    for (left, right, transpose_left, transpose_right) in [
        (Shape::from([m, k]), Shape::from([k, n]), false, false),
        (Shape::from([k, m]), Shape::from([k, n]), true, false),
        (Shape::from([m, k]), Shape::from([n, k]), false, true),
        (Shape::from([k, m]), Shape::from([n, k]), true, true),
        (Shape::from([k]), Shape::from([k, n]), false, false),
        (Shape::from([k]), Shape::from([n, k]), false, true),
        (Shape::from([m, k]), Shape::from([k]), false, false),
        (Shape::from([k, m]), Shape::from([k]), true, false),
        (Shape::from([k]), Shape::from([k]), false, false),
        (Shape::from([1, k]), Shape::from([k, 1]), false, false),
        (Shape::from([m, 1]), Shape::from([1, n]), false, false),
        (Shape::from([1, m]), Shape::from([n, 1]), true, true),
    ] {
        let what = format!("{left} x {right}, transposed: {transpose_left}, {transpose_right}");
        let inputs = [somewhere(left, 1), somewhere(right, 2)];
        assert_differentiable(&what, &inputs, |_, x| {
            let a = if transpose_left { x[0].t() } else { x[0] };
            let b = if transpose_right { x[1].t() } else { x[1] };
            a.matmul(b).tanh()
        });
    }
    assert_differentiable("a matrix by itself", &[somewhere([3, 3], 1)], |_, x| {
        x[0].t().matmul(x[0]) + x[0].matmul(x[0])
    });
}

/// `x x^T + 1`, which is positive definite and by no means diagonal.
fn positive_definite(x: Var<'_>) -> Var<'_> {
    let n = x.shape()[0];
    let ones = x.graph().map(|graph| graph.constant(&vec![1.0; n], [n]));
    x.matmul(x.t()) + ones.expect("a matrix has a graph").diagonal_matrix()
}

#[test]
fn a_cholesky_factor_has_the_derivative_of_the_lower_triangle() {
    for n in [1, 2, 3, 5] {
        let what = format!("cholesky of [{n}, {n}]");
        assert_differentiable(&what, &[somewhere([n, n], 1)], |_, x| {
            positive_definite(x[0]).cholesky()
        });
        let what = format!("log determinant of [{n}, {n}]");
        assert_differentiable(&what, &[somewhere([n, n], 2)], |_, x| {
            positive_definite(x[0]).cholesky().diagonal().ln()
        });
    }
    assert_differentiable("a diagonal matrix", &[somewhere([3], 1)], |_, x| {
        (x[0] * x[0] + 1.0).diagonal_matrix().cholesky()
    });
    // Element by element: what stands above the diagonal is not read.
    let matrix = at([3, 3], &[4.0, 9.0, 9.0, 1.0, 5.0, 9.0, -0.6, 0.8, 3.0]);
    assert_differentiable("cholesky by elements", &[matrix], |_, x| x[0].cholesky());
}

#[test]
fn triangular_solves_have_their_derivatives_for_vectors_and_matrices() {
    for right in [Shape::from(3), Shape::from([3, 1]), Shape::from([3, 4])] {
        let triangle = at([3, 3], &[1.3, 9.0, 9.0, 0.6, -0.9, 9.0, -0.5, 0.4, 1.7]);
        let what = format!("solve_lower of {right}");
        let inputs = [triangle, somewhere(right, 1)];
        assert_differentiable(&what, &inputs, |_, x| x[0].solve_lower(x[1]));
        let what = format!("solve_lower_t of {right}");
        assert_differentiable(&what, &inputs, |_, x| x[0].solve_lower_t(x[1]));
        let what = format!("a system solved by its factor, {right}");
        let inputs = [somewhere([3, 3], 3), somewhere(right, 1)];
        assert_differentiable(&what, &inputs, |_, x| {
            let factor = positive_definite(x[0]).cholesky();
            factor.solve_lower_t(factor.solve_lower(x[1]))
        });
    }
    let of_itself = at([2, 2], &[1.3, 0.7, 0.6, -0.9]);
    assert_differentiable("a triangle by itself", &[of_itself], |_, x| {
        x[0].solve_lower(x[0]) + x[0].solve_lower_t(x[0].tril(-1))
    });
}

#[test]
fn the_factor_of_a_matrix_that_is_not_positive_definite_ends_at_the_first_bad_pivot() {
    let graph = Graph::new();
    let a = graph.input("a", [2, 2]);
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for (matrix, before) in [
        ([1.0, 2.0, 2.0, 4.0], 1.0),
        ([1.0, 2.0, 2.0, 3.0], 1.0),
        ([-1.0, 0.0, 0.0, 1.0], nan),
        ([inf, 0.0, 0.0, 1.0], nan),
        ([1.0, 0.0, nan, 1.0], 1.0),
    ] {
        let at = Bindings::new().bind(a, &matrix);
        let factor = graph.evaluate(&[a.cholesky()], &at).unwrap();
        let [first, above, below, last] = *factor[0].values() else {
            panic!("four elements");
        };
        assert_eq!(first.to_bits(), before.to_bits(), "{matrix:?}");
        assert!(below.is_nan() && last.is_nan(), "{matrix:?}");
        assert_eq!(above, 0.0);
    }
}

#[test]
fn numbers_in_a_matrix_have_a_factor() {
    let four = Var::from(4.0).reshape([1, 1]);
    let factor = four.cholesky();
    assert_eq!(factor.constant_values(), Some(vec![2.0]));
    let eight = Var::from(8.0).reshape([1, 1]);
    assert_eq!(factor.solve_lower(eight).constant_values(), Some(vec![4.0]));
    assert_eq!(
        factor.solve_lower_t(eight.row(0)).constant_values(),
        Some(vec![4.0])
    );
    assert_eq!(
        four.diagonal().diagonal_matrix().tril(0).constant_values(),
        Some(vec![4.0])
    );
}

#[test]
fn sums_and_maxima_have_their_derivatives_over_every_axis() {
    for axis in 0..3 {
        let what = format!("sum over axis {axis}");
        assert_differentiable(&what, &[somewhere([2, 3, 4], 1)], |_, x| {
            x[0].exp().sum_axis(axis).sin()
        });
        let what = format!("max over axis {axis}");
        assert_differentiable(&what, &[somewhere([2, 3, 4], 2)], |_, x| {
            x[0].exp().max_axis(axis).sin()
        });
        let what = format!("logsumexp over axis {axis}");
        assert_differentiable(&what, &[somewhere([2, 3, 4], 3)], |_, x| {
            (x[0] * 2.0).logsumexp(axis).sin()
        });
    }
    for shape in [
        Shape::SCALAR,
        Shape::from([1]),
        Shape::from([5]),
        Shape::from([3, 1, 2]),
    ] {
        let what = format!("sum, mean and max of {shape}");
        assert_differentiable(&what, &[somewhere(shape, 1)], |_, x| {
            let x = x[0] * x[0];
            x.sum().sin() + x.mean().cos() + x.max().exp()
        });
    }
}

#[test]
fn equal_largest_elements_share_the_derivative() {
    let graph = Graph::new();
    let x = graph.input("x", [2, 3]);
    let gradient = grad(x.max_axis(1).sum(), &[x]).unwrap();
    let bindings = Bindings::new().bind(x, &[2.0, 2.0, 1.0, 0.0, 3.0, -1.0]);
    let value = graph.evaluate(&gradient, &bindings).unwrap();
    assert_eq!(value[0].values(), [0.5, 0.5, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn logsumexp_neither_overflows_nor_loses_infinities() {
    let graph = Graph::new();
    let x = graph.input("x", [6, 3]);
    let result = x.logsumexp(1);
    let gradient = grad(result.view(0, [4]).sum(), &[x]).unwrap()[0];
    let inf = f64::INFINITY;
    let rows = [
        [1e4, 1e4, -1e4],
        [-1e300, -1e300, -1e300],
        [-inf, 0.5, -inf],
        [-inf, -inf, -inf],
        [inf, 1.0, -inf],
        [f64::NAN, 1.0, 2.0],
    ];
    let bindings = Bindings::new().bind(x, rows.as_flattened());
    let values = graph.evaluate(&[result, gradient], &bindings).unwrap();
    let result = values[0].values();
    assert_eq!(result[0], 1e4 + 2f64.ln());
    assert_eq!(result[1], -1e300);
    assert_eq!(result[2], 0.5);
    assert_eq!(result[3], -inf);
    assert_eq!(result[4], inf);
    assert!(result[5].is_nan(), "{result:?}");
    let third = 1.0 / 3.0;
    let expected = [
        0.5, 0.5, 0.0, third, third, third, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0,
    ];
    for (value, expected) in values[1].values().iter().zip(expected) {
        assert!((value - expected).abs() < 1e-15, "{value} for {expected}");
    }
}

#[test]
fn stretching_and_reshaping_have_their_derivatives() {
    assert_differentiable("broadcast_to", &[somewhere([3, 1], 1)], |_, x| {
        x[0].broadcast_to([2, 3, 4]).exp()
    });
    assert_differentiable("broadcast_to of a scalar", &[somewhere([], 1)], |_, x| {
        x[0].broadcast_to([2, 1]).exp()
    });
    assert_differentiable("reshape", &[somewhere([2, 6], 1)], |_, x| {
        x[0].exp().reshape([3, 4]).sum_axis(0).sin()
    });
    assert_differentiable("reshape of one element", &[somewhere([1], 1)], |_, x| {
        x[0].reshape([]).exp().reshape([1, 1]).t().reshape([])
    });
    assert_differentiable("transpose", &[somewhere([2, 3], 1)], |_, x| {
        (x[0].t() * x[0].t()).sum_axis(0).sin()
    });
    assert_differentiable("row", &[somewhere([3, 2], 1)], |_, x| {
        x[0].row(1) * x[0].row(2).exp()
    });
    assert_differentiable("elements of a vector", &[somewhere([3], 1)], |_, x| {
        x[0].row(1) * x[0].view(2, []).exp()
    });
}

#[test]
fn one_element_of_a_vector_is_differentiated_as_it_is() {
    let graph = Graph::new();
    let x = graph.input("x", [3]);
    let gradient = grad(x.row(1), &[x]).unwrap();
    let value = graph
        .evaluate(&gradient, &Bindings::new().bind(x, &[1.0; 3]))
        .unwrap();
    assert_eq!(value[0].values(), [0.0, 1.0, 0.0]);
}

#[test]
fn views_that_overlap_add_their_derivatives() {
    assert_differentiable("views", &[somewhere([10], 1)], |_, x| {
        let x = x[0];
        let whole = x.view(0, [2, 5]).exp().sum_axis(0);
        x.view(1, [5]) * x.view(3, [5]) + x.view(3, [5]).sin() + whole + x.view(9, [1])
    });
    let graph = Graph::new();
    let x = graph.input("x", [6]);
    let parts = x.view(0, [2]).sum() * 2.0 + x.view(1, [3]).sum() * 3.0 + x.view(5, []) * 5.0;
    let gradient = grad(parts, &[x]).unwrap();
    let value = graph
        .evaluate(&gradient, &Bindings::new().bind(x, &[0.0; 6]))
        .unwrap();
    assert_eq!(value[0].values(), [2.0, 5.0, 3.0, 3.0, 0.0, 5.0]);
}

#[test]
fn concatenations_have_their_derivatives_along_every_axis() {
    for axis in 0..3 {
        let shape = Shape::from([2, 3, 2]);
        let inputs = [
            somewhere(shape.with(axis, 1), 1),
            somewhere(shape.with(axis, 3), 2),
        ];
        assert_differentiable(&format!("concat along axis {axis}"), &inputs, |_, x| {
            concat(&[x[0], x[1].exp(), x[0] * 2.0], axis).sin()
        });
    }
}

#[test]
fn selections_by_index_have_their_derivatives_along_every_axis() {
    for axis in 0..3 {
        let shape = Shape::from([2, 2, 3]).with(axis, 4);
        assert_differentiable(
            &format!("gather along axis {axis}"),
            &[somewhere(shape, 1)],
            |graph, x| {
                let index = graph.index_constant(&[3, 0, 3, 1, 1]);
                x[0].exp().gather(index, axis).sin()
            },
        );
    }
    assert_differentiable("gather of a batch", &[somewhere([7, 2], 1)], |graph, x| {
        x[0].exp().gather(graph.batch(7, 3, 1), 0)
    });
    // The gradient of gather is scatter; its product with something that varies needs the
    // gradient of scatter.
    assert_differentiable(
        "scatter",
        &[somewhere([4], 1), somewhere([5], 2)],
        |graph, x| {
            let index = graph.index_constant(&[3, 0, 3, 1, 1]);
            let chosen = (x[0] * x[0]).gather(index, 0);
            grad((chosen * chosen * x[1]).sum(), &[x[0]]).unwrap()[0]
        },
    );
}

#[test]
fn the_derivative_of_a_mean_over_one_rank_is_that_of_its_argument() {
    let points = [somewhere([2, 3], 1)];
    assert_differentiable("all_reduce_mean", &points, |_, x| {
        (x[0].exp().all_reduce_mean() * x[0]).sin()
    });
    // A gradient meets the other ranks once, however the mean is used.
    let graph = Graph::new();
    let x = graph.input("x", [3]);
    let mean = (x * x).all_reduce_mean();
    let gradient = grad((mean.sin() * mean).sum(), &[x]).unwrap()[0];
    let met = |node: &Node| node.op == Op::AllReduceMean;
    assert_eq!(graph.nodes().iter().filter(|node| met(node)).count(), 2);
    assert_eq!(gradient.shape(), x.shape());
}

#[test]
fn a_mean_over_draws_is_of_gradients_and_has_none() {
    let graph = Graph::new();
    let x = graph.input("x", [3]);
    let noise = graph.noise(NoiseKind::Normal, 4, [3]);
    let loss = (x * noise).sum();
    let mean = loss.mean_over_draws(5);
    let error = grad(mean.sin() * mean, &[x]).unwrap_err();
    assert_eq!(error, GraphError::MeanOverDraws);
    let gradient = grad(loss, &[x]).unwrap()[0].mean_over_draws(5);
    let streams = (4..9).map(|stream| graph.noise(NoiseKind::Normal, stream, [3]));
    let by_hand = streams.fold(Var::from(0.0), |sum, noise| sum + noise) / 5.0;
    let bindings = Bindings::new().bind(x, &[0.5; 3]).seed(3).step(2);
    let values = graph.evaluate(&[gradient, by_hand], &bindings).unwrap();
    assert_eq!(values[0], values[1]);
}

#[test]
fn draws_do_not_reach_behind_a_mean_and_leave_other_values_alone() {
    let graph = Graph::new();
    let noise = |stream| graph.noise(NoiseKind::Uniform, stream, []);
    let inner = noise(0).mean_over_draws(2);
    let outer = (inner * noise(7)).mean_over_draws(3);
    let step = graph.step().mean_over_draws(4);
    let inner_by_hand = (noise(0) + noise(1)) / 2.0;
    let by_hand = inner_by_hand * (noise(7) + noise(8) + noise(9)) / 3.0;
    let bindings = Bindings::new().seed(3).step(2);
    let values = graph.evaluate(&[outer, by_hand, step], &bindings).unwrap();
    assert!((values[0].values()[0] - values[1].values()[0]).abs() < 1e-15);
    assert_eq!(values[2].values(), [2.0]);
    let _ = noise(0).mean_over_draws(0);
    assert!(graph.check().is_err());
}

#[test]
fn noise_step_and_batch_are_constants_for_differentiation() {
    assert_differentiable(
        "noise",
        &[somewhere([3], 1), somewhere([3], 2)],
        |graph, x| {
            let noise = graph.noise(NoiseKind::Normal, 1, [4, 3]);
            let uniform = graph.noise(NoiseKind::Uniform, 1, [4, 1]);
            (x[0] + x[1].exp() * noise).sin() * uniform / (1.0 + graph.step())
        },
    );
}

#[test]
fn third_derivatives_follow_from_second_ones() {
    let graph = Graph::new();
    let x = graph.input("x", []);
    let mut derivative = x.exp() * x.sin();
    for _ in 0..3 {
        derivative = grad(derivative, &[x]).unwrap()[0];
    }
    let at = 0.8f64;
    let value = graph
        .evaluate(&[derivative], &Bindings::new().bind(x, &[at]))
        .unwrap();
    let expected = 2.0 * at.exp() * (at.cos() - at.sin());
    assert!((value[0].values()[0] - expected).abs() < 1e-14);
}

#[test]
fn what_the_output_does_not_depend_on_has_the_gradient_zero_in_its_shape() {
    let graph = Graph::new();
    let (x, y) = (graph.input("x", [2]), graph.input("y", [2, 3]));
    let later = graph.input("later", [4]);
    let gradients = grad(x.sum() + (y * 0.0).floor().sum(), &[y, later]).unwrap();
    let bindings = Bindings::new().bind(x, &[1.0; 2]).bind(y, &[1.0; 6]);
    let values = graph.evaluate(&gradients, &bindings).unwrap();
    assert_eq!(values[0].shape(), y.shape());
    assert_eq!(values[0].values(), [0.0; 6]);
    assert_eq!(values[1].values(), [0.0; 4]);
    let of_a_number = grad(Var::from(2.0), &[x]).unwrap();
    assert_eq!(
        graph.evaluate(&of_a_number, &bindings).unwrap()[0].values(),
        [0.0; 2]
    );
}

#[test]
fn a_stopped_gradient_leaves_the_value_and_takes_the_derivative() {
    let graph = Graph::new();
    let x = graph.input("x", [2]);
    let y = x.stop_gradient() * x;
    let gradient = grad(y.sum(), &[x]).unwrap()[0];
    let bindings = Bindings::new().bind(x, &[3.0, -2.0]);
    let values = graph.evaluate(&[y, gradient], &bindings).unwrap();
    assert_eq!(values[0].values(), [9.0, 4.0]);
    assert_eq!(values[1].values(), [3.0, -2.0]);
}

#[test]
fn derivatives_by_results_in_between_are_total_derivatives() {
    let graph = Graph::new();
    let x = graph.input("x", [2]);
    let y = x.exp();
    let gradients = grad((y * y + x).sum(), &[x, y]).unwrap();
    let at = [0.2f64, -0.4];
    let values = graph
        .evaluate(&gradients, &Bindings::new().bind(x, &at))
        .unwrap();
    for (i, x) in at.iter().enumerate() {
        let by_x = 2.0 * (2.0 * x).exp() + 1.0;
        assert!((values[0].values()[i] - by_x).abs() < 1e-14);
        assert!((values[1].values()[i] - 2.0 * x.exp()).abs() < 1e-14);
    }
}

#[test]
fn parts_of_one_vector_of_parameters_get_one_gradient() {
    let graph = Graph::new();
    let x = graph.input("x", [30]);
    let parts: Vec<Var<'_>> = (0..10).map(|i| x.view(3 * i, [3]).tanh().sum()).collect();
    let sum = parts.into_iter().fold(Var::from(0.0), |a, b| a + b);
    grad(sum, &[x]).unwrap();
    let nodes = graph.nodes();
    let concatenations = nodes
        .iter()
        .filter(|n| format!("{:?}", n.op).starts_with("Concat"));
    assert_eq!(concatenations.count(), 1);
}
