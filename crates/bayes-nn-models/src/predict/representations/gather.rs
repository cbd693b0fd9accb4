//! What is gathered of layers while rows go through a model, tile by tile.

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_kernels::{Run, running_mean_and_squares};

use super::super::Predict;
use super::super::tiles::{Tile, Tiles, Written};
use super::{Representation, RepresentationError, Representations, Unit, WeightCertainty, cka};
use crate::data::DataError;
use crate::error::Error;
use crate::model::{Data, Model, Predictive};

/// Rows and draws of similarities at the most.
const ROWS: usize = 1_024;
const DRAWS: usize = 50;

/// How many rows there are, of data that are all in memory.
pub(super) fn total(data: &Data) -> Result<usize, Error> {
    if !data.is_in_memory() {
        return Err(data.not_in_memory());
    }
    match data.rows() {
        Some(rows) if rows > 0 => Ok(rows),
        _ => Err(DataError::Empty.into()),
    }
}

/// The layers of a model that was written for so many rows.
pub(super) fn checked<'w, 'g>(
    written: &'w Written<'g>,
    rows: usize,
) -> Result<&'w [(String, Var<'g>)], Error> {
    if written.layers.is_empty() {
        return Err(RepresentationError::NoLayers.into());
    }
    for (layer, value) in &written.layers {
        if value.shape().rank() == 0 || value.shape().columns() != rows {
            return Err(RepresentationError::NotOfRows {
                layer: layer.clone(),
                shape: Box::new(value.shape()),
                rows,
            }
            .into());
        }
        written.check_known(&[*value])?;
    }
    Ok(&written.layers)
}

pub(super) fn representations<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
) -> Result<Representations, Error> {
    let rows = total(data)?;
    if rows < 2 {
        return Err(RepresentationError::TooFewRows {
            rows,
            wanted: "what differs by row",
            least: 2,
        }
        .into());
    }
    let mut layers = units(of, data, how)?;
    let part = |rows: &[usize]| match of.model.has_independent_rows() {
        true => data.part(rows),
        false => None,
    };
    let weights = weights(of, part(&[0]).as_ref().unwrap_or(data), how)?;
    for layer in &mut layers {
        let own = |weight: &&WeightCertainty| {
            let rest = weight.name.strip_prefix(&layer.name);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        layer.weights = weights.iter().filter(own).cloned().collect();
    }
    let taken = rows.min(ROWS);
    let taken: Vec<usize> = (0..taken).map(|row| row * rows / taken).collect();
    let few = Predict {
        draws: how.draws.min(DRAWS),
        ..how
    };
    let kernels = match part(&taken) {
        Some(part) => kernels(of, &part, &(0..taken.len()).collect::<Vec<_>>(), few)?,
        None => kernels(of, data, &taken, few)?,
    };
    for (layer, kernels) in layers.iter_mut().zip(kernels) {
        layer.kernels = kernels.into_iter().map(cka::unit_length).collect();
    }
    Ok(Representations {
        layers,
        rows,
        draws: how.draws,
        warnings: Vec::new(),
    })
}

/// The mean over rows of a unit, the sum of squared deviations of rows from it, and the sum of what draws
/// differ by.
#[derive(Clone, Copy, Default)]
struct Sums {
    rows: f64,
    mean: f64,
    squares: f64,
    noise: f64,
}

impl Sums {
    /// Adds a row, with its mean over draws and its variance over them (Welford 1962).
    fn add(&mut self, mean: f64, noise: f64) {
        self.rows += 1.0;
        let before = mean - self.mean;
        self.mean += before / self.rows;
        self.squares += before * (mean - self.mean);
        self.noise += noise;
    }

    /// Adds other rows (Chan, Golub and LeVeque 1979).
    fn join(&mut self, other: &Sums) {
        let rows = self.rows + other.rows;
        let between = other.mean - self.mean;
        self.mean += between * other.rows / rows;
        self.squares += other.squares + between * between * self.rows * other.rows / rows;
        self.noise += other.noise;
        self.rows = rows;
    }

    fn unit(&self, draws: f64) -> Unit {
        let noise = self.noise / self.rows;
        let by_row = self.squares / (self.rows - 1.0);
        Unit {
            mean: self.mean,
            signal: (by_row - noise / draws).max(0.0),
            noise,
        }
    }
}

fn state(kind: &str, number: usize) -> String {
    format!("{kind} {number} of representations")
}

fn moments(run: &Run, state: &str) -> Result<[Vec<f64>; 2], Error> {
    let squares = run.get(0, &format!("{state}.squares"))?;
    Ok([run.get(0, state)?, squares])
}

/// The layers with their units.
fn units<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
) -> Result<Vec<Representation>, Error> {
    let rows = total(data)?;
    let tiles = Tiles::new(of, data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let width = written.rows().unwrap_or(rows);
    let layers = checked(&written, width)?;
    for (number, (_, value)) in layers.iter().enumerate() {
        running_mean_and_squares(&written.step, &state("layer", number), *value);
    }
    let of_tile = |run: &Run, tile: Tile, number: usize| -> Result<Vec<Sums>, Error> {
        let [mean, squares] = moments(run, &state("layer", number))?;
        let mut units = Vec::with_capacity(mean.len() / width);
        for (unit, (mean, squares)) in mean.chunks(width).zip(squares.chunks(width)).enumerate() {
            let mut sums = Sums::default();
            for (row, (mean, squares)) in mean.iter().zip(squares).take(tile.rows).enumerate() {
                if !(mean.is_finite() && squares.is_finite()) {
                    return Err(RepresentationError::NotFinite {
                        layer: layers[number].0.clone(),
                        row: tile.first + row,
                        unit,
                    }
                    .into());
                }
                sums.add(*mean, squares.max(0.0) / (how.draws - 1) as f64);
            }
            units.push(sums);
        }
        Ok(units)
    };
    let parts = tiles.run(&written, rows, |run, tile| {
        tiles.draw(run, 0..how.draws)?;
        let layers = (0..layers.len()).map(|number| of_tile(run, tile, number));
        layers.collect::<Result<Vec<_>, Error>>()
    })?;
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        for (all, part) in all.iter_mut().flatten().zip(part.iter().flatten()) {
            all.join(part);
        }
    }
    let found = layers.iter().zip(all).map(|((name, value), sums)| {
        let rank = value.shape().rank();
        let units = sums.iter().map(|sums| sums.unit(how.draws as f64));
        Representation {
            name: name.clone(),
            shape: value.shape().without(rank - 1, rank),
            units: units.collect(),
            weights: Vec::new(),
            rows,
            kernels: Vec::new(),
        }
    });
    Ok(found.collect())
}

/// Weights by their means and standard deviations over draws.
fn weights<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
) -> Result<Vec<WeightCertainty>, Error> {
    let tiles = Tiles::new(of, data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    for (number, (_, value)) in written.weights.iter().enumerate() {
        running_mean_and_squares(&written.step, &state("weight", number), *value);
    }
    let parts = tiles.run(&written, total(data)?, |run, tile| {
        if tile.first > 0 {
            return Ok(Vec::new());
        }
        tiles.draw(run, 0..how.draws)?;
        let weights = written.weights.iter().enumerate();
        let certain = weights.map(|(number, (name, value))| {
            let [mean, squares] = moments(run, &state("weight", number))?;
            let sd = |squares: &f64| (squares.max(0.0) / (how.draws - 1) as f64).sqrt();
            let pairs = mean.iter().zip(&squares);
            Ok(WeightCertainty {
                name: name.clone(),
                shape: value.shape(),
                signal_to_noise: pairs
                    .map(|(mean, squares)| super::ratio(mean.abs(), sd(squares)))
                    .collect(),
            })
        });
        certain.collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// Products of these rows, block after block, of each layer under each draw.
fn kernels<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    taken: &[usize],
    how: Predict,
) -> Result<Vec<Vec<Vec<f64>>>, Error> {
    let rows = total(data)?;
    let tiles = Tiles::new(of, data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let width = written.rows().unwrap_or(rows);
    let layers = checked(&written, width)?;
    for (number, (_, value)) in layers.iter().enumerate() {
        written.step.output(&state("layer", number), *value);
    }
    let parts = tiles.run(&written, rows, |run, tile| {
        let own = taken.iter().filter_map(|row| row.checked_sub(tile.first));
        let own: Vec<usize> = own.filter(|row| *row < tile.rows).collect();
        let mut found = vec![vec![Vec::new(); how.draws]; layers.len()];
        for draw in 0..how.draws {
            tiles.draw(run, draw..draw + 1)?;
            for (number, found) in found.iter_mut().enumerate() {
                let values = run.get(0, &state("layer", number))?;
                for block in cka::blocks(&own) {
                    let unit = |unit: &'_ [f64]| -> Vec<f64> {
                        block.iter().map(|row| unit[*row]).collect()
                    };
                    let units = values.chunks(width).map(|u| unit(u).into_iter());
                    found[draw].extend(cka::kernel(units, block.len()));
                }
            }
        }
        Ok(found)
    })?;
    let mut all = vec![vec![Vec::new(); how.draws]; layers.len()];
    for part in parts {
        for (all, part) in all.iter_mut().flatten().zip(part.into_iter().flatten()) {
            all.extend(part);
        }
    }
    Ok(all)
}
