//! Predictions from the draws of Markov chains, taken evenly from all chains. The seed of [`Predict`]
//! is for draws of the targets only.

use super::{Inputs, Predict, Prediction, PredictiveDraws, Score};
use crate::data::Dataset;
use crate::error::Error;
use crate::model::{Model, Samples};

impl<M: Model> Samples<M> {
    /// Draws of the targets themselves, `[draws, n]`: labels, counts, or numbers on the original
    /// scale.
    ///
    /// # Errors
    /// As [`Samples::predict`].
    pub fn predict_draws<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        how: Predict,
    ) -> Result<PredictiveDraws, Error> {
        self.predictive.predict_draws(rows.into(), how)
    }

    /// The log predictive density (or probability) of each row's target, `[n]` in nats: the log
    /// of the mean over draws. Numbers `y` are on the original scale.
    ///
    /// # Errors
    /// As [`Samples::predict`]; targets that do not fit the rows, or cannot come from the
    /// distribution.
    pub fn log_predictive<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        y: &[f64],
        how: Predict,
    ) -> Result<Vec<f64>, Error> {
        self.predictive.log_predictive(rows.into(), y, how)
    }
}

impl<M: Model + Clone + Send + 'static> Samples<M> {
    /// Predicts rows from so many draws of the model's variables: of a network `x`, row-major
    /// `[n, features]` on the scale of the training features, or data by name ([`Inputs`]), any
    /// number of rows. The model observes one variable.
    ///
    /// Rows of a network are streamed: memory does not grow with rows times draws.
    ///
    /// # Errors
    /// No rows, no draws; values that do not fill rows or are not finite; rows of another width
    /// than in the fit; a slice for a model that reads more than one column; a model that observes
    /// none or several variables; a prediction that is not finite.
    pub fn predict<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        draws: usize,
    ) -> Result<Prediction, Error> {
        self.predict_with(rows, Predict::draws(draws))
    }

    /// [`Samples::predict`] with seed and interval of one's own.
    ///
    /// # Errors
    /// As [`Samples::predict`].
    pub fn predict_with<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        how: Predict,
    ) -> Result<Prediction, Error> {
        self.predictive.predict(rows.into(), how)
    }

    /// Predicts the rows of a data set and scores them against its targets, which are taken back
    /// to their original scale first if the set standardised them.
    ///
    /// # Errors
    /// As [`Samples::predict`] and [`Prediction::score`].
    pub fn score(&self, data: &Dataset, how: Predict) -> Result<Score, Error> {
        self.predictive.score(data, how)
    }
}
