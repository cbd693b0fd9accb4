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
mod tests;
