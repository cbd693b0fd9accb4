//! The result of a run: chains with their draws, statistics, step size and metric.

use std::fmt;

use super::draws::UnconstrainedDraws;
use super::kernel::Tuned;
use super::{ChainParts, Nuts, NutsParts, warnings};
use crate::{DrawSource, DrawTable, Fit, InferenceError, Site};

/// A chain that has ended. One that was stopped or failed has fewer draws.
#[derive(Clone, Debug)]
pub struct ChainDraws {
    pub(super) parts: ChainParts,
}

impl ChainDraws {
    /// The chain's number, which with the seed determines it.
    pub fn number(&self) -> usize {
        self.parts.number
    }

    /// The draws after the warm-up.
    pub fn draws(&self) -> &UnconstrainedDraws {
        &self.parts.draws
    }

    /// The warm-up: statistics, and draws if they were to be kept.
    pub fn warmup(&self) -> &UnconstrainedDraws {
        &self.parts.warmup
    }

    /// Step size and metric at the end.
    pub fn tuned(&self) -> &Tuned {
        &self.parts.tuned
    }

    /// Gradients that the chain took, warm-up included.
    pub fn gradients(&self) -> u64 {
        self.parts.gradients
    }

    /// Draws after the warm-up that trajectories of single precision proposed and double
    /// precision rejected.
    pub fn rejected(&self) -> u64 {
        self.parts.rejected
    }

    /// The draw of the warm-up after which the chain was found to be stuck, and went on from near
    /// another one; the last such draw. Nothing of a chain that kept to its own way.
    pub fn moved_at(&self) -> Option<u64> {
        self.parts.moved_at
    }

    /// Seconds that it took, pauses and waiting for other chains included.
    pub fn seconds(&self) -> f64 {
        self.parts.seconds
    }

    /// Why it ended early, if it failed.
    pub fn error(&self) -> Option<&InferenceError> {
        self.parts.error.as_deref()
    }
}

/// The chains of a run. From its [parts](NutsFit::parts) it can be [put together](NutsFit::new)
/// again.
#[derive(Clone, Debug)]
pub struct NutsFit {
    pub(super) parts: NutsParts,
}

impl NutsFit {
    /// The chains, in the order of their numbers.
    pub fn chains(&self) -> &[ChainDraws] {
        &self.parts.chains
    }

    /// The named parts of the unconstrained vector; none for a bare
    /// [`LogDensity`](super::LogDensity).
    pub fn sites(&self) -> &[Site] {
        &self.parts.sites
    }

    /// The settings of the run, without its display of progress.
    pub fn settings(&self) -> &Nuts {
        &self.parts.settings
    }

    /// Whether the run was stopped before its end.
    pub fn stopped(&self) -> bool {
        self.parts.stopped
    }

    /// Why the sink of the run, if it had one, did not take all draws. They are all here.
    pub fn sink_error(&self) -> Option<&InferenceError> {
        self.parts.sink_error.as_deref()
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> f64 {
        self.parts.seconds
    }

    /// Seconds of one gradient, measured before the first draw.
    pub fn seconds_per_gradient(&self) -> f64 {
        self.parts.seconds_per_gradient
    }

    /// Seconds of one gradient on one thread of the CPU, measured before the first draw; nothing
    /// where the chains took theirs on the CPU, and for a bare [`LogDensity`](super::LogDensity).
    pub fn cpu_seconds_per_gradient(&self) -> Option<f64> {
        self.parts.cpu_seconds_per_gradient
    }

    /// The name of the device that [was set](super::Nuts::device).
    pub fn device(&self) -> &str {
        self.parts.settings.device.name()
    }

    /// Gradients of all chains, warm-up included.
    pub fn gradients(&self) -> u64 {
        self.parts
            .chains
            .iter()
            .map(|chain| chain.parts.gradients)
            .sum()
    }

    /// Draws after the warm-up that trajectories of [single precision](super::Nuts::precision)
    /// proposed and double precision rejected, of all chains: each repeats the draw before it.
    /// None, or next to none, unless single precision is too coarse for the density.
    pub fn rejected(&self) -> u64 {
        self.parts.chains.iter().map(ChainDraws::rejected).sum()
    }

    /// Divergent trajectories after the warm-up, of all chains.
    pub fn divergences(&self) -> usize {
        let chains = self.parts.chains.iter();
        chains.map(|chain| chain.parts.draws.divergences()).sum()
    }

    /// Trajectories after the warm-up that were ended by the limit of doublings, of all chains.
    pub fn depth_reached(&self) -> usize {
        self.parts.chains.iter().map(|chain| self.cut(chain)).sum()
    }

    /// Trajectories of a chain that were ended by the limit of doublings.
    pub(super) fn cut(&self, chain: &ChainDraws) -> usize {
        let most = self.parts.settings.limits.depth();
        let statistics = chain.parts.draws.statistics().iter();
        statistics.filter(|s| s.depth >= most).count()
    }
}

impl Fit for NutsFit {
    fn method(&self) -> &'static str {
        "NUTS"
    }

    fn source(&self) -> DrawSource {
        let chains = self.parts.chains.iter().map(|chain| &chain.parts.draws);
        let chains = chains.map(|draws| (draws.positions(), draws.len()));
        DrawTable::of_chains(&self.parts.sites, chains).into()
    }

    /// If they [were to be kept](Nuts::keep_warmup).
    fn warmup(&self) -> Option<DrawTable> {
        let kept = self.parts.settings.keep_warmup;
        let chains = self.parts.chains.iter().map(|chain| &chain.parts.warmup);
        let chains = chains.map(|draws| (draws.positions(), draws.len()));
        kept.then(|| DrawTable::of_chains(&self.parts.sites, chains))
    }

    /// Chains that are stuck, that failed, or the sink of their draws; divergences, trajectories cut
    /// short, energies that were not explored; a device that is slower than the CPU, a precision
    /// that is too coarse; data far from the scale that the density supposes.
    fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }
}

impl fmt::Display for NutsFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let draws = self
            .parts
            .chains
            .iter()
            .map(|c| c.draws().len().to_string());
        write!(
            f,
            "{} chains of {} draws, {} gradients of {:.1} us, {:.2} s",
            self.parts.chains.len(),
            draws.collect::<Vec<_>>().join(", "),
            self.gradients(),
            1e6 * self.seconds_per_gradient(),
            self.parts.seconds
        )
    }
}
