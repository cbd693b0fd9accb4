//! Function space: what both sides predict for the same rows.

use super::Estimate;
use super::table::short;
use crate::error::Error;
use crate::predict::{Forecast, Observation, Predict, Score, Task};
use crate::scores::{self, ClassificationScore, RegressionScore};

/// Mean distances below which predictions agree, of probabilities and in predictive standard
/// deviations: conventions, as all such limits are.
const CLOSE_PROBABILITY: f64 = 0.05;
const CLOSE_SD: f64 = 0.1;

/// What one side predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Probabilities `[n]` of class 1 or `[n, classes]`, or predictive means `[n]`.
    pub mean: Vec<f64>,
    /// In the layout of `mean`: the standard deviation of probabilities between draws, or that of
    /// predictive draws.
    pub sd: Vec<f64>,
    /// The log predictive density of what was observed, in nats: of each row, or of each event.
    pub log_densities: Option<Vec<f64>>,
    /// Scores against what was observed.
    pub score: Option<Score>,
}

/// Predictions of one observed variable by both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictiveComparison {
    /// The observed variable.
    pub name: String,
    /// What is predicted: a class, a count or a number.
    pub task: Task,
    /// What the fit predicts.
    pub fit: Predicted,
    /// What the reference predicts.
    pub reference: Predicted,
    /// How far the two predictive distributions of each row are from each other, `[n]`. For
    /// classes it is the total variation, half the sum of the absolute differences of
    /// probabilities. For numbers it is the 1-Wasserstein distance between predictive draws, in
    /// units of the predictive standard deviation of the reference.
    pub distances: Vec<f64>,
    /// The mean distance between the first half of the draws of the reference and the second, hence
    /// between different chains: what chance alone, and chains that do not agree, make of the
    /// distance.
    pub chance: f64,
}

impl PredictiveComparison {
    /// The number of rows, or of elements of the variable.
    pub fn rows(&self) -> usize {
        self.distances.len()
    }

    /// The mean of the distances.
    pub fn distance(&self) -> f64 {
        mean(&self.distances)
    }

    /// Mean log predictive densities of the fit and of the reference, nats a row.
    pub fn log_scores(&self) -> Option<[f64; 2]> {
        let log_densities = |side: &Predicted| Some(mean(side.log_densities.as_ref()?));
        Some([log_densities(&self.fit)?, log_densities(&self.reference)?])
    }

    /// The log score of the fit less that of the reference, nats a row; above 0 the fit predicts
    /// better. Its error is that of a mean over rows. None without observations, or where a log
    /// density is infinite.
    pub fn log_score_difference(&self) -> Option<Estimate> {
        let (a, b) = (
            self.fit.log_densities.as_ref()?,
            self.reference.log_densities.as_ref()?,
        );
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let (n, value) = (differences.len() as f64, mean(&differences));
        let squares: f64 = differences.iter().map(|d| (d - value) * (d - value)).sum();
        let error = (squares / (n - 1.0).max(1.0) / n).sqrt();
        (value.is_finite() && error.is_finite()).then_some(Estimate { value, error })
    }

    fn limit(&self) -> f64 {
        match self.task {
            Task::Counts | Task::Regression => CLOSE_SD,
            Task::Binary | Task::Classes(_) => CLOSE_PROBABILITY,
        }
    }

    /// Whether both sides predict alike: the mean distance is at most 0.05 in probability, or a
    /// tenth of the predictive standard deviation.
    pub fn agrees(&self) -> bool {
        self.distance() <= self.limit()
    }

    pub(super) fn verdict(&self, [fit, reference]: &[String; 2]) -> String {
        let unit = match self.task {
            Task::Counts | Task::Regression => "predictive sd (1-Wasserstein)",
            Task::Binary | Task::Classes(_) => "in probability (total variation)",
        };
        let largest = self.distances.iter().copied().fold(0.0, f64::max);
        let numbers = format!(
            "on average {} {unit}, at most {}; the draws of {reference} differ among themselves by {}",
            short(self.distance()),
            short(largest),
            short(self.chance)
        );
        let name = &self.name;
        let mut verdict = match self.agrees() {
            true => format!("{fit} predicts `{name}` much as {reference} does: {numbers}."),
            false => format!("{fit} does not predict `{name}` as {reference} does: {numbers}."),
        };
        if self.chance > self.limit() {
            verdict +=
                &format!(" That is too much to judge by: {reference} needs more draws first.");
        }
        match self.log_score_difference() {
            Some(difference) if difference.is_beyond_noise(0.0) => {
                let worse = if difference.value < 0.0 {
                    "lower"
                } else {
                    "higher"
                };
                verdict += &format!(
                    " Its log score is {worse}, by {} nats a row, which is more than chance.",
                    Estimate {
                        value: difference.value.abs(),
                        ..difference
                    }
                );
            }
            Some(difference) => {
                verdict += &format!(
                    " Their log scores differ by {difference} nats a row, less than four times \
                     the error."
                );
            }
            None => {}
        }
        verdict
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Compares the observed variables of two sources, which are those of one model.
pub(super) fn compared(
    fit: Vec<Observation>,
    reference: Vec<Observation>,
    how: Predict,
) -> Result<Vec<PredictiveComparison>, Error> {
    let pairs = fit.into_iter().zip(reference);
    // A variable without elements predicts nothing.
    let pairs = pairs.filter(|(_, reference)| reference.forecast.len() > 0);
    pairs
        .map(|(fit, reference)| both(fit, reference, how))
        .collect()
}

fn both(
    fit: Observation,
    reference: Observation,
    how: Predict,
) -> Result<PredictiveComparison, Error> {
    let task = reference.task;
    let (distances, chance) = match (&fit.forecast, &reference.forecast) {
        (Forecast::Classes { halves, .. }, Forecast::Classes { halves: theirs, .. }) => {
            let [own, chains] = [halves, theirs].map(|[a, b]| midway(a, b));
            (
                total_variations(&own, &chains, task),
                mean(&total_variations(&theirs[0], &theirs[1], task)),
            )
        }
        (Forecast::Numbers { draws: own }, Forecast::Numbers { draws: chains }) => {
            let number = how.draws;
            let n = chains.len() / number;
            let rows = |draws: &[f64], from: usize, to: usize| -> Vec<Vec<f64>> {
                let row = |row| {
                    let values = (from..to).map(|draw| draws[draw * n + row]);
                    sorted(values.collect())
                };
                (0..n).map(row).collect()
            };
            let chains_of = |from, to| rows(chains, from, to);
            let all = chains_of(0, number);
            let units = units(&all);
            let distances = wasserstein(&rows(own, 0, number), &all, &units);
            let half = number / 2;
            // As many draws on both sides; the middle one of an odd number is left out.
            let halves = (chains_of(0, half), chains_of(number - half, number));
            let chance = mean(&wasserstein(&halves.0, &halves.1, &units));
            (distances, chance)
        }
        // One model has one kind of variable under a name.
        _ => {
            return Err(Error::OtherModel {
                found: format!("another distribution of `{}`", fit.name),
                expected: format!("`{}`", reference.name),
            });
        }
    };
    Ok(PredictiveComparison {
        name: reference.name.clone(),
        task,
        fit: predicted(fit, how)?,
        reference: predicted(reference, how)?,
        distances,
        chance,
    })
}

impl Forecast {
    /// Numbers that are held for it.
    fn len(&self) -> usize {
        match self {
            Forecast::Classes { sd, .. } => sd.len(),
            Forecast::Numbers { draws } => draws.len(),
        }
    }
}

/// The mean of both halves, which are of equal size up to one draw.
fn midway(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect()
}

fn total_variations(a: &[f64], b: &[f64], task: Task) -> Vec<f64> {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    let differences: Vec<f64> = differences.collect();
    match task {
        Task::Classes(classes) => differences
            .chunks_exact(classes)
            .map(|row| 0.5 * row.iter().sum::<f64>())
            .collect(),
        _ => differences,
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The mean distance between order statistics, in units of each row.
fn wasserstein(a: &[Vec<f64>], b: &[Vec<f64>], units: &[f64]) -> Vec<f64> {
    let rows = a.iter().zip(b).zip(units);
    rows.map(|((a, b), unit)| {
        let distances = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        distances.sum::<f64>() / a.len().max(1) as f64 / unit
    })
    .collect()
}

/// The standard deviation of each row's draws; where they are all the same, the mean of the other
/// rows', and 1 where nothing varies.
fn units(rows: &[Vec<f64>]) -> Vec<f64> {
    let sds: Vec<f64> = rows.iter().map(|row| moments(row).1).collect();
    let mean = mean(&sds);
    let fallback = if mean > 0.0 { mean } else { 1.0 };
    let unit = |sd: f64| if sd > 0.0 { sd } else { fallback };
    sds.into_iter().map(unit).collect()
}

fn moments(draws: &[f64]) -> (f64, f64) {
    let mean = mean(draws);
    let squares: f64 = draws.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (squares / (draws.len() as f64 - 1.0).max(1.0)).sqrt())
}

fn predicted(observation: Observation, how: Predict) -> Result<Predicted, Error> {
    let values = observation.seen.as_ref().map(|seen| &seen.values[..]);
    let (mean, sd, score) = match &observation.forecast {
        Forecast::Classes { halves, sd, .. } => {
            let means = midway(&halves[0], &halves[1]);
            let score = values
                .map(|y| ClassificationScore::of(&means, y).map(Score::Classification))
                .transpose()?;
            (means, sd.clone(), score)
        }
        Forecast::Numbers { draws } => {
            let (number, tail) = (how.draws, 0.5 * (1.0 - how.interval));
            let n = draws.len() / number;
            let (mut means, mut sds) = (Vec::new(), Vec::new());
            let mut ends = [Vec::new(), Vec::new()];
            for row in 0..n {
                let mut draws: Vec<f64> = draws.iter().skip(row).step_by(n).copied().collect();
                let (mean, sd) = moments(&draws);
                means.push(mean);
                sds.push(sd);
                for (end, p) in ends.iter_mut().zip([tail, 1.0 - tail]) {
                    end.push(observation.task.quantile(&mut draws, p));
                }
            }
            let score = match (values, &observation.seen) {
                (Some(y), Some(seen)) => Some(Score::Regression(RegressionScore {
                    rmse: scores::rmse(&means, y)?,
                    log_likelihood: mean(&seen.log_densities),
                    coverage: scores::coverage(&ends[0], &ends[1], y)?,
                    interval: how.interval,
                })),
                _ => None,
            };
            (means, sds, score)
        }
    };
    Ok(Predicted {
        mean,
        sd,
        log_densities: observation.seen.map(|seen| seen.log_densities),
        score,
    })
}
