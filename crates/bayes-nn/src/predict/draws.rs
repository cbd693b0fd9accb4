//! Draws of the targets themselves.

use bayes_nn_autodiff::Graph;
use bayes_nn_autodiff::noise::{self, NoiseKey};

use super::Predict;
use super::moments::{OBSERVATION, observation_noise};
use super::tiles::Tiles;
use crate::bnn::Bnn;
use crate::error::Error;
use crate::model::Predictive;
use crate::nn::Likelihood;

/// Predictive draws: weights from the posterior, then a target of each row from the likelihood.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictiveDraws {
    rows: usize,
    values: Vec<f64>,
}

impl PredictiveDraws {
    /// Number of rows, n.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All draws, row-major `[draws, n]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One draw of all rows, `[n]`; `None` beyond the last one.
    pub fn draw(&self, draw: usize) -> Option<&[f64]> {
        self.values.get(draw * self.rows..(draw + 1) * self.rows)
    }

    /// All draws of one row.
    pub fn row(&self, row: usize) -> Vec<f64> {
        let draws = self.values.iter().skip(row).step_by(self.rows);
        draws.copied().collect()
    }
}

pub(super) fn predict_draws(
    posterior: &Predictive<Bnn>,
    x: &[f64],
    how: Predict,
) -> Result<PredictiveDraws, Error> {
    let tiles = Tiles::new(posterior, x, how)?;
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let (offset, unit) = posterior.target_scale();
    let outputs = match written.likelihood {
        Likelihood::Bernoulli { logits } => vec![logits.sigmoid()],
        Likelihood::Categorical { logits } => {
            let largest = logits.logsumexp(0).reshape([1, tiles.width()]);
            vec![(logits - largest).exp()]
        }
        Likelihood::Normal { mean, sd } => vec![mean, sd],
    };
    let uniform = |draw: u64, row: usize| {
        let key = NoiseKey {
            seed: how.seed,
            step: draw,
            stream: OBSERVATION,
        };
        noise::uniform(&key, (row >> 20) as u32, (row & 0xf_ffff) as u32)
    };
    let is_normal = outputs.len() == 2;
    let width = tiles.width();
    let drawing = tiles.drawing();
    for (name, output) in ["mean", "sd"].iter().zip(&outputs) {
        written.step.output(name, *output);
    }
    let parts = tiles.run(&written, |program, tile| {
        let mut values = Vec::with_capacity(how.draws * tile.rows);
        for draw in 0..how.draws {
            drawing.run(program, draw..draw + 1)?;
            let draw = draw as u64;
            let (first, second) = (
                program.get(0, "mean")?,
                match is_normal {
                    true => program.get(0, "sd")?,
                    false => Vec::new(),
                },
            );
            values.extend((0..tile.rows).map(|row| {
                let place = tile.first + row;
                if is_normal {
                    let noise = observation_noise(how, draw, place);
                    return offset
                        + unit * (first[row] + second[row.min(second.len() - 1)] * noise);
                }
                if first.len() == width {
                    return f64::from(uniform(draw, place) < first[row]);
                }
                let classes = first.len() / width;
                let mut rest = uniform(draw, place);
                let chosen = (0..classes - 1).find(|class| {
                    rest -= first[class * width + row];
                    rest < 0.0
                });
                chosen.unwrap_or(classes - 1) as f64
            }));
        }
        Ok((tile, values))
    })?;
    let mut values = vec![0.0; how.draws * tiles.rows];
    for (tile, part) in parts {
        for (draw, part) in part.chunks_exact(tile.rows).enumerate() {
            values[draw * tiles.rows + tile.first..][..tile.rows].copy_from_slice(part);
        }
    }
    Ok(PredictiveDraws {
        rows: tiles.rows,
        values,
    })
}
