//! Predictions of networks: the mean, and what is not known about it.

mod draws;
mod likelihood;
mod moments;
mod tiles;

use std::fmt;

use crate::bnn::Bnn;
use crate::data::Dataset;
use crate::error::Error;
use crate::model::{Posterior, Predictive};
use crate::scores::{self, ClassificationScore, RegressionScore};

pub use draws::PredictiveDraws;
pub(crate) use moments::quantile;

/// How to predict: how many draws of the weights, which seed, which interval.
///
/// ```
/// use bayes_nn::Predict;
/// let how = Predict::draws(500).seed(3).interval(0.9);
/// # let _ = how;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predict {
    pub(crate) draws: usize,
    pub(crate) seed: u64,
    pub(crate) interval: f64,
}

impl Predict {
    /// So many draws of the weights; seed 0 and 95 % intervals unless changed.
    pub fn draws(draws: usize) -> Predict {
        Predict {
            draws,
            seed: 0,
            interval: 0.95,
        }
    }

    /// The seed of the draws. All rows of a prediction see the same draws.
    pub fn seed(self, seed: u64) -> Predict {
        Predict { seed, ..self }
    }

    /// The probability inside the predictive intervals of a regression.
    pub fn interval(self, interval: f64) -> Predict {
        Predict { interval, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let request = |field, value: String, allowed| {
            Err(Error::Request {
                field,
                value,
                allowed,
            })
        };
        if self.draws == 0 {
            return request("draws", "0".to_owned(), "1 or more");
        }
        if !(self.interval > 0.0 && self.interval < 1.0) {
            return request("interval", self.interval.to_string(), "above 0 and below 1");
        }
        Ok(())
    }
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Class 0 or 1.
    Binary,
    /// One of so many classes.
    Classes(usize),
    /// A number.
    Regression,
}

/// Predictions for rows, averaged over draws of the weights.
///
/// | | classification | regression |
/// |---|---|---|
/// | mean | probability of class 1 `[n]`, or of each class `[n, classes]` | mean target `[n]` |
/// | total | entropy of the mean probability, nats | variance |
/// | aleatoric | mean entropy of the draws | mean noise variance |
/// | epistemic | their difference: the mutual information between target and weights | variance of the mean between draws |
///
/// Total is the sum of the two parts (Depeweg et al. 2018, "Decomposition of uncertainty",
/// equations 2 and 4). Regression is on the original scale of the target if the training set's
/// was standardised.
#[derive(Clone, Debug)]
pub struct Prediction {
    task: Task,
    rows: usize,
    how: Predict,
    mean: Vec<f64>,
    sd_between_draws: Vec<f64>,
    aleatoric: Vec<f64>,
    epistemic: Vec<f64>,
    interval: Option<[Vec<f64>; 2]>,
    /// What a regression's log-likelihood is computed from.
    source: Option<Box<(Predictive<Bnn>, Vec<f64>)>>,
}

impl Prediction {
    /// What is predicted.
    pub fn task(&self) -> Task {
        self.task
    }

    /// Number of rows, n.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of draws of the weights.
    pub fn draws(&self) -> usize {
        self.how.draws
    }

    /// The mean: probabilities `[n]` or `[n, classes]`, or targets `[n]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The most probable class of each row, `[n]`; of a regression the mean.
    pub fn predicted(&self) -> Vec<f64> {
        match self.task {
            Task::Binary => self.mean.iter().map(|&p| f64::from(p > 0.5)).collect(),
            Task::Regression => self.mean.clone(),
            Task::Classes(classes) => {
                let best = |row: &[f64]| {
                    (1..classes).fold(0, |best, c| if row[c] > row[best] { c } else { best })
                };
                let rows = self.mean.chunks_exact(classes);
                rows.map(|row| best(row) as f64).collect()
            }
        }
    }

    /// The part of the uncertainty that more data would remove, `[n]`: mutual information in
    /// nats, or the variance of the mean between draws.
    pub fn epistemic(&self) -> &[f64] {
        &self.epistemic
    }

    /// The part that no data would remove, `[n]`: expected entropy in nats, or noise variance.
    pub fn aleatoric(&self) -> &[f64] {
        &self.aleatoric
    }

    /// Both parts together, `[n]`: the entropy or variance of the predictive distribution.
    pub fn total(&self) -> Vec<f64> {
        let parts = self.aleatoric.iter().zip(&self.epistemic);
        parts.map(|(a, e)| a + e).collect()
    }

    /// The standard deviation between draws of the weights of what [`Prediction::mean`]
    /// averages, in its layout.
    pub fn sd_between_draws(&self) -> &[f64] {
        &self.sd_between_draws
    }

    /// The standard deviation of predictive draws, in the layout of [`Prediction::mean`]: the
    /// root of the total variance, or `sqrt(p (1 - p))` of a class's indicator. The latter says
    /// nothing beyond the mean: see [`Prediction::epistemic`].
    pub fn sd_of_draws(&self) -> Vec<f64> {
        match self.task {
            Task::Regression => self.total().iter().map(|v| v.sqrt()).collect(),
            _ => self.mean.iter().map(|p| (p * (1.0 - p)).sqrt()).collect(),
        }
    }

    /// Lower and upper ends, `[n]` each, of the central predictive intervals of a regression.
    pub fn interval(&self) -> Option<(&[f64], &[f64])> {
        let [lower, upper] = self.interval.as_ref()?;
        Some((lower, upper))
    }

    /// Scores the prediction against the targets of its rows; of a regression they are on the
    /// original scale.
    ///
    /// # Errors
    /// Targets that do not fit.
    pub fn score(&self, y: &[f64]) -> Result<Score, Error> {
        let (Some([lower, upper]), Some(source)) = (&self.interval, &self.source) else {
            let score = ClassificationScore::of(&self.mean, y)?;
            return Ok(Score::Classification(score));
        };
        let rmse = scores::rmse(&self.mean, y)?;
        let coverage = scores::coverage(lower, upper, y)?;
        let (posterior, x) = &**source;
        let log_likelihoods = likelihood::log_predictive(posterior, x, y, self.how)?;
        Ok(Score::Regression(RegressionScore {
            rmse,
            log_likelihood: log_likelihoods.iter().sum::<f64>() / self.rows as f64,
            coverage,
            interval: self.how.interval,
        }))
    }
}

/// How good a prediction was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// Of classes.
    Classification(ClassificationScore),
    /// Of numbers.
    Regression(RegressionScore),
}

impl Score {
    /// The scores of a classification.
    pub fn classification(&self) -> Option<&ClassificationScore> {
        match self {
            Score::Classification(score) => Some(score),
            Score::Regression(_) => None,
        }
    }

    /// The scores of a regression.
    pub fn regression(&self) -> Option<&RegressionScore> {
        match self {
            Score::Regression(score) => Some(score),
            Score::Classification(_) => None,
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Score::Classification(score) => score.fmt(f),
            Score::Regression(score) => score.fmt(f),
        }
    }
}

impl Posterior<Bnn> {
    /// Predicts rows `x`, row-major `[n, features]` on the scale of the training features, any
    /// number of them, from so many draws of the weights.
    ///
    /// Rows and draws are streamed: memory does not grow with rows times draws.
    ///
    /// # Errors
    /// No rows, no draws, values that do not fill rows or are not finite.
    pub fn predict(&self, x: &[f64], draws: usize) -> Result<Prediction, Error> {
        self.predict_with(x, Predict::draws(draws))
    }

    /// [`Posterior::predict`] with seed and interval of one's own.
    ///
    /// # Errors
    /// As [`Posterior::predict`].
    pub fn predict_with(&self, x: &[f64], how: Predict) -> Result<Prediction, Error> {
        moments::predict(&self.predictive, x, how)
    }

    /// Predicts the rows of a data set and scores them against its targets, which are taken back
    /// to their original scale first if the set standardised them.
    ///
    /// # Errors
    /// As [`Posterior::predict`] and [`Prediction::score`].
    pub fn score(&self, data: &Dataset, how: Predict) -> Result<Score, Error> {
        score(&self.predictive, data, how)
    }

    /// Draws of the targets themselves, `[draws, n]`: labels, or numbers on the original scale.
    ///
    /// # Errors
    /// As [`Posterior::predict`].
    pub fn predict_draws(&self, x: &[f64], how: Predict) -> Result<PredictiveDraws, Error> {
        draws::predict_draws(&self.predictive, x, how)
    }

    /// The log predictive density (or probability) of each row's target, `[n]` in nats: the log
    /// of the mean over draws. A regression's `y` is on the original scale.
    ///
    /// # Errors
    /// As [`Posterior::predict`], and targets that do not fit.
    pub fn log_predictive(&self, x: &[f64], y: &[f64], how: Predict) -> Result<Vec<f64>, Error> {
        likelihood::log_predictive(&self.predictive, x, y, how)
    }
}

/// Predicts the rows of a data set and scores them on the original scale of its targets.
fn score(posterior: &Predictive<Bnn>, data: &Dataset, how: Predict) -> Result<Score, Error> {
    let prediction = moments::predict(posterior, data.x(), how)?;
    match data.target_standardization() {
        Some(constants) => prediction.score(&constants.invert(data.y())?),
        None => prediction.score(data.y()),
    }
}

impl Predictive<Bnn> {
    /// Offset and unit of the original target: `original = offset + unit * y`.
    fn target_scale(&self) -> (f64, f64) {
        self.data
            .target()
            .map_or((0.0, 1.0), |s| (s.means()[0], s.sds()[0]))
    }
}
