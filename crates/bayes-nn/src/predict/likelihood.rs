//! The log predictive density of targets: a mean over draws, in logarithms.

use bayes_nn_autodiff::Graph;
use bayes_nn_distributions::{self as distributions, Distribution};

use super::Predict;
use super::tiles::{Tiles, read};
use crate::bnn::Bnn;
use crate::error::Error;
use crate::model::Predictive;
use crate::nn::Likelihood;
use crate::scores::ScoreError;

/// Below every log density that occurs, and finite in both precisions.
const LOWEST: f64 = -1e30;

pub(super) fn log_predictive(
    posterior: &Predictive<Bnn>,
    x: &[f64],
    y: &[f64],
    how: Predict,
) -> Result<Vec<f64>, Error> {
    let tiles = Tiles::new(posterior, x, how)?;
    if y.len() != tiles.rows {
        return Err(ScoreError::Length {
            what: "y",
            found: y.len(),
            rows: tiles.rows,
            expected: "one target for each row is needed",
        }
        .into());
    }
    if let Some(row) = y.iter().position(|v| !v.is_finite()) {
        let (what, value) = ("y", y[row]);
        return Err(ScoreError::NotFinite { what, row, value }.into());
    }
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let target = written.step.window("y", [tiles.width()]);
    let is_normal = matches!(written.likelihood, Likelihood::Normal { .. });
    let log_prob = match written.likelihood {
        Likelihood::Bernoulli { logits } => {
            distributions::Bernoulli::logits(logits).log_prob(target)
        }
        Likelihood::Categorical { logits } => {
            distributions::Categorical::new(logits).log_prob(target)
        }
        Likelihood::Normal { mean, sd } => distributions::Normal::new(mean, sd).log_prob(target),
    };
    // The sum of exponentials so far is `sum * exp(largest)`.
    let largest = written.started(log_prob.shape(), LOWEST);
    let next = largest.value.maximum(log_prob);
    written.step.next(largest.value, next);
    let sum = written.state(log_prob.shape(), 0.0, |sum| {
        sum * (largest.value - next).exp() + (log_prob - next).exp()
    });
    // Densities in the original unit are smaller by its size.
    let (offset, unit) = match is_normal {
        true => posterior.target_scale(),
        false => (0.0, 1.0),
    };
    let drawing = tiles.drawing();
    let parts = tiles.run(&written, |program, tile| {
        let rows = y[tile.first..][..tile.rows].iter();
        let mut targets: Vec<f64> = rows.map(|y| (y - offset) / unit).collect();
        targets.resize(tiles.width(), 0.0);
        program.feed("y", &targets)?;
        drawing.run_all(program)?;
        let (largest, sum) = (read(program, largest)?, read(program, sum)?);
        let log_mean =
            |(largest, sum): (&f64, &f64)| largest + (sum / how.draws as f64).ln() - unit.ln();
        let rows = largest.iter().zip(&sum).take(tile.rows);
        Ok(rows.map(log_mean).collect::<Vec<f64>>())
    })?;
    Ok(parts.concat())
}
