//! Errors of fits.

use std::fmt;
use std::path::PathBuf;

use bayes_nn_autodiff::GraphError;
use bayes_nn_kernels::{FeedError, KernelError};

use crate::diagnostics::DiagnosticsError;
use crate::{Approximation, DensityError, ResumeError, StartError};

/// Why a draw sink ([`crate::nuts::DrawSink`]) cannot take draws; the caller gets it back unchanged
/// in [`InferenceError::DrawSink`].
pub type DrawSinkError = Box<dyn std::error::Error + Send + Sync>;

/// A fit that cannot be started or continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// A guide too far from the posterior for its draws to be weighted to those of it.
    #[error(
        "k-hat is {k_hat:.2}, above {most:.2}: draws of the guide cannot be weighted to those of the \
         posterior; fit a guide with correlations (`Advi::full_rank()`), or sample by NUTS"
    )]
    TooFar {
        /// The shape of the tail of the importance ratios.
        k_hat: f64,
        /// The largest at which they can.
        most: f64,
    },
    /// Parts that make no guide.
    #[error("the guide {problem}")]
    Guide {
        /// What is wrong with it.
        problem: String,
    },
    /// Parts that make no fit.
    #[error("the fit {problem}")]
    Parts {
        /// What is wrong with it.
        problem: String,
    },
    /// A setting outside its range.
    #[error("`{field}` is {value}; it must be {allowed}")]
    Setting {
        /// The builder method that sets it.
        field: &'static str,
        /// The value given.
        value: String,
        /// What would be right.
        allowed: String,
    },
    /// The density has no variables.
    #[error("there is nothing to fit: the density has no unobserved variable")]
    NothingToFit,
    /// The density gave a start that cannot be used.
    #[error(
        "the start has the value {value} at element {element} of `{site}`; every element must be finite"
    )]
    Start {
        /// The site.
        site: String,
        /// The element of the site, in row-major order.
        element: usize,
        /// The value found.
        value: f64,
    },
    /// The start does not fit the sites.
    #[error("the start has {got} elements, the sites have {expected}")]
    StartLength {
        /// Elements given.
        got: usize,
        /// Elements of all sites.
        expected: usize,
    },
    /// A value to start at that is none of the density's.
    #[error(transparent)]
    StartValues(Box<StartError>),
    /// The density could not be written down.
    #[error(transparent)]
    Density(DensityError),
    /// A formula does not fit.
    #[error(transparent)]
    Graph(Box<GraphError>),
    /// The program could not be made or run.
    #[error(transparent)]
    Kernel(Box<KernelError>),
    /// A number that is not finite came up.
    #[error(transparent)]
    NotFinite(Box<Divergence>),
    /// Data that could not be read while a fit ran.
    #[error(transparent)]
    Interrupted(Box<Interruption>),
    /// A Markov chain found nowhere to begin.
    #[error(
        "chain {chain} found no start in {tries} tries: {quantity} is {value} at the last{}; {}",
        term.as_ref().map_or_else(String::new, |term| format!(", first in the term `{term}`")),
        why.as_deref().unwrap_or("look at the priors and at the data, or start at prior draws or at a variational fit")
    )]
    NoStart {
        /// The chain.
        chain: usize,
        /// How many starts were tried.
        tries: usize,
        /// What was not finite at the last of them, in words.
        quantity: String,
        /// Its value.
        value: f64,
        /// The first term of the log density that was not finite, or whose gradient was not.
        term: Option<String>,
        /// What the density says to that.
        why: Option<String>,
    },
    /// No path of [`Pathfinder`](crate::Pathfinder) led to a normal.
    #[error("none of {paths} paths led to a normal: the first {failure}")]
    NoPath {
        /// How many paths there were.
        paths: usize,
        /// Why the first failed.
        failure: Box<PathFailure>,
    },
    /// A variable that is a point estimate, in a method that has none.
    #[error(
        "`{site}` is a point estimate, which {method} cannot have: fit by `Advi::mean_field()`, or by \
         `Advi::map()`, or let `{site}` have a posterior of its own"
    )]
    PointSite {
        /// The site.
        site: String,
        /// The method.
        method: &'static str,
    },
    /// A log density that is another one at every step, in a method that follows one.
    #[error(
        "the log density is drawn anew at every step, as by dropout and random changes of images, while NUTS \
         follows one that stays: fit by `Advi` or `Sgld`, or leave those layers out"
    )]
    NoisyDensity,
    /// Importance ratios of a guide with coordinates that have no spread.
    #[error(
        "`{site}` is a point in this guide: draws of the guide cannot be weighted to draws of the \
         posterior, for which every variable needs a spread, as `Advi::mean_field()` has it"
    )]
    NoSpread {
        /// The first site that is a point.
        site: String,
    },
    /// A guide that was not fitted to the density.
    #[error("the approximation is of {found}, the density has {expected}")]
    OtherDensity {
        /// The sites of the approximation.
        found: String,
        /// The sites of the density.
        expected: String,
    },
    /// A draw of a guide at which the density that it was fitted to is not finite.
    #[error(
        "the log density is {value} at draw {draw} of the guide{}; importance ratios need it finite wherever the guide has draws",
        term.as_ref().map_or_else(String::new, |term| format!(", first in the term `{term}`"))
    )]
    NoRatio {
        /// The draw, from 0.
        draw: usize,
        /// The log density there.
        value: f64,
        /// The first term of the log density that is not finite.
        term: Option<String>,
    },
    /// A table of draws that does not hold together.
    #[error("the table of draws {problem}")]
    DrawTable {
        /// What is wrong with it.
        problem: String,
    },
    /// A table without draws, as a run leaves it that was stopped during its warm-up.
    #[error("there are no draws")]
    NoDraws,
    /// Draws that do not give a diagnostic.
    #[error(transparent)]
    Diagnostics(#[from] DiagnosticsError),
    /// A checkpoint that cannot be written or taken up.
    #[error("the checkpoint {} {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A fit whose training cannot go on.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A fit that was interrupted before its first step.
    #[error("the fit was interrupted before its first step")]
    Stopped,
    /// Signals that cannot be handled.
    #[error("Ctrl-C cannot be handled: {problem}")]
    Signal {
        /// What the system said.
        problem: String,
    },
    /// The system started no thread for the chains of a run, or for its sink.
    #[error("the system starts no thread for the run: {0}")]
    NoThread(std::io::Error),
    /// An error that was saved with a fit, as it was told.
    #[error("{message}")]
    Told {
        /// Its message.
        message: String,
    },
    /// A draw sink that could not take draws.
    #[error(transparent)]
    DrawSink(DrawSinkError),
    /// A Markov chain whose density failed.
    #[error("chain {chain} failed after {draws} draws: {source}")]
    Chain {
        /// The chain.
        chain: usize,
        /// The draws that it had made after its warm-up.
        draws: usize,
        /// What the density reported.
        source: DensityError,
    },
}

impl From<GraphError> for InferenceError {
    fn from(error: GraphError) -> Self {
        InferenceError::Graph(Box::new(error))
    }
}

impl From<StartError> for InferenceError {
    fn from(error: StartError) -> Self {
        InferenceError::StartValues(Box::new(error))
    }
}

impl From<KernelError> for InferenceError {
    fn from(error: KernelError) -> Self {
        InferenceError::Kernel(Box::new(error))
    }
}

impl InferenceError {
    /// The last good state, if the fit was stopped by a number that is not finite or by data that could not
    /// be read.
    pub fn last_good(&self) -> Option<&Approximation> {
        match self {
            InferenceError::NotFinite(divergence) => Some(&divergence.last_good),
            InferenceError::Interrupted(interruption) => Some(&interruption.last_good),
            _ => None,
        }
    }
}

/// Why a path of [`Pathfinder`](crate::Pathfinder) was dropped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFailure {
    /// It found nowhere to begin.
    #[error(
        "found no start in {tries} tries: {quantity} is {value} at the last{}; {}",
        term.as_ref().map_or_else(String::new, |term| format!(", first in the term `{term}`")),
        why.as_deref().unwrap_or("look at the priors and at the data, or start at prior draws or at values of your own (`start_at`)")
    )]
    NoStart {
        /// How many starts were tried.
        tries: u32,
        /// What was not finite at the last of them, in words.
        quantity: String,
        /// Its value.
        value: f64,
        /// The first term of the log density that was not finite, or whose gradient was not.
        term: Option<String>,
        /// What the density says to that.
        why: Option<String>,
    },
    /// At every normal along it the density had a draw without a finite value.
    #[error(
        "had no normal with a finite ELBO in {iterations} steps: the posterior may be too far from a normal there, or have no end; start elsewhere (`start_at`), or take NUTS"
    )]
    NoNormal {
        /// Its steps.
        iterations: u64,
    },
    /// The density failed.
    #[error("met a density that failed: {message}")]
    Density {
        /// What the density reported.
        message: String,
    },
}

/// What was not finite.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NonFinite {
    /// The ELBO of a step, hence its gradient.
    Elbo,
    /// The guide's parameters of a site after an update, while the ELBO was still finite.
    Parameter {
        /// The site.
        site: String,
    },
    /// The memory of the optimiser for a site after an update: further updates would change
    /// nothing.
    Optimizer {
        /// The site.
        site: String,
    },
    /// The ELBO of the finished fit on the full data.
    FinalElbo,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NonFinite::Elbo => write!(f, "the ELBO"),
            NonFinite::Parameter { site } => write!(f, "the guide's parameter of `{site}`"),
            NonFinite::Optimizer { site } => write!(f, "the optimiser's memory of `{site}`"),
            NonFinite::FinalElbo => write!(f, "the ELBO of the finished fit"),
        }
    }
}

/// A fit that was stopped because a number was not finite.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Divergence {
    /// The step, from 0, that first gave such a number.
    pub step: u64,
    /// The seed of the fit (of the restart) that it happened in.
    pub seed: u64,
    /// What was not finite.
    pub what: NonFinite,
    /// The first term of the log density that was not finite, or whose gradient was not.
    pub term: Option<String>,
    /// What may help.
    pub advice: String,
    /// The guide as it was before the step: finite, and usable as a fit.
    pub last_good: Approximation,
    /// The ELBO of every step before.
    pub elbos: Vec<f64>,
}

/// A fit that was stopped because its data could not be read any more.
#[derive(Clone, Debug, thiserror::Error)]
#[error("step {step}: {cause}. The state before this step is kept as the last good one")]
#[non_exhaustive]
pub struct Interruption {
    /// The step, from 0, from which on nothing is known.
    pub step: u64,
    /// The seed of the fit (of the restart) that it happened in.
    pub seed: u64,
    /// What was wrong with the data, and where.
    #[source]
    pub cause: FeedError,
    /// The guide as it was before the step: usable as a fit.
    pub last_good: Approximation,
    /// The ELBO of every step before.
    pub elbos: Vec<f64>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {} is not finite", self.step, self.what)?;
        if let Some(term) = &self.term {
            write!(f, ", first in the term `{term}`")?;
        }
        write!(
            f,
            "; {}. The state before this step is kept as the last good one",
            self.advice
        )
    }
}

impl std::error::Error for Divergence {}
