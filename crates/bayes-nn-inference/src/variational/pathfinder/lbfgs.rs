//! Ascent of a log density by L-BFGS (Liu and Nocedal 1989, "On the limited memory BFGS method for
//! large scale optimization"), with the diagonal of Gilbert and Lemaréchal (1989, "Some numerical
//! experiments with variable-storage quasi-Newton algorithms") as the matrix that it updates.

use std::collections::VecDeque;

use super::gaussian::{Gaussian, Pair, dot};
use crate::log_density::{EvalError, LogDensity};

/// The least curvature along a step, `s.y / y.y`.
const LEAST_CURVATURE: f64 = 1e-12;
/// What a step must gain of the slope's promise (Armijo's condition), and the slope that may be left
/// at its end (Wolfe's).
const LEAST_GAIN: f64 = 1e-4;
const SLOPE_LEFT: f64 = 0.9;
/// Tries of a step's length.
const LENGTHS: usize = 30;

/// A point of a path.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(super) position: Vec<f64>,
    pub(super) log_prob: f64,
    /// Of the log density.
    pub(super) gradient: Vec<f64>,
}

impl Point {
    /// The density at a position.
    pub(super) fn at(density: &mut dyn LogDensity, position: Vec<f64>) -> Result<Point, EvalError> {
        let mut gradient = vec![0.0; position.len()];
        let log_prob = match density.log_prob_grad(&position, &mut gradient) {
            Err(EvalError::Reject) => f64::NEG_INFINITY,
            log_prob => log_prob?,
        };
        Ok(Point {
            position,
            log_prob,
            gradient,
        })
    }

    pub(super) fn is_finite(&self) -> bool {
        let mut numbers = self.gradient.iter().chain(&self.position);
        self.log_prob.is_finite() && numbers.all(|v| v.is_finite())
    }
}

/// The inverse Hessian of the last steps.
#[derive(Clone, Debug)]
pub(super) struct InverseHessian {
    history: usize,
    diagonal: Vec<f64>,
    pairs: VecDeque<Pair>,
}

impl InverseHessian {
    /// That of a standard normal.
    pub(super) fn new(dim: usize, history: usize) -> InverseHessian {
        InverseHessian {
            history,
            diagonal: vec![1.0; dim],
            pairs: VecDeque::new(),
        }
    }

    /// Whether no step was learnt from.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Learns from a step, unless the density is not log-concave along it or too nearly flat.
    pub(super) fn learn(&mut self, from: &Point, to: &Point) {
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let pair = Pair {
            s: difference(&to.position, &from.position),
            y: difference(&from.gradient, &to.gradient),
        };
        let Pair { s, y } = &pair;
        let curvature = dot(s, y);
        if !(curvature > 0.0 && curvature >= LEAST_CURVATURE * dot(y, y)) {
            return;
        }
        let alpha = &self.diagonal;
        let a: f64 = alpha.iter().zip(y).map(|(alpha, y)| alpha * y * y).sum();
        let c: f64 = s.iter().zip(alpha).map(|(s, alpha)| s * s / alpha).sum();
        let b = curvature;
        let updated = alpha.iter().zip(s).zip(y).map(|((alpha, s), y)| {
            (a / (b * alpha) + y * y / b - a * s * s / (b * c * alpha * alpha)).recip()
        });
        let updated: Vec<f64> = updated.collect();
        if updated.iter().all(|v| *v > 0.0 && v.is_finite()) {
            self.diagonal = updated;
        }
        if self.pairs.len() == self.history {
            self.pairs.pop_front();
        }
        self.pairs.push_back(pair);
    }

    /// Forgets the steps; their diagonal stays.
    pub(super) fn forget(&mut self) {
        self.pairs.clear();
    }

    /// The normal at a point of the path.
    pub(super) fn gaussian(&self, at: &Point) -> Option<Gaussian> {
        Gaussian::around_zero(&self.diagonal, self.pairs.iter())?
            .after_step(&at.position, &at.gradient)
    }
}

/// The point at the end of a step along `direction`, in which the log density rises by `slope` a
/// unit, with a length near `length` that gains enough and leaves less of the slope. None where
/// there is no such length. Each try is counted in `gradients`.
///
/// A log density of size 1e6 has rounding errors of 1e-10: differences below `noise` do not count.
pub(super) fn step(
    density: &mut dyn LogDensity,
    from: &Point,
    (direction, slope): (&[f64], f64),
    mut length: f64,
    noise: f64,
    gradients: &mut u64,
) -> Result<Option<Point>, EvalError> {
    // The longest length that is too short, with the slope there, and the shortest that is too long.
    let (mut short, mut long) = ((0.0, from.log_prob, slope), None::<(f64, f64, f64)>);
    for _ in 0..LENGTHS {
        let along = from.position.iter().zip(direction);
        let position = along.map(|(x, d)| x + length * d).collect();
        let point = Point::at(density, position)?;
        *gradients += 1;
        let here = dot(&point.gradient, direction);
        let gains = point.log_prob - from.log_prob >= LEAST_GAIN * length * slope - noise;
        if point.is_finite() && gains && here <= SLOPE_LEFT * slope {
            return Ok(Some(point));
        }
        let seen = (length, point.log_prob, here);
        match point.is_finite() && gains {
            true => short = seen,
            false => long = Some(seen),
        }
        length = match long {
            None => 4.0 * length,
            Some(long) => between(short, long),
        };
    }
    Ok(None)
}

/// The maximum between two points of the cubic with these values and slopes, kept away from both.
fn between((a, at_a, slope_a): (f64, f64, f64), (b, at_b, slope_b): (f64, f64, f64)) -> f64 {
    let width = b - a;
    // Nocedal and Wright 2006, equation 3.59, of the negative.
    let d1 = -slope_a - slope_b + 3.0 * (at_a - at_b) / (a - b);
    let d2 = (d1 * d1 - slope_a * slope_b).sqrt();
    let cubic = b - width * (-slope_b + d2 - d1) / (-slope_b + slope_a + 2.0 * d2);
    match cubic.is_finite() {
        true => cubic.clamp(a + 0.1 * width, b - 0.1 * width),
        false => a + 0.25 * width,
    }
}
