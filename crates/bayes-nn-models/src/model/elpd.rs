//! How well a model would predict data that it has not seen, by the data that it has.

use bayes_nn_inference::diagnostics::{
    Loo, PointwiseLogLikelihood, Waic, loo, relative_efficiency, waic,
};

use super::{Draws, Model, Posterior, Variable};
use crate::error::Error;

impl<M: Model> Posterior<M> {
    /// Leave-one-out cross-validation of an observed variable of the data of the fit, by
    /// Pareto-smoothed importance sampling. Chains of unequal length are cut to the shortest that
    /// has a draw.
    ///
    /// Of chains the relative efficiency is the mean over all sites and deterministics, as in ArviZ.
    /// A guide gives 1,000 independent draws, or as many as [`Posterior::take`] took; it is then
    /// taken for the posterior: the k-hat of a value says whether these draws can stand in for
    /// those of a guide that has not seen it, not whether the guide is right.
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
    /// let samples = model::fit(&model, &data, &Nuts::new().chains(2).seed(1))?;
    /// let loo = samples.loo("y")?;
    /// println!("{loo}");
    /// assert_eq!(loo.unreliable().count(), 0);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn loo(&self, observed: &str) -> Result<Loo, Error> {
        self.with_pointwise(observed, |pointwise, _| {
            Ok(loo(pointwise, self.efficiency()?)?)
        })
    }

    /// The relative efficiency of the draws, 1 of independent ones.
    pub(crate) fn efficiency(&self) -> Result<f64, Error> {
        if self.nuts().is_none() {
            return Ok(1.0);
        }
        let scalars = self.scalars();
        let slices: Vec<Vec<&[f64]>> = scalars
            .iter()
            .map(|(_, chains)| chains.iter().map(Vec::as_slice).collect())
            .collect();
        let slices: Vec<&[&[f64]]> = slices.iter().map(Vec::as_slice).collect();
        Ok(relative_efficiency(&slices)?)
    }

    /// The widely applicable information criterion of an observed variable of the data of the
    /// fit, of the draws that [`Posterior::loo`] takes, which is to be preferred: it says where it
    /// fails.
    ///
    /// # Errors
    /// A name that is not observed; no draws; a log density that is not finite.
    pub fn waic(&self, observed: &str) -> Result<Waic, Error> {
        self.with_pointwise(observed, |pointwise, _| Ok(waic(pointwise)))
    }

    /// The log density of every value observed in the data of the fit, of each chain that has a
    /// draw; a guide is one chain.
    pub(crate) fn pointwise(&self) -> Result<Vec<Draws>, Error> {
        let own = &self.predictive;
        let all = own.log_likelihood(&own.data, self.own_draws()?, 0)?;
        let Some(table) = self.table() else {
            return Ok(vec![all]);
        };
        let lengths = table.lengths().iter().copied();
        Ok(all.parts(lengths.filter(|length| *length > 0)).collect())
    }

    /// Hands on the log likelihood of an observed variable, chains cut to one length, and its shape
    /// `[chains, draws, observations]`.
    pub(crate) fn with_pointwise<T>(
        &self,
        observed: &str,
        criterion: impl FnOnce(&PointwiseLogLikelihood<'_>, [usize; 3]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let chains = self.pointwise()?;
        let not_observed = |chain: &Draws| Error::NotObserved {
            name: observed.to_owned(),
            observed: match chain.names() {
                names if names.is_empty() => "the model observes nothing".to_owned(),
                names => format!("the model observes {names}"),
            },
        };
        let chains = chains
            .iter()
            .map(|chain| chain.variable(observed).map_err(|_| not_observed(chain)));
        let chains: Vec<&Variable> = chains.collect::<Result<_, Error>>()?;
        let length = chains.iter().map(|c| c.values().len()).min().unwrap_or(0);
        let observations = chains.first().map_or(0, |c| c.shape().elements());
        let values: Vec<&[f64]> = chains.iter().map(|c| &c.values()[..length]).collect();
        let shape = [chains.len(), length / observations.max(1), observations];
        criterion(
            &PointwiseLogLikelihood::new(&values.concat(), shape)?,
            shape,
        )
    }
}
