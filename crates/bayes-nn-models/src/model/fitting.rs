//! Finding the posterior of a model.

use bayes_nn_inference::{Advi, Approximation, Fit, GradientVariances, Method};
use bayes_nn_kernels::Profile;

use super::{Data, Model, ModelDensity, Posterior};
use crate::error::Error;
use crate::predict::HeldOutRows;

/// Finds the posterior of a model and data: by [`Advi`], which fits a guide, by
/// [`Nuts`](bayes_nn_inference::Nuts), whose chains are exact, by
/// [`Sgld`](bayes_nn_inference::Sgld), whose chains take minibatches, by
/// [`Pathfinder`](bayes_nn_inference::Pathfinder), which is quick and near, or by a [`Method`] of one's
/// own.
///
/// # Errors
/// Whatever is wrong with the model, the data or the settings. A variational fit that ran into
/// numbers that are not finite: then [`Error::last_good`] is what it had reached. Chains: no start
/// with a finite density; no chain with any draw.
///
/// ```
/// use bayes_nn::prelude::*;
/// use bayes_nn::Sgld;
/// use bayes_nn::model::{Batch, Trace};
///
/// fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
///     let slope = trace.sample("slope", Normal::new(0.0, 2.0));
///     let noise = trace.sample("noise", HalfNormal::new(1.0));
///     trace.observe("y", Normal::new(slope * data.column("x"), noise), data.column("y"));
/// }
///
/// let x = [0.5, 1.0, 1.5, 2.0, 2.5];
/// let data = Data::new().column("x", &x)?.column("y", &[1.1, 1.9, 3.2, 3.9, 5.1])?;
/// let guide = model::fit(&line, &data, &Advi::full_rank().seed(1))?;
/// let exact = model::fit(&line, &data, &Nuts::new().chains(2).seed(1))?;
/// let langevin = Sgld::new().step_size(1e-4).warmup(20_000).thinning(20).seed(1);
/// let langevin = model::fit(&line, &data, &langevin)?;
/// let near = model::fit(&line, &data, &Pathfinder::new().seed(1))?;
/// println!("{exact}");
/// for posterior in [guide, exact, langevin, near] {
///     let slope = posterior.draws(1_000, 0)?.variable("slope")?.mean()[0];
///     assert!((slope - 2.0).abs() < 0.1, "{slope}");
/// }
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn fit<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    method: &impl Method,
) -> Result<Posterior<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    Posterior::of(model.clone(), data, method.fit(&density)?)
}

/// As [`fit`] by [`Advi`], with rows held out of the data that score the guide after every epoch: by
/// the log likelihood of a row, with accuracy or RMSE, in the fit's
/// [curve](bayes_nn_inference::Curve::scores). They change nothing of the fit, unless
/// [`Advi::patience`] lets them end it.
///
/// ```
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(400, 0.3, 0)?.standardized();
/// let (train, valid) = data.split(0.5, 0)?;
/// let bnn = Bnn::new(Mlp::new([2, 20, 1]), Bernoulli);
/// let advi = Advi::mean_field().steps(4_000).patience(20);
/// let fit = model::fit_validated(&bnn, &train, &valid, &advi)?;
/// println!("{fit}");
/// let best = fit.advi().unwrap().curve().best_score().unwrap();
/// assert!(best.score.log_likelihood > -0.4 && best.score.accuracy > Some(0.85));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
///
/// Of held-out rows that are [streamed](Data::stream) up to 65,536, or as many as have four million
/// numbers, are chosen at random, once for the fit.
///
/// # Errors
/// As [`fit`]; rows that are scaled otherwise than those of the fit, are wider, lack a column or have
/// values that cannot be; a fit by natural gradients, which has no epochs.
pub fn fit_validated<M: Model + Clone>(
    model: &M,
    train: impl Into<Data>,
    valid: impl Into<Data>,
    advi: &Advi,
) -> Result<Posterior<M>, Error> {
    let train = train.into();
    let held_out = HeldOutRows::new(model, &train, valid.into())?;
    let density = ModelDensity::new(model, train.clone())?.with_held_out(&held_out);
    Posterior::of(model.clone(), train, advi.fit(&density)?)
}

impl<M: Model> Posterior<M> {
    /// The posterior of a fit that was found earlier for this model and these data, or put together
    /// from its parts.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// use bayes_nn::AdviFit;
    /// let model = model::from_fn(|trace, data| {
    ///     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    ///     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 1.1])?;
    /// let posterior = model::fit(&model, &data, &Advi::mean_field())?;
    /// let fit = AdviFit::new(posterior.advi().unwrap().parts().clone())?;
    /// let again = Posterior::from_fit(&model, &data, fit)?;
    /// assert_eq!(again.to_string(), posterior.to_string());
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Posterior::new`].
    pub fn from_fit(model: M, data: impl Into<Data>, fit: impl Fit) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let data = data.into();
        ModelDensity::new(&model, data.clone())?.check_others(fit.source().sites())?;
        Posterior::of(model, data, fit)
    }
}

/// Where the time of a step goes: runs the first `steps` steps of a fit and measures every pass.
///
/// # Errors
/// As [`fit`], before its first step.
///
/// ```
/// use bayes_nn::prelude::*;
/// use bayes_nn::model;
/// let data = datasets::moons(500, 0.2, 0)?.standardized();
/// let bnn = Bnn::new(Mlp::new([2, 5, 5, 1]), Bernoulli);
/// println!("{}", model::profile(&bnn, &data, &Advi::mean_field(), 100)?);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn profile<M: Model>(
    model: &M,
    data: impl Into<Data>,
    advi: &Advi,
    steps: u64,
) -> Result<Profile, Error> {
    let density = ModelDensity::new(model, data.into())?;
    Ok(advi.profile(&density, steps)?)
}

/// How noisy the gradients of a fit with these settings are at a guide, such as the fitted one, by
/// draws of weights and by draws of their products with inputs: over so many steps each.
///
/// ```
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(200, 0.2, 0)?.standardized();
/// let bnn = Bnn::new(Mlp::new([2, 20, 1]), Bernoulli);
/// let advi = Advi::mean_field().steps(1_000).batch(20);
/// let fit = bnn.fit(&data, &advi)?;
/// let guide = fit.approximation().unwrap();
/// let variances = model::gradient_variances(&bnn, &data, &advi, guide, 2_000)?;
/// println!("{variances}");
/// let [by_means, by_spreads] = variances.ratios();
/// assert!(by_means > 1.0 && by_spreads > 1.0);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
///
/// # Errors
/// As [`fit`], before its first step; [`Advi::gradient_variances`].
pub fn gradient_variances<M: Model>(
    model: &M,
    data: impl Into<Data>,
    advi: &Advi,
    guide: &Approximation,
    steps: usize,
) -> Result<GradientVariances, Error> {
    let density = ModelDensity::new(model, data.into())?;
    Ok(advi.gradient_variances(&density, guide, steps)?)
}
