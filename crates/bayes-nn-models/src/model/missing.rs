//! Missing values of an observed column, as variables of the model.

use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var, concat};
use bayes_nn_distributions::{Bijector, Distribution};
use bayes_nn_inference::Declared;

use super::record::{Sampled, SiteOptions};
use super::trace::Trace;
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
        let seen = known_rows(rows, &missing);
        let places = places(rows, &missing);
        let index = graph.index_constant(&missing);
        let bijector = of_rows(bijector, index);
        let shape = Shape::from(missing.len());
        let imputed = self.ask(&Declared {
            name: &site,
            shape,
            distribution,
            bijector: Some(&bijector),
            rows: Some(&missing),
            whole: Shape::from(rows),
        })?;
        self.record.borrow_mut().sites.push(Sampled {
            name: site,
            shape,
            value: imputed,
            bijector,
            axes: Vec::new(),
            rows: Some(missing),
            declared: self.shared.graph.nodes().len(),
            options: SiteOptions::default(),
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

/// The rows that are not missing.
pub(super) fn known_rows(rows: usize, missing: &[usize]) -> Vec<usize> {
    let mut missing = missing.iter().copied().peekable();
    (0..rows)
        .filter(|row| missing.next_if_eq(row).is_none())
        .collect()
}

/// For every row its place among those that are known, one after the other, followed by the
/// missing ones.
fn places(rows: usize, missing: &[usize]) -> Vec<usize> {
    let (mut known, mut next_missing) = (0, 0);
    let place = |row: usize| match missing.get(next_missing) == Some(&row) {
        true => {
            next_missing += 1;
            rows - missing.len() + next_missing - 1
        }
        false => {
            known += 1;
            known - 1
        }
    };
    (0..rows).map(place).collect()
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
        Bijector::Circle(concentration) => Bijector::Circle(select(concentration)),
        other => other,
    }
}
