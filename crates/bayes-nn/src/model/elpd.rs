//! How well a model would predict data that it has not seen, by the data that it has.

use bayes_nn_inference::diagnostics::{
    Loo, PointwiseLogLikelihood, Waic, loo, relative_efficiency, waic,
};

use super::{Model, Posterior, Samples, Variable};
use crate::error::Error;

impl<M: Model> Samples<M> {
    /// Leave-one-out cross-validation of an observed variable of the data of the fit, by
    /// Pareto-smoothed importance sampling. Chains of unequal length are cut to the shortest that
    /// has a draw.
    ///
    /// The relative efficiency is the mean over all sites and deterministics, as in ArviZ.
    ///
    /// # Errors
    /// A name that is not observed; fewer than 25 draws; a log density that is not finite.
    ///
    /// ```
    /// # use bayes_nn::distributions::Normal;
    /// # use bayes_nn::model::{self, Data};
    /// # use bayes_nn::Nuts;
    /// # let model = model::from_fn(|trace, data| {
    /// #     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    /// #     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// # });
    /// let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 1.1])?;
    /// let samples = model::sample(&model, &data, Nuts::new().chains(2).seed(1))?;
    /// let loo = samples.loo("y")?;
    /// println!("{loo}");
    /// assert_eq!(loo.unreliable().count(), 0);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn loo(&self, observed: &str) -> Result<Loo, Error> {
        let scalars = self.scalars(|_| true);
        let slices: Vec<Vec<&[f64]>> = scalars
            .iter()
            .map(|(_, chains)| chains.iter().map(Vec::as_slice).collect())
            .collect();
        let slices: Vec<&[&[f64]]> = slices.iter().map(Vec::as_slice).collect();
        self.with_pointwise(observed, |pointwise| {
            Ok(loo(pointwise, relative_efficiency(&slices)?)?)
        })
    }

    /// The widely applicable information criterion of an observed variable of the data of the
    /// fit, of the draws that [`Samples::loo`] takes, which is to be preferred: it says where it
    /// fails.
    ///
    /// # Errors
    /// A name that is not observed; no draws; a log density that is not finite.
    pub fn waic(&self, observed: &str) -> Result<Waic, Error> {
        self.with_pointwise(observed, |pointwise| Ok(waic(pointwise)))
    }

    /// Hands on the log likelihood of an observed variable, chains cut to one length.
    fn with_pointwise<T>(
        &self,
        observed: &str,
        criterion: impl FnOnce(&PointwiseLogLikelihood<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let chains = self.pointwise()?;
        let chains = chains.iter().map(|chain| chain.variable(observed));
        let chains: Vec<&Variable> = chains.collect::<Result<_, Error>>()?;
        let length = chains.iter().map(|c| c.values().len()).min().unwrap_or(0);
        let observations = chains.first().map_or(0, |c| c.shape().elements());
        let values: Vec<&[f64]> = chains.iter().map(|c| &c.values()[..length]).collect();
        let shape = [chains.len(), length / observations.max(1), observations];
        criterion(&PointwiseLogLikelihood::new(&values.concat(), shape)?)
    }
}

impl<M: Model> Posterior<M> {
    /// Leave-one-out cross-validation of an observed variable of the data of the fit, by
    /// Pareto-smoothed importance sampling from so many draws of the guide: those of
    /// [`Posterior::posterior`] for this seed, which are independent.
    ///
    /// The guide is taken for the posterior. The k-hat of a value says whether these draws can
    /// stand in for those of a guide that has not seen it, not whether the guide is right: that
    /// says [`Posterior::psis`]. The spread of a guide that is too narrow, as mean-field ones are
    /// where variables are correlated, makes `p_loo` too small.
    ///
    /// # Errors
    /// A name that is not observed; fewer than 25 draws; a log density that is not finite.
    ///
    /// ```
    /// # use bayes_nn::distributions::Normal;
    /// # use bayes_nn::model::{self, Data};
    /// # use bayes_nn::Advi;
    /// # let model = model::from_fn(|trace, data| {
    /// #     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    /// #     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// # });
    /// let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 1.1])?;
    /// let fit = model::fit(&model, &data, Advi::mean_field().steps(4_000).seed(1))?;
    /// let loo = fit.loo("y", 2_000, 0)?;
    /// println!("{loo}");
    /// assert_eq!(loo.unreliable().count(), 0);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn loo(&self, observed: &str, draws: usize, seed: u64) -> Result<Loo, Error> {
        self.with_pointwise(observed, draws, seed, |pointwise| Ok(loo(pointwise, 1.0)?))
    }

    /// The widely applicable information criterion of an observed variable of the data of the
    /// fit, of the draws of the guide that [`Posterior::loo`] takes, and as far as the guide is
    /// right. [`Posterior::loo`] is to be preferred: it says where it fails.
    ///
    /// # Errors
    /// A name that is not observed; no draws; a log density that is not finite.
    pub fn waic(&self, observed: &str, draws: usize, seed: u64) -> Result<Waic, Error> {
        self.with_pointwise(observed, draws, seed, |pointwise| Ok(waic(pointwise)))
    }

    /// Hands on the log likelihood of an observed variable, draws as one chain.
    fn with_pointwise<T>(
        &self,
        observed: &str,
        draws: usize,
        seed: u64,
        criterion: impl FnOnce(&PointwiseLogLikelihood<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let all = self.log_likelihood(&self.predictive.data, draws, seed)?;
        let variable = all.variable(observed)?;
        let shape = [1, draws, variable.shape().elements()];
        criterion(&PointwiseLogLikelihood::new(variable.values(), shape)?)
    }
}
