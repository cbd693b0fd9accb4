//! Scores of predicted values and intervals.

use super::ScoreError;
use std::fmt;

/// The root of the mean squared error, in the unit of y.
///
/// # Errors
/// Lengths that do not fit, values that are not finite.
///
/// ```
/// # use bayes_nn::scores;
/// assert_eq!(scores::rmse(&[1.0, 5.0], &[4.0, 1.0])?, 12.5f64.sqrt());
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn rmse(mean: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    check_values("mean", mean, y)?;
    let total: f64 = mean.iter().zip(y).map(|(m, y)| (m - y).powi(2)).sum();
    Ok((total / y.len() as f64).sqrt())
}

/// The share of targets inside their interval `[lower, upper]`, ends included.
///
/// # Errors
/// Lengths that do not fit, values that are not finite, a lower end above its upper end.
///
/// ```
/// # use bayes_nn::scores;
/// assert_eq!(scores::coverage(&[0.0, 0.0], &[1.0, 1.0], &[0.5, 3.0])?, 0.5);
/// # Ok::<(), scores::ScoreError>(())
/// ```
pub fn coverage(lower: &[f64], upper: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    check_values("lower", lower, y)?;
    check_values("upper", upper, y)?;
    if let Some(row) = (0..y.len()).find(|&row| lower[row] > upper[row]) {
        return Err(ScoreError::Interval {
            row,
            lower: lower[row],
            upper: upper[row],
        });
    }
    let inside = (0..y.len())
        .filter(|&row| (lower[row]..=upper[row]).contains(&y[row]))
        .count();
    Ok(inside as f64 / y.len() as f64)
}

fn check_values(what: &'static str, values: &[f64], y: &[f64]) -> Result<(), ScoreError> {
    if y.is_empty() {
        return Err(ScoreError::Empty);
    }
    if values.len() != y.len() {
        return Err(ScoreError::Length {
            what,
            found: values.len(),
            rows: y.len(),
            expected: "one value per target is needed",
        });
    }
    for (what, values) in [(what, values), ("y", y)] {
        if let Some(row) = values.iter().position(|value| !value.is_finite()) {
            return Err(ScoreError::NotFinite {
                what,
                row,
                value: values[row],
            });
        }
    }
    Ok(())
}

/// All scores of a regression at once.
///
/// ```
/// use bayes_nn::scores::RegressionScore;
///
/// let score = RegressionScore { rmse: 0.52, log_likelihood: -0.81, coverage: 0.94, interval: 0.95 };
/// assert!(score.to_string().contains("94.0 % of targets in their 95 % interval"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegressionScore {
    /// See [`rmse`], in the unit of y.
    pub rmse: f64,
    /// Mean log density of the targets under the predictive distribution, in nats per row.
    pub log_likelihood: f64,
    /// See [`coverage`], of the central predictive intervals.
    pub coverage: f64,
    /// The probability that the intervals are meant to hold, in (0, 1).
    pub interval: f64,
}

impl fmt::Display for RegressionScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "RMSE             {:>9.4} (unit of the target)",
            self.rmse
        )?;
        writeln!(
            f,
            "log likelihood   {:>9.4} nats per row",
            self.log_likelihood
        )?;
        write!(
            f,
            "coverage         {:>9.1} % of targets in their {} % interval",
            100.0 * self.coverage,
            // Rounded, because 100 * 0.55 prints as 55.00000000000001.
            (1e6 * self.interval).round() / 1e4
        )
    }
}
