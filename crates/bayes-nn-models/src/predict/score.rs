//! How good a prediction was.

use std::fmt;

use crate::scores::{ClassificationScore, RegressionScore};

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
