//! Missing values of an observed column, as variables of the model.

use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var, concat};
use bayes_nn_distributions::{Bijector, Distribution};

use super::trace::{Mode, Sampled, Trace, constrained};
use crate::error::Error;

/// A column that misses rows.
pub(crate) struct Incomplete<'g> {
    pub(crate) column: String,
    /// The values of the other rows.
    pub(crate) observed: Var<'g>,
    pub(crate) missing: Arc<[usize]>,
}

/// An observed value, of which some rows may have been imputed.
pub(super) struct Completed<'g> {
    /// The whole.
    pub(super) value: Var<'g>,
    /// What was seen of it.
    pub(super) observed: Var<'g>,
    /// If that is not all, the rows that were seen.
    pub(super) rows: Option<Arc<[usize]>>,
}

impl<'g> Completed<'g> {
    /// A value of which nothing is missing.
    pub(super) fn whole(value: Var<'g>) -> Completed<'g> {
        Completed {
            value,
            observed: value,
            rows: None,
        }
    }

    /// The row of all data in which a value that was seen stands.
    pub(super) fn row(&self, place: usize) -> usize {
        self.rows.as_ref().map_or(place, |rows| rows[place])
    }

    /// The log densities of what was seen, with their shape, out of those of the whole.
    pub(super) fn seen_only(&self, log_prob: Var<'g>, shape: Shape) -> (Var<'g>, Shape) {
        match (&self.rows, self.value.graph()) {
            (Some(rows), Some(graph)) => {
                let shown = match log_prob.number() {
                    // One number stands for every element.
                    Some(_) => log_prob,
                    None => log_prob
                        .broadcast_to(shape)
                        .gather(graph.index_constant(rows), 0),
                };
                (shown, Shape::from(rows.len()))
            }
            _ => (log_prob, shape),
        }
    }
}

impl<'g> Trace<'g> {
    /// Makes the rows that a column misses a variable `name_missing`.
    ///
    /// The rows are exchangeable with the others, so that their log density under the
    /// distribution is a part of that of the whole column; only the Jacobian is added here.
    pub(super) fn complete(
        &self,
        name: &str,
        distribution: &dyn Distribution<'g>,
        incomplete: Incomplete<'g>,
    ) -> Result<Completed<'g>, Error> {
        let Incomplete {
            column,
            observed,
            missing,
        } = incomplete;
        let refused = |problem| Error::NotImputed {
            site: name.to_owned(),
            distribution: distribution.name(),
            problem,
        };
        if distribution.event_shape().rank() > 0 {
            return Err(refused(
                "its numbers depend on each other; write the missing ones by `Trace::sample`",
            ));
        }
        let bijector = distribution.support().bijector();
        let bijector = bijector
            .ok_or_else(|| refused("it is discrete, and has no gradient; leave these rows out"))?;
        if self.is_imputed(&missing) {
            return Err(self.shared.misused(&column));
        }
        let site = format!("{name}_missing");
        self.take_name(&site)?;

        let graph = self.shared.graph;
        let rows = observed.shape().elements() + missing.len();
        let (seen, places) = places(rows, &missing);
        let index = graph.index_constant(&missing);
        let bijector = of_rows(bijector, index);
        let shape = Shape::from(missing.len());
        let imputed = match &mut *self.mode.borrow_mut() {
            Mode::Prior { rng, .. } => {
                let values = self.draw(name, distribution, Shape::from(rows), rng)?;
                let values: Vec<f64> = missing.iter().map(|&row| values[row]).collect();
                graph.constant(&values, shape)
            }
            Mode::Given { z, sites } => {
                let (value, log_det) = constrained(&site, shape, &bijector, *z, sites)?;
                self.add_term(&site, 0.0.into(), log_det);
                value
            }
        };
        self.record.borrow_mut().sites.push(Sampled {
            name: site,
            shape,
            value: imputed,
            bijector,
            rows: Some(missing),
        });
        Ok(Completed {
            value: concat(&[observed, imputed], 0).gather(graph.index_constant(&places), 0),
            observed,
            rows: Some(seen.into()),
        })
    }

    /// Whether a variable stands for these rows of one and the same column already.
    fn is_imputed(&self, missing: &Arc<[usize]>) -> bool {
        let record = self.record.borrow();
        let mut rows = record.sites.iter().filter_map(|site| site.rows.as_ref());
        rows.any(|rows| Arc::ptr_eq(rows, missing))
    }
}

/// The rows that are not missing; and for every row its place among those, one after the other,
/// followed by the missing ones.
fn places(rows: usize, missing: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut seen = Vec::new();
    let mut places = Vec::new();
    let mut next_missing = 0;
    for row in 0..rows {
        if missing.get(next_missing) == Some(&row) {
            places.push(rows - missing.len() + next_missing);
            next_missing += 1;
        } else {
            places.push(seen.len());
            seen.push(row);
        }
    }
    (seen, places)
}

/// A bijector of single numbers for some rows: a bound that every row has of its own is selected.
fn of_rows<'g>(bijector: Bijector<'g>, index: Var<'g>) -> Bijector<'g> {
    let select = |bound: Var<'g>| match bound.shape().elements() {
        1 => bound,
        _ => bound.gather(index, bound.shape().rank() - 1),
    };
    match bijector {
        Bijector::LowerBound(low) => Bijector::LowerBound(select(low)),
        Bijector::UpperBound(high) => Bijector::UpperBound(select(high)),
        Bijector::Interval(low, high) => Bijector::Interval(select(low), select(high)),
        other => other,
    }
}
