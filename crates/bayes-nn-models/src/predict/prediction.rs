//! Predictions, averaged over draws, and how good they were.

use std::fmt;
use std::sync::Arc;

use super::moments::Moments;
use super::{Predict, Task};
use crate::error::Error;
use crate::scores::{self, ClassificationScore, ConfusionMatrix, RegressionScore};

/// Predictions for rows, averaged over draws of the weights.
///
/// | | classes | counts and numbers |
/// |---|---|---|
/// | mean | probability of class 1 `[n]`, or of each class `[n, classes]` | mean target `[n]` |
/// | total | entropy of the mean probability, nats | variance |
/// | aleatoric | mean entropy of the draws | mean noise variance |
/// | epistemic | their difference: the mutual information between target and weights | variance of the mean between draws |
///
/// Total is the sum of the two parts (Depeweg et al. 2018, "Decomposition of uncertainty",
/// equations 2 and 4). Numbers are on the original scale of the target if the training set's
/// was standardised.
///
/// Which of the two it is follows from the support of the distribution: classes where it is
/// finite. Where a distribution has no mean or variance, or none is known in closed form, those of
/// predictive draws stand for them; of a Cauchy distribution they say nothing, and the interval is
/// what to look at. A variance that is infinite under a draw of the weights is infinite.
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
    log_predictive: LogPredictive,
}

/// The log predictive density of targets of the rows of a prediction.
#[derive(Clone)]
struct LogPredictive(Arc<LogDensities>);

type LogDensities = dyn Fn(&[f64]) -> Result<Vec<f64>, Error> + Send + Sync;

impl fmt::Debug for LogPredictive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogPredictive")
    }
}

/// Below it a probability that was averaged in single precision, or what it lacks of 1, has lost
/// digits.
const SMALL: f64 = 1e-5;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Prediction {
    pub(super) fn new(
        task: Task,
        moments: Moments,
        how: Predict,
        log_predictive: impl Fn(&[f64]) -> Result<Vec<f64>, Error> + Send + Sync + 'static,
    ) -> Prediction {
        Prediction {
            task,
            rows: moments.aleatoric.len(),
            how,
            mean: moments.mean,
            sd_between_draws: moments.sd,
            aleatoric: moments.aleatoric,
            epistemic: moments.epistemic,
            interval: (!task.is_classes()).then_some([moments.lower, moments.upper]),
            log_predictive: LogPredictive(Arc::new(log_predictive)),
        }
    }

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

    /// The most probable class of each row, `[n]`; of counts and numbers the mean.
    pub fn predicted(&self) -> Vec<f64> {
        match self.task {
            Task::Binary => self.mean.iter().map(|&p| f64::from(p > 0.5)).collect(),
            Task::Counts | Task::Regression => self.mean.clone(),
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
            Task::Counts | Task::Regression => self.total().iter().map(|v| v.sqrt()).collect(),
            Task::Binary | Task::Classes(_) => {
                self.mean.iter().map(|p| (p * (1.0 - p)).sqrt()).collect()
            }
        }
    }

    /// Lower and upper ends, `[n]` each, of the central predictive intervals of counts and
    /// numbers. Those of counts end at counts.
    pub fn interval(&self) -> Option<(&[f64], &[f64])> {
        let [lower, upper] = self.interval.as_ref()?;
        Some((lower, upper))
    }

    /// Which classes were predicted for which labels `[n]`; `None` of counts and numbers.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(100, 0.1, 0)?.standardized();
    /// let bnn = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli);
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(500))?;
    /// let matrix = fit.predict(&data, 50)?.confusion(data.y())?.expect("classes");
    /// println!("{matrix}");
    /// assert!(matrix.recall(1) > Some(0.8));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Targets that do not fit the rows, or are no classes.
    pub fn confusion(&self, y: &[f64]) -> Result<Option<ConfusionMatrix>, Error> {
        self.check_targets(y)?;
        let of_classes = || ConfusionMatrix::of(&self.mean, y);
        Ok(self.task.is_classes().then(of_classes).transpose()?)
    }

    fn check_targets(&self, y: &[f64]) -> Result<(), Error> {
        match y.len() == self.rows {
            true => Ok(()),
            false => Err(Error::Targets {
                rows: self.rows,
                targets: y.len(),
            }),
        }
    }

    /// The smallest probability that was predicted of a label.
    fn smallest_of_labels(&self, y: &[f64]) -> f64 {
        let classes = self.mean.len() / y.len();
        let rows = self.mean.chunks_exact(classes).zip(y);
        let of_label = rows.map(|(row, &label)| match row {
            [p] if label == 0.0 => 1.0 - p,
            [p] => *p,
            row => row[label as usize],
        });
        of_label.fold(1.0, f64::min)
    }

    /// Scores the prediction against the targets of its rows; numbers are on the original scale.
    ///
    /// The log loss is right also where the probability of a label is too small for the precision
    /// of the fit: then all draws are made once more, and averaged in logarithms.
    ///
    /// # Errors
    /// Targets that do not fit, or cannot come from the distribution.
    pub fn score(&self, y: &[f64]) -> Result<Score, Error> {
        self.check_targets(y)?;
        let Some([lower, upper]) = &self.interval else {
            let mut score = ClassificationScore::of(&self.mean, y)?;
            if self.smallest_of_labels(y) < SMALL {
                score.log_loss = -mean(&(self.log_predictive.0)(y)?);
            }
            return Ok(Score::Classification(score));
        };
        let rmse = scores::rmse(&self.mean, y)?;
        let coverage = scores::coverage(lower, upper, y)?;
        let log_likelihoods = (self.log_predictive.0)(y)?;
        Ok(Score::Regression(RegressionScore {
            rmse,
            log_likelihood: mean(&log_likelihoods),
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
    /// Of counts and numbers.
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

    /// The scores of counts and numbers.
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
