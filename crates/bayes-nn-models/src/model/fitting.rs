//! Fitting a model by variational inference.

use bayes_nn_inference::Advi;
use bayes_nn_kernels::Profile;

use super::{Data, Model, ModelDensity, Posterior};
use crate::error::Error;

/// Fits a model to data by variational inference.
///
/// # Errors
/// Whatever is wrong with the model, the data or the settings, and a fit that ran into numbers
/// that are not finite: then [`Error::last_good`] is what it had reached.
pub fn fit<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    advi: &Advi,
) -> Result<Posterior<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    let fit = advi.fit(&density)?;
    Ok(Posterior::of_fit(model.clone(), data, fit))
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
