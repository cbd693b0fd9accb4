//! The mode of a density, from the best of a few starts.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::automatic::ITERATIONS;
use super::drive::Ended;
use super::{Advi, Curve, Stop};
use crate::compiled::CompiledDensity;
use crate::variational::natural::Look;
use crate::variational::pathfinder::mode::{Mode, climb};
use crate::{Convergence, Density, Evidence, InferenceError};

impl Advi {
    /// Climbs to the mode; nothing if no start has a finite density.
    pub(super) fn climb(
        &self,
        density: &dyn Density,
        restart: usize,
        mut compiled: CompiledDensity,
        writing: Duration,
    ) -> Result<Option<Ended>, InferenceError> {
        let begin = Instant::now();
        let mut best: Option<(Mode, Curve)> = None;
        let mut gradients = 0;
        let no_spread = vec![0.0; density.dim()];
        for number in 0..self.starts() {
            let start = self.numbered(number).start(density)?;
            let mut curve = Curve::default();
            let mut shown = 0;
            let mut look = |mean: &[f64], log_prob: f64| {
                curve.elbos.push(log_prob);
                let steps = curve.elbos.len();
                curve.clock.push((steps, begin.elapsed().as_secs_f64()));
                if ((steps - shown) as u64) < self.every {
                    return ControlFlow::Continue(());
                }
                let look = Look {
                    mean,
                    sd: &|| no_spread.clone(),
                    elbos: &curve.elbos,
                    gradients: steps as u64,
                };
                let since = shown;
                shown = steps;
                self.show(restart, &look, &curve.elbos[since..])
            };
            let mode = climb(&mut compiled, start, ITERATIONS, &mut look)
                .map_err(|error| InferenceError::Density(Box::new(error)))?;
            let Some(mode) = mode else { continue };
            gradients += mode.gradients;
            let looked = mode.looked;
            let higher = |(best, _): &(Mode, Curve)| mode.log_prob > best.log_prob;
            if best.as_ref().is_none_or(higher) {
                best = Some((mode, curve));
            }
            if looked {
                break;
            }
        }
        let Some((mode, curve)) = best else {
            return Ok(None);
        };
        let stop = match (mode.looked, mode.arrived) {
            (true, _) => Stop::Callback,
            (false, true) => Stop::Converged,
            (false, false) => Stop::Steps,
        };
        Ok(Some(Ended {
            advi: self.clone(),
            blocks: vec![mode.position],
            curve,
            convergence: Convergence {
                converged: mode.arrived,
                evidence: Evidence::Slope { left: mode.left },
                too_coarse: false,
            },
            stop,
            gradients,
            setup_seconds: writing.as_secs_f64(),
            seconds: begin.elapsed().as_secs_f64(),
        }))
    }
}
