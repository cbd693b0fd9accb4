//! The mode of a density, from the best of a few starts.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::automatic::{ITERATIONS, STARTS, is_settled};
use super::ended::Ended;
use super::{Advi, Curve, Family, Stop};
use crate::compiled::CompiledDensity;
use crate::variational::natural::Look;
use crate::variational::pathfinder::mode::{Mode, climb};
use crate::{Convergence, Density, Evidence, InferenceError};

impl Advi {
    /// A guide that is one point, the mode of the posterior (maximum a posteriori, MAP): of a network
    /// the deterministic one, with priors as weight decay.
    ///
    /// It is the mode in the model's own space: the density has no Jacobians of the maps from
    /// unconstrained space, so that the mode of a `Gamma(3, 2)` is 1. A density that is no model is
    /// taken as it is. Where a log density has no maximum, as where a scale of a hierarchy runs to
    /// zero, the fit has not [converged](crate::AdviFit::convergence).
    ///
    /// All draws of such a fit are the same point. It has no ELBO, but the log density there
    /// ([`elbo`](crate::AdviFit::elbo)), and no k-hat. A model of up to [300](super::MOST_COORDINATES)
    /// coordinates in double precision is climbed by L-BFGS from the best of four starts, of sixteen
    /// where these come to different modes, any other, and any for which steps, batches or an optimiser
    /// are set, by Adam.
    ///
    /// ```
    /// # use std::rc::Rc;
    /// # use bayes_nn_autodiff::Graph;
    /// # use bayes_nn_inference::{Advi, Density, DensityError, Handler, Method, Rows, Site, Term, Traced};
    /// # struct Normal(Vec<Site>);
    /// # impl Density for Normal {
    /// #     fn sites(&self) -> &[Site] { &self.0 }
    /// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
    /// #     fn trace<'g>(
    /// #         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
    /// #     ) -> Result<Traced<'g>, DensityError> {
    /// #         let x = handler.unconstrained("x", [1].into())?;
    /// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * (x - 2.0) * (x - 2.0)).sum())]))
    /// #     }
    /// # }
    /// # let density = Normal(vec![Site::new("x", [1], 0)]);
    /// let map = Advi::map().fit(&density)?;
    /// assert!((map.approximation().mean()[0] - 2.0).abs() < 1e-6);
    /// assert_eq!(map.approximation().sd(), [0.0]);
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    pub fn map() -> Advi {
        Advi::new(Family::Point)
    }

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
        let (mut gradients, mut modes) = (0, Vec::new());
        let no_spread = vec![0.0; density.dim()];
        for number in 0..self.most_starts() {
            let best_mode = best.as_ref().filter(|(best, _)| best.arrived);
            let best_mode = best_mode.map(|(best, _)| best.log_prob);
            if number >= STARTS && is_settled(best_mode, &modes) {
                break;
            }
            let start = self.numbered(number).start(density)?;
            let mut curve = Curve::default();
            let mut shown = 0;
            let mut look = |mean: &[f64], log_prob: f64| {
                curve.elbos.push(log_prob);
                let steps = curve.elbos.len();
                curve.clock.push((steps, begin.elapsed().as_secs_f64()));
                if self.is_interrupted() {
                    return ControlFlow::Break(());
                }
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
            if number >= STARTS && !mode.arrived && !looked {
                continue;
            }
            modes.extend(mode.arrived.then_some(mode.log_prob));
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
            (true, _) => self.stop_from_outside(),
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
            training: None,
            gradients,
            setup_seconds: writing.as_secs_f64(),
            seconds: begin.elapsed().as_secs_f64(),
        }))
    }
}
