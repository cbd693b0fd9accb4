//! Mean and uncertainty of predictions, gathered inside the program while it draws.

use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_autodiff::{Graph, Var};

use super::tiles::{Followed, Tile, TileGraph, Tiles, read};
use super::{Predict, Prediction, Task};
use crate::bnn::Bnn;
use crate::error::Error;
use crate::model::{Predictive, transposed};
use crate::nn::Likelihood;

/// The stream of the observation noise; the guide's is 0.
pub(super) const OBSERVATION: u32 = 1;

/// What one tile leaves.
struct Part {
    /// `[rows]` or `[rows, classes]`.
    mean: Vec<f64>,
    sd: Vec<f64>,
    aleatoric: Vec<f64>,
    epistemic: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

pub(super) fn predict(
    posterior: &Predictive<Bnn>,
    x: &[f64],
    how: Predict,
) -> Result<Prediction, Error> {
    let tiles = Tiles::new(posterior, x, how)?;
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let (task, parts) = match written.likelihood {
        Likelihood::Bernoulli { logits } => (Task::Binary, binary(&tiles, &written, logits)?),
        Likelihood::Categorical { logits } => {
            let classes = logits.shape()[0];
            (
                Task::Classes(classes),
                classified(&tiles, &written, logits)?,
            )
        }
        Likelihood::Normal { mean, sd } => (
            Task::Regression,
            regression(&tiles, &written, mean, sd, posterior.target_scale())?,
        ),
    };
    let regression = task == Task::Regression;
    let join = |part: fn(&Part) -> &Vec<f64>| -> Vec<f64> {
        parts.iter().flat_map(part).copied().collect()
    };
    let (mean, aleatoric) = (join(|p| &p.mean), join(|p| &p.aleatoric));
    for values in [&mean, &aleatoric] {
        if let Some(place) = values.iter().position(|v| !v.is_finite()) {
            let row = place / (values.len() / tiles.rows);
            return Err(Error::NotFinitePrediction { row });
        }
    }
    Ok(Prediction {
        task,
        rows: tiles.rows,
        how,
        mean,
        sd_between_draws: join(|p| &p.sd),
        aleatoric,
        epistemic: join(|p| &p.epistemic),
        interval: regression.then(|| [join(|p| &p.lower), join(|p| &p.upper)]),
        source: regression.then(|| Box::new((posterior.clone(), x.to_vec()))),
    })
}

fn binary<'g>(
    tiles: &Tiles<'_>,
    written: &TileGraph<'g>,
    logits: Var<'g>,
) -> Result<Vec<Part>, Error> {
    let p = logits.sigmoid();
    // -p ln p - (1 - p) ln(1 - p), by the logit.
    let entropy = logits.softplus() - logits * p;
    let ((mean, squares), entropy) = follow(written, p, entropy);
    let drawing = tiles.drawing();
    tiles.run(written, |program, tile| {
        drawing.run_all(program)?;
        let mean = clamped(read(program, mean)?, tile);
        let aleatoric = truncated(read(program, entropy)?, tile.rows);
        let total = mean.iter().map(|&p| plogp(p) + plogp(1.0 - p));
        Ok(Part {
            epistemic: difference(total, &aleatoric),
            sd: sd(read(program, squares)?, tile.rows, tiles.how.draws),
            mean,
            aleatoric,
            lower: Vec::new(),
            upper: Vec::new(),
        })
    })
}

/// The mean and squares of the probabilities, and the mean entropy.
fn follow<'g>(
    written: &TileGraph<'g>,
    p: Var<'g>,
    entropy: Var<'g>,
) -> ((Followed<'g>, Followed<'g>), Followed<'g>) {
    (written.mean_and_squares(p), written.mean(entropy))
}

fn classified<'g>(
    tiles: &Tiles<'_>,
    written: &TileGraph<'g>,
    logits: Var<'g>,
) -> Result<Vec<Part>, Error> {
    let (classes, width) = (logits.shape()[0], tiles.width());
    let log_p = logits - logits.logsumexp(0).reshape([1, width]);
    let p = log_p.exp();
    let ((mean, squares), entropy) = follow(written, p, -(p * log_p).sum_axis(0));
    let drawing = tiles.drawing();
    tiles.run(written, |program, tile| {
        drawing.run_all(program)?;
        let by_row = |values: Vec<f64>| transposed(&values, width);
        let values = tile.rows * classes;
        let mut mean = truncated(by_row(read(program, mean)?), values);
        for row in mean.chunks_exact_mut(classes) {
            // Single precision leaves sums a little off 1.
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        let aleatoric = truncated(read(program, entropy)?, tile.rows);
        let rows = mean.chunks_exact(classes);
        let total = rows.map(|row| row.iter().map(|&p| plogp(p)).sum());
        Ok(Part {
            epistemic: difference(total, &aleatoric),
            sd: sd(by_row(read(program, squares)?), values, tiles.how.draws),
            mean,
            aleatoric,
            lower: Vec::new(),
            upper: Vec::new(),
        })
    })
}

fn regression<'g>(
    tiles: &Tiles<'_>,
    written: &TileGraph<'g>,
    mean: Var<'g>,
    sd: Var<'g>,
    (offset, unit): (f64, f64),
) -> Result<Vec<Part>, Error> {
    let (running_mean, squares) = written.mean_and_squares(mean);
    let noise = written.mean(sd * sd);
    let (draws, tail) = (tiles.how.draws, 0.5 * (1.0 - tiles.how.interval));
    let drawing = tiles.drawing();
    written.step.output("mean", mean);
    written.step.output("sd", sd);
    tiles.run(written, |program, tile| {
        let mut targets = vec![Vec::with_capacity(draws); tile.rows];
        for draw in 0..draws {
            drawing.run(program, draw..draw + 1)?;
            let (mean, sd) = (program.get(0, "mean")?, program.get(0, "sd")?);
            for (row, targets) in targets.iter_mut().enumerate() {
                let noise = observation_noise(tiles.how, draw as u64, tile.first + row);
                targets.push(mean[row] + sd[row.min(sd.len() - 1)] * noise);
            }
        }
        let mut ends = [tail, 1.0 - tail].map(|p| {
            let mut quantile = |draws: &mut Vec<f64>| offset + unit * quantile(draws, p);
            targets.iter_mut().map(&mut quantile).collect::<Vec<f64>>()
        });
        let variance = unit * unit;
        let squares = truncated(read(program, squares)?, tile.rows);
        let epistemic: Vec<f64> = squares
            .iter()
            .map(|s| variance * s / draws as f64)
            .collect();
        let aleatoric = stretched(read(program, noise)?, tile.rows);
        let mean = truncated(read(program, running_mean)?, tile.rows);
        Ok(Part {
            mean: mean.iter().map(|m| offset + unit * m).collect(),
            sd: epistemic.iter().map(|v| v.sqrt()).collect(),
            aleatoric: aleatoric.iter().map(|v| variance * v).collect(),
            epistemic,
            lower: std::mem::take(&mut ends[0]),
            upper: std::mem::take(&mut ends[1]),
        })
    })
}

/// A standard normal for one row in one draw of the weights.
pub(super) fn observation_noise(how: Predict, draw: u64, row: usize) -> f64 {
    let key = NoiseKey {
        seed: how.seed,
        step: draw,
        stream: OBSERVATION,
    };
    noise::normal(&key, (row >> 20) as u32, (row & 0xf_ffff) as u32)
}

/// The quantile `p` of draws, between the two nearest ones (Hyndman and Fan 1996, type 7).
pub(crate) fn quantile(draws: &mut [f64], p: f64) -> f64 {
    let place = p * (draws.len() - 1) as f64;
    let (_, &mut low, above) = draws.select_nth_unstable_by(place as usize, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + place.fract() * (high - low)
}

fn truncated(mut values: Vec<f64>, length: usize) -> Vec<f64> {
    values.truncate(length);
    values
}

/// One value for all rows, or one for each.
fn stretched(values: Vec<f64>, rows: usize) -> Vec<f64> {
    match values.as_slice() {
        [value] => vec![*value; rows],
        _ => truncated(values, rows),
    }
}

fn clamped(values: Vec<f64>, tile: Tile) -> Vec<f64> {
    let values = truncated(values, tile.rows);
    values.into_iter().map(|p| p.clamp(0.0, 1.0)).collect()
}

fn sd(squares: Vec<f64>, length: usize, draws: usize) -> Vec<f64> {
    let squares = truncated(squares, length);
    let sd = |s: f64| (s.max(0.0) / draws as f64).sqrt();
    squares.into_iter().map(sd).collect()
}

/// The mutual information, which rounding must not make negative.
fn difference(total: impl Iterator<Item = f64>, aleatoric: &[f64]) -> Vec<f64> {
    total
        .zip(aleatoric)
        .map(|(t, a)| (t - a).max(0.0))
        .collect()
}

/// `-p ln p`.
fn plogp(p: f64) -> f64 {
    if p > 0.0 { -p * p.ln() } else { 0.0 }
}
