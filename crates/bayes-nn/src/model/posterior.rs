//! A model with its fitted guide.

use std::sync::Arc;

use bayes_nn_inference::diagnostics::Psis;
use bayes_nn_inference::{Approximation, Density, Site};
use bayes_nn_kernels::{Device, Precision};

use super::predictive::{Predictive, Source};
use super::{Data, Draws, Model, ModelDensity};
use crate::error::Error;

/// A model with the posterior that was found for it.
///
/// Draw `i` of a seed uses the same values of all variables in every method.
#[derive(Clone, Debug)]
pub struct Posterior<M> {
    approximation: Arc<Approximation>,
    pub(crate) predictive: Predictive<M>,
}

impl<M: Model> Posterior<M> {
    /// A posterior from a guide that was fitted earlier to this model, such as the last good
    /// state of a fit that was stopped.
    ///
    /// # Errors
    /// Whatever is wrong with the model or the data, and a guide whose sites are others.
    pub fn new(
        model: M,
        data: impl Into<Data>,
        approximation: Approximation,
    ) -> Result<Posterior<M>, Error> {
        let data = data.into();
        let density = ModelDensity::new(&model, data.clone())?;
        if density.sites() != approximation.sites() {
            return Err(Error::OtherModel {
                found: Site::list(approximation.sites()),
                expected: Site::list(density.sites()),
            });
        }
        Ok(Posterior::from_parts(
            model,
            data,
            approximation,
            Precision::F64,
        ))
    }
}

impl<M> Posterior<M> {
    pub(crate) fn from_parts(
        model: M,
        data: Data,
        approximation: Approximation,
        precision: Precision,
    ) -> Posterior<M> {
        let approximation = Arc::new(approximation);
        Posterior {
            predictive: Predictive {
                model,
                data,
                source: Source::Guide(approximation.clone()),
                precision,
                device: Device::cpu(),
            },
            approximation,
        }
    }

    /// This posterior with the predictions of networks computed elsewhere.
    pub fn on(mut self, device: Device) -> Posterior<M> {
        self.predictive.device = device;
        self
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.predictive.model
    }

    /// The guide in unconstrained space.
    pub fn approximation(&self) -> &Approximation {
        &self.approximation
    }
}

impl<M: Model> Posterior<M> {
    /// Posterior draws of every site and, for the data of the fit, every deterministic.
    ///
    /// # Errors
    /// No draws; draws that are not finite.
    pub fn posterior(&self, draws: usize, seed: u64) -> Result<Draws, Error> {
        self.predictive.posterior(draws, seed)
    }

    /// Draws of each observed variable for new data, with any number of rows. Columns that the
    /// model only observes may be missing.
    ///
    /// # Errors
    /// No draws; a column that is missing and needed; draws that are not finite.
    pub fn predictive(
        &self,
        data: impl Into<Data>,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        self.predictive.predictive(&data.into(), draws, seed)
    }

    /// Pareto-smoothed importance sampling from the guide to the posterior, by so many draws in
    /// double precision: weights of the draws that [`Posterior::posterior`] gives for this seed,
    /// and `k_hat`, which is below about 0.7 where the guide is near the posterior.
    ///
    /// For networks it is above (1.4 to 1.7 is usual), also where they predict well: no normal
    /// covers the many equal modes of their weights, nor all directions in which a mode is long.
    /// Judge those by their predictions, with [`compare()`](crate::compare()).
    ///
    /// # Errors
    /// Fewer than 25 draws; a draw at which the density is not finite.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let coin = model::from_fn(|trace, data| {
    ///     let p = trace.sample("p", Uniform::new(0.0, 1.0));
    ///     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0, 0.0])?;
    /// let fit = model::fit(&coin, &data, Advi::mean_field().steps(4_000))?;
    /// assert!(fit.psis(1_000, 0)?.k_hat.unwrap() < 0.7);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn psis(&self, draws: usize, seed: u64) -> Result<Psis, Error> {
        let Predictive { model, data, .. } = &self.predictive;
        let density = ModelDensity::new(model, data.clone())?;
        Ok(self.approximation.psis(&density, draws, seed)?)
    }

    /// The log density of every observed value under every draw, in nats: for each observed
    /// variable `[draws, ...shape]`. Never scaled, whatever batch the fit used.
    ///
    /// # Errors
    /// No draws; a missing column; values that are not finite.
    pub fn log_likelihood(
        &self,
        data: impl Into<Data>,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        self.predictive.log_likelihood(&data.into(), draws, seed)
    }
}
