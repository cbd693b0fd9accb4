//! Whether fits from several starts predict the same.

use std::fmt;

use bayes_nn_inference::DrawSource;

use super::Predict;
use super::moments::moments;
use crate::model::{Data, Model, Predictive};

/// Draws of each fit, and rows at the most, taken evenly from the data of the fit.
const DRAWS: usize = 500;
pub(super) const ROWS: usize = 200;
/// Predictions up to this R-hat are alike: of two fits, they are 0.65 standard deviations apart.
const ALIKE: f64 = 1.1;

/// Whether fits from several starts, such as restarts, predict the same, by R-hat of what is
/// predicted of rows of the data: probabilities, or means of numbers. The draws of each fit, which are
/// independent, are taken as a chain (Gelman and Rubin 1992, "Inference from iterative simulation using
/// multiple sequences", Statist. Sci. 7).
///
/// Two fits whose predictions are 0.2 standard deviations apart have 1.01, those that are 0.65 apart 1.1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RestartAgreement {
    /// Fits, that which was kept among them.
    pub fits: usize,
    /// Rows of the data.
    pub rows: usize,
    /// Of all rows: with the mean over rows of the variance between fits, and of that within them.
    pub r_hat: f64,
    /// The largest of a single row.
    pub worst: f64,
}

impl RestartAgreement {
    /// Of a fit and others of the same model and data. None of points, of models that observe several
    /// variables, and where a prediction is not finite.
    pub(crate) fn of<M: Model + Clone>(
        kept: &Predictive<M>,
        others: Vec<DrawSource>,
    ) -> Option<RestartAgreement> {
        let data = rows_of(&kept.data)?;
        let sources = std::iter::once(kept.source.clone()).chain(others);
        let mut predictions = Vec::new();
        for (seed, source) in (0..).zip(sources) {
            let own = Predictive {
                source,
                ..kept.clone()
            };
            let how = Predict::draws(DRAWS).seed(seed);
            let (task, predicted) = moments(&own, &data, how).ok()?;
            // Two probabilities that sum to 1 say the same twice, which changes no ratio.
            predictions.push((task.columns(), predicted.mean, predicted.sd));
        }
        let fits = predictions.len();
        let (columns, mean, _) = predictions.first()?;
        let (mut between, mut within, mut worst) = (0.0, 0.0, 0.0_f64);
        for place in 0..mean.len() {
            let means = || predictions.iter().map(|(_, mean, _)| mean[place]);
            let center = means().sum::<f64>() / fits as f64;
            let squares: f64 = means().map(|mean| (mean - center).powi(2)).sum();
            let variances = predictions.iter().map(|(_, _, sd)| sd[place].powi(2));
            let (b, w) = (
                squares / (fits - 1) as f64,
                variances.sum::<f64>() / fits as f64,
            );
            between += b;
            within += w;
            worst = worst.max(r_hat(b, w));
        }
        let r_hat = r_hat(between, within);
        (fits > 1 && r_hat.is_finite()).then_some(RestartAgreement {
            fits,
            rows: mean.len() / columns,
            r_hat,
            worst,
        })
    }
}

/// From the variance between the means of chains of [`DRAWS`] draws, and that within chains. What is the
/// same in all draws of all chains has 1.
fn r_hat(between: f64, within: f64) -> f64 {
    let length = DRAWS as f64;
    match between == 0.0 && within == 0.0 {
        true => 1.0,
        false => (between / within + (length - 1.0) / length).sqrt(),
    }
}

/// Rows of the data, evenly, and of a stream of its first. None of data with missing values, whose rows belong together.
pub(super) fn rows_of(data: &Data) -> Option<Data> {
    let data = data.head();
    let rows = data.rows()?;
    let taken = rows.min(ROWS);
    let taken: Vec<usize> = (0..taken).map(|row| row * rows / taken).collect();
    data.part(&taken)
}

impl fmt::Display for RestartAgreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.r_hat <= ALIKE {
            true => "they predict alike",
            false => {
                "they predict differently, and what one of them does not know is too little: average \
                 the predictions of several"
            }
        };
        write!(
            f,
            "{:.2} of predictions over {} restarts, {:.2} at the worst of {} rows: {meaning}",
            self.r_hat, self.fits, self.worst, self.rows
        )
    }
}
