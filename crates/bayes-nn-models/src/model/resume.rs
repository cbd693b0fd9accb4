//! Fits whose training goes on.

use bayes_nn_inference::{AdviFit, Fit, InferenceError, Resume, ResumeError};

use super::{Data, Model, ModelDensity, Posterior};
use crate::error::Error;
use crate::predict::HeldOutRows;

impl<M: Model + Clone> Posterior<M> {
    /// Goes on with the training of a variational fit on its data: to the end that was set, with the bits
    /// of a fit that was not interrupted ([`Resume::rest`]), or beyond it by so many steps at the last
    /// learning rate (a number, or [`Resume::steps`]) or with a new cycle of it ([`Resume::cycle`]).
    ///
    /// The fit may come from a file, be it saved by [`Posterior::save`] or a
    /// [checkpoint](bayes_nn_inference::Advi::checkpoint). Files have no values of the data, so that the
    /// rows are those of the fit in their order is up to the caller; their number, the columns and how
    /// they are scaled and encoded are compared.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// use bayes_nn::Resume;
    /// let train = datasets::moons(200, 0.2, 0)?.standardized();
    /// let advi = Advi::mean_field().steps(500).seed(1);
    /// let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&train, &advi)?;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-resumed-{}.bnn", std::process::id()));
    /// fit.save(&path)?;
    ///
    /// let longer = Bnn::load(&path)?.resume(&train, Resume::cycle(1_000))?;
    /// # std::fs::remove_file(&path).unwrap();
    /// assert_eq!(longer.advi().unwrap().steps(), 1_500);
    /// assert!(longer.advi().unwrap().elbo().mean > fit.advi().unwrap().elbo().mean);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// Chains of NUTS go on from [`Nuts::checkpoints`](bayes_nn_inference::Nuts::checkpoints).
    ///
    /// # Errors
    /// [`Error::OtherData`]; [`ResumeError`] for a fit that cannot go on, as one by another method or
    /// under another version of the random stream; as [`model::fit`](super::fit).
    pub fn resume(
        &self,
        data: impl Into<Data>,
        resume: impl Into<Resume>,
    ) -> Result<Posterior<M>, Error> {
        let (data, fit) = (self.data_again(data)?, self.resumable()?);
        let density = ModelDensity::new(self.model(), data.clone())?;
        let resumed = fit.resume(&density, resume)?;
        let augmented = density.augmented();
        self.resumed(data, resumed, augmented)
    }

    /// As [`Posterior::resume`], with the rows held out that score the guide on the way: of a fit by
    /// [`fit_validated`](super::fit_validated).
    ///
    /// # Errors
    /// As [`Posterior::resume`] and [`fit_validated`](super::fit_validated).
    pub fn resume_validated(
        &self,
        data: impl Into<Data>,
        valid: impl Into<Data>,
        resume: impl Into<Resume>,
    ) -> Result<Posterior<M>, Error> {
        let (data, fit) = (self.data_again(data)?, self.resumable()?);
        let held_out = HeldOutRows::new(self.model(), &data, valid.into())?;
        let density = ModelDensity::new(self.model(), data.clone())?.with_held_out(&held_out);
        let resumed = fit.resume(&density, resume)?;
        let augmented = density.augmented();
        self.resumed(data, resumed, augmented)
    }

    /// The data of the fit, handed in again.
    fn data_again(&self, data: impl Into<Data>) -> Result<Data, Error> {
        let fitted = &self.predictive.data;
        let data = data.into();
        let differs = |problem: String| Err(Error::OtherData { problem });
        if let Some(problem) = data.other_recipe_than(fitted) {
            return differs(problem);
        }
        let data = data.encoded_as(fitted)?;
        data.check_scale(fitted)?;
        data.check_target_scale(fitted)?;
        match fitted.problem_of(&data) {
            Some(problem) => differs(problem),
            None => Ok(data),
        }
    }

    /// The variational fit.
    fn resumable(&self) -> Result<&AdviFit, Error> {
        let refused = |method, remedy| {
            let error = ResumeError::OtherMethod { method, remedy };
            Error::from(InferenceError::from(error))
        };
        match (self.advi(), self.found()) {
            (Some(fit), _) => Ok(fit),
            (None, Some(fit)) if self.nuts().is_some() => Err(refused(
                Fit::method(fit),
                "chains go on with more draws from `Nuts::checkpoints`",
            )),
            (None, Some(fit)) => Err(refused(Fit::method(fit), "fit it anew")),
            (None, None) => Err(InferenceError::from(ResumeError::NoTraining).into()),
        }
    }

    fn resumed(
        &self,
        data: Data,
        fit: AdviFit,
        augmented: Vec<String>,
    ) -> Result<Posterior<M>, Error> {
        let mut posterior = Posterior::of(self.model().clone(), data, fit)?;
        posterior.predictive.target = self.predictive.target.clone();
        Ok(posterior.augmented_by(augmented))
    }
}
