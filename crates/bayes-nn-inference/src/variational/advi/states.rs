//! The guide's parameters as states of a run: set to where a fit begins, and read.

use bayes_nn_kernels::Run;

use super::Advi;
use super::write::{STEPS, average_of};
use crate::{Density, InferenceError};

/// Puts a replica to where a fit with these settings begins: sets the guide's blocks, and their
/// averages, to the start's means, standard deviations and no correlation.
pub(super) fn begin(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    replica: usize,
) -> Result<(), InferenceError> {
    let mean = advi.start(density)?;
    let sd = advi.initial_sds(density)?;
    for (name, values) in advi.layout(density).independent(&mean, &sd) {
        run.set(replica, name, &values)?;
        if advi.first_averaged().is_some() {
            run.set(replica, &average_of(name), &values)?;
        }
    }
    if advi.is_as_long_as_needed() {
        run.set(replica, STEPS, &[advi.step_count() as f64])?;
    }
    Ok(run.save(replica)?)
}

/// The guide's parameters among the states: their averages, or the last step's.
pub(super) fn blocks(
    advi: &Advi,
    density: &dyn Density,
    run: &Run,
    replica: usize,
    averaged: bool,
) -> Result<Vec<Vec<f64>>, InferenceError> {
    let names = advi.layout(density).blocks().into_iter();
    let blocks = names.map(|block| match averaged {
        true => run.get(replica, &average_of(block)),
        false => run.get(replica, block),
    });
    Ok(blocks.collect::<Result<_, _>>()?)
}
