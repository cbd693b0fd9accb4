//! Sampling a model by NUTS: the draws of its variables, chain by chain.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bayes_nn_inference::diagnostics::{HDI_PROBABILITY, Summary, e_bfmi, summary};
use bayes_nn_inference::nuts::{DrawSink, NutsRun, UnconstrainedDraws};
use bayes_nn_inference::{Nuts, NutsFit};

use super::{Data, Draws, Model, ModelDensity, Predictive};
use crate::error::Error;

/// Draws from the posterior of a model by the No-U-Turn Sampler.
///
/// # Errors
/// Whatever is wrong with the model, the data or the settings; no start with a finite density;
/// no chain with any draw.
///
/// ```
/// use bayes_nn::distributions::{HalfNormal, Normal};
/// use bayes_nn::model::{self, Batch, Data, Trace};
/// use bayes_nn::Nuts;
///
/// fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
///     let slope = trace.sample("slope", Normal::new(0.0, 2.0));
///     let noise = trace.sample("noise", HalfNormal::new(1.0));
///     trace.observe("y", Normal::new(slope * data.column("x"), noise), data.column("y"));
/// }
///
/// let x = [0.5, 1.0, 1.5, 2.0, 2.5];
/// let data = Data::new().column("x", &x)?.column("y", &[1.1, 1.9, 3.2, 3.9, 5.1])?;
/// let samples = model::sample(&line, &data, Nuts::new().chains(2).seed(1))?;
/// println!("{samples}");
/// let slope = samples.draws()?.variable("slope")?.mean()[0];
/// assert!((slope - 2.0).abs() < 0.1);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn sample<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    nuts: impl Borrow<Nuts>,
) -> Result<Samples<M>, Error> {
    start(model, data, nuts)?.wait()
}

/// Sets chains going as [`sample`] does, and returns at once with the handle that watches and
/// steers them.
///
/// # Errors
/// Whatever is wrong with the model, the data or the settings; no start with a finite density.
///
/// ```
/// use bayes_nn::distributions::Normal;
/// use bayes_nn::model::{self, Data};
/// use bayes_nn::Nuts;
/// let model = model::from_fn(|trace, _| {
///     trace.sample("x", Normal::new(0.0, 1.0));
/// });
/// let nuts = Nuts::new().chains(1).draws(1_000_000_000);
/// let sampling = model::start(&model, Data::new(), nuts)?;
/// while sampling.progress()[0].draws < 1_100 {
///     std::thread::yield_now();
/// }
/// sampling.stop();
/// let samples = sampling.wait()?;
/// assert!(samples.fit().stopped());
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn start<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    nuts: impl Borrow<Nuts>,
) -> Result<Sampling<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    Ok(Sampling {
        run: nuts.borrow().start(&density)?,
        model: model.clone(),
        data,
    })
}

/// Sets chains going as [`start`] does, and gives their draws to a sink while they are made: rows
/// of the unconstrained vector. With the feature `zarr`, `inference_data::ZarrStore` is one that
/// writes the variables of the model.
///
/// # Errors
/// As [`start`]; a sink that takes no draws from the first.
pub fn start_into<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    nuts: impl Borrow<Nuts>,
    sink: Box<dyn DrawSink>,
) -> Result<Sampling<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    Ok(Sampling {
        run: nuts.borrow().start_into(&density, sink)?,
        model: model.clone(),
        data,
    })
}

/// A model that is being sampled: a [`NutsRun`] that ends in [`Samples`].
pub struct Sampling<M> {
    model: M,
    data: Data,
    run: NutsRun,
}

impl<M> Deref for Sampling<M> {
    type Target = NutsRun;
    fn deref(&self) -> &NutsRun {
        &self.run
    }
}

impl<M: Model + Clone> Sampling<M> {
    /// Waits for all chains to end.
    ///
    /// # Errors
    /// Only if no chain has a draw, and one or the sink has failed: its error.
    pub fn wait(self) -> Result<Samples<M>, Error> {
        let fit = self.run.wait()?;
        Samples::new(&self.model, self.data, fit)
    }
}

/// A model with the draws of its posterior.
///
/// Shown with `{}` it is a table of its sites, and what there is to warn of.
#[derive(Debug)]
pub struct Samples<M> {
    pub(crate) predictive: Predictive<M>,
    fit: NutsFit,
    chains: Vec<Draws>,
    warmup: Vec<Draws>,
}

/// Rows of the table at the most.
const ROWS: usize = 30;
/// Where warnings begin.
const LARGE_R_HAT: f64 = 1.01;
const SMALL_ESS_PER_CHAIN: f64 = 100.0;
const SMALL_E_BFMI: f64 = 0.3;
const MANY_REJECTED: f64 = 0.02;

impl<M> Samples<M> {
    /// The model.
    pub fn model(&self) -> &M {
        &self.predictive.model
    }

    /// The chains as they were drawn: unconstrained draws, statistics, what was tuned, errors.
    pub fn fit(&self) -> &NutsFit {
        &self.fit
    }

    /// Draws of every site and every deterministic, one [`Draws`] for each chain.
    pub fn chains(&self) -> &[Draws] {
        &self.chains
    }

    /// The same of the warm-up, if [its draws were kept](Nuts::keep_warmup); else without
    /// variables.
    pub fn warmup(&self) -> &[Draws] {
        &self.warmup
    }

    /// Moments, intervals and diagnostics of every element of every site and deterministic.
    /// Chains of unequal length, as a stop leaves them, are cut to the shortest that has a draw.
    pub fn summary(&self) -> Summary {
        self.summary_of(|_| true)
    }

    /// Every element of the wanted variables: name and chains, all of one length.
    pub(super) fn scalars(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<Vec<f64>>)> {
        scalars(&self.nonempty().collect::<Vec<_>>(), wanted)
    }

    fn summary_of(&self, wanted: impl Fn(&str) -> bool) -> Summary {
        summarized(&self.nonempty().collect::<Vec<_>>(), wanted)
    }

    pub(crate) fn nonempty(&self) -> impl Iterator<Item = &Draws> {
        let chains = self.chains.iter().zip(self.fit.chains());
        chains
            .filter(|(_, chain)| !chain.draws().is_empty())
            .map(|(draws, _)| draws)
    }

    /// What should not be passed over: chains that failed, or the sink of their draws,
    /// divergences, trajectories cut short, chains that do not agree, few effective draws,
    /// energies that were not explored, a device that is slower than the CPU, a precision that is
    /// too coarse.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings_about(&self.summary())
    }

    fn warnings_about(&self, summary: &Summary) -> Vec<String> {
        let errors = self.fit.chains().iter().filter_map(|chain| chain.error());
        let errors = errors.chain(self.fit.sink_error());
        let mut warnings: Vec<String> = errors.map(ToString::to_string).collect();
        let chains = self.fit.chains().iter();
        let draws: usize = chains.map(|chain| chain.draws().len()).sum();
        let divergences = self.fit.divergences();
        if divergences > 0 {
            warnings.push(format!(
                "{divergences} of {draws} trajectories diverged: the draws may miss a part of the \
                 posterior; write the model with standardised variables, or raise `target_accept`"
            ));
        }
        let cut = self.fit.depth_reached();
        if cut > 0 {
            warnings.push(format!(
                "{cut} of {draws} trajectories were ended by `max_depth`: the draws are right but \
                 expensive; rescale the model, or warm up longer"
            ));
        }
        let rejected = self.fit.rejected();
        if rejected as f64 > MANY_REJECTED * draws as f64 {
            warnings.push(format!(
                "double precision rejected {rejected} of {draws} draws that trajectories of \
                 single precision proposed: the draws are right, but worth fewer; set `precision` to F64"
            ));
        }
        let device = self.fit.device();
        let here = 1e6 * self.fit.seconds_per_gradient();
        let cpu = self.fit.cpu_seconds_per_gradient().map(|s| 1e6 * s);
        if let Some(cpu) = cpu.filter(|cpu| *cpu < here) {
            warnings.push(format!(
                "`{device}` does not pay: a gradient takes {here:.1} us there and {cpu:.1} us on \
                 one thread of the CPU; leave out `device`"
            ));
        }
        let rows = summary.rows.iter();
        let worst = rows
            .clone()
            .filter_map(|row| Some((row.r_hat?, &row.name)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((r_hat, name)) = worst.filter(|(r_hat, _)| *r_hat > LARGE_R_HAT) {
            warnings.push(format!(
                "the chains do not agree: R-hat of `{name}` is {r_hat:.3}, above {LARGE_R_HAT}; \
                 draw more, or look for several modes"
            ));
        }
        let least = rows
            .filter_map(|row| {
                let ess = row.ess_bulk.into_iter().chain(row.ess_tail);
                Some((ess.reduce(f64::min)?, &row.name))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let enough = SMALL_ESS_PER_CHAIN * self.nonempty().count() as f64;
        if let Some((ess, name)) = least.filter(|(ess, _)| *ess < enough) {
            warnings.push(format!(
                "the draws of `{name}` are worth {ess:.0} independent ones, fewer than {enough}: \
                 draw more"
            ));
        }
        for chain in self.fit.chains() {
            let energies = chain.draws().statistics().iter().map(|s| s.energy);
            let energies: Vec<f64> = energies.collect();
            if let Some(value) = e_bfmi(&energies).ok().filter(|value| *value < SMALL_E_BFMI) {
                warnings.push(format!(
                    "chain {} explored its energies slowly: E-BFMI is {value:.2}, below \
                     {SMALL_E_BFMI}; tails may be missed",
                    chain.number()
                ));
            }
        }
        warnings
    }
}

/// Every element of the wanted variables: name and chains, all of one length.
fn scalars(chains: &[&Draws], wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<Vec<f64>>)> {
    let shortest = chains.iter().filter_map(|chain| {
        let first = chain
            .variables()
            .iter()
            .find(|v| v.shape().elements() > 0)?;
        Some(first.values().len() / first.shape().elements())
    });
    let shortest = shortest.min().unwrap_or(0);
    let mut scalars: Vec<(String, Vec<Vec<f64>>)> = Vec::new();
    let variables = chains.first().map_or(&[][..], |chain| chain.variables());
    for (number, variable) in variables.iter().enumerate() {
        if !wanted(variable.name()) {
            continue;
        }
        let elements = variable.shape().elements();
        for element in 0..elements {
            let name = match elements {
                1 => variable.name().to_owned(),
                _ => format!("{}{}", variable.name(), index(variable.shape(), element)),
            };
            let draws = chains.iter().map(|chain| {
                let mut draws = chain.variables()[number].element(element);
                draws.truncate(shortest);
                draws
            });
            scalars.push((name, draws.collect()));
        }
    }
    scalars
}

/// Moments, intervals and diagnostics of the wanted variables of chains, cut to the shortest.
pub(crate) fn summarized(chains: &[&Draws], wanted: impl Fn(&str) -> bool) -> Summary {
    let scalars = scalars(chains, wanted);
    let slices: Vec<(&str, Vec<&[f64]>)> = scalars
        .iter()
        .map(|(name, chains)| (name.as_str(), chains.iter().map(Vec::as_slice).collect()))
        .collect();
    let scalars: Vec<(&str, &[&[f64]])> = slices
        .iter()
        .map(|(name, chains)| (*name, chains.as_slice()))
        .collect();
    summary(&scalars, HDI_PROBABILITY).expect("the chains were cut to one length")
}

/// An element as `[row, column]`.
fn index(shape: bayes_nn_autodiff::Shape, element: usize) -> String {
    let mut rest = element;
    let mut places: Vec<String> = Vec::new();
    for axis in (0..shape.rank()).rev() {
        places.push((rest % shape[axis]).to_string());
        rest /= shape[axis];
    }
    places.reverse();
    format!("[{}]", places.join(", "))
}

impl<M: Model> Samples<M> {
    pub(crate) fn new(model: &M, data: Data, fit: NutsFit) -> Result<Samples<M>, Error>
    where
        M: Clone,
    {
        let predictive = |rows: Arc<[f64]>| {
            Predictive::of_rows(model.clone(), data.clone(), fit.sites().to_vec(), rows)
        };
        let variables = |rows: &UnconstrainedDraws| match rows.positions().is_empty() {
            true => Ok(Draws::default()),
            false => predictive(rows.positions().into()).posterior(rows.len(), 0),
        };
        let draws = fit.chains().iter().map(|chain| variables(chain.draws()));
        let chains = draws.collect::<Result<_, Error>>()?;
        let draws = fit.chains().iter().map(|chain| variables(chain.warmup()));
        let warmup = draws.collect::<Result<_, Error>>()?;
        let all = fit.chains().iter().flat_map(|c| c.draws().positions());
        Ok(Samples {
            predictive: predictive(all.copied().collect()),
            chains,
            warmup,
            fit,
        })
    }

    /// The draws of all chains, one after the other.
    ///
    /// # Errors
    /// No draws: the run was stopped during its warm-up.
    pub fn draws(&self) -> Result<Draws, Error> {
        self.predictive.posterior(self.len(), 0)
    }

    fn len(&self) -> usize {
        let chains = self.fit.chains().iter();
        chains.map(|chain| chain.draws().len()).sum()
    }

    /// Draws of each observed variable for new data, with any number of rows, from so many draws
    /// taken evenly from all chains. Columns that the model only observes may be missing.
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

    /// The log density of every value observed in the data of the fit, of each chain that has a
    /// draw.
    pub(crate) fn pointwise(&self) -> Result<Vec<Draws>, Error> {
        let all = self.log_likelihood(&self.predictive.data)?;
        let mut end = 0;
        let lengths = self.fit.chains().iter().map(|c| c.draws().len());
        let chains = lengths.filter(|length| *length > 0).map(|length| {
            end += length;
            all.part(end - length..end)
        });
        Ok(chains.collect())
    }

    /// The log density of every observed value under every draw of all chains, in nats: for each
    /// observed variable `[draws, ...shape]`.
    ///
    /// # Errors
    /// No draws; a missing column; values that are not finite.
    pub fn log_likelihood(&self, data: impl Into<Data>) -> Result<Draws, Error> {
        self.predictive.log_likelihood(&data.into(), self.len(), 0)
    }
}

impl<M> fmt::Display for Samples<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sites = self.fit.sites();
        let summary = self.summary_of(|name| sites.iter().any(|site| site.name == name));
        let chains = self.fit.chains();
        let draws: Vec<String> = chains.iter().map(|c| c.draws().len().to_string()).collect();
        let gradients = self.fit.gradients();
        writeln!(
            f,
            "{} chains of {} draws, {gradients} gradients of {:.1} us, {:.2} s",
            chains.len(),
            draws.join(", "),
            1e6 * self.fit.seconds_per_gradient(),
            self.fit.seconds()
        )?;
        let warnings = self.warnings_about(&summary);
        let more = summary.rows.len().saturating_sub(ROWS);
        let mut shown = summary;
        shown.rows.truncate(ROWS);
        write!(f, "{shown}")?;
        if more > 0 {
            write!(f, "\n... and {more} more")?;
        }
        for warning in warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}
