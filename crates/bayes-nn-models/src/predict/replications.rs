//! What was observed beside what the posterior would draw in its place.

use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_distributions::Support;
use bayes_nn_inference::diagnostics::loo_pit;
use bayes_nn_inference::{Point, Rows};
use bayes_nn_kernels::Step;

use super::Task;
use super::target::stretched;
use crate::error::Error;
use crate::model::{Batch, DrawTable, Model, Observed, Posterior, Predictive, run};

/// What was observed of a variable in the data of a fit, and draws of the same from the posterior: a posterior
/// predictive check, by eye or by any statistic of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Replications {
    name: String,
    task: Task,
    bounds: (f64, f64),
    observed: Vec<f64>,
    drawn: Vec<f64>,
    classes: Option<Arc<[String]>>,
}

impl Replications {
    /// The name of the variable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is: a class, a count or a number.
    pub fn task(&self) -> Task {
        self.task
    }

    /// Between which numbers its distribution lies, of all rows; infinite where there is no bound, or one that depends on
    /// other variables.
    pub fn bounds(&self) -> (f64, f64) {
        self.bounds
    }

    /// What was observed, `[n]`, without values that are missing; numbers of a data set on their original scale.
    pub fn observed(&self) -> &[f64] {
        &self.observed
    }

    /// Draws of the same, row-major `[draws, n]`.
    pub fn drawn(&self) -> &[f64] {
        &self.drawn
    }

    /// The names of the classes; none where they have no names, and of counts and numbers.
    pub fn classes(&self) -> &[String] {
        self.classes.as_deref().unwrap_or_default()
    }
}

impl<M: Model> Posterior<M> {
    /// The rows of the data of the fit, if they are in memory: not those of a fit that was loaded without them, nor
    /// of a stream.
    pub fn rows(&self) -> Option<usize> {
        let data = &self.predictive.data;
        data.rows()
            .filter(|_| data.is_in_memory() && !data.is_gone())
    }

    /// What was observed of each variable in the data of the fit, and so many draws of it from the posterior, each a
    /// whole data set (Gelman, Meng and Stern 1996). Variables that are observed as a function of others are left out.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// // Counts with more zeros than a Poisson distribution has.
    /// let model = model::from_fn(|trace, data| {
    ///     let rate = trace.sample("rate", LogNormal::new(0.0, 1.0));
    ///     trace.observe("count", distributions::Poisson::new(rate), data.column("count"));
    /// });
    /// let data = Data::new().column("count", &[0.0, 0.0, 0.0, 9.0, 0.0, 8.0, 0.0, 0.0])?;
    /// let fit = model::fit(&model, &data, &Nuts::new().chains(2).seed(1))?;
    /// let check = &fit.replications(200, 0)?[0];
    /// let zeros = |counts: &[f64]| counts.iter().filter(|count| **count == 0.0).count();
    /// let drawn = check.drawn().chunks(8).map(zeros).max();
    /// assert!(zeros(check.observed()) == 6 && drawn < Some(6));
    /// assert_eq!(check.bounds(), (0.0, f64::INFINITY));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// No draws; data that are not in memory; draws that are not finite.
    pub fn replications(&self, draws: usize, seed: u64) -> Result<Vec<Replications>, Error> {
        self.predictive.replications(draws, seed)
    }

    /// Leave-one-out probability integral transforms of an observed variable: of each value of the data of the fit the
    /// probability of a smaller one, given all others ([`loo_pit`](bayes_nn_inference::diagnostics::loo_pit)), `[n]`.
    /// They are by the draws of [`Posterior::loo`], each of which draws each value once.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let model = model::from_fn(|trace, data| {
    ///     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    ///     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 6.1])?;
    /// let fit = model::fit(&model, &data, &Nuts::new().chains(2).seed(1))?;
    /// // By the other four, 6.1 is at the upper end of what could be.
    /// assert!(fit.loo_pit("y")?[4] > 0.99);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Posterior::loo`]; values of which only several together have a log density; data that are not in memory.
    pub fn loo_pit(&self, observed: &str) -> Result<Vec<f64>, Error> {
        self.with_pointwise(observed, |pointwise, [_, kept, densities]| {
            // The log densities are by the draws of this seed, too.
            let all = self.replications(self.own_draws()?, 0)?;
            let Some(found) = all.iter().find(|one| one.name == observed) else {
                return Err(Error::NotReplicated {
                    name: observed.to_owned(),
                });
            };
            let n = found.observed.len();
            if densities != n {
                return Err(Error::NotPointwise {
                    name: observed.to_owned(),
                    values: n,
                    densities,
                });
            }
            // Chains are cut to one length, as their log densities are.
            let whole = [found.drawn.len() / n];
            let lengths = self.table().map_or(&whole[..], DrawTable::lengths);
            let (mut drawn, mut first) = (Vec::new(), 0);
            for length in lengths.iter().filter(|length| **length > 0) {
                drawn.extend_from_slice(&found.drawn[first * n..(first + kept) * n]);
                first += length;
            }
            let efficiency = self.efficiency()?;
            Ok(loo_pit(pointwise, &found.observed, &drawn, efficiency, 0)?)
        })
    }
}

impl<M: Model> Predictive<M> {
    fn replications(&self, draws: usize, seed: u64) -> Result<Vec<Replications>, Error> {
        if !self.data.is_in_memory() {
            return Err(self.data.not_in_memory());
        }
        let drawn = self.predictive(&self.data, draws, seed)?;
        let graph = Graph::new();
        let batch = Batch::new(&graph, &self.data, Rows::All, None);
        let z = self.source.draw(&Step::new(&graph));
        let record = run(
            &self.model,
            &batch,
            Rc::new(Point::at(z, self.source.sites())),
        )?;
        let mut replications = Vec::new();
        for one in record
            .observed
            .iter()
            .filter(|one| !graph.depends_on(one.value, z))
        {
            let column = batch.shared.column_of(one.value);
            let task = Task::of(&*one.distribution);
            let classes = self.data.classes().filter(|_| task.is_classes());
            let (offset, unit) = self.scale(column, task);
            let scaled = |values: Vec<f64>| -> Vec<f64> {
                values.iter().map(|y| offset + unit * y).collect()
            };
            let seen = one
                .rows
                .as_ref()
                .map_or(one.shape.elements(), |rows| rows.len());
            let observed = stretched(batch.shared.value(one.value)?, seen);
            replications.push(Replications {
                name: one.name.clone(),
                task,
                bounds: bounds(one.distribution.support(), |y| offset + unit * y),
                observed: scaled(observed),
                drawn: scaled(seen_of(one, drawn.variable(&one.name)?.values())),
                classes: classes.cloned(),
            });
        }
        Ok(replications)
    }
}

/// The bounds of a support on the original scale.
fn bounds(support: Support<'_>, original: impl Fn(f64) -> f64) -> (f64, f64) {
    let number = |bound: Var<'_>| bound.number().map(&original);
    let (lower, upper) = match support {
        Support::Positive | Support::NonNegative | Support::Naturals => (Some(original(0.0)), None),
        Support::Boolean => (Some(original(0.0)), Some(original(1.0))),
        Support::LowerBound(lower) => (number(lower), None),
        Support::UpperBound(upper) => (None, number(upper)),
        Support::Interval(lower, upper) => (number(lower), number(upper)),
        _ => (None, None),
    };
    let [lower, upper] = [
        lower.unwrap_or(f64::NEG_INFINITY),
        upper.unwrap_or(f64::INFINITY),
    ];
    (lower, upper)
}

/// Draws of the values that were seen, of those of all rows.
fn seen_of(observed: &Observed<'_>, drawn: &[f64]) -> Vec<f64> {
    let Some(rows) = &observed.rows else {
        return drawn.to_vec();
    };
    // Values that may be missing are one column.
    let of_draw = drawn.chunks_exact(observed.shape.elements());
    of_draw
        .flat_map(|draw| rows.iter().map(|&row| draw[row]))
        .collect()
}
