//! What a fit of a network does where nothing is said.

use super::Family;
use super::{Advi, Estimator};
use crate::{Density, Schedule};

/// Rows of a minibatch, and rows of data from which on there are minibatches.
const BATCH: usize = 32;
const FEW_ROWS: usize = 256;
/// Minibatches are larger where an epoch would have more than this many of the smallest.
const BATCHES: usize = 500;
const LARGE_BATCH: usize = 128;
/// Steps and epochs at the least.
const STEPS: u64 = 20_000;
const EPOCHS: u64 = 20;

impl Advi {
    /// These settings with what suits a network where nothing was said: small minibatches, a rate
    /// that falls to 0 over all steps, and what leaves least noise in the gradients.
    pub(super) fn for_network(&self, density: &dyn Density) -> Advi {
        let batch = self.batch.or_else(|| batch_of(density.rows()));
        let steps = self
            .steps
            .unwrap_or_else(|| steps_of(density.rows(), batch));
        let closed = self.estimator == Estimator::AnalyticEntropy;
        let independent = self.family == Family::MeanField;
        Advi {
            batch,
            steps: Some(steps),
            schedule: self.schedule.or(Some(Schedule::Cosine { last: 0.0 })),
            averaging: self.averaging.or(Some(0.0)),
            products: self.products.or(Some(independent)),
            expectations: self.expectations.or(Some(independent && closed)),
            ..self.clone()
        }
    }
}

/// The rows of a minibatch, unless all rows are one.
fn batch_of(rows: Option<usize>) -> Option<usize> {
    let rows = rows.filter(|rows| *rows >= FEW_ROWS)?;
    let size = rows.div_ceil(BATCHES).next_power_of_two();
    Some(size.clamp(BATCH, LARGE_BATCH))
}

/// The steps of a fit: many, and a few epochs at the least.
fn steps_of(rows: Option<usize>, batch: Option<usize>) -> u64 {
    match (rows, batch) {
        (Some(rows), Some(batch)) => STEPS.max(EPOCHS * rows.div_ceil(batch) as u64),
        _ => STEPS,
    }
}
