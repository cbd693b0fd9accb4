//! The ascent to a mode.

use std::ops::ControlFlow;

use super::gaussian::dot;
use super::lbfgs::{InverseHessian, Point, step};
use super::path::ROUNDING;
use crate::log_density::{EvalError, LogDensity};

/// Newton's step promises to gain half of this many nats where an ascent ends, and where it counts
/// as arrived though rounding errors let it come no further.
const END: f64 = 1e-12;
const ARRIVED: f64 = 1e-8;

/// Where an ascent ended.
#[derive(Clone, Debug)]
pub(crate) struct Mode {
    /// The point, `[P]`.
    pub(crate) position: Vec<f64>,
    /// The log density there.
    pub(crate) log_prob: f64,
    /// Nats that Newton's step promises to gain.
    pub(crate) left: f64,
    /// Whether that is nothing.
    pub(crate) arrived: bool,
    /// Whether whoever looked on ended it.
    pub(crate) looked: bool,
    /// Gradients that it took.
    pub(crate) gradients: u64,
}

/// Climbs from a start `[P]` until nothing is left to gain, in so many steps at the most; nothing if
/// the density is not finite at the start. `look` sees each point with its log density.
///
/// # Errors
/// Those of the density.
pub(crate) fn climb(
    density: &mut dyn LogDensity,
    start: Vec<f64>,
    iterations: u64,
    look: &mut dyn FnMut(&[f64], f64) -> ControlFlow<()>,
) -> Result<Option<Mode>, EvalError> {
    let mut gradients = 1;
    let mut at = Point::at(density, start)?;
    if !at.is_finite() {
        return Ok(None);
    }
    let dim = at.position.len();
    let mut hessian = InverseHessian::new(dim, dim.clamp(5, 10));
    let (mut left, mut looked, mut steps) = (f64::INFINITY, false, 0);
    let arrived = loop {
        let Some(gaussian) = hessian.gaussian(&at) else {
            match hessian.is_empty() {
                true => break false,
                false => hessian.forget(),
            }
            continue;
        };
        let direction = gaussian.mean().iter().zip(&at.position);
        let direction: Vec<f64> = direction.map(|(to, from)| to - from).collect();
        let slope = dot(&direction, &at.gradient);
        let noise = ROUNDING * f64::EPSILON * at.log_prob.abs();
        left = 0.5 * slope;
        if slope <= END.max(noise) {
            break true;
        }
        if looked || steps == iterations {
            break slope <= ARRIVED;
        }
        let length = match hessian.is_empty() {
            true => slope.sqrt().recip().min(1.0),
            false => 1.0,
        };
        let along = (&direction[..], slope);
        match step(density, &at, along, length, noise, &mut gradients)? {
            Some(next) => {
                hessian.learn(&at, &next);
                at = next;
                steps += 1;
                looked = look(&at.position, at.log_prob).is_break();
            }
            None if hessian.is_empty() || slope <= ARRIVED => break slope <= ARRIVED,
            None => hessian.forget(),
        }
    };
    Ok(Some(Mode {
        position: at.position,
        log_prob: at.log_prob,
        left,
        arrived,
        looked,
        gradients,
    }))
}
