//! What a variational fit consists of.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Advi, AdviFit, Approximation, Curve, Elbo, Restart, Stop, Training};
use crate::{Concerns, Convergence, InferenceError, Site};

/// What an [`AdviFit`] consists of: all that it says follows from these.
#[derive(Clone, Debug)]
pub struct AdviParts {
    /// The fitted guide.
    pub approximation: Approximation,
    /// The ELBO of every step of the restart that was kept.
    pub curve: Curve,
    /// The ELBO of the fitted guide, see [`AdviFit::elbo`].
    pub elbo: Elbo,
    /// The shape of the tail of its importance ratios, see [`AdviFit::k_hat`].
    pub k_hat: Option<f64>,
    /// Whether more steps would not have changed the guide.
    pub convergence: Convergence,
    /// Why the fit ended.
    pub stop: Stop,
    /// The seed of the restart that was kept.
    pub seed: u64,
    /// The settings of the fit.
    pub settings: Advi,
    /// Gradients of the log density that it took.
    pub gradients: u64,
    /// Seconds before the first step.
    pub setup_seconds: f64,
    /// Seconds that its steps took.
    pub seconds: f64,
    /// All restarts, in the order of their seeds, that which was kept among them.
    pub restarts: Vec<Restart>,
    /// How many times as large as at the start standard deviations are, by site.
    pub sds_moved: Vec<(String, f64)>,
    /// What there is to say of the data, and of the precision.
    pub concerns: Concerns,
    /// Where its training is, to go on with it.
    pub training: Option<Arc<Training>>,
}

impl AdviFit {
    /// A fit from its parts.
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
    /// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * x * x).sum())]))
    /// #     }
    /// # }
    /// # let density = Normal(vec![Site::new("x", [1], 0)]);
    /// use bayes_nn_inference::AdviFit;
    /// let fit = Advi::mean_field().fit(&density)?;
    /// let again = AdviFit::new(fit.parts().clone())?;
    /// assert_eq!(again.to_string(), fit.to_string());
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`InferenceError::Parts`] for parts that do not belong together: settings of another family,
    /// more steps than they allow, two restarts of one seed or none that was kept, figures of a site
    /// twice or of one that the guide does not have, an ELBO or times that cannot be.
    pub fn new(parts: AdviParts) -> Result<AdviFit, InferenceError> {
        match parts.problem() {
            Some(problem) => Err(InferenceError::Parts { problem }),
            None => Ok(AdviFit { parts }),
        }
    }

    /// What it consists of.
    pub fn parts(&self) -> &AdviParts {
        &self.parts
    }

    /// What it consisted of.
    pub fn into_parts(self) -> AdviParts {
        self.parts
    }
}

impl AdviParts {
    fn problem(&self) -> Option<String> {
        let (guide, settings) = (self.approximation.family(), self.settings.family);
        if guide != settings {
            return Some(format!(
                "has a guide {guide:?} and settings of {settings:?}"
            ));
        }
        let steps = self.curve.elbos().len();
        let most = (self.settings.steps).map(|_| self.settings.last_step());
        if let Some(most) = most.filter(|most| (steps as u64) > *most) {
            return Some(format!(
                "has a curve of {steps} steps and settings of {most}"
            ));
        }
        if !(self.elbo.mean.is_finite() && self.elbo.mcse.is_finite()) {
            return Some(format!("has the ELBO {}, which is not finite", self.elbo));
        }
        let seconds = [self.seconds, self.setup_seconds];
        if let Some(seconds) = seconds.iter().find(|s| !(**s >= 0.0 && s.is_finite())) {
            return Some(format!("took {seconds} seconds"));
        }
        let training = self.training.as_ref();
        training
            .and_then(|training| training.problem(&self.settings))
            .or_else(|| self.problem_of_restarts())
            .or_else(|| self.problem_of_sites())
    }

    fn problem_of_restarts(&self) -> Option<String> {
        let mut seeds = HashSet::new();
        if let Some(twice) = self.restarts.iter().find(|r| !seeds.insert(r.seed)) {
            return Some(format!("has two restarts of the seed {}", twice.seed));
        }
        let sites = self.approximation.sites();
        let differs = |guide: &Approximation| guide.sites() != sites;
        let mut restarts = self.restarts.iter();
        if let Some(other) = restarts.find(|r| r.approximation.as_ref().is_some_and(differs)) {
            return Some(format!(
                "is of {}, and its restart of the seed {} of other sites",
                Site::list(sites),
                other.seed
            ));
        }
        let kept = self.restarts.iter().find(|r| r.seed == self.seed);
        match kept.and_then(|restart| restart.outcome.as_ref().ok()) {
            Some((elbo, _)) if *elbo == self.elbo => None,
            Some((elbo, _)) => Some(format!(
                "has the ELBO {}, and its restart of the seed {} has {elbo}",
                self.elbo, self.seed
            )),
            None => Some(format!(
                "is the restart of the seed {}, of which its restarts have no outcome",
                self.seed
            )),
        }
    }

    fn problem_of_sites(&self) -> Option<String> {
        let sites = self.approximation.sites();
        let mut names = HashSet::new();
        self.sds_moved.iter().find_map(|(name, _)| {
            if !sites.iter().any(|site| site.name == *name) {
                let sites = Site::list(sites);
                return Some(format!("says how sds of `{name}` moved, and is of {sites}"));
            }
            (!names.insert(name)).then(|| format!("says twice how sds of `{name}` moved"))
        })
    }
}
