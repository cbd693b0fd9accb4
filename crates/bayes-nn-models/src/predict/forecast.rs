//! What draws predict of every observed variable, such that two sets of draws can be compared.

use bayes_nn_autodiff::Graph;
use bayes_nn_kernels::running_mean_and_squares;

use super::likelihood::{follow_densities, log_means};
use super::moments::{MEAN, SQUARES, normalize};
use super::noise::{Noise, TargetDraws};
use super::target::{Probabilities, by_row, stretched};
use super::tiles::{Tiles, Written};
use super::{Predict, Task};
use crate::error::Error;
use crate::model::{Data, Model, Observed, Predictive};

/// What the draws of a source predict of one observed variable.
pub(crate) struct Observation {
    pub(crate) name: String,
    pub(crate) task: Task,
    pub(crate) forecast: Forecast,
    /// None where the data lack the variable.
    pub(crate) seen: Option<Seen>,
}

/// The predictive distribution of a variable.
pub(crate) enum Forecast {
    /// Row-major probabilities, `[n]` of class 1 or `[n, classes]`: their mean over the first
    /// half of the draws, over the second, and their standard deviation over all.
    Classes { halves: [Vec<f64>; 2], sd: Vec<f64> },
    /// Predictive draws, row-major `[draws, n]`, with one noise for both halves of them.
    Numbers { draws: Vec<f64> },
}

/// What was observed.
pub(crate) struct Seen {
    /// `[n]`
    pub(crate) values: Vec<f64>,
    /// The log of the mean density over draws, in nats: of each value, or of each event.
    pub(crate) log_densities: Vec<f64>,
}

impl<M: Model> Predictive<M> {
    /// The predictions of all observed variables, of at least two draws.
    pub(crate) fn forecasts(&self, data: &Data, how: Predict) -> Result<Vec<Observation>, Error> {
        let tiles = Tiles::new(self, data, how);
        let variables = tiles.write(&Graph::new())?.observed.len();
        (0..variables)
            .map(|number| forecast(&tiles, number, how))
            .collect()
    }
}

fn forecast<M: Model>(
    tiles: &Tiles<'_, M>,
    number: usize,
    how: Predict,
) -> Result<Observation, Error> {
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let observed = &written.observed[number];
    let task = Task::of(&*observed.distribution);
    let forecast = match task {
        Task::Binary | Task::Classes(_) => classes(tiles, &written, observed, how, task)?,
        Task::Counts | Task::Regression => numbers(tiles, &written, observed, how)?,
    };
    // Values of which some are missing are compared, but not scored.
    let is_seen = !written.shared.is_absent(observed.value) && observed.rows.is_none();
    Ok(Observation {
        name: observed.name.clone(),
        task,
        forecast,
        seen: match is_seen {
            true => Some(seen(tiles, number, how)?),
            false => None,
        },
    })
}

fn classes<'g, M: Model>(
    tiles: &Tiles<'_, M>,
    written: &Written<'g>,
    observed: &Observed<'g>,
    how: Predict,
    task: Task,
) -> Result<Forecast, Error> {
    let Probabilities { p, .. } = Probabilities::of(written, observed, task)?;
    written.check_known(&[p])?;
    running_mean_and_squares(&written.step, MEAN, p);
    let (width, classes) = (observed.shape.elements(), task.columns());
    let (draws, first) = (how.draws, how.draws.div_ceil(2));
    let parts = tiles.run(written, width, |run, tile| {
        let by_row = |values| by_row(values, width, classes, tile.rows);
        tiles.draw(run, 0..first)?;
        let mut halves = [by_row(run.get(0, MEAN)?), Vec::new()];
        tiles.draw(run, first..draws)?;
        let all = by_row(run.get(0, MEAN)?);
        if let Some(place) = all.iter().position(|p| !p.is_finite()) {
            let row = tile.first + place / classes;
            return Err(Error::NotFinitePrediction { row });
        }
        // The second half is what the first one leaves of the whole.
        let second = |(all, half): (&f64, &f64)| {
            let sum = draws as f64 * all - first as f64 * half;
            sum / (draws - first).max(1) as f64
        };
        halves[1] = all.iter().zip(&halves[0]).map(second).collect();
        if classes > 1 {
            halves.iter_mut().for_each(|half| normalize(half, classes));
        }
        let squares = by_row(run.get(0, SQUARES)?);
        let variance = |s: &f64| s.max(0.0) / (draws as f64 - 1.0).max(1.0);
        let sd: Vec<f64> = squares.iter().map(|s| variance(s).sqrt()).collect();
        Ok((halves, sd))
    })?;
    let (mut halves, mut sd) = ([Vec::new(), Vec::new()], Vec::new());
    for (part, part_sd) in parts {
        for (half, part) in halves.iter_mut().zip(part) {
            half.extend(part);
        }
        sd.extend(part_sd);
    }
    Ok(Forecast::Classes { halves, sd })
}

fn numbers<'g, M: Model>(
    tiles: &Tiles<'_, M>,
    written: &Written<'g>,
    observed: &Observed<'g>,
    how: Predict,
) -> Result<Forecast, Error> {
    let targets = TargetDraws::new(written, observed)?;
    // Both halves see one noise, so that they differ by what the draws say, and not by it.
    let half = how.draws.div_ceil(2);
    let parts = tiles.run(written, observed.shape.elements(), |run, tile| {
        let mut values = how.room(tile.rows)?;
        for draw in 0..how.draws {
            tiles.draw(run, draw..draw + 1)?;
            let noise = Noise::new(how, draw % half, false);
            let drawn = targets.draw(run, tile, noise)?;
            if let Some(row) = drawn.iter().position(|v| !v.is_finite()) {
                return Err(Error::NotFiniteDraw {
                    name: observed.name.clone(),
                    draw,
                    element: tile.first + row,
                    value: drawn[row],
                });
            }
            values.extend(drawn);
        }
        Ok((tile, values))
    })?;
    let mut draws = Vec::new();
    for draw in 0..how.draws {
        for (tile, values) in &parts {
            draws.extend_from_slice(&values[draw * tile.rows..][..tile.rows]);
        }
    }
    Ok(Forecast::Numbers { draws })
}

/// What was observed of a variable, with its log predictive density.
fn seen<M: Model>(tiles: &Tiles<'_, M>, number: usize, how: Predict) -> Result<Seen, Error> {
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let observed = &written.observed[number];
    written.check_known(&[observed.log_prob])?;
    follow_densities(&written, observed.log_prob);
    written.step.output("seen", observed.value);
    let events = observed.log_prob_shape.elements();
    let width = observed.shape.elements();
    let parts = tiles.run(&written, events, |run, tile| {
        tiles.draw(run, 0..how.draws)?;
        let log_densities = log_means(run, how.draws, tile.rows)?;
        let wrong = log_densities
            .iter()
            .position(|l| l.is_nan() || *l == f64::INFINITY);
        if let Some(row) = wrong {
            let row = tile.first + row;
            return Err(Error::NotFinitePrediction { row });
        }
        // An event has several numbers, and one density.
        let values = stretched(run.get(0, "seen")?, tile.rows * (width / events.max(1)));
        Ok((values, log_densities))
    })?;
    let (values, log_densities): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Ok(Seen {
        values: values.concat(),
        log_densities: log_densities.concat(),
    })
}
