//! The settings of Pathfinder: a builder that is checked when it is used.

use std::fmt;
use std::sync::Arc;

use bayes_nn_kernels::{Backend, Device, Precision};

use super::draws::Draws;
use crate::check::{MOST_RUNS, at_least_one, count, setting};
use crate::{Density, InferenceError, Progress, Start};

/// The most draws, proposals and draws of an ELBO.
const MOST_DRAWS: usize = 10_000_000;
/// Fewer proposals have no tail that importance weights could be judged by.
const LEAST_PROPOSALS: usize = 25;

/// Settings of Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022, "Pathfinder: Parallel
/// quasi-Newton variational inference", JMLR 23): draws near the posterior for a few hundred
/// gradients.
///
/// A path climbs from its start to a mode by L-BFGS. At each of its points the inverse Hessian that
/// the steps have left makes a normal, and the one with the highest ELBO is kept. Draws of the normals
/// of several paths are weighted by the density (Pareto-smoothed importance sampling) and drawn again
/// by their weights: a posterior that is narrower or wider than a normal, or curved, comes out right
/// where [k-hat](crate::PathfinderFit::k_hat) says so. Where it does not, the draws are those of
/// normals near a mode: of funnels and of scales in a hierarchy too narrow, yet good places for
/// chains and guides to begin ([`Start::Pathfinder`]).
///
/// All rows are read at every step.
///
/// Nothing is checked until the fit: a setting outside its range is then an
/// [`InferenceError::Setting`] that names it.
///
/// ```
/// # use std::rc::Rc;
/// # use bayes_nn_autodiff::Graph;
/// # use bayes_nn_inference::{Density, DensityError, Handler, Rows, Site, Term, Traced};
/// use bayes_nn_inference::{Method, Pathfinder};
/// # struct Normal(Vec<Site>);
/// # impl Density for Normal {
/// #     fn sites(&self) -> &[Site] { &self.0 }
/// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
/// #     fn trace<'g>(
/// #         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
/// #     ) -> Result<Traced<'g>, DensityError> {
/// #         let x = handler.unconstrained("x", [1].into())?;
/// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * x * x).sum())]))
/// #     }
/// # }
/// # let density = Normal(vec![Site::new("x", [1], 0)]);
/// let fit = Pathfinder::new().seed(1).fit(&density)?;
/// // The density lacks the factor 1 / sqrt(2 pi).
/// assert!((fit.elbo().mean - 0.5 * std::f64::consts::TAU.ln()).abs() < 1e-6);
/// assert!(fit.k_hat() < 0.5 && fit.gradients() < 50);
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until they fit"]
pub struct Pathfinder {
    pub(crate) paths: usize,
    pub(crate) draws: usize,
    pub(crate) proposals: usize,
    pub(crate) history: usize,
    pub(crate) elbo_draws: usize,
    pub(crate) max_iterations: u64,
    pub(crate) seed: u64,
    pub(crate) start: Start,
    pub(crate) threads: Option<usize>,
    pub(crate) device: Device,
    pub(crate) precision: Precision,
    pub(crate) progress: Option<Arc<dyn Progress>>,
}

impl Default for Pathfinder {
    fn default() -> Pathfinder {
        Pathfinder {
            paths: 4,
            draws: 1000,
            proposals: 1000,
            history: 10,
            elbo_draws: 6,
            max_iterations: 1000,
            seed: 0,
            start: Start::default(),
            threads: None,
            device: Device::default(),
            precision: Precision::F64,
            progress: None,
        }
    }
}

impl Pathfinder {
    /// Four paths, and 1000 draws.
    pub fn new() -> Pathfinder {
        Pathfinder::default()
    }

    /// Paths from starts of their own, 4 unless set.
    pub fn paths(mut self, paths: usize) -> Pathfinder {
        self.paths = paths;
        self
    }

    /// Draws of the result, 1000 unless set: proposals, drawn by their weights.
    pub fn draws(mut self, draws: usize) -> Pathfinder {
        self.draws = draws;
        self
    }

    /// Draws of the normals of all paths together that are weighted, 1000 unless set. Each takes one
    /// log density. Those of a path are stratified, so that averages vary less than those of
    /// independent draws.
    pub fn proposals(mut self, proposals: usize) -> Pathfinder {
        self.proposals = proposals;
        self
    }

    /// Steps that the inverse Hessian of a path remembers, 10 unless set.
    pub fn history(mut self, steps: usize) -> Pathfinder {
        self.history = steps;
        self
    }

    /// Draws by which the ELBO of a normal is compared with that of the best so far, 6 unless set.
    /// Normals far below it, or nearly the same, take two.
    pub fn elbo_draws(mut self, draws: usize) -> Pathfinder {
        self.elbo_draws = draws;
        self
    }

    /// Steps of a path at the most, 1000 unless set. A path usually arrives after 20 to 100.
    pub fn max_iterations(mut self, steps: u64) -> Pathfinder {
        self.max_iterations = steps;
        self
    }

    /// The seed of everything random; path `i` has the seed plus `i`. The same seed gives the same
    /// bits on a CPU.
    pub fn seed(mut self, seed: u64) -> Pathfinder {
        self.seed = seed;
        self
    }

    /// Where paths begin, uniformly unless set. A point at which density or gradient are not finite
    /// is drawn anew, up to 100 times.
    pub fn start_at(mut self, start: Start) -> Pathfinder {
        self.start = start;
        self
    }

    /// How many paths may run at the same time; as many as the machine has threads unless set.
    /// Results do not depend on it.
    pub fn threads(mut self, threads: usize) -> Pathfinder {
        self.threads = Some(threads);
        self
    }

    /// Where log densities and gradients are computed, the CPU unless set.
    pub fn device(mut self, device: Device) -> Pathfinder {
        self.device = device;
        self
    }

    /// The precision in which paths climb, double unless set. Draws are weighted by the density in
    /// double precision in any case.
    pub fn precision(mut self, precision: Precision) -> Pathfinder {
        self.precision = precision;
        self
    }

    /// Shows progress: paths as restarts, with the ELBO of their best normal so far.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Pathfinder {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// The draws of path `number`.
    pub(super) fn draws_of(&self, number: usize) -> Draws {
        Draws {
            seed: self.seed.wrapping_add(number as u64),
            strata: self.proposals.div_ceil(self.paths) as u64,
        }
    }

    /// What a fit keeps of these settings.
    pub(super) fn recorded(&self) -> Pathfinder {
        Pathfinder {
            progress: None,
            ..self.clone()
        }
    }

    /// Checks every setting.
    pub(super) fn check(&self, density: &dyn Density) -> Result<(), InferenceError> {
        count("paths", self.paths, MOST_RUNS)?;
        count("draws", self.draws, MOST_DRAWS)?;
        count("proposals", self.proposals, MOST_DRAWS)?;
        if self.proposals < LEAST_PROPOSALS.max(2 * self.paths) {
            let allowed = format!("at least {LEAST_PROPOSALS}, and two for each path");
            return Err(setting("proposals", self.proposals, allowed));
        }
        at_least_one("history", self.history as u64)?;
        count("elbo_draws", self.elbo_draws, MOST_DRAWS)?;
        if self.elbo_draws < 2 {
            return Err(setting("elbo_draws", self.elbo_draws, "2 or more"));
        }
        at_least_one("max_iterations", self.max_iterations)?;
        at_least_one("threads", self.threads.unwrap_or(1) as u64)?;
        if self.device.ranks() > 1 {
            return Err(setting("device", &self.device, "one device"));
        }
        if self.start == Start::Pathfinder {
            let allowed = "another start: paths have to begin somewhere";
            return Err(setting("start_at", "Pathfinder", allowed));
        }
        match density.dim() {
            0 => Err(InferenceError::NothingToFit),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Pathfinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pathfinder")
            .field("paths", &self.paths)
            .field("draws", &self.draws)
            .field("proposals", &self.proposals)
            .field("history", &self.history)
            .field("elbo_draws", &self.elbo_draws)
            .field("max_iterations", &self.max_iterations)
            .field("seed", &self.seed)
            .field("start", &self.start)
            .field("device", &self.device)
            .field("precision", &self.precision)
            .finish_non_exhaustive()
    }
}
