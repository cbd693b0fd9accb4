//! What a run and its chains consist of.

use std::sync::Arc;

use super::{ChainDraws, Nuts, NutsFit, Tuned, UnconstrainedDraws};
use crate::{Concerns, InferenceError, Site};

/// What a [`ChainDraws`] consists of.
#[derive(Clone, Debug)]
pub struct ChainParts {
    /// The chain's number.
    pub number: usize,
    /// The warm-up: statistics, and draws if they were kept.
    pub warmup: UnconstrainedDraws,
    /// The draws after it.
    pub draws: UnconstrainedDraws,
    /// Step size and metric at the end.
    pub tuned: Tuned,
    /// Gradients that the chain took, warm-up included.
    pub gradients: u64,
    /// Draws that double precision rejected, see [`ChainDraws::rejected`].
    pub rejected: u64,
    /// The draw of the warm-up after which it went on elsewhere, see [`ChainDraws::moved_at`].
    pub moved_at: Option<u64>,
    /// Seconds that it took.
    pub seconds: f64,
    /// Why it ended early, if it failed.
    pub error: Option<Arc<InferenceError>>,
}

/// What a [`NutsFit`] consists of: all that it says follows from these.
#[derive(Clone, Debug)]
pub struct NutsParts {
    /// The chains, in the order of their numbers.
    pub chains: Vec<ChainDraws>,
    /// The named parts of the unconstrained vector; none for a bare
    /// [`LogDensity`](super::LogDensity).
    pub sites: Vec<Site>,
    /// The settings of the run.
    pub settings: Nuts,
    /// Whether the run was stopped before its end.
    pub stopped: bool,
    /// Why the sink of the run, if it had one, did not take all draws.
    pub sink_error: Option<Arc<InferenceError>>,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Seconds of one gradient.
    pub seconds_per_gradient: f64,
    /// Seconds of one gradient on the CPU, of chains that took theirs elsewhere.
    pub cpu_seconds_per_gradient: Option<f64>,
    /// What there is to say of the data, and of the precision.
    pub concerns: Concerns,
}

fn refuse(problem: String) -> InferenceError {
    InferenceError::Parts { problem }
}

impl ChainDraws {
    /// A chain from its parts.
    ///
    /// # Errors
    /// [`InferenceError::Parts`] for draws, a warm-up and a metric of different lengths, for draws
    /// without positions, and for a warm-up that is shorter than where it went on elsewhere.
    pub fn new(parts: ChainParts) -> Result<ChainDraws, InferenceError> {
        let ChainParts { number, draws, .. } = &parts;
        let dims = [parts.warmup.dim(), parts.tuned.whitening.scale().len()];
        if dims != [draws.dim(); 2] {
            return Err(refuse(format!(
                "has a chain {number} of draws of length {}, with a warm-up of length {} and a \
                 metric of {}",
                draws.dim(),
                dims[0],
                dims[1]
            )));
        }
        if draws.positions().len() != draws.len() * draws.dim() {
            return Err(refuse(format!("has a chain {number} without its draws")));
        }
        let warmup = parts.warmup.len();
        match parts.moved_at.filter(|at| *at > warmup as u64) {
            Some(at) => Err(refuse(format!(
                "has a chain {number} that went on elsewhere after {at} of {warmup} draws of its \
                 warm-up"
            ))),
            None => Ok(ChainDraws { parts }),
        }
    }

    /// What it consists of.
    pub fn parts(&self) -> &ChainParts {
        &self.parts
    }

    /// What it consisted of.
    pub fn into_parts(self) -> ChainParts {
        self.parts
    }
}

impl NutsFit {
    /// A fit from its parts.
    ///
    /// ```
    /// use bayes_nn_inference::nuts::{EvalError, LogDensity, Nuts, NutsFit};
    /// struct Normal;
    /// impl LogDensity for Normal {
    ///     fn dim(&self) -> usize { 1 }
    ///     fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
    ///         gradient[0] = -x[0];
    ///         Ok(-0.5 * x[0] * x[0])
    ///     }
    /// }
    /// let fit = Nuts::new().chains(2).start_with(|_| Normal)?.wait()?;
    /// let mut parts = fit.parts().clone();
    /// assert_eq!(NutsFit::new(parts.clone())?.to_string(), fit.to_string());
    /// parts.chains.swap(0, 1);
    /// assert!(NutsFit::new(parts).is_err());
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`InferenceError::Parts`] for parts that do not belong together: chains out of their order,
    /// twice or with numbers that the settings do not have, chains or sites of other lengths, two
    /// sites of one name, more draws than the settings have, fewer of a chain that neither failed nor
    /// was stopped, a warm-up that was to be kept and is not here.
    pub fn new(parts: NutsParts) -> Result<NutsFit, InferenceError> {
        match parts.problem() {
            Some(problem) => Err(refuse(problem)),
            None => Ok(NutsFit { parts }),
        }
    }

    /// What it consists of.
    pub fn parts(&self) -> &NutsParts {
        &self.parts
    }

    /// What it consisted of.
    pub fn into_parts(self) -> NutsParts {
        self.parts
    }
}

impl NutsParts {
    fn problem(&self) -> Option<String> {
        if let Some(problem) = Site::problem(&self.sites) {
            return Some(problem);
        }
        let numbers = || self.chains.iter().map(ChainDraws::number);
        if let Some((before, next)) = numbers().zip(numbers().skip(1)).find(|(a, b)| a >= b) {
            return Some(format!(
                "has the chain {next} after the chain {before}; chains stand in the order of their \
                 numbers, each once"
            ));
        }
        let first = self.settings.first_chain;
        let end = first.saturating_add(self.settings.chains);
        if let Some(number) = numbers().find(|number| !(first..end).contains(number)) {
            return Some(format!(
                "has a chain {number}, and settings of chains {first} to {}",
                end.saturating_sub(1)
            ));
        }
        self.chains.iter().find_map(|chain| self.problem_of(chain))
    }

    fn problem_of(&self, chain: &ChainDraws) -> Option<String> {
        let number = chain.number();
        let (draws, warmup) = (chain.draws(), chain.warmup());
        let of_sites = self.sites.last().map(|site| site.range().end);
        let dim = of_sites.or(self.chains.first().map(|chain| chain.draws().dim()));
        if let Some(dim) = dim.filter(|dim| *dim != draws.dim()) {
            let own = draws.dim();
            return Some(format!(
                "has a chain {number} of draws of length {own}, not {dim}"
            ));
        }
        for (what, own, most) in [
            ("draws", draws.len() as u64, self.settings.draws),
            (
                "draws of the warm-up",
                warmup.len() as u64,
                self.settings.warmup,
            ),
        ] {
            let ended_early = self.stopped || chain.error().is_some();
            if own > most || own < most && !ended_early {
                return Some(format!(
                    "has a chain {number} of {own} {what}, and settings of {most}"
                ));
            }
        }
        let kept = warmup.positions().len() == warmup.len() * warmup.dim();
        (self.settings.keep_warmup && !kept).then(|| {
            format!("has a chain {number} without the draws of its warm-up, which were to be kept")
        })
    }
}
