//! The guide of a posterior as a proposal: weights of its draws, and draws by weight.

use bayes_nn_inference::diagnostics::Psis;

use super::{Model, ModelDensity, Posterior, check_draws};
use crate::error::Error;

impl<M: Model> Posterior<M> {
    /// Pareto-smoothed importance sampling from the guide to the posterior, by so many draws in
    /// double precision: weights of the draws that [`Posterior::draws`] gives for this seed,
    /// and `k_hat`, which is below about 0.7 where the guide is near the posterior.
    ///
    /// For networks it is above (1.4 to 1.7 is usual), also where they predict well: no normal
    /// covers the many equal modes of their weights, nor all directions in which a mode is long.
    /// Judge those by their predictions, with [`compare()`](crate::compare()).
    ///
    /// # Errors
    /// Draws that come from no guide; fewer than 25 draws; a draw at which the density is not
    /// finite.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let coin = model::from_fn(|trace, data| {
    ///     let p = trace.sample("p", Uniform::new(0.0, 1.0));
    ///     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0, 0.0])?;
    /// let fit = model::fit(&coin, &data, &Advi::mean_field().steps(4_000))?;
    /// assert!(fit.psis(1_000, 0)?.k_hat.unwrap() < 0.7);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn psis(&self, draws: usize, seed: u64) -> Result<Psis, Error> {
        let guide = self.approximation().ok_or(Error::NoGuide)?;
        let density = ModelDensity::new(self.model(), self.predictive.data.clone())?;
        Ok(guide.psis(&density, draws, seed)?)
    }

    /// A posterior of so many draws, as a table, which are not those of the guide, but of the posterior
    /// itself as far as the guide reaches: draws of the guide by their importance weights (Vehtari,
    /// Simpson, Gelman, Yao and Gabry 2024, "Pareto smoothed importance sampling", JMLR 25; Yao, Vehtari,
    /// Simpson and Gelman 2018, "Yes, but did it work?", ICML). Where the guide is near, that mends
    /// means and standard deviations, and where it is not, by its k-hat, it is refused.
    ///
    /// They are chosen from four times as many draws of the guide, 4,000 at least, each of which takes a log
    /// density. Those of large weight come more than once, which diagnostics of chains, such as effective
    /// draws, do not know of.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// // One observation far out in the tail of the prior, with heavy tails of its own.
    /// let model = model::from_fn(|trace, data| {
    ///     let x = trace.sample("x", Normal::new(0.0, 1.0));
    ///     trace.observe("y", distributions::Cauchy::new(x, 0.5), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[3.0])?;
    /// let fit = model::fit(&model, &data, &Advi::mean_field())?;
    /// let resampled = fit.resampled(20_000, 0)?;
    /// let guide = fit.draws(20_000, 0)?.variable("x")?.mean()[0];
    /// let mended = resampled.all_draws()?.variable("x")?.mean()[0];
    /// // By quadrature the mean is 0.985, and that of the nearest normal 0.930.
    /// assert!((guide - 0.930).abs() < 0.02 && (mended - 0.985).abs() < 0.02);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Posterior::psis`]; with k-hat, where it is above 0.7
    /// ([`InferenceError::TooFar`](bayes_nn_inference::InferenceError::TooFar)).
    pub fn resampled(&self, draws: usize, seed: u64) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        check_draws(draws)?;
        let guide = self.approximation().ok_or(Error::NoGuide)?;
        let density = ModelDensity::new(self.model(), self.predictive.data.clone())?;
        self.of_draws(guide.resampled(&density, draws, seed)?)
    }
}
