//! Fitting a model to data.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use bayes_nn_inference::{Advi, AdviFit};
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
    advi: impl Borrow<Advi>,
) -> Result<Fit<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    let result = advi.borrow().fit(&density)?;
    let approximation = result.approximation().clone();
    let posterior = Posterior::from_parts(model.clone(), data, approximation, result.precision());
    Ok(Fit {
        posterior: posterior.on(result.device().clone()),
        result,
    })
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
/// println!("{}", model::profile(&bnn, &data, Advi::mean_field(), 100)?);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn profile<M: Model>(
    model: &M,
    data: impl Into<Data>,
    advi: impl Borrow<Advi>,
    steps: u64,
) -> Result<Profile, Error> {
    let density = ModelDensity::new(model, data.into())?;
    Ok(advi.borrow().profile(&density, steps)?)
}

/// A fitted model: its [`Posterior`], and how the fit went.
///
/// Shown with `{}` it is a small table.
#[derive(Debug)]
pub struct Fit<M> {
    posterior: Posterior<M>,
    result: AdviFit,
}

impl<M> Fit<M> {
    /// How the fit went: ELBO, its curve, convergence, restarts, seconds.
    pub fn result(&self) -> &AdviFit {
        &self.result
    }
}

impl<M> Deref for Fit<M> {
    type Target = Posterior<M>;
    fn deref(&self) -> &Posterior<M> {
        &self.posterior
    }
}

impl<M> fmt::Display for Fit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.result.fmt(f)
    }
}
