//! What an observed variable is: a class, a count or a number, with the probabilities of its
//! classes.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Cardinality, Distribution, Support};

use super::Task;
use super::tiles::Written;
use crate::error::Error;
use crate::model::{Observed, transposed};

/// Below every log density that occurs, and finite in both precisions.
pub(super) const LOWEST: f64 = -1e30;

impl Task {
    /// What is predicted of a distribution.
    pub(super) fn of<'g>(distribution: &dyn Distribution<'g>) -> Task {
        let is_number = distribution.event_shape().elements() == 1;
        match (distribution.support(), distribution.support().cardinality()) {
            (Support::Boolean, _) if is_number => Task::Binary,
            (_, Cardinality::Classes(classes)) if is_number => Task::Classes(classes),
            (_, Cardinality::Classes(_) | Cardinality::Counts(_)) => Task::Counts,
            _ => Task::Regression,
        }
    }
}

/// Probabilities of classes, and their entropy in nats.
pub(super) struct Probabilities<'g> {
    /// Of class 1 in the shape of the variable, or of all classes, `[classes, ...shape]`.
    pub(super) p: Var<'g>,
    pub(super) entropy: Var<'g>,
}

impl<'g> Probabilities<'g> {
    /// Of class 1 or of all classes, for a variable that is a class.
    pub(super) fn of(
        written: &Written<'g>,
        observed: &Observed<'g>,
        task: Task,
    ) -> Result<Probabilities<'g>, Error> {
        match task {
            Task::Classes(classes) => Probabilities::of_classes(written, observed, classes),
            _ => Ok(Probabilities::binary(observed)),
        }
    }

    /// Of class 1, for a variable that is 0 or 1.
    fn binary(observed: &Observed<'g>) -> Probabilities<'g> {
        let distribution = &*observed.distribution;
        let p = distribution.mean();
        let parameters = distribution.parameters();
        let entropy = match (distribution.name(), &parameters[..]) {
            // -p ln p - (1 - p) ln(1 - p), by the logit: half of the logarithms.
            ("Bernoulli", [logits]) if logits.name == "logits" => {
                logits.value.softplus() - logits.value * p
            }
            _ => {
                let [zero, one] = [0.0, 1.0].map(|y: f64| {
                    let log_prob = distribution.log_prob(y.into());
                    log_prob.maximum(LOWEST)
                });
                -(p * one + (1.0 - p) * zero)
            }
        };
        Probabilities {
            p: stretched_to(p, observed.shape),
            entropy: stretched_to(entropy, observed.shape),
        }
    }

    /// Of all classes.
    fn of_classes(
        written: &Written<'g>,
        observed: &Observed<'g>,
        classes: usize,
    ) -> Result<Probabilities<'g>, Error> {
        let distribution = &*observed.distribution;
        let log_p = distribution.log_probabilities().unwrap_or_else(|| {
            // Parameters that are all plain numbers belong to no graph.
            let log_prob = |class| distribution.log_prob(Var::from(class as f64)).number();
            let numbers: Vec<f64> = (0..classes)
                .map(|class| log_prob(class).unwrap_or(f64::NAN))
                .collect();
            written.step.graph().constant(&numbers, [classes])
        });
        let log_p = classes_first(log_p, observed.shape).ok_or_else(|| Error::ObservedShape {
            site: observed.name.clone(),
            shape: Box::new(observed.shape),
            distribution: Box::new(distribution.shape()),
        })?;
        let p = log_p.exp();
        // A class of probability 0 adds nothing.
        let entropy = -(p * log_p.maximum(LOWEST)).sum_axis(0);
        Ok(Probabilities { p, entropy })
    }
}

/// `[classes, ...batch]` as `[classes, ...shape]`; `None` for more axes than a shape can have.
fn classes_first(log_p: Var<'_>, shape: Shape) -> Option<Var<'_>> {
    let own = log_p.shape();
    let whole = Shape::try_new(&[&own[..1], &shape[..]].concat())?;
    if own == whole {
        return Some(log_p);
    }
    let ones = vec![1; whole.rank().saturating_sub(own.rank())];
    let aligned = Shape::try_new(&[&own[..1], &ones, &own[1..]].concat())?;
    Some(log_p.reshape(aligned).broadcast_to(whole))
}

/// A value for each element, or one for all of them.
pub(super) fn stretched_to(value: Var<'_>, shape: Shape) -> Var<'_> {
    match value.shape() {
        own if own == shape || own.elements() == 1 => value,
        _ => value.broadcast_to(shape),
    }
}

/// The first rows of `[columns, width]`, or of one value for all elements, as `[rows, columns]`.
pub(super) fn by_row(values: Vec<f64>, width: usize, columns: usize, rows: usize) -> Vec<f64> {
    let mut values = transposed(&stretched(values, width * columns), width);
    values.truncate(rows * columns);
    values
}

/// One value for all rows, or one for each.
pub(super) fn stretched(mut values: Vec<f64>, rows: usize) -> Vec<f64> {
    match values.as_slice() {
        [value] => vec![*value; rows],
        _ => {
            values.truncate(rows);
            values
        }
    }
}
