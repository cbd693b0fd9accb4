//! Draws from the prior, and of what would be observed under it.

use std::rc::Rc;

use bayes_nn_autodiff::Graph;
use bayes_nn_inference::Rows;

use super::batch::Batch;
use super::handlers::{Drawn, PriorDraw, generator};
use super::{Data, Draws, Model, run};
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
    super::predictive::check_draws(draws)?;
    let data = data.into();
    let mut rng = generator(seed);
    let mut result = Draws::default();
    for draw in 0..draws {
        let graph = Graph::new();
        let batch = Batch::new(&graph, &data, Rows::All, Some(&data));
        let handler = PriorDraw::new(&batch.shared, rng, Drawn::Observations);
        let handler = Rc::new(handler);
        let record = run(model, &batch, handler.clone())?;
        rng = handler.rng();

        let observed = record.observed.iter();
        let observed = observed.map(|o| (&o.name, o.shape, &o.axes, o.value));
        let mut variables = Vec::new();
        for (name, shape, axes, value) in record.variables().chain(observed) {
            variables.push((name, shape, axes, batch.shared.value(value)?));
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
