//! Angles as the directions of points in a plane, which have no ends to get stuck at.

use bayes_nn_autodiff::{Shape, Var, concat};

use crate::axes::joined;
use crate::stable::{LN_2, LN_SQRT_2_PI, stirling_error};

/// The shape of the two coordinates of angles.
pub(super) fn coordinates(shape: Shape) -> Shape {
    joined(Shape::from([2]), shape)
}

/// The directions of points `[2, ...shape]`.
pub(super) fn angle(z: Var<'_>) -> Var<'_> {
    match z.shape().rank() {
        0 => Var::from(f64::NAN),
        _ => z.row(1).atan2(z.row(0)),
    }
}

/// The points at distance 1 in these directions.
pub(super) fn point(angle: Var<'_>) -> Var<'_> {
    let row = joined(Shape::from([1]), angle.shape());
    match angle.graph() {
        Some(_) => concat(&[angle.cos().reshape(row), angle.sin().reshape(row)], 0),
        None => Var::from(f64::NAN),
    }
}

/// The logarithm of the density of a point given its direction, by area over angle: of the
/// distance `r` the square is gamma distributed with shape and rate `m`, the larger of 2 and
/// `concentration / 4`, and area grows with `r`.
///
/// ```text
/// ln q = ln(2 m^m / gamma(m)) + (m - 1) ln(r^2) - m r^2
/// ```
///
/// At `concentration / 4` distances have the standard deviation of concentrated angles. Below 2
/// more points would lie next to 0, where directions change fast; above it points of all
/// directions would lie on a ring, which no normal distribution is like.
pub(super) fn log_density<'g>(z: Var<'g>, concentration: Var<'g>) -> Var<'g> {
    if z.shape().rank() == 0 {
        return Var::from(f64::NAN);
    }
    let (x, y) = (z.row(0), z.row(1));
    let square = x * x + y * y;
    let m = (concentration * 0.25).maximum(2.0);
    // m ln(m) - m - ln(gamma(m)), by Stirling's formula.
    let norm = m.ln() * 0.5 - stirling_error(m) + (LN_2 - LN_SQRT_2_PI);
    m * (square - 1.0).log1pmx() - square.ln() + norm
}

#[cfg(test)]
mod tests {
    use crate::Bijector;
    use bayes_nn_autodiff::{Bindings, Graph, Var};

    #[test]
    fn points_of_the_plane_have_the_density_of_their_angle() {
        let graph = Graph::new();
        let z = graph.input("z", [2, 200]);
        for concentration in [1e-3, 3.0, 40.0, 1e6] {
            let circle = Bijector::Circle(Var::from(concentration));
            assert_eq!(circle.unconstrained_shape([200]), z.shape());
            let outputs = [circle.log_det_jacobian(z), circle.forward(z)];
            // Over the distances in one direction, near which the midpoint rule is exact.
            let spread = 8.0 / concentration.max(8.0).sqrt();
            let (low, high) = ((1.0 - spread).max(0.0), 1.0 + spread);
            let step = (high - low) / 200.0;
            let distances: Vec<f64> = (0..200)
                .map(|i| low + step * (f64::from(i) + 0.5))
                .collect();
            let along = |f: fn(f64) -> f64| distances.iter().map(move |r| r * f(2.5));
            let point: Vec<f64> = along(f64::cos).chain(along(f64::sin)).collect();
            let values = graph
                .evaluate(&outputs, &Bindings::new().bind(z, &point))
                .unwrap();
            let log_density = values[0].values().iter().zip(&distances);
            let total: f64 = log_density.map(|(l, r)| l.exp() * r * step).sum();
            assert!((total - 1.0).abs() < 1e-4, "{concentration}: {total}");
            assert!(
                values[1]
                    .values()
                    .iter()
                    .all(|angle| (angle - 2.5).abs() < 1e-14)
            );
        }
        let angles = graph.constant(&[-3.1, 0.0, 2.5], [3]);
        let circle = Bijector::Circle(Var::from(1.0));
        let back = circle.forward(circle.inverse(angles));
        let back = graph.evaluate(&[back], &Bindings::new()).unwrap();
        for (back, angle) in back[0].values().iter().zip([-3.1, 0.0, 2.5]) {
            assert!((back - angle).abs() < 1e-15);
        }
    }
}
