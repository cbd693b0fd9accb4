//! What a run of a method left, whatever its model.

use bayes_nn::diagnostics::{Summary, SummaryRow};
use bayes_nn::model::{self, Data, Model};
use bayes_nn::{Advi, Approximation, Draws, Error, Nuts, Pathfinder, PathfinderFit};

/// A method with its settings.
#[derive(Clone, Debug)]
pub enum Method {
    /// Chains.
    Nuts(Nuts),
    /// A guide.
    Advi(Box<Advi>),
    /// Normals along paths.
    Pathfinder(Pathfinder),
}

impl Method {
    /// The same with this seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Method {
        match self {
            Method::Nuts(nuts) => Method::Nuts(nuts.seed(seed)),
            Method::Advi(advi) => Method::Advi(Box::new(advi.seed(seed))),
            Method::Pathfinder(pathfinder) => Method::Pathfinder(pathfinder.seed(seed)),
        }
    }
}

impl From<Nuts> for Method {
    fn from(nuts: Nuts) -> Method {
        Method::Nuts(nuts)
    }
}

impl From<Advi> for Method {
    fn from(advi: Advi) -> Method {
        Method::Advi(Box::new(advi))
    }
}

impl From<Pathfinder> for Method {
    fn from(pathfinder: Pathfinder) -> Method {
        Method::Pathfinder(pathfinder)
    }
}

/// Draws of a run that are kept.
const DRAWS: usize = 1_000;

/// Moments and diagnostics of all variables of a model, and what they cost.
#[derive(Clone, Debug)]
pub struct Run {
    /// One row for each element of each variable.
    pub summary: Summary,
    /// A thousand draws of all variables.
    pub draws: Draws,
    /// What the posterior warns of.
    pub warnings: Vec<String>,
    /// Whether a variational fit says that it converged; nothing of chains.
    pub converged: Option<bool>,
    /// Trajectories after the warm-up, of all chains.
    pub trajectories: usize,
    /// Of them those that diverged.
    pub divergences: usize,
    /// Trajectories that the limit of doublings ended.
    pub depth_reached: usize,
    /// Draws that double precision rejected.
    pub rejected: u64,
    /// Gradients of all chains, warm-up included, or of the fit, one a step.
    pub gradients: u64,
    /// Of them those of the warm-up.
    pub warmup_gradients: u64,
    /// Log densities without gradients, of Pathfinder.
    pub log_probs: u64,
    /// The k-hat of Pathfinder.
    pub k_hat: Option<f64>,
    /// The guide of a variational fit.
    pub guide: Option<Approximation>,
    /// Seconds from start to end, of chains with compilation.
    pub seconds: f64,
}

impl Run {
    /// Finds the posterior of a model.
    ///
    /// # Errors
    /// Those of [`model::fit`].
    pub fn of<M: Model + Clone>(
        model: &M,
        data: impl Into<Data>,
        method: &Method,
    ) -> Result<Run, Error> {
        match method {
            Method::Nuts(nuts) => {
                let samples = model::fit(model, data, nuts)?;
                let fit = samples.nuts().unwrap();
                let after = fit.chains().iter().flat_map(|c| c.draws().statistics());
                let steps: u64 = after.clone().map(|s| u64::from(s.leapfrog_steps)).sum();
                Ok(Run {
                    summary: samples.summary()?,
                    draws: samples.draws(DRAWS, 0)?,
                    warnings: samples.warnings(),
                    converged: None,
                    trajectories: after.count(),
                    divergences: fit.divergences(),
                    depth_reached: fit.depth_reached(),
                    rejected: fit.rejected(),
                    gradients: fit.gradients(),
                    warmup_gradients: fit.gradients() - steps,
                    log_probs: 0,
                    k_hat: None,
                    guide: None,
                    seconds: fit.seconds(),
                })
            }
            Method::Advi(advi) => {
                let guide = model::fit(model, data, &**advi)?;
                let fit = guide.advi().unwrap();
                Ok(Run {
                    summary: guide.summary()?,
                    draws: guide.draws(DRAWS, 0)?,
                    warnings: guide.warnings(),
                    converged: Some(fit.convergence().converged),
                    trajectories: 0,
                    divergences: 0,
                    depth_reached: 0,
                    rejected: 0,
                    gradients: fit.gradients(),
                    warmup_gradients: 0,
                    log_probs: 0,
                    k_hat: fit.k_hat(),
                    guide: Some(fit.approximation().clone()),
                    seconds: fit.setup_seconds() + fit.seconds(),
                })
            }
            Method::Pathfinder(pathfinder) => {
                let found = model::fit(model, data, pathfinder)?;
                let fit: &PathfinderFit = found.fit().unwrap();
                Ok(Run {
                    summary: found.summary()?,
                    draws: found.draws(DRAWS, 0)?,
                    warnings: found.warnings(),
                    converged: None,
                    trajectories: 0,
                    divergences: 0,
                    depth_reached: 0,
                    rejected: 0,
                    gradients: fit.gradients(),
                    warmup_gradients: 0,
                    log_probs: fit.log_probs(),
                    k_hat: Some(fit.k_hat()),
                    guide: None,
                    seconds: fit.seconds(),
                })
            }
        }
    }

    /// The draws of a scalar, as `beta[0]`, of a vector or a variable of one element.
    pub fn scalar(&self, name: &str) -> Option<Vec<f64>> {
        self.draws.variables().iter().find_map(|variable| {
            let elements = variable.shape().elements();
            let index = name.strip_prefix(variable.name())?;
            let element = match (elements, index) {
                (1, "") => 0,
                _ => index.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?,
            };
            (element < elements).then(|| variable.element(element))
        })
    }

    /// The row of a scalar, as `beta[0]`.
    pub fn row(&self, name: &str) -> Option<&SummaryRow> {
        self.summary.rows.iter().find(|row| row.name == name)
    }
}
