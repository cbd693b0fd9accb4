//! One path: the ascent, and the normal along it with the highest ELBO.

use super::draws::Draws;
use super::gaussian::{Gaussian, dot};
use super::lbfgs::{InverseHessian, Point, step};
use crate::log_density::{EvalError, LogDensity};

/// A normal is given up that is so many nats below the best after the first draws, and the later one
/// taken of two that differ at each of them by less.
const FIRST_DRAWS: usize = 2;
const FAR_BELOW: f64 = 0.2;
const NEARLY_EQUAL: f64 = 0.5;
/// Newton's step promises to gain half of this many nats where a path has arrived.
const ARRIVED: f64 = 1e-8;
/// Rounding errors of a log density of size 1 whose terms are somewhat larger.
pub(super) const ROUNDING: f64 = 64.0;

/// What a path evaluates: the density with its gradient, and the density alone.
pub(crate) struct Evaluator<'a> {
    /// With its gradient.
    pub(crate) density: &'a mut dyn LogDensity,
    /// In double precision and without its gradient, in nats.
    pub(crate) value: &'a mut dyn FnMut(&[f64]) -> Result<f64, EvalError>,
    /// The distance of 1 to the next number of the precision of `density`.
    pub(crate) epsilon: f64,
}

/// The settings of one path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathSettings {
    /// Steps that the inverse Hessian remembers.
    pub(crate) history: usize,
    /// Draws that estimate an ELBO.
    pub(crate) elbo_draws: usize,
    /// Steps at the most.
    pub(crate) iterations: u64,
    /// Draws of the normals.
    pub(crate) draws: Draws,
}

/// The normal of a path, and what it cost.
#[derive(Clone, Debug)]
pub(crate) struct SinglePath {
    /// The normal with the highest ELBO.
    pub(crate) gaussian: Gaussian,
    /// `ln p - ln q` at its first draws, as many as estimate an ELBO.
    pub(crate) log_ratios: Vec<f64>,
    /// The log density of the mode that the path arrived at, in nats.
    pub(crate) mode: Option<f64>,
    /// Steps of the path.
    pub(crate) iterations: u64,
    pub(crate) counts: Counts,
}

/// What was evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Log densities with gradients.
    pub(crate) gradients: u64,
    /// Log densities alone.
    pub(crate) values: u64,
}

/// Why a path has no normal.
#[derive(Debug)]
pub(crate) enum PathError {
    /// The log density or its gradient is not finite at the start.
    Start(Point),
    /// No normal along the path has a finite ELBO; the path had so many steps.
    NoNormal { iterations: u64, counts: Counts },
    /// The density failed.
    Density(EvalError),
}

impl From<EvalError> for PathError {
    fn from(error: EvalError) -> PathError {
        PathError::Density(error)
    }
}

/// Ascends from a start `[P]`, and judges the normal at every point of the way by the same noise.
///
/// `seen` is told after each step how many there were and the best ELBO so far.
///
/// # Errors
/// As [`PathError`].
pub(crate) fn single(
    evaluator: &mut Evaluator<'_>,
    start: Vec<f64>,
    settings: &PathSettings,
    seen: &mut dyn FnMut(u64, f64),
) -> Result<SinglePath, PathError> {
    let mut counts = Counts {
        gradients: 1,
        values: 0,
    };
    let mut at = Point::at(evaluator.density, start)?;
    if !at.is_finite() {
        return Err(PathError::Start(at));
    }
    let mut hessian = InverseHessian::new(at.position.len(), settings.history);
    let mut best: Option<(Gaussian, Vec<f64>)> = None;
    let (mut iterations, mut mode) = (0, None);
    loop {
        let Some(gaussian) = hessian.gaussian(&at) else {
            match hessian.is_empty() {
                true => break,
                false => hessian.forget(),
            }
            continue;
        };
        let direction = gaussian.mean().iter().zip(&at.position);
        let direction: Vec<f64> = direction.map(|(to, from)| to - from).collect();
        let slope = dot(&direction, &at.gradient);
        let noise = ROUNDING * evaluator.epsilon * at.log_prob.abs();
        let is_mode = slope <= ARRIVED.max(noise);
        let arrived = is_mode || iterations == settings.iterations;
        // Before the first step the covariance is that of nothing but a guess, and where Newton's
        // step promises more nats than there are coordinates the mode is still far away.
        let is_near = slope <= 2.0 * direction.len() as f64 || best.is_none();
        if arrived || is_near && !hessian.is_empty() {
            let best_ratios = best.as_ref().map(|(_, ratios)| &ratios[..]);
            if let Some(ratios) = race(evaluator, &gaussian, best_ratios, settings, &mut counts)? {
                best = Some((gaussian, ratios));
            }
            let elbo = best.as_ref().map_or(f64::NAN, |(_, ratios)| mean(ratios));
            seen(iterations, elbo);
        }
        if arrived {
            mode = is_mode.then_some(at.log_prob);
            break;
        }
        let length = match hessian.is_empty() {
            true => slope.sqrt().recip().min(1.0),
            false => 1.0,
        };
        let along = (&direction[..], slope);
        let next = step(
            evaluator.density,
            &at,
            along,
            length,
            noise,
            &mut counts.gradients,
        )?;
        match next {
            Some(next) => {
                hessian.learn(&at, &next);
                at = next;
                iterations += 1;
            }
            None if hessian.is_empty() => break,
            None => hessian.forget(),
        }
    }
    match best {
        Some((gaussian, mut log_ratios)) => {
            for draw in log_ratios.len()..settings.elbo_draws {
                let ratio = log_ratio(evaluator, &gaussian, settings, draw, &mut counts)?;
                log_ratios.push(ratio);
            }
            Ok(SinglePath {
                gaussian,
                log_ratios,
                mode,
                iterations,
                counts,
            })
        }
        None => Err(PathError::NoNormal { iterations, counts }),
    }
}

/// Whether the ELBO of a normal is above that of the best so far, by the same noise: then `ln p -
/// ln q` at its draws. Most normals of a path are far below the best or nearly the same, which the
/// first draws show.
fn race(
    evaluator: &mut Evaluator<'_>,
    gaussian: &Gaussian,
    best: Option<&[f64]>,
    settings: &PathSettings,
    counts: &mut Counts,
) -> Result<Option<Vec<f64>>, EvalError> {
    let mut ratios = Vec::with_capacity(settings.elbo_draws);
    for draw in 0..settings.elbo_draws {
        let ratio = log_ratio(evaluator, gaussian, settings, draw, counts)?;
        if !ratio.is_finite() {
            return Ok(None);
        }
        ratios.push(ratio);
        if let Some(best) = best
            && ratios.len() == FIRST_DRAWS
        {
            if gain(&ratios, best) < -FAR_BELOW {
                return Ok(None);
            }
            let mut differences = ratios.iter().zip(best).map(|(a, b)| (a - b).abs());
            if differences.all(|difference| difference < NEARLY_EQUAL) {
                return Ok(Some(ratios));
            }
        }
    }
    Ok(best
        .is_none_or(|best| gain(&ratios, best) > 0.0)
        .then_some(ratios))
}

/// `ln p - ln q` at a draw of a normal.
fn log_ratio(
    evaluator: &mut Evaluator<'_>,
    gaussian: &Gaussian,
    settings: &PathSettings,
    draw: usize,
    counts: &mut Counts,
) -> Result<f64, EvalError> {
    let (z, log_q) = settings.draws.of(gaussian, draw);
    counts.values += 1;
    match (evaluator.value)(&z) {
        Err(EvalError::Reject) => Ok(f64::NEG_INFINITY),
        log_p => Ok(log_p? - log_q),
    }
}

/// By how much the ELBO of a normal is above that of another, by the draws that both have.
fn gain(ratios: &[f64], others: &[f64]) -> f64 {
    let differences: Vec<f64> = ratios.iter().zip(others).map(|(a, b)| a - b).collect();
    mean(&differences)
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
