//! What a run of a method left, whatever its model.

use bayes_nn::diagnostics::{Summary, SummaryRow};
use bayes_nn::model::{self, Data, Model};
use bayes_nn::{Advi, Error, Nuts};

/// A method with its settings.
#[derive(Clone, Debug)]
pub enum Method {
    /// Chains.
    Nuts(Nuts),
    /// A guide.
    Advi(Advi),
}

impl Method {
    /// The same with this seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Method {
        match self {
            Method::Nuts(nuts) => Method::Nuts(nuts.seed(seed)),
            Method::Advi(advi) => Method::Advi(advi.seed(seed)),
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
        Method::Advi(advi)
    }
}

/// Moments and diagnostics of all variables of a model, and what they cost.
#[derive(Clone, Debug)]
pub struct Run {
    /// One row for each element of each variable.
    pub summary: Summary,
    /// What the posterior warns of.
    pub warnings: Vec<String>,
    /// Whether a variational fit says that it converged; nothing of chains.
    pub converged: Option<bool>,
    /// Divergent trajectories after the warm-up.
    pub divergences: usize,
    /// Trajectories that the limit of doublings ended.
    pub depth_reached: usize,
    /// Draws that double precision rejected.
    pub rejected: u64,
    /// Gradients of all chains, warm-up included, or of the fit, one a step.
    pub gradients: u64,
    /// Of them those of the warm-up.
    pub warmup_gradients: u64,
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
                let after: u64 = after.map(|s| u64::from(s.leapfrog_steps)).sum();
                Ok(Run {
                    summary: samples.summary()?,
                    warnings: samples.warnings(),
                    converged: None,
                    divergences: fit.divergences(),
                    depth_reached: fit.depth_reached(),
                    rejected: fit.rejected(),
                    gradients: fit.gradients(),
                    warmup_gradients: fit.gradients() - after,
                    seconds: fit.seconds(),
                })
            }
            Method::Advi(advi) => {
                let guide = model::fit(model, data, advi)?;
                let fit = guide.advi().unwrap();
                Ok(Run {
                    summary: guide.summary()?,
                    warnings: guide.warnings(),
                    converged: Some(fit.convergence().converged),
                    divergences: 0,
                    depth_reached: 0,
                    rejected: 0,
                    gradients: fit.steps(),
                    warmup_gradients: 0,
                    seconds: fit.setup_seconds() + fit.seconds(),
                })
            }
        }
    }

    /// The row of a scalar, as `beta[0]`.
    pub fn row(&self, name: &str) -> Option<&SummaryRow> {
        self.summary.rows.iter().find(|row| row.name == name)
    }
}
