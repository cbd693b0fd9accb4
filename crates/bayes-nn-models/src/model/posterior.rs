//! A model with its posterior: where draws come from, and what happened on the way.

use std::any::Any;
use std::sync::Arc;

use bayes_nn_inference::diagnostics::Summary;
use bayes_nn_inference::{
    AdviFit, Approximation, DrawSource, DrawTable, Fit, InferenceError, NutsFit, Site,
};
use bayes_nn_kernels::{Device, Precision, Runtime};

use super::predictive::Predictive;
use super::summary::{scalars, summarized};
use super::{Data, Draws, Model, ModelDensity};
use crate::error::Error;
use crate::predict::{Explained, RestartAgreement};

/// Draws of a guide where no number is asked for.
const GUIDE_DRAWS: usize = 1_000;

/// A model with the posterior that was found for it, by whatever method.
///
/// Draws come from a [`DrawSource`]: a guide, which gives any number of fresh ones, or a table of
/// draws that were made before, as Markov chains leave them. Draw `i` of a seed has the same values
/// of all variables in every method. A clone shares the draws.
///
/// Shown with `{}` it is what the method reports: a small table of a variational fit; of chains what
/// there is to warn of, then a table of the sites.
///
/// ```
/// use bayes_nn::prelude::*;
/// let coin = model::from_fn(|trace, data| {
///     let p = trace.sample("p", Uniform::new(0.0, 1.0));
///     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
/// });
/// let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0, 0.0])?;
/// let by_guide = model::fit(&coin, &data, &Advi::mean_field().steps(4_000))?;
/// let by_chains = model::fit(&coin, &data, &Nuts::new().chains(2))?;
/// for posterior in [by_guide, by_chains] {
///     let p = posterior.draws(1_000, 0)?.variable("p")?.mean()[0];
///     assert!((p - 4.0 / 7.0).abs() < 0.05);
/// }
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Posterior<M> {
    pub(crate) predictive: Predictive<M>,
    pub(super) fit: Option<Arc<dyn Fit>>,
    pub(super) agreement: Option<RestartAgreement>,
    pub(crate) explained: Option<Explained>,
    chains: Arc<[Draws]>,
    warmup: Arc<[Draws]>,
    /// How rows were changed at random in the fit.
    pub(super) augmented: Vec<String>,
}

impl<M> Posterior<M> {
    pub(crate) fn from_parts(
        model: M,
        data: Data,
        source: DrawSource,
        precision: Precision,
    ) -> Posterior<M> {
        Posterior {
            predictive: Predictive {
                model,
                data,
                source,
                precision,
                device: Device::cpu(),
                target: None,
            },
            fit: None,
            agreement: None,
            explained: None,
            chains: Arc::default(),
            warmup: Arc::default(),
            augmented: Vec::new(),
        }
    }

    /// With how rows were changed at random in the fit.
    pub(crate) fn augmented_by(self, augmented: Vec<String>) -> Posterior<M> {
        Posterior { augmented, ..self }
    }

    /// This posterior with the predictions of networks computed elsewhere.
    #[must_use]
    pub fn on(mut self, device: Device) -> Posterior<M> {
        self.predictive.device = device;
        self
    }

    /// This posterior, of which predictions are those of one observed variable, where the model
    /// observes several.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let x = [0.1, 0.4, 0.7, 1.0];
    /// let data = Data::new().column("x", &x)?.column("size", &x)?;
    /// let data = data.column("kind", &[0.0, 0.0, 1.0, 1.0])?;
    /// let bnn = Bnn::several(Mlp::new([1, 5, 2]))
    ///     .target("size", 1, Gaussian::new())
    ///     .target("kind", 1, Bernoulli);
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(100))?;
    /// let kind = fit.target("kind").predict(&data, 20)?;
    /// assert!(kind.mean().iter().all(|p| (0.0..=1.0).contains(p)));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    #[must_use]
    pub fn target(&self, variable: &str) -> Posterior<M>
    where
        M: Clone,
    {
        let mut posterior = self.clone();
        posterior.predictive.target = Some(variable.into());
        posterior
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.predictive.model
    }

    /// Where draws come from.
    pub fn source(&self) -> &DrawSource {
        &self.predictive.source
    }

    /// The named parts of a draw in unconstrained space.
    pub fn sites(&self) -> &[Site] {
        self.predictive.source.sites()
    }

    /// The guide in unconstrained space, if draws come from one.
    pub fn approximation(&self) -> Option<&Approximation> {
        match self.source() {
            DrawSource::Guide(guide) => Some(guide),
            DrawSource::Table(_) => None,
        }
    }

    /// The table of draws in unconstrained space, if they were made before.
    pub fn table(&self) -> Option<&DrawTable> {
        match self.source() {
            DrawSource::Guide(_) => None,
            DrawSource::Table(table) => Some(table),
        }
    }

    /// What the method found that gave this posterior, if it was this method; nothing where a
    /// posterior was put together from parts.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// use bayes_nn::{Sgld, SgldFit};
    /// let model = model::from_fn(|trace, _| {
    ///     trace.sample("x", Normal::new(0.0, 1.0));
    /// });
    /// let posterior = model::fit(&model, Data::new(), &Sgld::new().step_size(0.1).chains(2))?;
    /// assert_eq!(posterior.fit::<SgldFit>().unwrap().chains().len(), 2);
    /// assert!(posterior.advi().is_none());
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn fit<F: Fit>(&self) -> Option<&F> {
        let fit: &dyn Any = self.fit.as_deref()?;
        fit.downcast_ref()
    }

    /// What a method found.
    pub(crate) fn found(&self) -> Option<&dyn Fit> {
        self.fit.as_deref()
    }

    /// What it was found by, as tables name it.
    pub(crate) fn method(&self) -> &'static str {
        match (&self.fit, self.source()) {
            (Some(fit), _) => fit.method(),
            (None, DrawSource::Guide(_)) => "the guide",
            (None, DrawSource::Table(_)) => "the draws",
        }
    }

    /// The variational fit, if it is one: settings, ELBO and its curve, convergence, restarts.
    pub fn advi(&self) -> Option<&AdviFit> {
        self.fit()
    }

    /// Whether the restarts of a variational fit of a network predict the same. Nothing of one that
    /// began once, of models as functions, which k-hat judges, and of networks that observe several
    /// variables.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
    /// let y: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
    /// let data = Data::new().column("x", &x)?.column("y", &y)?;
    /// let bnn = Bnn::new(Mlp::new([1, 3, 1]), Gaussian::new());
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(500).restarts(2))?;
    /// let agreement = fit.agreement().unwrap();
    /// assert_eq!((agreement.fits, agreement.rows), (2, 40));
    /// assert!(fit.to_string().contains("of predictions over 2 restarts"));
    /// assert!(bnn.fit(&data, &Advi::mean_field().steps(500).restarts(1))?.agreement().is_none());
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn agreement(&self) -> Option<RestartAgreement> {
        self.agreement
    }

    /// The chains as they were drawn, if they were by NUTS: settings, unconstrained draws,
    /// statistics, what was tuned, errors.
    pub fn nuts(&self) -> Option<&NutsFit> {
        self.fit()
    }

    /// Draws of every site and every deterministic, one [`Draws`] for each chain; none of a guide.
    pub fn chains(&self) -> &[Draws] {
        &self.chains
    }

    /// The same of the warm-up, if [its draws were kept](bayes_nn_inference::Nuts::keep_warmup);
    /// else without variables.
    pub fn warmup(&self) -> &[Draws] {
        &self.warmup
    }

    /// The chains that have a draw.
    pub(crate) fn nonempty(&self) -> impl Iterator<Item = &Draws> {
        self.chains
            .iter()
            .filter(|draws| !draws.variables().is_empty())
    }

    pub(super) fn summary_of_chains(&self, wanted: impl Fn(&str) -> bool) -> Summary {
        summarized(&self.nonempty().collect::<Vec<_>>(), wanted)
    }

    /// Every element of every variable of the chains: name and chains, all of one length.
    pub(super) fn scalars(&self) -> Vec<(String, Vec<Vec<f64>>)> {
        scalars(&self.nonempty().collect::<Vec<_>>(), |_| true)
    }
}

impl<M> From<&Posterior<M>> for DrawSource {
    fn from(posterior: &Posterior<M>) -> DrawSource {
        posterior.source().clone()
    }
}

impl<M: Model> Posterior<M> {
    /// A posterior from a guide that was fitted earlier to this model, such as the last good state
    /// of a fit that was stopped, or from a table of draws.
    ///
    /// # Errors
    /// Whatever is wrong with the model or the data; a source of other sites; draws that give no
    /// variables.
    pub fn new(
        model: M,
        data: impl Into<Data>,
        source: impl Into<DrawSource>,
    ) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let (data, source) = (data.into(), source.into());
        let density = ModelDensity::new(&model, data.clone())?;
        density.check_others(source.sites())?;
        let mut posterior = Posterior::from_parts(model, data, source, Precision::F64);
        posterior.chains = posterior.by_chain(posterior.table())?;
        Ok(posterior)
    }

    /// What a method found.
    pub(crate) fn of(model: M, data: Data, fit: impl Fit) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let Runtime {
            device, precision, ..
        } = fit.runtime();
        let posterior = Posterior::from_parts(model, data, fit.source(), precision).on(device);
        let agreement = match fit.others() {
            others if others.is_empty() => None,
            others => RestartAgreement::of(&posterior.predictive, others),
        };
        let explained = match posterior.model().is_network() {
            true => Explained::of(&posterior.predictive),
            false => None,
        };
        posterior.taken_up(Some(Arc::new(fit)), agreement, explained)
    }

    /// With the fit of which the source of draws is, whether its restarts agree, and what it explains.
    pub(crate) fn taken_up(
        mut self,
        fit: Option<Arc<dyn Fit>>,
        agreement: Option<RestartAgreement>,
        explained: Option<Explained>,
    ) -> Result<Posterior<M>, Error> {
        let warmup = fit.as_ref().and_then(|fit| fit.warmup());
        self.chains = self.by_chain(self.table())?;
        self.warmup = self.by_chain(warmup.as_ref())?;
        (self.fit, self.agreement, self.explained) = (fit, agreement, explained);
        Ok(self)
    }

    /// The variables of a table, chain by chain.
    fn by_chain(&self, table: Option<&DrawTable>) -> Result<Arc<[Draws]>, Error> {
        let Some(table) = table else {
            return Ok(Arc::default());
        };
        if table.draws() == 0 {
            return Ok(vec![Draws::default(); table.lengths().len()].into());
        }
        let mut variables = self.predictive.variables()?;
        let all = variables.draws(&table.clone().into(), table.draws(), 0)?;
        Ok(all.parts(table.lengths().iter().copied()).collect())
    }

    /// Draws of every site and, for the data of the fit, every deterministic. A guide makes fresh
    /// ones for each seed; of a table they are taken evenly, whatever the seed.
    ///
    /// # Errors
    /// No draws; draws that are not finite.
    pub fn draws(&self, draws: usize, seed: u64) -> Result<Draws, Error> {
        self.predictive.posterior(draws, seed)
    }

    /// All draws of a table, of one chain after the other; 1,000 draws of a guide.
    ///
    /// # Errors
    /// No draws: a run that was stopped during its warm-up.
    pub fn all_draws(&self) -> Result<Draws, Error> {
        self.draws(self.own_draws()?, 0)
    }

    /// How many draws are looked at where no number is asked for.
    pub(crate) fn own_draws(&self) -> Result<usize, Error> {
        match self.table().map_or(GUIDE_DRAWS, DrawTable::draws) {
            0 => Err(InferenceError::NoDraws.into()),
            draws => Ok(draws),
        }
    }

    /// A posterior of so many of its draws, as a table: those that [`Posterior::draws`] gives for
    /// this seed. What is asked of it is answered by these draws.
    ///
    /// ```
    /// # use bayes_nn::prelude::*;
    /// # let model = model::from_fn(|trace, data| {
    /// #     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    /// #     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// # });
    /// # let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 1.1])?;
    /// let fit = model::fit(&model, &data, &Advi::mean_field().steps(2_000))?;
    /// let few = fit.take(100, 7)?;
    /// assert_eq!(few.all_draws()?, few.draws(100, 0)?);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Posterior::draws`].
    pub fn take(&self, draws: usize, seed: u64) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        super::check_draws(draws)?;
        let rows: Vec<f64> = match self.source() {
            DrawSource::Guide(guide) => guide.draws(draws, seed)?,
            DrawSource::Table(table) => {
                let count = self.own_draws()?;
                let rows = (0..draws).filter_map(|draw| table.row(draw * count / draws));
                rows.flatten().copied().collect()
            }
        };
        self.of_draws(DrawTable::new(self.sites().to_vec(), rows, [draws])?)
    }

    /// This posterior by other draws.
    pub(super) fn of_draws(&self, table: DrawTable) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let mut taken = self.clone();
        taken.predictive.source = table.into();
        taken.chains = taken.by_chain(taken.table())?;
        taken.warmup = Arc::default();
        (taken.fit, taken.agreement, taken.explained) = (None, None, None);
        Ok(taken)
    }

    /// Moments, intervals and diagnostics of every element of every site and deterministic: of
    /// all chains, which if they are of unequal length, as a stop leaves them, are cut to the
    /// shortest that has a draw; or of 1,000 draws of a guide.
    ///
    /// # Errors
    /// Draws that are not finite.
    pub fn summary(&self) -> Result<Summary, Error> {
        Ok(match self.source() {
            DrawSource::Guide(_) => summarized(&[&self.all_draws()?], |_| true),
            DrawSource::Table(_) => self.summary_of_chains(|_| true),
        })
    }

    /// Draws of each observed variable for new data, with any number of rows. Columns that the
    /// model only observes may be missing. Of names of groups that are new it is as in
    /// [`Posterior::predict`], and said in [`Draws::warnings`].
    ///
    /// # Errors
    /// No draws; a column that is missing and needed; draws that are not finite.
    pub fn predictive(
        &self,
        data: impl Into<Data>,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        let data = data.into().encoded_as(&self.predictive.data)?;
        let drawn = match self.predictive.for_names_of(&data, draws, seed)? {
            Some(extended) => extended.predictive(&data, draws, seed)?,
            None => self.predictive.predictive(&data, draws, seed)?,
        };
        Ok(drawn.with_warnings(self.predictive.warnings_about(&data)))
    }

    /// The log density of every observed value under every draw of [`Posterior::all_draws`], in
    /// nats: for each observed variable `[draws, ...shape]`. Never scaled, whatever batch the fit
    /// used.
    ///
    /// # Errors
    /// No draws; a missing column; values that are not finite.
    pub fn log_likelihood(&self, data: impl Into<Data>) -> Result<Draws, Error> {
        let data = data.into().encoded_as(&self.predictive.data)?;
        let draws = self.own_draws()?;
        let densities = match self.predictive.for_names_of(&data, draws, 0)? {
            Some(extended) => extended.log_likelihood(&data, draws, 0)?,
            None => self.predictive.log_likelihood(&data, draws, 0)?,
        };
        Ok(densities.with_warnings(self.predictive.warnings_about(&data)))
    }
}
