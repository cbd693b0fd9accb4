//! Mean and uncertainty of predictions, gathered inside the program while it draws.

use bayes_nn_autodiff::Graph;
use bayes_nn_kernels::{Run, running_mean, running_mean_and_squares};

use super::noise::{Noise, TargetDraws};
use super::target::{Probabilities, by_row, stretched, stretched_to};
use super::tiles::{Tile, Tiles, Written};
use super::{Predict, Task};
use crate::error::Error;
use crate::model::{Data, Model, Observed, Predictive};

/// The states that follow draws: means of what is predicted, with the sums of squared deviations,
/// of the entropy of classes, and of the variance of numbers, with its largest value.
pub(super) const MEAN: &str = "mean";
pub(super) const SQUARES: &str = "mean.squares";
const ENTROPY: &str = "entropy";
const NOISE: &str = "variance";
const LARGEST_NOISE: &str = "largest variance";

/// What is predicted of all rows, or of those of a tile.
#[derive(Default)]
pub(super) struct Moments {
    /// `[rows]` or `[rows, classes]`.
    pub(super) mean: Vec<f64>,
    pub(super) sd: Vec<f64>,
    pub(super) aleatoric: Vec<f64>,
    pub(super) epistemic: Vec<f64>,
    /// Of classes empty.
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
}

pub(super) fn moments<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
) -> Result<(Task, Moments), Error> {
    let tiles = Tiles::new(of, data, how);
    let graph = Graph::new();
    let written = tiles.write(&graph)?;
    let observed = written.only()?;
    let task = Task::of(&*observed.distribution);
    let parts = match task {
        Task::Binary | Task::Classes(_) => classes(&tiles, &written, observed, how, task)?,
        Task::Counts | Task::Regression => {
            let scale = of.scale(written.column_of(observed), task);
            numbers(&tiles, &written, observed, how, scale)?
        }
    };
    let mut all = Moments::default();
    for part in parts {
        all.mean.extend(part.mean);
        all.sd.extend(part.sd);
        all.aleatoric.extend(part.aleatoric);
        all.epistemic.extend(part.epistemic);
        all.lower.extend(part.lower);
        all.upper.extend(part.upper);
    }
    all.check(task)?;
    Ok((task, all))
}

impl Moments {
    /// A variance may be infinite; nothing else may.
    fn check(&self, task: Task) -> Result<(), Error> {
        let finite = [&self.mean, &self.lower, &self.upper];
        let not_finite = finite
            .into_iter()
            .find_map(|values| values.iter().position(|v| !v.is_finite()));
        let row = not_finite
            .map(|place| place / task.columns())
            .or_else(|| self.aleatoric.iter().position(|v| v.is_nan()));
        match row {
            Some(row) => Err(Error::NotFinitePrediction { row }),
            None => Ok(()),
        }
    }
}

fn classes<'g, M: Model>(
    tiles: &Tiles<'_, M>,
    written: &Written<'g>,
    observed: &Observed<'g>,
    how: Predict,
    task: Task,
) -> Result<Vec<Moments>, Error> {
    let Probabilities { p, entropy } = Probabilities::of(written, observed, task)?;
    written.check_known(&[p])?;
    running_mean_and_squares(&written.step, MEAN, p);
    running_mean(&written.step, ENTROPY, entropy);
    let (width, columns) = (observed.shape.elements(), task.columns());
    tiles.run(written, width, |run, tile| {
        tiles.draw(run, 0..how.draws)?;
        let mut mean = by_row(run.get(0, MEAN)?, width, columns, tile.rows);
        match task {
            Task::Binary => mean.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0)),
            _ => normalize(&mut mean, columns),
        }
        let squares = by_row(run.get(0, SQUARES)?, width, columns, tile.rows);
        let aleatoric = stretched(run.get(0, ENTROPY)?, tile.rows);
        let total = mean.chunks_exact(columns).map(|row| match row {
            [p] if task == Task::Binary => plogp(*p) + plogp(1.0 - p),
            row => row.iter().map(|&p| plogp(p)).sum(),
        });
        Ok(Moments {
            epistemic: difference(total, &aleatoric),
            sd: sd(squares, how.draws),
            mean,
            aleatoric,
            ..Moments::default()
        })
    })
}

/// Mean and variance by the moments of the distribution, intervals by draws.
fn numbers<'g, M: Model>(
    tiles: &Tiles<'_, M>,
    written: &Written<'g>,
    observed: &Observed<'g>,
    how: Predict,
    (offset, unit): (f64, f64),
) -> Result<Vec<Moments>, Error> {
    let distribution = &*observed.distribution;
    let moments = [distribution.mean(), distribution.variance()];
    let [mean, variance] = moments.map(|moment| stretched_to(moment, observed.shape));
    let step = &written.step;
    running_mean_and_squares(step, MEAN, mean);
    running_mean(step, NOISE, variance);
    // An infinite variance of one draw makes the running mean of variances NaN.
    let largest = step.state(LARGEST_NOISE, variance.shape(), 0.0);
    step.next(largest, largest.maximum(variance));
    let task = Task::of(distribution);
    let targets = TargetDraws::new(written, observed)?;
    let draws = |run: &mut Run, tile: Tile, again: bool| -> Result<Vec<Vec<f64>>, Error> {
        let rows = (0..tile.rows).map(|_| how.room(1));
        let mut rows: Vec<Vec<f64>> = rows.collect::<Result<_, _>>()?;
        for draw in 0..how.draws {
            tiles.draw(run, draw..draw + 1)?;
            let noise = Noise::new(how, draw, again);
            let values = targets.draw(run, tile, noise)?;
            for (row, value) in rows.iter_mut().zip(values) {
                row.push(value);
            }
        }
        Ok(rows)
    };
    let area = unit * unit;
    tiles.run(written, observed.shape.elements(), |run, tile| {
        let mut targets = draws(run, tile, false)?;
        let get = |run: &Run, state: &str| Ok::<_, Error>(stretched(run.get(0, state)?, tile.rows));
        let (mut mean, squares) = (get(run, MEAN)?, get(run, SQUARES)?);
        let (mut aleatoric, largest) = (get(run, NOISE)?, get(run, LARGEST_NOISE)?);
        let share = |squares: &f64| area * squares / how.draws as f64;
        let mut epistemic: Vec<f64> = squares.iter().map(share).collect();
        for (variance, largest) in aleatoric.iter_mut().zip(largest) {
            match largest == f64::INFINITY {
                true => *variance = largest,
                false => *variance *= area,
            }
        }
        if mean.iter().chain(&aleatoric).any(|moment| moment.is_nan()) {
            run.begin(&[how.seed])?;
            let again = draws(run, tile, true)?;
            for (row, pair) in targets.iter().zip(&again).enumerate() {
                if mean[row].is_nan() || aleatoric[row].is_nan() {
                    let moments = moments_of_draws(pair);
                    mean[row] = moments[0];
                    aleatoric[row] = area * moments[1];
                    epistemic[row] = area * moments[2];
                }
            }
        }
        let tail = 0.5 * (1.0 - how.interval);
        let [lower, upper] = [tail, 1.0 - tail].map(|p| {
            let end = |draws: &mut Vec<f64>| offset + unit * task.quantile(draws, p);
            targets.iter_mut().map(end).collect::<Vec<f64>>()
        });
        Ok(Moments {
            mean: mean.iter().map(|m| offset + unit * m).collect(),
            sd: epistemic.iter().map(|v| v.sqrt()).collect(),
            aleatoric,
            epistemic,
            lower,
            upper,
        })
    })
}

/// The mean, the variance of the noise and that between draws of the model's variables, by two
/// draws of a target for each of these: half the mean square of the difference of two is the
/// variance of the noise, and their covariance the rest.
fn moments_of_draws((a, b): (&Vec<f64>, &Vec<f64>)) -> [f64; 3] {
    let pairs = || a.iter().zip(b);
    let n = a.len() as f64;
    let mean = pairs().map(|(a, b)| 0.5 * (a + b)).sum::<f64>() / n;
    let noise = pairs().map(|(a, b)| 0.5 * (a - b) * (a - b)).sum::<f64>() / n;
    let between = pairs().map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n;
    [mean, noise, between.max(0.0)]
}

impl Task {
    /// The quantile `p` of draws. Of counts it is one of them, the least that so many draws are
    /// not above (Hyndman and Fan 1996, type 1).
    pub(crate) fn quantile(self, draws: &mut [f64], p: f64) -> f64 {
        match self {
            Task::Counts => {
                let place = (p * draws.len() as f64).ceil() as usize;
                let place = place.clamp(1, draws.len()) - 1;
                *draws.select_nth_unstable_by(place, f64::total_cmp).1
            }
            _ => quantile(draws, p),
        }
    }
}

/// The quantile `p` of draws, between the two nearest ones (Hyndman and Fan 1996, type 7).
fn quantile(draws: &mut [f64], p: f64) -> f64 {
    let place = p * (draws.len() - 1) as f64;
    let (_, &mut low, above) = draws.select_nth_unstable_by(place as usize, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + place.fract() * (high - low)
}

/// Makes probabilities of classes sum to 1: single precision leaves sums a little off.
pub(super) fn normalize(p: &mut [f64], classes: usize) {
    for row in p.chunks_exact_mut(classes) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }
}

fn sd(squares: Vec<f64>, draws: usize) -> Vec<f64> {
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
pub(super) fn plogp(p: f64) -> f64 {
    if p > 0.0 { -p * p.ln() } else { 0.0 }
}

impl<M> Predictive<M> {
    /// Offset and unit of the original target, of a column of numbers that the data of the fit
    /// standardised: `original = offset + unit * y`.
    pub(super) fn scale(&self, column: Option<String>, task: Task) -> (f64, f64) {
        let is_target = task == Task::Regression && column.as_deref() == Some("y");
        let target = self.data.target().filter(|_| is_target);
        target.map_or((0.0, 1.0), |s| (s.means()[0], s.sds()[0]))
    }
}
