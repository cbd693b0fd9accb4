//! Draws of the targets themselves.

use bayes_nn_autodiff::Graph;

use super::noise::{Noise, TargetDraws};
use super::tiles::Tiles;
use super::{Predict, Task};
use crate::error::Error;
use crate::model::{Data, Model, Predictive};

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
        let start = draw.checked_mul(self.rows)?;
        self.values.get(start..start.checked_add(self.rows)?)
    }

    /// All draws of one row.
    pub fn row(&self, row: usize) -> Vec<f64> {
        let draws = self.values.iter().skip(row).step_by(self.rows);
        draws.copied().collect()
    }
}

pub(super) fn predict_draws<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
) -> Result<PredictiveDraws, Error> {
    let tiles = Tiles::new(of, data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let observed = written.only()?;
    let task = Task::of(&*observed.distribution);
    let (offset, unit) = of.scale(written.column_of(observed), task);
    let targets = TargetDraws::new(&written, observed)?;
    let parts = tiles.run(&written, observed.shape.elements(), |run, tile| {
        let mut values = how.room(tile.rows)?;
        for draw in 0..how.draws {
            tiles.draw(run, draw..draw + 1)?;
            let noise = Noise::new(how, draw, false);
            let drawn = targets.draw(run, tile, noise)?;
            values.extend(drawn.iter().map(|value| offset + unit * value));
        }
        Ok((tile, values))
    })?;
    let rows = parts.iter().map(|(tile, _)| tile.rows).sum();
    let mut values = how.room(rows)?;
    values.resize(how.draws * rows, 0.0);
    for (tile, part) in parts {
        for (draw, part) in part.chunks_exact(tile.rows).enumerate() {
            values[draw * rows + tile.first..][..tile.rows].copy_from_slice(part);
        }
    }
    Ok(PredictiveDraws { rows, values })
}
