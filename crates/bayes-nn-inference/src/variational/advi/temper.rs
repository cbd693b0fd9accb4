//! Objectives that weigh the divergence of guide and prior otherwise than the ELBO does: tempered
//! posteriors, and an ELBO whose divergence sets in by and by.

use bayes_nn_autodiff::Var;

use super::guide::Guide;
use super::{Advi, AdviFit};
use crate::check::{positive, setting};
use crate::{Density, InferenceError, Optimizer, Traced};

impl Advi {
    /// Fits a tempered posterior instead of the model's: the divergence of guide and prior counts
    /// `T` times, in
    ///
    /// ```text
    /// E_q[log p(y | w)] - T KL(q || p(w))
    /// ```
    ///
    /// which is largest, among all guides, at the one proportional to `p(y | w)^(1/T) p(w)`: the
    /// likelihood is tempered, the prior is not. A cold posterior (Wenzel et al. 2020, "How good is
    /// the Bayes posterior in deep neural networks really?", equation 1) has the prior to the power
    /// `1/T`, too. What is not the prior of a site counts as likelihood.
    ///
    /// Off unless set. Every report then says that it is not the model's posterior; the ELBOs in it
    /// stay those of the model. Not of points, nor by [`Optimizer::ivon`].
    pub fn temperature(mut self, temperature: f64) -> Advi {
        self.by_optimizer = true;
        self.temperature = Some(temperature);
        self
    }

    /// Lets the divergence of guide and prior set in by and by: its weight in the objective rises from
    /// 0 to 1, or to the [temperature](Advi::temperature), over the first `share` of the steps (of all
    /// that there may be, where a fit may end before). The posterior is that of the model once the
    /// weight is 1; until then a fit does not converge, and lets held-out rows not end it.
    ///
    /// Off unless set. Not of points, nor by [`Optimizer::ivon`].
    pub fn kl_annealing(mut self, share: f64) -> Advi {
        self.by_optimizer = true;
        self.kl_annealing = Some(share);
        self
    }

    /// Steps in which the weight of the divergence rises.
    pub(super) fn annealed_steps(&self) -> u64 {
        let share = self.kl_annealing.unwrap_or(0.0);
        (share * self.step_count() as f64).ceil() as u64
    }

    /// The weight of the divergence at a step; nothing where it always counts once.
    fn kl_weight<'g>(&self, step: Var<'g>) -> Option<Var<'g>> {
        let temperature = self.temperature.unwrap_or(1.0);
        match self.annealed_steps() {
            0 if temperature == 1.0 => None,
            0 => Some(Var::from(temperature)),
            steps => {
                let risen = (step + 1.0) * (1.0 / steps as f64);
                Some(temperature * risen.minimum(1.0))
            }
        }
    }

    /// What is differentiated in a step, and the model's ELBO.
    pub(super) fn objective<'g>(
        &self,
        density: &dyn Density,
        traced: &Traced<'g>,
        guide: &Guide<'g>,
        step: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let Some(weight) = self.kl_weight(step) else {
            return guide.objective(traced.log_prob(), self.estimator);
        };
        let sum = |of_prior: bool| {
            let terms = traced.terms.iter();
            let own = terms.filter(|term| is_prior(density, &term.name) == of_prior);
            own.fold(Var::from(0.0), |sum, term| sum + term.value)
        };
        let (likelihood, prior) = (sum(false), sum(true));
        let (path, divergence) = guide.objective(prior, self.estimator);
        (likelihood + weight * path, likelihood + divergence)
    }

    /// Checks the settings of the weight of the divergence.
    pub(super) fn check_temper(&self, density: &dyn Density) -> Result<(), InferenceError> {
        let (field, value) = match (self.temperature, self.kl_annealing) {
            (None, None) => return Ok(()),
            (Some(temperature), _) => ("temperature", temperature),
            (None, Some(share)) => ("kl_annealing", share),
        };
        positive("temperature", self.temperature.unwrap_or(1.0))?;
        if let Some(share) = self.kl_annealing.filter(|s| !(*s > 0.0 && *s <= 1.0)) {
            return Err(setting("kl_annealing", share, "above 0 and at most 1"));
        }
        let refuse = |allowed: &str| Err(setting(field, value, allowed));
        if self.layout(density).is_a_point() {
            return refuse("left out of a fit of points, which have no divergence from a prior");
        }
        if let Optimizer::Ivon { .. } = self.optimizer {
            return refuse(
                "left out with `Optimizer::ivon()`, whose memory is of precisions at T = 1",
            );
        }
        Ok(())
    }

    /// Checks that the prior can be told from the likelihood.
    pub(super) fn check_prior(
        &self,
        density: &dyn Density,
        traced: &Traced<'_>,
    ) -> Result<(), InferenceError> {
        let mut terms = traced.terms.iter();
        let known = terms.any(|term| is_prior(density, &term.name));
        match (self.temperature, self.kl_annealing) {
            (Some(value), _) if !known => Err(setting("temperature", value, UNKNOWN_PRIOR)),
            (None, Some(value)) if !known => Err(setting("kl_annealing", value, UNKNOWN_PRIOR)),
            _ => Ok(()),
        }
    }
}

const UNKNOWN_PRIOR: &str = "left out for a density without a term named after one of its sites: \
                             which of its terms are priors is not known";

fn is_prior(density: &dyn Density, term: &str) -> bool {
    density.sites().iter().any(|site| site.name == term)
}

impl AdviFit {
    /// What was fitted, if that is not the model's posterior; a sentence each.
    pub(super) fn tempered(&self) -> Vec<String> {
        let settings = self.settings();
        let mut found = Vec::new();
        if let Some(temperature) = settings.temperature.filter(|t| *t != 1.0) {
            found.push(format!(
                "tempered posterior, T = {temperature}: not the model's posterior"
            ));
        }
        let (annealed, steps) = (settings.annealed_steps(), self.steps());
        if steps < annealed {
            found.push(format!(
                "the fit ended after {steps} of the {annealed} steps in which the KL divergence sets \
                 in: not the model's posterior"
            ));
        }
        found
    }

    /// How the divergence set in, if it did so by and by.
    pub(super) fn annealing(&self) -> Option<String> {
        let annealed = self.settings().annealed_steps();
        let weight = self.settings().temperature.unwrap_or(1.0);
        (annealed > 0).then(|| {
            format!("the weight of the KL divergence rose from 0 to {weight} in {annealed} steps")
        })
    }
}
