//! A posterior without the weights that say least, and one of another model.

use super::{DrawSource, Model, ModelDensity, Posterior};
use crate::error::Error;

impl<M: Model> Posterior<M> {
    /// This posterior of a network with a share of its weights removed: those whose mean is smallest
    /// beside their standard deviation, of all layers together. They are 0 in all draws and
    /// predictions; biases and all else stay as they are
    /// ([`Approximation::pruned`](bayes_nn_inference::Approximation::pruned)).
    ///
    /// What is left has not been fitted again. How much can be removed is for predictions of rows to
    /// say that had no part in it.
    ///
    /// ```
    /// use bayes_nn::nn::prior;
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(400, 0.2, 0)?.standardized();
    /// let bnn = Bnn::new(Mlp::new([2, 20, 1]).prior(prior::learned_scale()), Bernoulli);
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(2_000).restarts(1))?;
    /// let pruned = fit.pruned(0.5)?;
    /// let draws = pruned.draws(100, 0)?;
    /// let sds = [draws.variable("layer0.weight")?.sd(), draws.variable("layer1.weight")?.sd()];
    /// // Of 60 weights.
    /// assert_eq!(sds.iter().flatten().filter(|sd| **sd == 0.0).count(), 30);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Draws that come from no guide; as
    /// [`Approximation::pruned`](bayes_nn_inference::Approximation::pruned).
    pub fn pruned(&self, share: f64) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let guide = self.approximation().ok_or(Error::NoGuide)?;
        let mut pruned = self.clone();
        pruned.predictive.source = guide.pruned(share)?.into();
        (pruned.fit, pruned.agreement, pruned.explained) = (None, None, None);
        Ok(pruned)
    }

    /// A posterior of another model over the same data, by draws of its variables: of a part of this one,
    /// say. How rows are encoded and where predictions run stay the same; nothing is fitted.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = Data::new().column("x", &[0.0, 1.0, 2.0])?.column("y", &[0.1, 1.1, 1.9])?;
    /// let bnn = |noise: f64| {
    ///     let head = Gaussian::new().noise_prior(HalfNormal::new(noise));
    ///     Bnn::new(Mlp::new([1, 1]), head)
    /// };
    /// let fit = bnn(1.0).fit(&data, &Advi::mean_field().steps(50))?;
    /// let same = fit.with_model(bnn(2.0), fit.source().clone())?;
    /// assert_eq!(same.predict(&data, 10)?.mean(), fit.predict(&data, 10)?.mean());
    /// let wider = Bnn::new(Mlp::new([1, 2, 1]), Gaussian::new());
    /// assert!(fit.with_model(wider, fit.source().clone()).is_err());
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Draws of other variables than the model's; whatever is wrong with the model over these data.
    pub fn with_model<N: Model + Clone>(
        &self,
        model: N,
        source: impl Into<DrawSource>,
    ) -> Result<Posterior<N>, Error> {
        let (own, source) = (&self.predictive, source.into());
        let density = ModelDensity::described(&model, own.data.clone())?;
        density.check_others(source.sites())?;
        drop(density);
        let posterior = Posterior::from_parts(model, own.data.clone(), source, own.precision);
        let mut posterior = posterior
            .on(own.device.clone())
            .augmented_by(self.augmented.clone());
        posterior.predictive.target.clone_from(&own.target);
        posterior.taken_up(None, None, None)
    }
}
