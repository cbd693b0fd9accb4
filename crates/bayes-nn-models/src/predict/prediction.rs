//! Predictions, averaged over draws, and how good they were.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::moments::Moments;
use super::{Predict, Score, Targets, Task};
use crate::error::Error;
use crate::scores::{self, ClassificationScore, ConfusionMatrix, RegressionScore, ReliabilityBin};

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
    classes: Option<Arc<[String]>>,
    warnings: Vec<String>,
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
        classes: Option<Arc<[String]>>,
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
            classes: classes.filter(|_| task.is_classes()),
            warnings: Vec::new(),
            log_predictive: LogPredictive(Arc::new(log_predictive)),
        }
    }

    pub(super) fn with_warnings(self, warnings: Vec<String>) -> Prediction {
        Prediction { warnings, ..self }
    }

    /// What should not be passed over: names of groups that the data of the fit do not have.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
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

    /// The names of the classes, in the order of their probabilities; of a fit to data without names
    /// their numbers, and none of counts and numbers.
    pub fn classes(&self) -> Vec<String> {
        let names = self.classes.as_deref().unwrap_or_default();
        let name = |class: usize| {
            names
                .get(class)
                .cloned()
                .unwrap_or_else(|| class.to_string())
        };
        (0..self.task.classes()).map(name).collect()
    }

    /// The name of the most probable class of each row, `[n]`; none of counts and numbers.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let text = "x,kind\n1,ham\n2,ham\n3,ham\n7,spam\n8,spam\n9,spam\n";
    /// let train = Table::read_from(text.as_bytes())?.target("kind")?;
    /// let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field())?;
    /// let prediction = fit.predict(&Table::read_from("x\n1.5\n8.5\n".as_bytes())?, 100)?;
    /// assert_eq!(prediction.predicted_classes(), ["ham", "spam"]);
    /// println!("{prediction}");
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn predicted_classes(&self) -> Vec<String> {
        let classes = self.classes();
        let predicted = self.predicted().into_iter();
        let names = predicted.filter_map(|class| classes.get(class as usize).cloned());
        names.collect()
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

    /// The probability inside the interval, as [`Predict::interval`] was set.
    pub fn interval_probability(&self) -> f64 {
        self.how.interval
    }

    /// Which classes were predicted for which labels, those of a data set or numbers `[n]`; `None` of
    /// counts and numbers.
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
    pub fn confusion<'a>(
        &self,
        y: impl Into<Targets<'a>>,
    ) -> Result<Option<ConfusionMatrix>, Error> {
        let y = self.targets(y.into())?;
        if !self.task.is_classes() {
            return Ok(None);
        }
        let matrix = ConfusionMatrix::of(&self.mean, &y)?;
        Ok(Some(match &self.classes {
            Some(names) => matrix.with_names(names),
            None => matrix,
        }))
    }

    /// The bins of a reliability diagram, [`scores::reliability`], for the labels of these rows; `None` of
    /// counts and numbers.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(100, 0.1, 0)?.standardized();
    /// let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&data, &Advi::mean_field().steps(500))?;
    /// let bins = fit.predict(&data, 50)?.reliability(&data, 10)?.expect("classes");
    /// assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 100);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Prediction::confusion`]; no bins.
    pub fn reliability<'a>(
        &self,
        y: impl Into<Targets<'a>>,
        bins: usize,
    ) -> Result<Option<Vec<ReliabilityBin>>, Error> {
        let y = self.targets(y.into())?;
        match self.task.is_classes() {
            true => Ok(Some(scores::reliability(&self.mean, &y, bins)?)),
            false => Ok(None),
        }
    }

    /// The targets, as many as rows, classes by the numbers of the fit.
    fn targets<'a>(&self, y: Targets<'a>) -> Result<Cow<'a, [f64]>, Error> {
        let y = y.of(self.classes.as_ref())?;
        self.check_targets(&y)?;
        Ok(y)
    }

    /// The probability of the most probable class of a row.
    fn probability(&self, row: usize) -> f64 {
        let classes = self.mean.len() / self.rows;
        match &self.mean[row * classes..][..classes] {
            [p] => p.max(1.0 - p),
            all => all.iter().copied().fold(0.0, f64::max),
        }
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

    /// Scores the prediction against the targets of its rows: `score(&test)` of a data set, or numbers
    /// on the original scale ([`Targets`]).
    ///
    /// The log loss is right also where the probability of a label is too small for the precision
    /// of the fit: then all draws are made once more, and averaged in logarithms.
    ///
    /// # Errors
    /// Targets that do not fit, or cannot come from the distribution.
    pub fn score<'a>(&self, y: impl Into<Targets<'a>>) -> Result<Score, Error> {
        let y = &*self.targets(y.into())?;
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

impl fmt::Display for Prediction {
    /// A line for each of the first rows: the class and its probability, or the mean and the interval,
    /// and the share of the uncertainty that more data would remove.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        let names = self.predicted_classes();
        let lengths = names.iter().take(SHOWN).map(|name| name.chars().count());
        let width = lengths.max().unwrap_or(0).max(12);
        match self.task.is_classes() {
            true => write!(
                f,
                "{:>6}  {:<width$}  probability  epistemic",
                "row", "class"
            )?,
            false => write!(
                f,
                "{:>6}  {:>12}  {:>12}  {:>12}  epistemic",
                "row", "mean", "from", "to"
            )?,
        }
        let total = self.total();
        for row in 0..self.rows.min(SHOWN) {
            write!(f, "\n{row:>6}  ")?;
            match (&self.interval, names.get(row)) {
                (Some([lower, upper]), _) => {
                    write!(
                        f,
                        "{:>12.4}  {:>12.4}  {:>12.4}",
                        self.mean[row], lower[row], upper[row]
                    )?;
                }
                (None, name) => {
                    let name = name.map_or("", String::as_str);
                    write!(f, "{name:<width$}  {:>11.4}", self.probability(row))?;
                }
            }
            match total[row] > 0.0 {
                true => write!(f, "  {:>7.1} %", 100.0 * self.epistemic[row] / total[row])?,
                false => write!(f, "  {:>9}", "")?,
            }
        }
        match self.rows.saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n... and {more} more"),
        }
    }
}
