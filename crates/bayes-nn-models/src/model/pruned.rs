//! A posterior without the weights that say least.

use super::{Model, Posterior};
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
        (pruned.fit, pruned.agreement) = (None, None);
        Ok(pruned)
    }
}
