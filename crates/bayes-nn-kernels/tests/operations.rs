//! Each operation at awkward shapes, on every instruction set, against the reference.

mod common;

use bayes_nn_autodiff::noise::{NoiseKey, normal, uniform};
use bayes_nn_autodiff::{Graph, Kind, NoiseKind, Shape, Var, concat, grad};
use bayes_nn_kernels::{Plan, Precision, first_bad_pivot};
use common::{Model, SEED, backends, numbers, single};

/// Lengths of a row around which tails, padding and tiles change.
const COLUMNS: [usize; 13] = [0, 1, 2, 15, 16, 17, 33, 63, 64, 65, 255, 500, 1030];

fn assert_model(write: impl for<'g> Fn(&mut Model<'g>)) {
    assert_steps(1, write);
}

fn assert_steps(steps: u64, write: impl for<'g> Fn(&mut Model<'g>)) {
    let graph = Graph::new();
    let mut model = Model::new(&graph);
    write(&mut model);
    model.assert_like_reference(steps);
}

#[test]
fn functions_of_one_number() {
    for columns in COLUMNS {
        assert_model(|m| {
            let x = m.input([3, columns]);
            let y = x * x + 0.3;
            m.outputs
                .extend([-x, x.abs(), x.sign(), x.floor(), y.reciprocal(), y.sqrt()]);
            m.outputs
                .extend([x.exp(), y.ln(), y.log1p(), x.expm1(), (x * 0.6).log1pmx()]);
            m.outputs
                .extend([x.sin(), x.cos(), x.tanh(), x.sigmoid(), x.softplus()]);
            m.outputs
                .extend([x.log_sigmoid(), x.relu(), y.lgamma(), y.digamma()]);
            m.outputs
                .extend([y.polygamma(1), y.polygamma(3), x.erf(), x.erfc()]);
            m.outputs.extend([x.stop_gradient(), (x * 9.0).log_erfc()]);
        });
    }
}

#[test]
fn functions_and_their_slopes() {
    for columns in COLUMNS {
        // Stored, reduced, read once more, and of a number for all columns.
        assert_model(|m| {
            let (x, row) = (m.input([3, columns]), m.input([3, 1]));
            let (value, negative) = (x.log_sigmoid(), -x);
            let slope = negative.sigmoid();
            m.outputs.extend([value * slope, slope * slope + x]);
            m.outputs.extend([slope.sum(), value.sum(), negative * x]);
            let shared = row.broadcast_to([3, columns]);
            m.outputs.push(shared.softplus() * shared.sigmoid() + x);
        });
        assert_model(|m| {
            let x = m.input([3, columns]);
            let (value, slope) = (x.softplus(), x.sigmoid());
            m.outputs.extend([value, slope]);
            m.outputs.extend([slope.sum_axis(1), (value - slope).sum()]);
        });
        assert_model(|m| {
            let x = m.input([3, columns]);
            let negative = -x;
            m.outputs.extend([x.log_sigmoid().sum(), negative]);
            m.outputs.push(negative.sigmoid() * 2.0);
        });
    }
}

#[test]
fn slopes_of_a_hyperbolic_tangent_times_products() {
    for columns in COLUMNS {
        assert_model(|m| {
            let (x, y) = (m.input([3, columns]), m.input([3, columns]));
            let row = m.input([3, 1]);
            let (t, row) = (x.tanh(), row.broadcast_to([3, columns]));
            let slope = 1.0 - t * t;
            m.outputs.extend([slope * (row * y), slope * (y * x)]);
            let product = row * x;
            m.outputs.extend([slope * product, product.sum()]);
        });
    }
}

#[test]
fn functions_of_two_numbers() {
    for columns in COLUMNS {
        assert_model(|m| {
            let (a, b) = (m.input([3, columns]), m.input([3, columns]));
            let y = a * a + 0.3;
            m.outputs.extend([
                a + b,
                a - b,
                a * b,
                b / y,
                y.pow(b),
                a.atan2(b),
                a.maximum(b),
                a.minimum(b),
            ]);
            m.outputs
                .extend([a.lt(b), a.le(b), a.eq(b), a.eq(a), a.gt(b).select(a, b)]);
            m.outputs
                .extend([2.0 - a, a - 2.0, 1.5 * a, 1.0 / y, a.gt(0.0).select(2.0, b)]);
        });
    }
}

#[test]
fn operands_are_stretched_along_every_axis() {
    for (n, columns) in [(1, 17), (2, 1), (3, 16), (5, 33), (4, 65), (2, 300)] {
        assert_model(|m| {
            let full = m.input([2, n, columns]);
            let shapes = [
                Shape::SCALAR,
                Shape::from([columns]),
                Shape::from([n, 1]),
                Shape::from([n, columns]),
                Shape::from([2, 1, 1]),
                Shape::from([2, n, 1]),
                Shape::from([2, 1, columns]),
                Shape::from([1, n, 1]),
                Shape::from([1]),
            ];
            for shape in shapes {
                let narrow = m.input(shape);
                m.outputs.extend([
                    full * narrow,
                    narrow - full,
                    narrow.broadcast_to([2, n, columns]),
                ]);
                m.outputs
                    .push((narrow.exp().broadcast_to([2, n, columns]) + full).sum_axis(1));
            }
            let (row, column) = (m.input([columns]), m.input([n, 1]));
            m.outputs.push(row * column);
            m.outputs.push(column.gt(0.0).select(row, column));
        });
    }
}

#[test]
fn products_of_every_form_and_size() {
    for (rows, inner, columns) in [
        (1, 1, 1),
        (1, 3, 1),
        (3, 1, 2),
        (1, 1, 40),
        (5, 2, 500),
        (4, 7, 33),
        (6, 70, 1),
        (1, 70, 6),
        (17, 5, 16),
        (2, 500, 3),
        (11, 65, 7),
        (5, 33, 5),
        (8, 17, 47),
        (3, 5000, 2),
        (2, 3, 4500),
        (0, 3, 4),
        (3, 0, 4),
        (3, 4, 0),
    ] {
        assert_model(|m| {
            let (a, a_t) = (m.input([rows, inner]), m.input([inner, rows]));
            let (b, b_t) = (m.input([inner, columns]), m.input([columns, inner]));
            let (left, right) = (m.input([inner]), m.input([inner]));
            m.outputs
                .extend([a.matmul(b), a_t.t().matmul(b), a.matmul(b_t.t())]);
            m.outputs.extend([
                a_t.t().matmul(b_t.t()),
                left.matmul(b),
                left.matmul(b_t.t()),
            ]);
            m.outputs
                .extend([a.matmul(right), a_t.t().matmul(right), left.matmul(right)]);
            // Computed operands are padded, or lie inside others.
            m.outputs.push((a * 0.5).matmul(b.tanh()) + 1.0);
            m.outputs.push(a.exp().t().matmul(a.sin()));
        });
    }
}

/// In single precision the largest tolerance of a product is that of its longest sum.
#[test]
fn large_products_in_all_transpose_combinations() {
    for (rows, inner, columns) in [(70, 65, 90), (8, 2100, 9), (300, 8, 70), (64, 64, 64)] {
        assert_model(|m| {
            let (a, a_t) = (m.input([rows, inner]), m.input([inner, rows]));
            let (b, b_t) = (m.input([inner, columns]), m.input([columns, inner]));
            m.outputs
                .extend([a.matmul(b), a_t.t().matmul(b), a.matmul(b_t.t())]);
            m.outputs.push(a_t.t().matmul(b_t.t()));
            m.outputs.push(a.tanh().matmul(b * 0.5).tanh());
            // Views into padded memory.
            let part = m.input([rows + 2, inner]).view(inner, [rows, inner]);
            m.outputs.push(part.matmul(b));
        });
    }
}

#[test]
fn work_that_is_cut_for_threads() {
    assert_model(|m| {
        let (a, b) = (m.input([40, 300]), m.input([300, 700]));
        m.outputs.push(a.matmul(b));
        let (long, other) = (m.input([3, 40_000]), m.input([2, 40_000]));
        m.outputs.push(long.matmul(other.t()));
        let few = m.input([4, 3]);
        m.outputs.push(few.matmul(long));
        let wide = (long.tanh() * long.exp()).sigmoid();
        m.outputs
            .extend([wide, wide.sum_axis(1), wide.sum_axis(0), wide.max()]);
        m.outputs
            .push((m.graph.noise(NoiseKind::Normal, 1, [3, 40_000]) * long).sum_axis(1));
    });
}

#[test]
fn sums_and_maxima_over_every_axis() {
    for (a, b, columns) in [
        (1, 1, 1),
        (2, 3, 17),
        (5, 1, 65),
        (1, 4, 500),
        (3, 70, 2),
        (7, 2, 33),
    ] {
        assert_model(|m| {
            let x = m.input([a, b, columns]);
            for axis in 0..3 {
                m.outputs
                    .extend([x.sum_axis(axis), x.max_axis(axis), x.logsumexp(axis)]);
                m.outputs.push((x * 2.0).exp().sum_axis(axis) + 1.0);
            }
            m.outputs
                .extend([x.sum(), x.max(), x.mean(), x.sum_axis(0).sum_axis(0)]);
            m.outputs.push(x.sum_axis(2).sum_axis(1));
            let column = x.reshape([a * b * columns, 1]);
            m.outputs
                .extend([column.sum_axis(0), column.max_axis(0), column.sum_axis(1)]);
        });
    }
}

#[test]
fn sums_of_many_elements_keep_their_digits() {
    assert_model(|m| {
        let x = m.input_at(
            [150_000],
            numbers(150_000, 3).iter().map(|x| x + 2.0).collect(),
        );
        m.outputs.extend([
            x.sum(),
            (x * x).sum(),
            x.max(),
            x.reshape([3, 50_000]).sum_axis(1),
        ]);
        m.outputs.extend([
            x.reshape([50_000, 3]).sum_axis(0),
            x.reshape([50_000, 3]).sum_axis(1),
        ]);
        m.outputs.push(x.reshape([1500, 100]).max_axis(0));
        m.outputs.push(x.reshape([300, 500]).sum_axis(0).sum());
    });
}

#[test]
fn nothing_is_summed_to_zero_and_lies_nowhere() {
    for shape in [[0, 3], [3, 0], [0, 0]] {
        assert_model(|m| {
            let x = m.input(shape);
            let y = m.input([3]);
            m.outputs.extend([
                x.sum(),
                x.sum_axis(0),
                x.sum_axis(1),
                x.exp(),
                x.t(),
                x * 2.0,
            ]);
            m.outputs
                .extend([x.t().matmul(x), concat(&[x.reshape([0]), y.exp()], 0)]);
            m.outputs.push(concat(&[x, x], 1));
            let gradient = grad((x * x).sum() + y.sum(), &[x, y]).unwrap();
            m.outputs.extend(gradient);
            m.outputs.push(y.gather(m.graph.index_constant(&[]), 0));
            m.outputs.push(m.graph.noise(NoiseKind::Uniform, 0, shape));
        });
    }
}

#[test]
fn the_largest_is_nan_when_one_is_and_ties_share_the_gradient() {
    for n in [1, 5, 16, 17, 70] {
        for place in [0, n / 2, n - 1] {
            assert_model(|m| {
                let mut values = numbers(3 * n, 5);
                values[n + place] = f64::NAN;
                let x = m.input_at([3, n], values);
                let y = m.input([3, n]);
                m.outputs.extend([
                    x.max(),
                    x.max_axis(0),
                    x.max_axis(1),
                    x.maximum(y),
                    y.minimum(x),
                ]);
                m.outputs
                    .extend([x.lt(y), x.eq(x), x.relu(), x.abs(), x.gt(0.0).select(x, y)]);
                let ties = m.input_at([3, n], vec![1.25; 3 * n]);
                m.outputs
                    .extend(grad(ties.max() + ties.max_axis(0).sum(), &[ties]).unwrap());
            });
        }
    }
}

#[test]
fn infinities_and_signed_zeros_pass_through() {
    assert_model(|m| {
        let inf = f64::INFINITY;
        let x = m.input_at([8], vec![inf, -inf, 0.0, -0.0, f64::NAN, 1e30, -1e30, 1.0]);
        m.outputs.extend([
            x.exp(),
            x.tanh(),
            x.sigmoid(),
            x.softplus(),
            x.log_sigmoid(),
            x.abs(),
        ]);
        m.outputs.extend([
            x.reciprocal(),
            x * 0.0,
            x.erf(),
            x.erfc(),
            x.sign(),
            x.floor(),
            -x,
        ]);
        m.outputs
            .extend([x.relu(), x.max(), x.sum(), x.abs().sqrt(), x.abs().ln()]);
        m.outputs.push(x.view(0, [4]).logsumexp(0));
        let none = m.input_at([2, 3], vec![-inf, -inf, -inf, 0.5, -inf, 1.0]);
        m.outputs.push(none.logsumexp(1));
        m.outputs
            .extend(grad(none.logsumexp(1).sum(), &[none]).unwrap());
    });
}

#[test]
fn views_into_padded_and_unpadded_memory() {
    for columns in [1, 2, 16, 17, 31, 33, 64, 70, 500] {
        assert_model(|m| {
            let given = m.input([4, columns]);
            for x in [given, given.exp()] {
                m.outputs.extend([
                    x.row(1) * 2.0,
                    x.row(3).tanh(),
                    x.view(columns, [2, columns]) + 1.0,
                ]);
                m.outputs.extend([
                    x.reshape([2, 2, columns]).sum_axis(1),
                    x.reshape([4 * columns]) * 2.0,
                ]);
                m.outputs
                    .extend([x.reshape([columns, 4]).exp(), x.view(1, [3, columns]).sin()]);
                m.outputs
                    .extend([x.view(2 * columns, []).exp(), x.view(4 * columns - 1, [1])]);
                m.outputs
                    .extend([x.row(2), x.reshape([4, 1, columns, 1]).sum_axis(0)]);
                let inside = x.view(columns + columns / 2, [columns.div_ceil(2)]);
                m.outputs.extend([
                    inside.exp(),
                    inside.sum(),
                    inside + x.view(3 * columns, [1]),
                ]);
                m.outputs.push(
                    x.row(3)
                        .reshape([columns, 1])
                        .matmul(x.row(0).reshape([1, columns])),
                );
                let rows = x.view(columns, [3, columns]);
                m.outputs.extend([
                    rows.t().matmul(rows),
                    rows.sum_axis(0),
                    rows.sum_axis(1),
                    rows.t(),
                ]);
            }
            let gradient = grad(
                (given.row(1) * given.row(3)).sum() + given.view(1, [2]).sum(),
                &[given],
            );
            if columns > 1 {
                m.outputs.extend(gradient.unwrap());
            }
        });
    }
}

#[test]
fn concatenations_copied_and_computed_in_place() {
    for columns in [1, 5, 16, 17, 40, 64, 65, 300] {
        assert_model(|m| {
            let (a, b, c) = (
                m.input([2, columns]),
                m.input([1, columns]),
                m.input([columns]),
            );
            let flat = |x: Var<'_>| x.shape().elements();
            let parts = [
                a.exp().reshape([flat(a)]),
                c.sin(),
                b.tanh().reshape([columns]),
                c,
            ];
            m.outputs.push(concat(&parts, 0));
            // The same part twice, in two concatenations, and used on its own.
            let part = (c * 2.0).exp();
            m.outputs.push(concat(&[part, part], 0) + 1.0);
            m.outputs.push(concat(&[c.cos(), part], 0));
            m.outputs.push(part.sum());
            m.outputs
                .push(concat(&[concat(&[c.exp(), part.sin()], 0), c.tanh()], 0).sin());
            m.outputs
                .extend([concat(&[a, b, a * b], 0), concat(&[a, a.exp()], 1)]);
            let deep = m.input([2, 3, columns]);
            m.outputs.extend([
                concat(&[deep, deep.exp()], 1),
                concat(&[deep * 2.0, deep], 2),
            ]);
            m.outputs.push(concat(&[deep.sum_axis(0), a.exp()], 0));
            m.outputs.push(concat(
                &[a.sum().reshape([1]), a.max().reshape([1]), c.exp()],
                0,
            ));
            m.outputs
                .push(concat(&[c.exp(), c.matmul(c).reshape([1]), c.view(0, [1])], 0) * 0.5);
            m.outputs.push(concat(
                &[m.graph.noise(NoiseKind::Normal, 4, [columns]), c],
                0,
            ));
        });
    }
}

/// Whole vectors from a start that is no multiple of them reach beyond the concatenation.
#[test]
fn a_part_computed_in_place_writes_nothing_behind_its_concatenation() {
    for (before, columns) in [(1, 63), (1, 30), (2, 40), (2, 300), (17, 47)] {
        assert_model(|m| {
            let (given, x) = (m.input([before]), m.input([columns]));
            let neighbour = x.sin();
            m.outputs.extend([concat(&[given, x.exp()], 0), neighbour]);
        });
    }
}

/// `x x^T / n + 1`, which is positive definite and well conditioned.
fn positive_definite<'g>(m: &Model<'g>, x: Var<'g>) -> Var<'g> {
    let n = x.shape()[0];
    let ones = m.graph.constant(&vec![1.0; n], [n]);
    x.matmul(x.t()) / n.max(1) as f64 + ones.diagonal_matrix()
}

/// The lower triangle, and above it what must not be read.
fn with_nan_above<'g>(m: &Model<'g>, matrix: Var<'g>) -> Var<'g> {
    let shape = matrix.shape();
    let ones = m.graph.constant(&vec![1.0; shape.elements()], shape);
    ones.tril(0).select(matrix, f64::NAN)
}

/// Sizes around which the padding of rows changes, and whether loops or faer do it.
const SQUARES: [usize; 10] = [0, 1, 2, 5, 16, 31, 33, 64, 95, 100];

#[test]
fn cholesky_factors_and_their_gradients_of_every_size() {
    for n in SQUARES {
        assert_model(|m| {
            let x = m.input([n, n]);
            let matrix = positive_definite(m, x);
            let factor = matrix.cholesky();
            m.outputs
                .extend([factor, (factor * 2.0).tril(-1), factor.t()]);
            m.outputs.push(factor.diagonal().ln().sum());
            let flat = [factor.reshape([n * n]), x.reshape([n * n]).exp()];
            m.outputs.push(concat(&flat, 0));
            m.outputs.push(with_nan_above(m, matrix).cholesky());
            m.outputs
                .extend(grad((factor * factor.sin()).sum(), &[x]).unwrap());
        });
    }
}

#[test]
fn triangular_solves_and_their_gradients_of_every_size() {
    for n in SQUARES {
        for columns in [0, 1, 2, 7, 16, 33, 64, 130] {
            assert_model(|m| {
                let (x, b) = (m.input([n, n]), m.input([n, columns]));
                let mut inputs = vec![x, b];
                let factor = positive_definite(m, x).cholesky();
                for triangle in [factor, with_nan_above(m, factor)] {
                    m.outputs
                        .extend([triangle.solve_lower(b), triangle.solve_lower_t(b)]);
                }
                let mut solved = factor.solve_lower_t(factor.solve_lower(b)).sin().sum();
                if columns == 1 {
                    let vector = m.input([n]);
                    inputs.push(vector);
                    let y = factor.solve_lower(vector);
                    m.outputs.extend([y, factor.solve_lower_t(vector.exp())]);
                    solved = solved + (y * y).sum();
                }
                m.outputs.extend(grad(solved, &inputs).unwrap());
            });
        }
    }
}

#[test]
fn the_factor_of_a_matrix_that_is_not_positive_definite_ends_at_the_first_bad_pivot() {
    for n in [2, 5, 31, 70, 100] {
        for (place, value) in [
            (0, -1.0),
            (n / 2, 0.0),
            (n - 1, -1e-3),
            (n - 1, f64::NAN),
            (0, f64::INFINITY),
        ] {
            assert_model(|m| {
                let entry = |at| {
                    if at % (n + 1) == 0 {
                        1.0
                    } else {
                        0.25 / n as f64
                    }
                };
                let mut matrix: Vec<f64> = (0..n * n).map(entry).collect();
                matrix[place * (n + 1)] = value;
                let matrix = m.input_at([n, n], matrix);
                m.outputs.extend([matrix.cholesky(), matrix * 2.0]);
                // By the reference, with which programs are then compared.
                let factor = &m.reference(1)[0][0];
                assert_eq!(first_bad_pivot(factor, n), Some(place));
            });
        }
    }
}

#[test]
fn the_only_rank_is_its_own_mean() {
    for columns in [1, 3, 33, 70] {
        assert_model(|m| {
            let (x, cube) = (m.input([6, columns]), m.input([4, 3, columns]));
            let parts = [x.reshape([6 * columns]), cube.sum().reshape([1])];
            let mean = concat(&parts, 0).all_reduce_mean();
            m.outputs = vec![
                x.all_reduce_mean(),
                x.exp().all_reduce_mean() * 2.0,
                x.t().all_reduce_mean().exp().t(),
                cube.view(columns, [2, 3, columns]).all_reduce_mean(),
                x.row(2).broadcast_to([6, columns]).all_reduce_mean(),
                cube.sum().all_reduce_mean(),
                mean.view(1, [6 * columns]),
                mean.view(0, [6, columns]).all_reduce_mean().sum_axis(0),
            ];
            let slope = (x.sin().all_reduce_mean() * x).sum();
            m.outputs.extend(grad(slope, &[x]).unwrap());
            let next = (x * 0.5).all_reduce_mean();
            m.updates = vec![(x, next)];
        });
    }
}

#[test]
fn transposes_and_selections_along_every_axis() {
    for columns in [1, 3, 16, 33, 70] {
        assert_model(|m| {
            let x = m.input([6, columns]);
            let cube = m.input([4, 3, columns]);
            m.outputs
                .extend([x.t(), x.t() + 1.0, x.exp().t().sum_axis(1), x.t().t()]);
            let index = m.index(&[2, 0, 2, 1]);
            for axis in 0..3 {
                if cube.shape()[axis] > 2 {
                    let chosen = cube.exp().gather(index, axis);
                    m.outputs.extend([chosen, chosen.sum_axis(axis)]);
                    m.outputs
                        .extend(grad((chosen * chosen).sum(), &[cube]).unwrap());
                }
            }
            let rows = m.graph.index_constant(&[5, 0, 5]);
            m.outputs.extend([
                x.gather(rows, 0),
                x.t().gather(rows, 1),
                x.gather(index, 0).t(),
            ]);
            let of_index = index.gather(m.graph.index_constant(&[3, 3, 1]), 0);
            assert_eq!(of_index.kind(), Kind::Index);
            m.outputs
                .extend([x.gather(of_index, 0), of_index, index.view(1, [2])]);
            m.outputs.push(x.gather(concat(&[index, of_index], 0), 0));
        });
    }
}

#[test]
fn a_minibatch_is_gathered_transposed_and_multiplied() {
    assert_steps(5, |m| {
        let data = m.input([50, 3]);
        let labels = m.input([50]);
        let batch = m.graph.batch(50, 16, 3);
        let weights = m.input([5, 3]);
        let x = data.gather(batch, 0).t();
        let logits = weights.matmul(x).tanh().sum_axis(0);
        let loss = (logits - labels.gather(batch, 0)).pow(2.0).sum();
        let gradient = grad(loss, &[weights]).unwrap()[0];
        m.outputs.extend([loss, gradient, batch, x]);
        m.updates.push((weights, weights - 0.01 * gradient));
    });
}

#[test]
fn a_group_longer_than_its_limit_is_cut() {
    for columns in [1, 17, 100] {
        assert_model(|m| {
            let x = m.input([2, columns]);
            let (mut y, mut early) = (x, x);
            for i in 0..250 {
                y = (y * 0.75 + x * (f64::from(i) * 0.01)).sin();
                if i == 20 {
                    early = y;
                }
            }
            m.outputs.extend([y, y * early, (y + early).sum()]);
        });
    }
}

#[test]
fn states_change_together_whatever_becomes_of_them() {
    for columns in [1, 2, 3, 17, 33, 64, 70] {
        assert_steps(4, |m| {
            let shape = [3, columns];
            let [a, b, c, d, e, f] = [(); 6].map(|()| m.input(shape));
            let [row, flat, turned] = [
                m.input([1, columns]),
                m.input([3 * columns]),
                m.input([columns, 3]),
            ];
            let (short, index) = (m.input([columns]), m.index(&[2, 0, 1]));
            m.outputs
                .extend([a, c.row(1), a * b, d.t(), short.broadcast_to(shape), index]);
            m.updates = vec![
                // Swapped, in place, in place reading another, in turn, unchanged.
                (a, b),
                (b, a),
                (c, c * 0.5 + a),
                (d, d * 0.5 + c.sum_axis(0)),
                (e, f),
                (f, (e + f) * 0.5),
                // A view, a transpose, a stretched, a reduced, a gathered state.
                (flat, c.reshape([3 * columns])),
                (turned, c.t()),
                (row, short.reshape([1, columns])),
                (short, (a + b).row(2)),
                (index, index.gather(index, 0)),
            ];
        });
        assert_steps(3, |m| {
            let (a, b, c) = (
                m.input([columns]),
                m.input([4, columns]),
                m.input([1, columns]),
            );
            let (d, e) = (m.input([columns]), m.input([columns]));
            m.outputs.extend([
                a,
                a.reshape([1, columns]) * 2.0,
                b.view(columns, [2, columns]),
            ]);
            let next = a + 1.0;
            m.updates = vec![
                (a, next),
                (b, a.broadcast_to([4, columns])),
                (c, a.broadcast_to([1, columns])),
                (d, next),
                (e, next.reshape([1, columns]).reshape([columns])),
            ];
        });
    }
}

#[test]
fn a_state_passed_on_as_it_was_is_not_overwritten_first() {
    for columns in [2, 40, 64] {
        assert_steps(3, |m| {
            let (a, b) = (m.input([columns]), m.input([1, columns]));
            m.updates = vec![(a, a + 1.0), (b, a.broadcast_to([1, columns]))];
            m.outputs.push(b * 2.0);
        });
    }
}

#[test]
fn a_state_kept_as_it_is_and_a_constant_next_value() {
    assert_steps(3, |m| {
        let (a, b, c) = (m.input([5]), m.input([5]), m.input([]));
        m.outputs.extend([a * b, c]);
        let constant = m.graph.constant(&[1.0, 2.0, 3.0, 4.0, 5.0], [5]);
        m.updates = vec![(a, a), (b, constant), (c, m.graph.step() + c)];
    });
}

/// Outputs that are numbers, constants, inputs, and the same thing twice.
#[test]
fn anything_can_be_an_output() {
    assert_model(|m| {
        let x = m.input([2, 3]);
        let constant = m.graph.constant(&[1.0, 2.0], [2]);
        let step = m.graph.step();
        m.outputs.extend([
            Var::from(2.5),
            constant,
            x,
            x,
            x.row(1),
            step,
            step.broadcast_to([2, 40]),
        ]);
        m.outputs.extend([
            x.exp(),
            x.exp(),
            constant.broadcast_to([50, 2]),
            m.graph.index_constant(&[7]),
        ]);
    });
}

#[test]
fn noise_is_the_specified_and_the_same_in_both_precisions() {
    for shape in [
        Shape::from([3, 1]),
        Shape::from([70]),
        Shape::from([2, 3, 300]),
        Shape::SCALAR,
    ] {
        let graph = Graph::new();
        let outputs =
            [NoiseKind::Normal, NoiseKind::Uniform].map(|kind| graph.noise(kind, 5, shape));
        let plan = Plan::new(&graph, &outputs, &[]).unwrap();
        let columns = shape.iter().rfind(|n| **n != 1).map_or(1, |n| *n);
        for (name, backend) in backends() {
            let mut programs = [Precision::F64, Precision::F32]
                .map(|precision| single(&*backend, &plan, &[], precision));
            for step in [0, 1, (1 << 33) + 5] {
                let key = NoiseKey {
                    seed: SEED,
                    step,
                    stream: 5,
                };
                for program in &mut programs {
                    let program = program.program_mut(0);
                    program.rewind(SEED, step);
                    program.run(1).unwrap();
                }
                for i in 0..shape.elements() {
                    let (row, column) = ((i / columns) as u32, (i % columns) as u32);
                    let expected = normal(&key, row, column);
                    let [double, single] = [0, 1].map(|p| programs[p].program(0).read_output(0)[i]);
                    assert!(
                        (double - expected).abs() <= 2e-15 * expected.abs(),
                        "{name} {shape}"
                    );
                    assert!(
                        (single - expected).abs() <= 1e-6 * expected.abs(),
                        "{name} {shape}"
                    );
                    let expected = uniform(&key, row, column);
                    assert_eq!(
                        [0, 1].map(|p| programs[p].program(0).read_output(1)[i]),
                        [expected; 2]
                    );
                }
            }
        }
    }
}

#[test]
fn rewinding_repeats_the_run() {
    let graph = Graph::new();
    let mut model = Model::new(&graph);
    let x = model.input([40]);
    let noise = graph.noise(NoiseKind::Normal, 0, [40]);
    let batch = graph.batch(40, 7, 0);
    model.outputs = vec![noise, batch, graph.step()];
    model.updates = vec![(x, 0.5 * x + noise)];
    for (_, backend) in backends() {
        let mut replicas = model.program(&*backend, Precision::F32);
        let program = replicas.program_mut(0);
        let id = x.input_id().unwrap();
        program.run(7).unwrap();
        let first = (
            program.read_input(id),
            program.read_output(0),
            program.read_output(1),
        );
        assert_eq!(program.read_output(2), [6.0]);
        program.run(5).unwrap();
        // From the start, in pieces of other sizes; and from the middle with the state of then.
        model.write(program);
        program.run(3).unwrap();
        let middle = program.read_input(id);
        program.run(4).unwrap();
        assert_eq!(
            (
                program.read_input(id),
                program.read_output(0),
                program.read_output(1)
            ),
            first
        );
        program.write(id, &middle).unwrap();
        program.rewind(SEED, 3);
        program.run(4).unwrap();
        assert_eq!(
            (
                program.read_input(id),
                program.read_output(0),
                program.read_output(1)
            ),
            first
        );
        program.rewind(SEED + 1, 6);
        program.run(1).unwrap();
        assert_ne!(program.read_output(0), first.1, "another seed, other noise");
    }
}
