//! Bijectors: smooth maps of all reals onto a support.

mod circle;
mod packed;

use bayes_nn_autodiff::{Graph, Shape, Var, concat};

use self::packed::{Packed, pairs};
use crate::axes::{Beside, TABLE, combine, cumulative_sum, first_axis_sum, from_row};

/// A smooth, invertible map of the reals onto the inside of a continuous support.
///
/// A density `p` of `x = forward(z)` is, over `z`,
/// `ln p(forward(z)) + log_det_jacobian(z)`. Far out rounding puts `forward` onto the bound
/// itself: where what is added to the bound is less than its last digit.
///
/// Most maps are element-wise. Those of vectors and matrices work along the first axis (or two),
/// the batch last, and may need fewer numbers than they give; an angle needs two: see
/// [`Bijector::unconstrained_shape`].
///
/// ```
/// use bayes_nn_autodiff::{Graph, Var};
/// use bayes_nn_distributions::Bijector;
/// let unit = Bijector::Interval(Var::from(0.0), Var::from(1.0));
/// assert_eq!(unit.forward(Var::from(0.0)).number(), Some(0.5));
/// assert_eq!(unit.log_det_jacobian(Var::from(0.0)).number(), Some(0.25f64.ln()));
///
/// let graph = Graph::new();
/// let z = graph.input("z", [3, 100]);
/// assert_eq!(Bijector::Simplex.forward(z).shape().to_string(), "[4, 100]");
/// assert_eq!(Bijector::Simplex.log_det_jacobian(z).shape().to_string(), "[100]");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Bijector<'g> {
    /// `z`
    Identity,
    /// `e^z`, onto the positive numbers
    Exp,
    /// `low + e^z`
    LowerBound(Var<'g>),
    /// `high - e^z`
    UpperBound(Var<'g>),
    /// `low + (high - low) sigmoid(z)`
    Interval(Var<'g>, Var<'g>),
    /// Angles from `-pi` to `pi` as the directions `atan2(z[1], z[0])` of points `[2, ...shape]`:
    /// unlike an interval, a circle has no ends between which nothing passes. The distance of a
    /// point from 0 says nothing; its square has a gamma distribution of mean 1, whose density is
    /// what [`Bijector::log_det_jacobian`] gives, so that the density of the angle is exact. The
    /// more concentrated the angles are, by the number, the less distances vary: points then vary
    /// as much along a ray as across it.
    Circle(Var<'g>),
    /// Shares that sum to 1, by breaking a stick: with `m` shares to come after it, share `k`
    /// takes `sigmoid(z[k] - ln(m))` of what is left, and the last takes the rest. `z = 0` gives
    /// equal shares. (Stan reference manual, "Unit simplex".)
    Simplex,
    /// Increasing numbers: `x[0] = z[0]`, `x[k] = x[k - 1] + e^z[k]`
    Ordered,
    /// Increasing positive numbers: `x[0] = e^z[0]`, `x[k] = x[k - 1] + e^z[k]`
    PositiveOrdered,
    /// The Cholesky factor of a correlation matrix, from the `K (K - 1) / 2` places below the
    /// diagonal, row by row: each takes `tanh(z)` of what its row has left of the length 1. (Stan
    /// reference manual, "Cholesky factors of correlation matrices".)
    CorrelationCholesky,
}

impl<'g> Bijector<'g> {
    /// The shape of `z` for a point of this shape.
    pub fn unconstrained_shape(&self, shape: impl Into<Shape>) -> Shape {
        let shape = shape.into();
        match self {
            Bijector::Circle(_) => circle::coordinates(shape),
            Bijector::Simplex if shape.rank() > 0 => shape.with(0, shape[0].saturating_sub(1)),
            Bijector::CorrelationCholesky if shape.rank() > 1 => {
                shape.without(0, 1).with(0, pairs(shape[0]))
            }
            _ => shape,
        }
    }

    /// The point of the support that belongs to `z`.
    pub fn forward(&self, z: Var<'g>) -> Var<'g> {
        match *self {
            Bijector::Identity => z,
            Bijector::Exp => z.exp(),
            Bijector::LowerBound(low) => low + z.exp(),
            Bijector::UpperBound(high) => high - z.exp(),
            Bijector::Interval(low, high) => low + (high - low) * z.sigmoid(),
            Bijector::Circle(_) => circle::angle(z),
            Bijector::Simplex => log_shares(z).exp(),
            Bijector::Ordered if z.shape().rank() == 0 => z,
            Bijector::Ordered => {
                let first = z.view(0, z.shape().with(0, 1));
                cumulative_sum(concat(&[first, from_row(z, 1).exp()], 0))
            }
            Bijector::PositiveOrdered => cumulative_sum(z.exp()),
            Bijector::CorrelationCholesky => match Packed::of_pairs(z) {
                Some(packed) => {
                    let parts = concat(&[z.tanh(), packed.row_of(1.0), packed.row_of(0.0)], 0);
                    let entries = parts.gather(packed.graph.index_constant(&packed.places()), 0);
                    let left = packed.sums_before(log_sech_square(z));
                    packed.matrix(entries * (left * 0.5).exp())
                }
                None => Var::from(1.0),
            },
        }
    }

    /// The unconstrained point that belongs to `x`, a point inside the support; on a bound it is
    /// infinite, outside NaN.
    pub fn inverse(&self, x: Var<'g>) -> Var<'g> {
        match *self {
            Bijector::Identity => x,
            Bijector::Exp => x.ln(),
            Bijector::LowerBound(low) => (x - low).ln(),
            Bijector::UpperBound(high) => (high - x).ln(),
            // Not the logit of (x - low) / (high - low), which is 1 long before x is high.
            Bijector::Interval(low, high) => (x - low).ln() - (high - x).ln(),
            Bijector::Circle(_) => circle::point(x),
            Bijector::Simplex => {
                let (Some(graph), [parts, ..]) = (x.graph(), &*x.shape()) else {
                    return x;
                };
                let count = parts.saturating_sub(1);
                let breaks = x.shape().with(0, count);
                // What comes after; 1 less what came before would cancel.
                let after = match *parts <= TABLE {
                    true => combine(graph, x, count, |row, column| column > row),
                    false => Beside::After.sums(graph, x, *parts).view(0, breaks),
                };
                x.view(0, breaks).ln() - after.ln() + stick_offsets(graph, breaks)
            }
            Bijector::Ordered if x.shape().rank() == 0 => x,
            Bijector::PositiveOrdered if x.shape().rank() == 0 => x.ln(),
            Bijector::Ordered | Bijector::PositiveOrdered => {
                let shape = x.shape();
                let first = x.view(0, shape.with(0, 1));
                let first = match self {
                    Bijector::Ordered => first,
                    _ => first.ln(),
                };
                let lower = x.view(0, shape.with(0, shape[0].saturating_sub(1)));
                concat(&[first, (from_row(x, 1) - lower).ln()], 0)
            }
            Bijector::CorrelationCholesky => match Packed::of_matrix(x) {
                Some(packed) => {
                    let flat = x.reshape(packed.flat());
                    let entries = packed.take_below(flat);
                    let after = packed.sums_after(flat * flat);
                    let length = (after + entries * entries).sqrt();
                    entries.sign() * ((length + entries.abs()).ln() - after.ln() * 0.5)
                }
                None => Var::from(0.0),
            },
        }
    }

    /// `ln |det d forward(z) / dz|`; of [`Bijector::Circle`], which has a coordinate too many, with
    /// the log density of that. Element-wise maps give it element by element, where a plain
    /// number stands for all elements; those of vectors and matrices for each of the batch.
    pub fn log_det_jacobian(&self, z: Var<'g>) -> Var<'g> {
        match *self {
            Bijector::Identity => Var::from(0.0),
            Bijector::Exp | Bijector::LowerBound(_) | Bijector::UpperBound(_) => z,
            Bijector::Interval(low, high) => {
                z.log_sigmoid() + (-z).log_sigmoid() + (high - low).ln()
            }
            Bijector::Circle(concentration) => circle::log_density(z, concentration),
            Bijector::Simplex => first_axis_sum(log_shares(z)),
            Bijector::Ordered if z.shape().rank() == 0 => Var::from(0.0),
            Bijector::Ordered => first_axis_sum(from_row(z, 1)),
            Bijector::PositiveOrdered => first_axis_sum(z),
            Bijector::CorrelationCholesky => match Packed::of_pairs(z) {
                Some(packed) => {
                    let own = log_sech_square(z);
                    let left = packed.take_below(packed.sums_before(own));
                    first_axis_sum(own + left * 0.5)
                }
                None => Var::from(0.0),
            },
        }
    }

    /// Whether [`Bijector::log_det_jacobian`] has a number for each element, not for each of the
    /// batch.
    pub fn is_element_wise(&self) -> bool {
        !matches!(
            self,
            Bijector::Simplex
                | Bijector::Ordered
                | Bijector::PositiveOrdered
                | Bijector::CorrelationCholesky
        )
    }
}

/// `ln(1 - tanh(z)^2)`, which is `ln(4 sigmoid(2 z) sigmoid(-2 z))`.
fn log_sech_square(z: Var<'_>) -> Var<'_> {
    let twice = z * 2.0;
    twice.log_sigmoid() + (-twice).log_sigmoid() + 4f64.ln()
}

/// `ln(m)` of the `m` shares that come after each break of a stick, in a shape `[K - 1, 1, ...]`.
fn stick_offsets(graph: &Graph, breaks: Shape) -> Var<'_> {
    let offsets: Vec<f64> = (1..=breaks[0]).rev().map(|m| (m as f64).ln()).collect();
    let column = (1..breaks.rank()).fold(breaks, |column, axis| column.with(axis, 1));
    graph.constant(&offsets, column)
}

/// The logarithms of the shares of a simplex.
fn log_shares(z: Var<'_>) -> Var<'_> {
    let (Some(graph), [breaks, ..]) = (z.graph(), &*z.shape()) else {
        return z;
    };
    let t = z - stick_offsets(graph, z.shape());
    let last = graph
        .constant(&[0.0], [1])
        .broadcast_to(z.shape().with(0, 1));
    let rest = (-t).log_sigmoid();
    let left = match *breaks < TABLE {
        true => combine(graph, rest, breaks + 1, |row, column| column < row),
        false => Beside::Before.sums(graph, concat(&[rest, last], 0), breaks + 1),
    };
    left + concat(&[t.log_sigmoid(), last], 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    fn all<'g>() -> Vec<Bijector<'g>> {
        let (low, high) = (Var::from(-1.5), Var::from(4.0));
        vec![
            Bijector::Identity,
            Bijector::Exp,
            Bijector::LowerBound(low),
            Bijector::UpperBound(high),
            Bijector::Interval(low, high),
        ]
    }

    #[test]
    fn the_inverse_leads_back() {
        for bijector in all() {
            for z in [-20.0, -3.0, -0.1, 0.0, 1.0, 2.5, 20.0] {
                let x = bijector.forward(Var::from(z));
                let back = bijector.inverse(x).number().unwrap();
                // Next to a bound of size 4, x is known to 4 eps, and e^-20 is 2e-9.
                assert!(
                    (back - z).abs() < 1e-6,
                    "{bijector:?}: {z} came back as {back}"
                );
                if z.abs() < 4.0 {
                    assert!(
                        (back - z).abs() < 1e-13,
                        "{bijector:?}: {z} came back as {back}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_log_det_is_the_logarithm_of_the_derivative() {
        for bijector in all() {
            let graph = Graph::new();
            let z = graph.input("z", []);
            let slope = grad(bijector.forward(z), &[z]).unwrap()[0];
            let log_det = bijector.log_det_jacobian(z);
            for at in [-700.0, -40.0, -2.0, 0.0, 0.3, 5.0, 40.0, 700.0] {
                let bound = Bindings::new().bind(z, &[at]);
                let values = graph.evaluate(&[slope, log_det], &bound).unwrap();
                let expected = values[0].values()[0].abs().ln();
                let got = values[1].values()[0];
                assert!(
                    (got - expected).abs() <= 1e-14 * expected.abs().max(1.0),
                    "{bijector:?} at {at}: {got} against {expected}"
                );
            }
        }
    }

    #[test]
    fn the_log_det_of_an_interval_stays_finite_where_its_slope_underflows() {
        let unit = Bijector::Interval(Var::from(0.0), Var::from(1.0));
        for z in [-1e5, 1e5] {
            let log_det = unit.log_det_jacobian(Var::from(z)).number();
            assert_eq!(log_det, Some(-1e5));
        }
    }

    /// Those of vectors and matrices, of any graph.
    fn of_vectors<'g>() -> [Bijector<'g>; 4] {
        [
            Bijector::Simplex,
            Bijector::Ordered,
            Bijector::PositiveOrdered,
            Bijector::CorrelationCholesky,
        ]
    }

    /// By elimination with the largest pivot.
    fn log_determinant(mut rows: Vec<Vec<f64>>) -> f64 {
        let n = rows.len();
        let mut sum = 0.0;
        for k in 0..n {
            let by_size = |&a: &usize, &b: &usize| rows[a][k].abs().total_cmp(&rows[b][k].abs());
            let pivot = (k..n).max_by(by_size).unwrap();
            rows.swap(k, pivot);
            let top = rows[k].clone();
            sum += top[k].abs().ln();
            for row in &mut rows[k + 1..] {
                let share = row[k] / top[k];
                for (value, above) in row.iter_mut().zip(&top) {
                    *value -= share * above;
                }
            }
        }
        sum
    }

    #[test]
    fn maps_of_vectors_lead_back_and_know_their_determinant() {
        // The places of the result that are free: as many as there are numbers.
        let free: [&[usize]; 4] = [
            &[0, 1, 2, 3, 4, 5],
            &[0, 1, 2, 3, 4, 5],
            &[0, 1, 2, 3, 4, 5],
            &[4, 8, 9, 12, 13, 14],
        ];
        let shapes = [
            Shape::from([7]),
            Shape::from([6]),
            Shape::from([6]),
            Shape::from([4, 4]),
        ];
        for scale in [0.0, 0.3, 1.0, 3.0] {
            let graph = Graph::new();
            let z = graph.input("z", [6]);
            let at: Vec<f64> = (0..6)
                .map(|i| scale * (1.7 * f64::from(i) + 0.4).sin())
                .collect();
            let bound = Bindings::new().bind(z, &at);
            for ((bijector, shape), free) in of_vectors().into_iter().zip(shapes).zip(free) {
                let x = bijector.forward(z);
                assert_eq!(x.shape(), shape);
                assert_eq!(bijector.unconstrained_shape(shape), Shape::from([6]));
                let mut outputs = vec![bijector.inverse(x), bijector.log_det_jacobian(z)];
                for &place in free {
                    let slope = grad(x.view(place, Shape::SCALAR), &[z]).unwrap();
                    outputs.push(slope[0]);
                }
                let values = graph.evaluate(&outputs, &bound).unwrap();
                for (back, at) in values[0].values().iter().zip(&at) {
                    assert!(
                        (back - at).abs() < 1e-11,
                        "{bijector:?}: {at} came back as {back}"
                    );
                }
                let rows = values[2..].iter().map(|v| v.values().to_vec()).collect();
                let (got, expected) = (values[1].values()[0], log_determinant(rows));
                assert!(
                    (got - expected).abs() < 1e-12,
                    "{bijector:?}: {got}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn each_of_a_batch_is_mapped_alone() {
        for bijector in of_vectors() {
            let graph = Graph::new();
            let both = graph.constant(&[0.3, -1.0, 2.0, 0.1, 0.7, -0.4], [3, 2]);
            let second = graph.constant(&[-1.0, 0.1, -0.4], [3]);
            let outputs = [
                bijector.forward(both),
                bijector.forward(second),
                bijector.log_det_jacobian(both),
                bijector.log_det_jacobian(second),
                bijector.inverse(bijector.forward(both)),
            ];
            let values = graph.evaluate(&outputs, &Bindings::new()).unwrap();
            let of_second: Vec<f64> = values[0].values().chunks(2).map(|pair| pair[1]).collect();
            assert_eq!(of_second, values[1].values());
            assert_eq!(values[2].values()[1], values[3].values()[0]);
            assert_eq!(values[4].values().len(), 6);
        }
    }

    #[test]
    fn zero_gives_equal_shares_and_the_log_det_stays_finite_far_out() {
        let graph = Graph::new();
        let zero = graph.constant(&[0.0; 3], [3]);
        let far = graph.constant(&[800.0, -800.0, 800.0], [3]);
        let outputs = [
            Bijector::Simplex.forward(zero),
            Bijector::Simplex.log_det_jacobian(far),
        ];
        let values = graph.evaluate(&outputs, &Bindings::new()).unwrap();
        assert!(values[0].values().iter().all(|x| (x - 0.25).abs() < 1e-15));
        assert!(values[1].values()[0].is_finite());
    }
}
