//! Heads: what the outputs of a network say about the targets.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{self as distributions, HalfNormal};

use super::Prior;
use crate::model::Trace;

/// A distribution of the targets given the outputs of a network.
pub trait Head: fmt::Debug + Send + Sync {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// Why a network with so many outputs does not fit, in words of what is needed.
    ///
    /// # Errors
    /// What is needed: `one output`.
    fn check(&self, outputs: usize) -> Result<(), &'static str>;

    /// The likelihood of each row for outputs `[outputs, rows]`; parameters of its own are
    /// declared on the trace.
    fn likelihood<'g>(&self, trace: &Trace<'g>, outputs: Var<'g>) -> Likelihood<'g>;
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
    fn name(&self) -> &'static str {
        "Bernoulli"
    }

    fn check(&self, outputs: usize) -> Result<(), &'static str> {
        one_output(outputs)
    }

    fn likelihood<'g>(&self, _: &Trace<'g>, outputs: Var<'g>) -> Likelihood<'g> {
        let logits = outputs.row(0);
        Likelihood::Bernoulli { logits }
    }
}

/// Several classes, numbered from 0, by one output each: log probabilities up to a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categorical;

impl Head for Categorical {
    fn name(&self) -> &'static str {
        "Categorical"
    }

    fn check(&self, outputs: usize) -> Result<(), &'static str> {
        match outputs {
            0 | 1 => Err("an output for each of at least two classes"),
            _ => Ok(()),
        }
    }

    fn likelihood<'g>(&self, _: &Trace<'g>, outputs: Var<'g>) -> Likelihood<'g> {
        Likelihood::Categorical { logits: outputs }
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
    fn name(&self) -> &'static str {
        "Gaussian"
    }

    fn check(&self, outputs: usize) -> Result<(), &'static str> {
        one_output(outputs)
    }

    fn likelihood<'g>(&self, trace: &Trace<'g>, outputs: Var<'g>) -> Likelihood<'g> {
        let sd = self.noise.declare(trace, "sigma", Shape::SCALAR);
        let mean = outputs.row(0);
        Likelihood::Normal { mean, sd }
    }
}

fn one_output(outputs: usize) -> Result<(), &'static str> {
    match outputs {
        1 => Ok(()),
        _ => Err("one output"),
    }
}
