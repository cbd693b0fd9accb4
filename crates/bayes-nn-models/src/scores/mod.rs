//! Scores of predictions: how often, how surely and how honestly right.
//!
//! Probabilities are `[n]`, the probability of class 1, or `[n, classes]` in row-major order; which of the two is read off
//! the lengths. Labels are whole numbers from 0.

mod classification;
mod confusion;
mod error;
mod parts;
mod regression;
#[cfg(test)]
mod tests;

pub use classification::{
    BINS, ClassificationScore, ReliabilityBin, accuracy, brier, ece, log_loss, predicted_classes,
    reliability, top_k,
};
pub use confusion::ConfusionMatrix;
pub use error::ScoreError;
pub(crate) use parts::Parts;
pub use regression::{RegressionScore, coverage, rmse};
