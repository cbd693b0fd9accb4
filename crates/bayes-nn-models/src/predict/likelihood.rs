//! The log predictive density of targets: a mean over draws, in logarithms.

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_kernels::{KernelError, Run};

use super::target::{LOWEST, stretched};
use super::tiles::{Tiles, Written};
use super::{Predict, Task};
use crate::error::Error;
use crate::model::{Data, Model, Predictive};
use crate::scores::ScoreError;

/// The states of a running mean of exponentials, which is `sum * exp(largest)` over the number of
/// draws.
const LARGEST: &str = "largest log density";
const SUM: &str = "sum of densities";

/// Lets a step follow the mean density over draws of each event.
pub(super) fn follow_densities<'g>(written: &Written<'g>, log_prob: Var<'g>) {
    let step = &written.step;
    let largest = step.state(LARGEST, log_prob.shape(), LOWEST);
    let next = largest.maximum(log_prob);
    step.next(largest, next);
    let sum = step.state(SUM, log_prob.shape(), 0.0);
    step.next(sum, sum * (largest - next).exp() + (log_prob - next).exp());
}

/// The logarithm of the mean density of each of so many events.
pub(super) fn log_means(run: &Run, draws: usize, events: usize) -> Result<Vec<f64>, KernelError> {
    let (largest, sum) = (run.get(0, LARGEST)?, run.get(0, SUM)?);
    let log_mean = |(largest, sum): (&f64, &f64)| largest + (sum / draws as f64).ln();
    let means = largest.iter().zip(&sum).map(log_mean).collect();
    Ok(stretched(means, events))
}

pub(super) fn log_predictive<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    y: &[f64],
    how: Predict,
) -> Result<Vec<f64>, Error> {
    if let Some(row) = y.iter().position(|v| !v.is_finite()) {
        let (what, value) = ("y", y[row]);
        return Err(ScoreError::NotFinite { what, row, value }.into());
    }
    let (column, scaled, unit) = scaled(of, data, y, how)?;
    let data = data.without(&column);
    if let Some(rows) = data.rows().filter(|&rows| rows != y.len()) {
        return Err(ScoreError::Length {
            what: "y",
            found: y.len(),
            rows,
            expected: "one target for each row is needed",
        }
        .into());
    }
    let data = data.column(&column, scaled)?;
    let tiles = Tiles::new(of, &data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let observed = written.only()?;
    written.check_known(&[observed.log_prob])?;
    follow_densities(&written, observed.log_prob);
    let events = observed.log_prob_shape.elements();
    let parts = tiles.run(&written, events, |run, tile| {
        tiles.draw(run, 0..how.draws)?;
        let log_means = log_means(run, how.draws, tile.rows)?;
        // Densities in the original unit are smaller by its size.
        Ok(log_means
            .iter()
            .map(|l| l - unit.ln())
            .collect::<Vec<f64>>())
    })?;
    Ok(parts.concat())
}

/// The column of the targets, and the targets on the scale of the model, in its unit; all of them
/// may come from the distribution.
fn scaled<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    y: &[f64],
    how: Predict,
) -> Result<(String, Vec<f64>, f64), Error> {
    let graph = Graph::new();
    let written = Tiles::new(of, data, how).write(&graph)?;
    let observed = written.only()?;
    let column = written.column_of(observed).ok_or_else(|| Error::NoTarget {
        site: observed.name.clone(),
    })?;
    let distribution = &*observed.distribution;
    let (offset, unit) = of.scale(Some(column.clone()), Task::of(distribution));
    let scaled: Vec<f64> = y.iter().map(|y| (y - offset) / unit).collect();
    let support = distribution.support();
    match scaled.iter().position(|y| !support.contains(*y)) {
        Some(row) => Err(Error::Support {
            site: observed.name.clone(),
            row,
            value: y[row].to_string().into(),
            distribution: distribution.name(),
            support: support.to_string(),
        }),
        None => Ok((column, scaled, unit)),
    }
}
