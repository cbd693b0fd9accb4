//! Heads: what the outputs of a network say about the targets.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{self as distributions, HalfNormal};

use super::{HeadError, Input, Parameters, Prior};
use crate::model::Trace;

/// A distribution of the targets given the outputs of a network.
pub trait Head: fmt::Debug + Send + Sync {
    /// The likelihood of each row for outputs `[..row, rows]`; parameters of its own come from
    /// `p`.
    ///
    /// # Errors
    /// Outputs of another shape than the head takes.
    fn likelihood<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Likelihood<'g>, HeadError>;
}

/// The distribution of the target of each row.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Likelihood<'g> {
    /// 0 or 1.
    Bernoulli {
        /// `ln(p / (1 - p))`, `[rows]`.
        logits: Var<'g>,
    },
    /// One of several classes.
    Categorical {
        /// Log probabilities up to a constant, `[classes, rows]`.
        logits: Var<'g>,
    },
    /// A number with normal noise.
    Normal {
        /// `[rows]`
        mean: Var<'g>,
        /// `[]` or `[rows]`
        sd: Var<'g>,
    },
}

impl<'g> Likelihood<'g> {
    /// Says that `y`, `[rows]`, was seen.
    pub(crate) fn observe(&self, trace: &Trace<'g>, y: Var<'g>) {
        match *self {
            Likelihood::Bernoulli { logits } => {
                trace.observe("y", distributions::Bernoulli::logits(logits), y);
            }
            Likelihood::Categorical { logits } => {
                trace.observe("y", distributions::Categorical::new(logits), y);
            }
            Likelihood::Normal { mean, sd } => {
                trace.observe("y", distributions::Normal::new(mean, sd), y);
            }
        }
    }
}

/// Two classes, 0 and 1, by one output: the logit of class 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bernoulli;

impl Head for Bernoulli {
    fn likelihood<'g>(
        &self,
        _: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Likelihood<'g>, HeadError> {
        check_one("Bernoulli", outputs)?;
        let logits = outputs.row(0);
        Ok(Likelihood::Bernoulli { logits })
    }
}

/// Several classes, numbered from 0, by one output each: log probabilities up to a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categorical;

impl Head for Categorical {
    fn likelihood<'g>(
        &self,
        _: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Likelihood<'g>, HeadError> {
        match outputs.shape()[..] {
            [classes, _] if classes > 1 => Ok(Likelihood::Categorical { logits: outputs }),
            _ => Err(HeadError::Outputs {
                head: "Categorical",
                expected: "[classes, rows] of at least two classes",
                found: Input::of(outputs),
            }),
        }
    }
}

/// A number with normal noise by one output, its mean. The standard deviation of the noise,
/// one for all rows, is learned: the site `sigma`, with a half-normal prior of scale 1 unless
/// changed.
#[derive(Clone, Debug)]
pub struct Gaussian {
    noise: Arc<dyn Prior>,
}

impl Default for Gaussian {
    fn default() -> Self {
        Gaussian::new()
    }
}

impl Gaussian {
    /// With the half-normal prior of scale 1, which suits targets that are standardised.
    pub fn new() -> Gaussian {
        Gaussian {
            noise: Arc::new(HalfNormal::new(1.0)),
        }
    }

    /// With another prior of the noise's standard deviation; its support must be positive.
    pub fn noise_prior(self, prior: impl Prior + 'static) -> Gaussian {
        Gaussian {
            noise: Arc::new(prior),
        }
    }
}

impl Head for Gaussian {
    fn likelihood<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Likelihood<'g>, HeadError> {
        check_one("Gaussian", outputs)?;
        let sd = p.get_with_prior("sigma", Shape::SCALAR, 1, &*self.noise)?;
        let mean = outputs.row(0);
        Ok(Likelihood::Normal { mean, sd })
    }
}

fn check_one(head: &'static str, outputs: Var<'_>) -> Result<(), HeadError> {
    match outputs.shape()[..] {
        [1, _] => Ok(()),
        _ => Err(HeadError::Outputs {
            head,
            expected: "[1, rows]",
            found: Input::of(outputs),
        }),
    }
}
