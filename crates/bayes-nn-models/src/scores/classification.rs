//! Scores of class probabilities.

use super::ScoreError;
use std::fmt;

/// Number of equal-width bins of [`ece`].
pub const BINS: usize = 10;

/// Rows of class probabilities may miss the sum 1 by this much: averages of draws in single precision do.
const SUM_TOLERANCE: f64 = 1e-4;

/// The share of rows whose most probable class is the label; a tie goes to the lowest class.
///
/// # Errors
/// Lengths that do not fit, labels that are no class, values that are no probabilities.
///
/// ```
/// # use bayes_nn::scores;
/// assert_eq!(scores::accuracy(&[0.9, 0.2, 0.6, 0.4], &[1.0, 0.0, 0.0, 0.0])?, 0.75);
/// assert_eq!(scores::accuracy(&[0.2, 0.3, 0.5, 0.6, 0.3, 0.1], &[2.0, 1.0])?, 0.5);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn accuracy(probabilities: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    let rows = Rows::check(probabilities, y)?;
    Ok(rows.mean(|row| f64::from(row.predicted() == row.label)))
}

/// The share of rows whose label is among the `k` most probable classes; of classes with one
/// probability the lower goes before. With `k = 1` it is the [`accuracy`].
///
/// # Errors
/// As [`accuracy`]; [`ScoreError::TopK`] unless `k` is from 1 to the number of classes.
///
/// ```
/// # use bayes_nn::scores;
/// let probabilities = [0.5, 0.3, 0.2, 0.2, 0.3, 0.5];
/// assert_eq!(scores::top_k(&probabilities, &[1.0, 0.0], 2)?, 0.5);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn top_k(probabilities: &[f64], y: &[f64], k: usize) -> Result<f64, ScoreError> {
    let rows = Rows::check(probabilities, y)?;
    let classes = rows.classes();
    if !(1..=classes).contains(&k) {
        return Err(ScoreError::TopK { k, classes });
    }
    Ok(rows.mean(|row| f64::from(row.rank() < k)))
}

/// The mean of `-ln p(label)`, in nats per row: 0 is perfect, `ln classes` is guessing.
///
/// Nothing is clipped: a certain prediction that is wrong, p(label) = 0, makes the log loss infinite.
///
/// # Errors
/// As [`accuracy`].
///
/// ```
/// # use bayes_nn::scores;
/// assert_eq!(scores::log_loss(&[0.5, 0.5], &[1.0, 0.0])?, std::f64::consts::LN_2);
/// assert_eq!(scores::log_loss(&[0.5, 0.0], &[1.0, 1.0])?, f64::INFINITY);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn log_loss(probabilities: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    let rows = Rows::check(probabilities, y)?;
    Ok(rows.mean(Row::surprise))
}

/// The Brier score: 0 is perfect.
///
/// For `[n]` the mean of `(p - y)^2`, at most 1; for `[n, classes]` the mean over rows of the squared errors summed over the
/// classes, at most 2 (Brier 1950). Two classes as `[n, 2]` therefore score twice what they score as `[n]`.
///
/// # Errors
/// As [`accuracy`].
///
/// ```
/// # use bayes_nn::scores;
/// assert_eq!(scores::brier(&[0.5, 1.0], &[1.0, 1.0])?, 0.125);
/// assert_eq!(scores::brier(&[0.5, 0.5, 0.0, 1.0], &[1.0, 1.0])?, 0.25);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn brier(probabilities: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    let rows = Rows::check(probabilities, y)?;
    Ok(rows.mean(Row::squared_error))
}

/// The expected calibration error over [`BINS`] bins: how far confidence and accuracy are apart, from 0 to 1.
///
/// The confidence of a row is the probability of its predicted class, also for `[n]`, where it is max(p, 1 - p); so two
/// classes score the same as `[n]` and as `[n, 2]`. `sum_b n_b / n |accuracy_b - confidence_b|` over equal-width bins of the
/// confidence (Guo et al. 2017, "On calibration of modern neural networks", equation 3).
///
/// # Errors
/// As [`accuracy`].
///
/// ```
/// # use bayes_nn::scores;
/// let ece = scores::ece(&[0.75, 0.75, 0.75, 0.75], &[1.0, 1.0, 1.0, 0.0])?;
/// assert_eq!(ece, 0.0);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn ece(probabilities: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    Ok(calibration_error(&confidence_bins(probabilities, y, BINS)?))
}

/// The predictions whose probability fell into one bin.
///
/// ```
/// # use bayes_nn::scores;
/// let bins = scores::reliability(&[0.1, 0.9, 0.8], &[0.0, 1.0, 0.0], 2)?;
/// assert_eq!((bins[1].count, bins[1].frequency), (2, 0.5));
/// # Ok::<(), scores::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Lower edge of the bin; the bin holds `lower <= p < upper`, the last one also p = 1.
    pub lower: f64,
    /// Upper edge of the bin.
    pub upper: f64,
    /// Predictions in the bin.
    pub count: usize,
    /// Mean predicted probability; the middle of an empty bin.
    pub probability: f64,
    /// Share of them that came true; 0 for an empty bin.
    pub frequency: f64,
}

/// The bins of a reliability diagram.
///
/// For `[n]` the probability of class 1 against the share of class 1 (DeGroot and Fienberg 1983); for `[n, classes]` the
/// confidence in the predicted class against its accuracy. All `bins` bins of equal width on [0, 1] are returned, empty ones too.
///
/// # Errors
/// As [`accuracy`], and [`ScoreError::NoBins`].
///
/// ```
/// # use bayes_nn::scores;
/// let bins = scores::reliability(&[0.25, 0.75, 0.85], &[0.0, 1.0, 1.0], 10)?;
/// assert_eq!(bins.len(), 10);
/// assert_eq!(bins[2].count, 1);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn reliability(
    probabilities: &[f64],
    y: &[f64],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, ScoreError> {
    if bins == 0 {
        return Err(ScoreError::NoBins);
    }
    let rows = Rows::check(probabilities, y)?;
    if rows.columns > 1 {
        return Ok(bins_of(&rows, bins));
    }
    Ok(fill_bins(
        rows.iter()
            .map(|row| (row.probabilities[0], row.label == 1)),
        bins,
    ))
}

/// Bins of the confidence in the predicted class.
pub(super) fn confidence_bins(
    probabilities: &[f64],
    y: &[f64],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, ScoreError> {
    Ok(bins_of(&Rows::check(probabilities, y)?, bins))
}

fn bins_of(rows: &Rows<'_>, bins: usize) -> Vec<ReliabilityBin> {
    let outcomes = rows.iter().map(|row| {
        let predicted = row.predicted();
        (row.probability(predicted), predicted == row.label)
    });
    fill_bins(outcomes, bins)
}

fn fill_bins(outcomes: impl Iterator<Item = (f64, bool)>, bins: usize) -> Vec<ReliabilityBin> {
    let mut sums = vec![(0usize, 0.0, 0usize); bins];
    for (probability, came_true) in outcomes {
        let (count, total, hits) = &mut sums[((probability * bins as f64) as usize).min(bins - 1)];
        *count += 1;
        *total += probability;
        *hits += usize::from(came_true);
    }
    let edge = |bin: usize| bin as f64 / bins as f64;
    let bin = |(bin, (count, total, hits)): (usize, (usize, f64, usize))| ReliabilityBin {
        lower: edge(bin),
        upper: edge(bin + 1),
        count,
        probability: match count {
            0 => 0.5 * (edge(bin) + edge(bin + 1)),
            _ => total / count as f64,
        },
        frequency: hits as f64 / count.max(1) as f64,
    };
    sums.into_iter().enumerate().map(bin).collect()
}

pub(super) fn calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let n: usize = bins.iter().map(|bin| bin.count).sum();
    let gap = |bin: &ReliabilityBin| bin.count as f64 * (bin.frequency - bin.probability).abs();
    bins.iter().map(gap).sum::<f64>() / n as f64
}

/// The most probable class of each of `rows` rows, `[rows]`; a tie goes to the lowest class.
///
/// # Errors
/// Lengths that do not fit, values that are no probabilities.
///
/// ```
/// # use bayes_nn::scores;
/// assert_eq!(scores::predicted_classes(&[0.3, 0.7], 2)?, [0.0, 1.0]);
/// assert_eq!(scores::predicted_classes(&[0.2, 0.3, 0.5], 1)?, [2.0]);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn predicted_classes(probabilities: &[f64], rows: usize) -> Result<Vec<f64>, ScoreError> {
    if rows > probabilities.len() {
        return Err(ScoreError::Length {
            what: "probabilities",
            found: probabilities.len(),
            rows,
            expected: SHAPE,
        });
    }
    let zeros = vec![0.0; rows];
    let rows = Rows::check(probabilities, &zeros)?;
    Ok(rows.iter().map(|row| row.predicted() as f64).collect())
}

const SHAPE: &str = "they are [n] for two classes, or [n, classes]";

/// Checked probabilities and labels.
pub(super) struct Rows<'a> {
    probabilities: &'a [f64],
    y: &'a [f64],
    columns: usize,
}

struct Row<'a> {
    probabilities: &'a [f64],
    label: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn check(probabilities: &'a [f64], y: &'a [f64]) -> Result<Self, ScoreError> {
        if y.is_empty() {
            return Err(ScoreError::Empty);
        }
        if probabilities.is_empty() || !probabilities.len().is_multiple_of(y.len()) {
            return Err(ScoreError::Length {
                what: "probabilities",
                found: probabilities.len(),
                rows: y.len(),
                expected: SHAPE,
            });
        }
        let columns = probabilities.len() / y.len();
        let classes = columns.max(2);
        for (row, (values, &label)) in probabilities.chunks_exact(columns).zip(y).enumerate() {
            if !(label >= 0.0 && label < classes as f64 && label.fract() == 0.0) {
                return Err(ScoreError::Label {
                    row,
                    label,
                    classes,
                });
            }
            if let Some(at) = values.iter().position(|p| !(0.0..=1.0).contains(p)) {
                return Err(ScoreError::Probability {
                    row,
                    class: if columns == 1 { 1 } else { at },
                    value: values[at],
                });
            }
            let sum: f64 = values.iter().sum();
            if columns > 1 && (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(ScoreError::Sum { row, sum });
            }
        }
        Ok(Self {
            probabilities,
            y,
            columns,
        })
    }

    pub(super) fn classes(&self) -> usize {
        self.columns.max(2)
    }

    fn iter(&self) -> impl Iterator<Item = Row<'a>> {
        let rows = self.probabilities.chunks_exact(self.columns).zip(self.y);
        rows.map(|(probabilities, &label)| Row {
            probabilities,
            label: label as usize,
        })
    }

    fn mean(&self, score: impl Fn(&Row<'a>) -> f64) -> f64 {
        self.iter().map(|row| score(&row)).sum::<f64>() / self.y.len() as f64
    }
}

impl Row<'_> {
    fn probability(&self, class: usize) -> f64 {
        match (self.probabilities, class) {
            ([p], 0) => 1.0 - p,
            ([p], _) => *p,
            (all, class) => all[class],
        }
    }

    fn predicted(&self) -> usize {
        let classes = self.probabilities.len().max(2);
        (1..classes).fold(0, |best, class| {
            if self.probability(class) > self.probability(best) {
                class
            } else {
                best
            }
        })
    }

    /// How many classes go before the label.
    fn rank(&self) -> usize {
        let own = self.probability(self.label);
        let before = |class: &usize| match self.probability(*class) {
            p if p == own => *class < self.label,
            p => p > own,
        };
        (0..self.probabilities.len().max(2)).filter(before).count()
    }

    fn surprise(&self) -> f64 {
        match (self.probabilities, self.label) {
            // ln(1 - p) without rounding away a small p; `0 -` so that certainty scores 0 and not -0.
            ([p], 0) => 0.0 - (-p).ln_1p(),
            _ => 0.0 - self.probability(self.label).ln(),
        }
    }

    fn squared_error(&self) -> f64 {
        if let [p] = self.probabilities {
            return (p - self.label as f64).powi(2);
        }
        let error = |(class, p): (usize, &f64)| (p - f64::from(class == self.label)).powi(2);
        self.probabilities.iter().enumerate().map(error).sum()
    }
}

/// All scores of a classifier at once.
///
/// ```
/// use bayes_nn::scores::ClassificationScore;
///
/// let score = ClassificationScore::of(&[0.9, 0.2, 0.6, 0.1], &[1.0, 0.0, 0.0, 0.0])?;
/// assert_eq!(score.accuracy, 0.75);
/// println!("{score}");
/// # Ok::<(), bayes_nn::scores::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassificationScore {
    /// See [`accuracy`].
    pub accuracy: f64,
    /// See [`log_loss`], in nats per row.
    pub log_loss: f64,
    /// See [`brier`].
    pub brier: f64,
    /// See [`ece`].
    pub ece: f64,
}

impl ClassificationScore {
    /// Scores probabilities `[n]` or `[n, classes]` against labels `[n]`.
    ///
    /// # Errors
    /// As [`accuracy`].
    pub fn of(probabilities: &[f64], y: &[f64]) -> Result<Self, ScoreError> {
        Ok(Self {
            accuracy: accuracy(probabilities, y)?,
            log_loss: log_loss(probabilities, y)?,
            brier: brier(probabilities, y)?,
            ece: ece(probabilities, y)?,
        })
    }
}

impl fmt::Display for ClassificationScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "accuracy            {:>7.2} %", 100.0 * self.accuracy)?;
        writeln!(f, "log loss            {:>7.4} nats per row", self.log_loss)?;
        writeln!(f, "Brier score         {:>7.4}", self.brier)?;
        write!(
            f,
            "calibration error   {:>7.4} (ECE, {BINS} bins)",
            self.ece
        )
    }
}
