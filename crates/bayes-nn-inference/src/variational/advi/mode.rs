//! The mode of a density, from the best of a few starts.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::checkpoint::Board;
use super::climbs::Climbs;
use super::ended::Ended;
use super::job::Job;
use super::search::ITERATIONS;
use super::{Advi, Curve, Family, Stop};
use crate::compiled::CompiledDensity;
use crate::variational::natural::{Look, States};
use crate::variational::pathfinder::mode::{Mode, climb};
use crate::{Density, InferenceError};

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

    /// Climbs to the mode, from its starts or those that are left; nothing if no start has a finite density.
    pub(super) fn climb(
        &self,
        (density, board): (&dyn Density, Option<&Board<'_>>),
        job: Job<'_>,
        mut compiled: CompiledDensity,
        writing: Duration,
    ) -> Result<Option<Ended>, InferenceError> {
        let begin = Instant::now();
        let (mut climbs, before) = match job.from {
            Some(trained) if trained.is_at_its_end() => {
                return Ok(Some(trained.clone().end(self, density)?));
            }
            Some(trained) => (Climbs::of(trained, density.dim())?, trained.seconds),
            None => (Climbs::default(), 0.0),
        };
        let trained = |climbs: &Climbs, stop| {
            let seconds = (
                before + begin.elapsed().as_secs_f64(),
                writing.as_secs_f64(),
            );
            climbs.trained((self, job.restart), seconds, stop)
        };
        let mut on_its_way = None;
        while climbs.tried < self.most_starts() && !climbs.are_enough() {
            let start = self.numbered(climbs.tried).start(density)?;
            let Some((mode, curve)) = self.climb_one(job.restart, start, &mut compiled, begin)?
            else {
                climbs.tried += 1;
                continue;
            };
            if mode.looked {
                on_its_way = Some((mode, curve));
                break;
            }
            climbs.take(mode, curve);
            if let Some(board) = board.filter(|_| climbs.best.is_some()) {
                board.post(trained(&climbs, None))?;
            }
        }
        let Some((mode, curve)) = on_its_way else {
            let arrived = match &climbs.best {
                Some((best, _)) => best.arrived,
                None => return Ok(None),
            };
            let stop = match arrived {
                true => Stop::Converged,
                false => Stop::Steps,
            };
            let trained = trained(&climbs, Some(stop));
            if let Some(board) = board {
                board.post(trained.clone())?;
            }
            return Ok(Some(trained.end(self, density)?));
        };
        // The path on its way is shown, and climbed anew where the fit goes on.
        let left = trained(&climbs, None);
        climbs.take(mode, curve);
        let shown = trained(&climbs, Some(self.stop_from_outside()));
        let mut ended = shown.end(self, density)?;
        ended.training = Some(left);
        Ok(Some(ended))
    }

    /// Climbs from one start, with the log density of each step; nothing if there is none at the start.
    fn climb_one(
        &self,
        restart: usize,
        start: Vec<f64>,
        compiled: &mut CompiledDensity,
        begin: Instant,
    ) -> Result<Option<(Mode, Curve)>, InferenceError> {
        let no_spread = vec![0.0; start.len()];
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
                states: &States::new,
            };
            let since = shown;
            shown = steps;
            self.show(restart, &look, &curve.elbos[since..])
        };
        let mode = climb(compiled, start, ITERATIONS, &mut look)
            .map_err(|error| InferenceError::Density(Box::new(error)))?;
        Ok(mode.map(|mode| (mode, curve)))
    }
}
