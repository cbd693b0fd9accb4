//! Draws from the prior, and of what would be observed under it.

use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::Rows;

use super::batch::Batch;
use super::handlers::{Drawn, PriorDraw, generator};
use super::{Data, Draws, Model, Posterior, run};
use crate::error::Error;

/// Draws of every variable of a model before it has seen an observation: sites, deterministics,
/// and what would be observed. A column that is only observed may be missing from the data.
///
/// # Errors
/// Whatever is wrong with the model, and no draws.
///
/// ```
/// use bayes_nn::distributions::{Normal, Poisson};
/// use bayes_nn::model::{self, Data};
/// let model = model::from_fn(|trace, data| {
///     let rate = trace.sample("log_rate", Normal::new(1.0, 0.5)).exp();
///     trace.observe("count", Poisson::new(rate), data.column("count"));
/// });
/// let data = Data::new().column("count", &[2.0, 0.0, 5.0])?;
/// let draws = model::prior_predictive(&model, &data, 200, 1)?;
/// assert_eq!(draws.variable("count")?.values().len(), 600);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn prior_predictive(
    model: &impl Model,
    data: impl Into<Data>,
    draws: usize,
    seed: u64,
) -> Result<Draws, Error> {
    drawn(model, &data.into(), draws, seed, Drawn::Observations)
}

impl<M: Model> Posterior<M> {
    /// Draws from the prior of every site and every deterministic that is not computed from rows, to be put
    /// beside those of the posterior: where both are alike, the data say nothing.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let model = model::from_fn(|trace, data| {
    ///     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    ///     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9])?;
    /// let fit = model::fit(&model, &data, &Advi::mean_field())?;
    /// let sd = |draws: model::Draws| draws.variable("mean").unwrap().sd()[0];
    /// assert!(sd(fit.prior_draws(1_000, 0)?) > 9.0 && sd(fit.draws(1_000, 0)?) < 0.6);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// No draws; a prior that is none, as [`Flat`](bayes_nn_distributions::Flat); a prior that depends on data
    /// that are not in memory.
    pub fn prior_draws(&self, draws: usize, seed: u64) -> Result<Draws, Error> {
        let data = &self.predictive.data;
        drawn(self.model(), &data.head(), draws, seed, Drawn::Priors)
    }
}

/// So many draws by the prior, of what is asked for.
fn drawn(
    model: &impl Model,
    data: &Data,
    draws: usize,
    seed: u64,
    what: Drawn,
) -> Result<Draws, Error> {
    super::predictive::check_draws(draws)?;
    let mut rng = generator(seed);
    let mut result = Draws::default();
    for draw in 0..draws {
        let graph = Graph::new();
        let batch = Batch::new(&graph, data, Rows::All, Some(data));
        let handler = PriorDraw::new(&batch.shared, rng, what);
        let handler = Rc::new(handler);
        let record = run(model, &batch, handler.clone())?;
        rng = handler.rng();

        let is_wanted = |value: Var<'_>| what == Drawn::Observations || !value.comes_from_rows();
        let observed = record
            .observed
            .iter()
            .filter(|_| what == Drawn::Observations);
        let observed = observed.map(|o| (&o.name, o.shape, &o.axes, o.value));
        let mut variables = Vec::new();
        for (name, shape, axes, value) in record.variables().chain(observed) {
            if is_wanted(value) {
                variables.push((name, shape, axes, batch.shared.value(value)?));
            }
        }
        for (number, (name, shape, axes, values)) in variables.into_iter().enumerate() {
            if draw == 0 {
                result.declare(name, shape, axes);
            }
            result.push(number, &values)?;
        }
    }
    Ok(result)
}
