//! What a layer makes of rows under each draw.

use bayes_nn_autodiff::{Graph, Shape};

use super::super::Predict;
use super::super::target::by_row;
use super::super::tiles::Tiles;
use super::gather::{checked, total};
use super::{RepresentationError, unknown};
use crate::error::Error;
use crate::model::{Data, Model, Predictive};

/// What a layer makes of rows under each draw of the model's variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    shape: Shape,
    rows: usize,
    values: Vec<f64>,
}

impl Hidden {
    /// The shape of what the layer gives of a row: `[units]`, of a convolution `[channels, height, width]`.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Row-major `[draws, rows, ..shape]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All rows of a draw, `[rows, ..shape]`: an argument of [`cka`](crate::cka). `None` beyond the last draw.
    pub fn draw(&self, draw: usize) -> Option<&[f64]> {
        let numbers = self.rows * self.shape.elements();
        let start = draw.checked_mul(numbers)?;
        self.values.get(start..start.checked_add(numbers)?)
    }

    /// A row of a draw; `None` beyond the last.
    pub fn row(&self, draw: usize, row: usize) -> Option<&[f64]> {
        let units = self.shape.elements();
        let start = row.checked_mul(units)?;
        self.draw(draw)?.get(start..start.checked_add(units)?)
    }
}

/// The name of the output.
const HIDDEN: &str = "hidden";

pub(super) fn hidden<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
    layer: &str,
) -> Result<Hidden, Error> {
    let all = total(data)?;
    let tiles = Tiles::new(of, data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let width = written.rows().unwrap_or(all);
    let layers = checked(&written, width)?;
    let (_, value) = layers
        .iter()
        .find(|(name, _)| name == layer)
        .ok_or_else(|| unknown(layer, layers.iter().map(|(name, _)| name)))?;
    let shape = value
        .shape()
        .without(value.shape().rank() - 1, value.shape().rank());
    let units = shape.elements();
    written.step.output(HIDDEN, *value);
    let parts = tiles.run(&written, all, |run, tile| {
        let mut values = how.room(tile.rows * units)?;
        for draw in 0..how.draws {
            tiles.draw(run, draw..draw + 1)?;
            values.extend(by_row(run.get(0, HIDDEN)?, width, units, tile.rows));
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(RepresentationError::NotFinite {
                layer: layer.to_owned(),
                row: tile.first + place % (tile.rows * units) / units,
                unit: place % units,
            }
            .into());
        }
        Ok((tile, values))
    })?;
    let mut values = how.room(all * units)?;
    values.resize(how.draws * all * units, 0.0);
    for (tile, part) in parts {
        let numbers = tile.rows * units;
        for (draw, part) in part.chunks_exact(numbers.max(1)).enumerate() {
            values[(draw * all + tile.first) * units..][..numbers].copy_from_slice(part);
        }
    }
    Ok(Hidden {
        shape,
        rows: all,
        values,
    })
}
