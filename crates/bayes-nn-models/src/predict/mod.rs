//! Predictions of what a model observes: the mean, and what is not known about it.
//!
//! What is predicted follows from the distribution of the variable that the model observes: class
//! probabilities where its support is finite, else moments, and intervals by draws.

mod acquire;
mod agreement;
mod blocks;
mod cross_validation;
mod draws;
mod explained;
mod forecast;
mod held_out;
mod inputs;
mod likelihood;
mod moments;
mod noise;
mod prediction;
mod replications;
mod representations;
mod score;
mod target;
mod targets;
mod tiles;

use crate::error::Error;
use crate::model::{Data, Model, Posterior, Predictive, check_draws};

pub use acquire::{Acquire, Acquired, Acquisition, AcquisitionError};
pub use agreement::RestartAgreement;
pub use cross_validation::CrossValidation;
pub use draws::PredictiveDraws;
pub use explained::Explained;
pub(crate) use forecast::{Forecast, Observation};
pub(crate) use held_out::HeldOutRows;
pub use inputs::Inputs;
pub use prediction::Prediction;
pub use replications::Replications;
pub use representations::{
    Hidden, Representation, RepresentationError, Representations, Similarity, Unit,
    WeightCertainty, cka,
};
pub use score::Score;
pub use targets::Targets;

/// How to predict: how many draws of the model's variables, which seed, which interval.
///
/// ```
/// use bayes_nn::Predict;
/// let how = Predict::draws(500).seed(3).interval(0.9);
/// # let _ = how;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Predict {
    pub(crate) draws: usize,
    pub(crate) seed: u64,
    pub(crate) interval: f64,
    /// The number of the first of the rows, which are a block of others.
    first: usize,
}

impl Predict {
    /// So many draws of the weights; seed 0 and 95 % intervals unless changed.
    pub fn draws(draws: usize) -> Predict {
        Predict {
            draws,
            seed: 0,
            interval: 0.95,
            first: 0,
        }
    }

    /// The seed of the draws. All rows of a prediction see the same draws.
    pub fn seed(self, seed: u64) -> Predict {
        Predict { seed, ..self }
    }

    /// The probability inside the predictive intervals of counts and numbers.
    pub fn interval(self, interval: f64) -> Predict {
        Predict { interval, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check_draws(self.draws)?;
        match self.interval > 0.0 && self.interval < 1.0 {
            true => Ok(()),
            false => Err(Error::Request {
                field: "interval",
                value: self.interval.to_string(),
                allowed: "above 0 and below 1",
            }),
        }
    }

    /// Room for the draws of so many rows.
    pub(crate) fn room(&self, rows: usize) -> Result<Vec<f64>, Error> {
        let mut room = Vec::new();
        let asked = room.try_reserve_exact(self.draws.saturating_mul(rows));
        asked.map_err(|_| Error::Request {
            field: "draws",
            value: self.draws.to_string(),
            allowed: "few enough for those of all rows to fit into memory",
        })?;
        Ok(room)
    }
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Task {
    /// Class 0 or 1.
    Binary,
    /// One of so many classes.
    Classes(usize),
    /// A whole number from 0.
    Counts,
    /// A number.
    Regression,
}

impl Task {
    /// The probabilities or numbers that are predicted of a row.
    pub(crate) fn columns(self) -> usize {
        match self {
            Task::Classes(classes) => classes,
            _ => 1,
        }
    }

    /// The number of classes, 0 of counts and numbers.
    pub(crate) fn classes(self) -> usize {
        match self {
            Task::Binary => 2,
            Task::Classes(classes) => classes,
            Task::Counts | Task::Regression => 0,
        }
    }

    /// Whether probabilities are predicted.
    pub(crate) fn is_classes(self) -> bool {
        matches!(self, Task::Binary | Task::Classes(_))
    }
}

impl<M: Model + Clone> Predictive<M> {
    /// The same with draws for names of groups that are new in these data.
    fn with_names_of(&self, data: &Data, how: Predict) -> Result<Predictive<M>, Error> {
        let mut own = self.clone();
        if let Some(extended) = self.for_names_of(data, how.draws, how.seed)? {
            own.source = extended.source;
        }
        Ok(own)
    }
}

impl<M: Model> Posterior<M> {
    /// Draws of the targets themselves, `[draws, n]`: labels, counts, or numbers on the original
    /// scale.
    ///
    /// # Errors
    /// As [`Posterior::predict`].
    pub fn predict_draws<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        how: Predict,
    ) -> Result<PredictiveDraws, Error> {
        how.check()?;
        let data = rows.into().data(&self.predictive)?;
        let draws = match self.predictive.for_names_of(&data, how.draws, how.seed)? {
            Some(extended) => draws::predict_draws(&extended, &data, how)?,
            None => draws::predict_draws(&self.predictive, &data, how)?,
        };
        Ok(draws.with_warnings(self.predictive.warnings_about(&data)))
    }

    /// The log predictive density (or probability) of each row's target, `[n]` in nats: the log
    /// of the mean over draws. Numbers `y` are on the original scale.
    ///
    /// # Errors
    /// As [`Posterior::predict`]; targets that do not fit the rows, or cannot come from the
    /// distribution.
    pub fn log_predictive<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        y: &[f64],
        how: Predict,
    ) -> Result<Vec<f64>, Error> {
        how.check()?;
        let data = rows.into().data(&self.predictive)?;
        match self.predictive.for_names_of(&data, how.draws, how.seed)? {
            Some(extended) => likelihood::log_predictive(&extended, &data, y, how),
            None => likelihood::log_predictive(&self.predictive, &data, y, how),
        }
    }
}

impl<M: Model + Clone + Send + 'static> Posterior<M> {
    /// Predicts rows from so many draws of the model's variables: of a network `x`, row-major
    /// `[n, features]` on the scale of the training features, data by name, or of a fit to a table any
    /// other table ([`Inputs`]), any number of rows. The model observes one variable.
    ///
    /// Rows of a network are streamed: memory does not grow with rows times draws.
    ///
    /// Names of [groups](crate::Data::groups) are those of the fit, in whatever order the new data have
    /// them. What a model has for a name that is new is drawn from its prior, once for each draw of the
    /// other variables, and [`Prediction::warnings`] say so.
    ///
    /// # Errors
    /// No rows, no draws; values that do not fill rows or are not finite; rows of another width
    /// than in the fit; a table that cannot be encoded as that of the fit was; new names of groups for which
    /// nothing can be drawn; a slice for a model that reads more than one column; a model that observes
    /// none or several variables; a prediction that is not finite.
    pub fn predict<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        draws: usize,
    ) -> Result<Prediction, Error> {
        self.predict_with(rows, Predict::draws(draws))
    }

    /// [`Posterior::predict`] with seed and interval of one's own.
    ///
    /// # Errors
    /// As [`Posterior::predict`].
    pub fn predict_with<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        how: Predict,
    ) -> Result<Prediction, Error> {
        how.check()?;
        let data = rows.into().data(&self.predictive)?;
        let own = self.predictive.with_names_of(&data, how)?;
        let warnings = own.warnings_about(&data);
        let (task, moments) = moments::moments(&own, &data, how)?;
        let classes = own.data.classes().cloned();
        let prediction = Prediction::new(task, moments, how, classes, move |y| {
            likelihood::log_predictive(&own, &data, y, how)
        });
        Ok(prediction.with_warnings(warnings))
    }
}
