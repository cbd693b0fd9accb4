//! Predictions of networks from the draws of Markov chains.

use super::{Predict, Prediction, PredictiveDraws, Score, draws, likelihood, moments, score};
use crate::bnn::Bnn;
use crate::data::Dataset;
use crate::error::Error;
use crate::model::Samples;

/// Everything that a fitted network predicts, from draws of its weights that are taken evenly
/// from all chains. The seed of [`Predict`] is for draws of the targets only.
impl Samples<Bnn> {
    /// Predicts rows `x`, row-major `[n, features]` on the scale of the training features, any
    /// number of them, from so many draws of the weights.
    ///
    /// # Errors
    /// No rows, no draws, values that do not fill rows or are not finite.
    pub fn predict(&self, x: &[f64], draws: usize) -> Result<Prediction, Error> {
        self.predict_with(x, Predict::draws(draws))
    }

    /// [`Samples::predict`] with seed and interval of one's own.
    ///
    /// # Errors
    /// As [`Samples::predict`].
    pub fn predict_with(&self, x: &[f64], how: Predict) -> Result<Prediction, Error> {
        moments::predict(&self.predictive, x, how)
    }

    /// Predicts the rows of a data set and scores them against its targets, which are taken back
    /// to their original scale first if the set standardised them.
    ///
    /// # Errors
    /// As [`Samples::predict`] and [`Prediction::score`].
    pub fn score(&self, data: &Dataset, how: Predict) -> Result<Score, Error> {
        score(&self.predictive, data, how)
    }

    /// Draws of the targets themselves, `[draws, n]`: labels, or numbers on the original scale.
    ///
    /// # Errors
    /// As [`Samples::predict`].
    pub fn predict_draws(&self, x: &[f64], how: Predict) -> Result<PredictiveDraws, Error> {
        draws::predict_draws(&self.predictive, x, how)
    }

    /// The log predictive density (or probability) of each row's target, `[n]` in nats: the log
    /// of the mean over draws. A regression's `y` is on the original scale.
    ///
    /// # Errors
    /// As [`Samples::predict`], and targets that do not fit.
    pub fn log_predictive(&self, x: &[f64], y: &[f64], how: Predict) -> Result<Vec<f64>, Error> {
        likelihood::log_predictive(&self.predictive, x, y, how)
    }
}
