//! Scores of rows that come part by part.

use super::classification::{BINS, ReliabilityBin, calibration_error, confidence_bins};
use super::{ClassificationScore, RegressionScore, ScoreError};
use crate::Score;

/// The score of the parts so far, and what a further one is added to.
#[derive(Default)]
pub(crate) struct Parts {
    rows: usize,
    score: Option<Score>,
    bins: Vec<ReliabilityBin>,
}

impl Parts {
    /// Adds a part with its score, its probabilities or means, and its targets.
    pub(crate) fn add(
        &mut self,
        score: &Score,
        predicted: &[f64],
        y: &[f64],
    ) -> Result<(), ScoreError> {
        let share = y.len() as f64 / (self.rows + y.len()) as f64;
        let mean = |before: f64, own: f64| before + share * (own - before);
        self.rows += y.len();
        if score.classification().is_some() {
            let own = confidence_bins(predicted, y, BINS)?;
            match self.bins.is_empty() {
                true => self.bins = own,
                false => self
                    .bins
                    .iter_mut()
                    .zip(&own)
                    .for_each(|(b, own)| b.add(own)),
            }
        }
        self.score = Some(match (self.score, *score) {
            (Some(Score::Classification(before)), Score::Classification(own)) => {
                Score::Classification(ClassificationScore {
                    accuracy: mean(before.accuracy, own.accuracy),
                    // An infinite one stays so.
                    log_loss: match before.log_loss.is_infinite() {
                        true => before.log_loss,
                        false => mean(before.log_loss, own.log_loss),
                    },
                    brier: mean(before.brier, own.brier),
                    ece: calibration_error(&self.bins),
                })
            }
            (Some(Score::Regression(before)), Score::Regression(own)) => {
                Score::Regression(RegressionScore {
                    rmse: mean(before.rmse.powi(2), own.rmse.powi(2)).sqrt(),
                    log_likelihood: mean(before.log_likelihood, own.log_likelihood),
                    coverage: mean(before.coverage, own.coverage),
                    interval: own.interval,
                })
            }
            (_, own) => own,
        });
        Ok(())
    }

    /// The score of all; nothing without rows.
    pub(crate) fn score(self) -> Option<Score> {
        self.score
    }
}

impl ReliabilityBin {
    /// Adds the predictions of another bin of the same edges.
    fn add(&mut self, other: &ReliabilityBin) {
        let count = self.count + other.count;
        if other.count == 0 {
            return;
        }
        let share = other.count as f64 / count as f64;
        let before = match self.count {
            0 => other.probability,
            _ => self.probability,
        };
        self.probability = before + share * (other.probability - before);
        self.frequency += share * (other.frequency - self.frequency);
        self.count = count;
    }
}
