//! A model with its posterior: where draws come from, and what happened on the way.

use std::sync::Arc;

use bayes_nn_inference::diagnostics::{Psis, Summary};
use bayes_nn_inference::nuts::UnconstrainedDraws;
use bayes_nn_inference::{AdviFit, Approximation, Density, NutsFit, SgldFit, Site};
use bayes_nn_kernels::{Device, Precision};

use super::predictive::Predictive;
use super::summary::{scalars, summarized};
use super::{Data, DrawSource, DrawTable, Draws, Model, ModelDensity, Origin};
use crate::error::Error;

/// Draws of a guide where no number is asked for.
const GUIDE_DRAWS: usize = 1_000;

/// A model with the posterior that was found for it, by whatever method.
///
/// Draws come from a [`DrawSource`]: a guide, which gives any number of fresh ones, or a table of
/// draws that were made before, as Markov chains leave them. Draw `i` of a seed has the same values
/// of all variables in every method. A clone shares the draws.
///
/// Shown with `{}` it is what the method reports: a small table of a variational fit; of chains a
/// table of the sites, and what there is to warn of.
///
/// ```
/// use bayes_nn::prelude::*;
/// let coin = model::from_fn(|trace, data| {
///     let p = trace.sample("p", Uniform::new(0.0, 1.0));
///     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
/// });
/// let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0, 0.0])?;
/// let by_guide = model::fit(&coin, &data, &Advi::mean_field().steps(4_000))?;
/// let by_chains = model::sample(&coin, &data, &Nuts::new().chains(2))?;
/// for posterior in [by_guide, by_chains] {
///     let p = posterior.draws(1_000, 0)?.variable("p")?.mean()[0];
///     assert!((p - 4.0 / 7.0).abs() < 0.05);
/// }
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Posterior<M> {
    pub(crate) predictive: Predictive<M>,
    origin: Origin,
    chains: Arc<[Draws]>,
    warmup: Arc<[Draws]>,
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
            },
            origin: Origin::Imported,
            chains: Arc::default(),
            warmup: Arc::default(),
        }
    }

    /// This posterior with the predictions of networks computed elsewhere.
    #[must_use]
    pub fn on(mut self, device: Device) -> Posterior<M> {
        self.predictive.device = device;
        self
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

    /// How it was found.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How the variational fit went, if it is one.
    pub fn advi(&self) -> Option<&AdviFit> {
        match &self.origin {
            Origin::Advi(fit) => Some(fit),
            _ => None,
        }
    }

    /// The chains as they were drawn, if they were by NUTS: unconstrained draws, statistics, what
    /// was tuned, errors.
    pub fn nuts(&self) -> Option<&NutsFit> {
        match &self.origin {
            Origin::Nuts(fit) => Some(fit),
            _ => None,
        }
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
        if density.sites() != source.sites() {
            return Err(Error::OtherModel {
                found: Site::list(source.sites()),
                expected: Site::list(density.sites()),
            });
        }
        let mut posterior = Posterior::from_parts(model, data, source, Precision::F64);
        posterior.chains = posterior.table_by_chain()?;
        Ok(posterior)
    }

    /// What a variational fit found.
    pub(crate) fn of_fit(model: M, data: Data, fit: AdviFit) -> Posterior<M> {
        let guide = fit.approximation().clone();
        let mut posterior = Posterior::from_parts(model, data, guide.into(), fit.precision());
        posterior.predictive.device = fit.device().clone();
        posterior.origin = Origin::Advi(Arc::new(fit));
        posterior
    }

    /// The chains of a run.
    pub(crate) fn of_chains(model: M, data: Data, fit: NutsFit) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let table = DrawTable::of_chains(&fit);
        let mut posterior = Posterior::from_parts(model, data, table.into(), Precision::F64);
        posterior.chains = posterior.table_by_chain()?;
        let warmup = |rows: &UnconstrainedDraws| match rows.positions().is_empty() {
            true => Ok(Draws::default()),
            false => posterior.variables_of(rows.positions().into(), rows.len()),
        };
        let warmup = fit.chains().iter().map(|chain| warmup(chain.warmup()));
        posterior.warmup = warmup.collect::<Result<_, Error>>()?;
        posterior.origin = Origin::Nuts(Arc::new(fit));
        Ok(posterior)
    }

    /// The chains of Langevin dynamics.
    pub(crate) fn of_langevin(model: M, data: Data, fit: SgldFit) -> Result<Posterior<M>, Error>
    where
        M: Clone,
    {
        let chains = fit.chains().iter();
        let rows: Arc<[f64]> = chains.clone().flat_map(|c| c.draws()).copied().collect();
        let lengths: Arc<[usize]> = chains.map(|chain| chain.len()).collect();
        let table = DrawTable::new(fit.sites().to_vec(), rows, lengths)?;
        let mut posterior = Posterior::from_parts(model, data, table.into(), Precision::F64);
        posterior.chains = posterior.table_by_chain()?;
        posterior.origin = Origin::Sgld(Arc::new(fit));
        Ok(posterior)
    }

    /// The variables of rows of the unconstrained vector.
    fn variables_of(&self, rows: Arc<[f64]>, draws: usize) -> Result<Draws, Error> {
        let table = DrawTable::new(self.sites().to_vec(), rows, [draws])?;
        self.predictive.variables()?.draws(&table.into(), draws, 0)
    }

    fn table_by_chain(&self) -> Result<Arc<[Draws]>, Error> {
        let Some(table) = self.table() else {
            return Ok(Arc::default());
        };
        if table.draws() == 0 {
            return Ok(vec![Draws::default(); table.lengths().len()].into());
        }
        let all = self.predictive.posterior(table.draws(), 0)?;
        let mut end = 0;
        let chains = table.lengths().iter().map(|length| {
            end += length;
            match length {
                0 => Draws::default(),
                _ => all.part(end - length..end),
            }
        });
        Ok(chains.collect())
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
        self.draws(self.own_draws(), 0)
    }

    /// How many draws are looked at where no number is asked for.
    pub(crate) fn own_draws(&self) -> usize {
        self.table().map_or(GUIDE_DRAWS, DrawTable::draws)
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
            DrawSource::Guide(guide) => guide.draws(draws, seed),
            DrawSource::Table(table) => {
                let count = table.draws();
                super::check_draws(count.min(1))?;
                let rows = (0..draws).filter_map(|draw| table.row(draw * count / draws));
                rows.flatten().copied().collect()
            }
        };
        let table = DrawTable::new(self.sites().to_vec(), rows, [draws])?;
        let mut taken = self.clone();
        taken.predictive.source = table.into();
        taken.chains = taken.table_by_chain()?;
        taken.warmup = Arc::default();
        taken.origin = Origin::Imported;
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
    /// model only observes may be missing.
    ///
    /// # Errors
    /// No draws; a column that is missing and needed; draws that are not finite.
    pub fn predictive(
        &self,
        data: impl Into<Data>,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        self.predictive.predictive(&data.into(), draws, seed)
    }

    /// The log density of every observed value under every draw of [`Posterior::all_draws`], in
    /// nats: for each observed variable `[draws, ...shape]`. Never scaled, whatever batch the fit
    /// used.
    ///
    /// # Errors
    /// No draws; a missing column; values that are not finite.
    pub fn log_likelihood(&self, data: impl Into<Data>) -> Result<Draws, Error> {
        self.predictive
            .log_likelihood(&data.into(), self.own_draws(), 0)
    }

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
}
