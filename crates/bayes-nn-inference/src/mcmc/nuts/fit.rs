//! The result of a run: chains with their draws, statistics, step size and metric.

use std::fmt;
use std::sync::Arc;

use super::draws::UnconstrainedDraws;
use super::kernel::Tuned;
use super::{Nuts, warnings};
use crate::columns::Concerns;
use crate::{DrawSource, DrawTable, Fit, InferenceError, Site};

/// A chain that has ended. One that was stopped or failed has fewer draws.
#[derive(Clone, Debug)]
pub struct ChainDraws {
    pub(super) number: usize,
    pub(super) warmup: UnconstrainedDraws,
    pub(super) draws: UnconstrainedDraws,
    pub(super) tuned: Tuned,
    pub(super) gradients: u64,
    pub(super) rejected: u64,
    pub(super) moved_at: Option<u64>,
    pub(super) seconds: f64,
    pub(super) error: Option<Arc<InferenceError>>,
}

impl ChainDraws {
    /// The chain's number, which with the seed determines it.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The draws after the warm-up.
    pub fn draws(&self) -> &UnconstrainedDraws {
        &self.draws
    }

    /// The warm-up: statistics, and draws if they were to be kept.
    pub fn warmup(&self) -> &UnconstrainedDraws {
        &self.warmup
    }

    /// Step size and metric at the end.
    pub fn tuned(&self) -> &Tuned {
        &self.tuned
    }

    /// Gradients that the chain took, warm-up included.
    pub fn gradients(&self) -> u64 {
        self.gradients
    }

    /// Draws after the warm-up that trajectories of single precision proposed and double
    /// precision rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The draw of the warm-up after which the chain was found to be stuck, and went on from near
    /// another one; the last such draw. Nothing of a chain that kept to its own way.
    pub fn moved_at(&self) -> Option<u64> {
        self.moved_at
    }

    /// Seconds that it took, pauses and waiting for other chains included.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Why it ended early, if it failed.
    pub fn error(&self) -> Option<&InferenceError> {
        self.error.as_deref()
    }
}

/// The time of one gradient.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    pub(super) seconds: f64,
    pub(super) on_cpu: Option<f64>,
}

/// The chains of a run.
#[derive(Clone, Debug)]
pub struct NutsFit {
    pub(super) chains: Vec<ChainDraws>,
    pub(super) sites: Vec<Site>,
    pub(super) settings: Nuts,
    pub(super) stopped: bool,
    pub(super) sink_error: Option<Arc<InferenceError>>,
    pub(super) seconds: f64,
    pub(super) timing: Timing,
    pub(super) concerns: Concerns,
}

impl NutsFit {
    /// The chains, in the order of their numbers.
    pub fn chains(&self) -> &[ChainDraws] {
        &self.chains
    }

    /// The named parts of the unconstrained vector; none for a bare
    /// [`LogDensity`](super::LogDensity).
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The settings of the run, without its display of progress.
    pub fn settings(&self) -> &Nuts {
        &self.settings
    }

    /// Whether the run was stopped before its end.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Why the sink of the run, if it had one, did not take all draws. They are all here.
    pub fn sink_error(&self) -> Option<&InferenceError> {
        self.sink_error.as_deref()
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Seconds of one gradient, measured before the first draw.
    pub fn seconds_per_gradient(&self) -> f64 {
        self.timing.seconds
    }

    /// Seconds of one gradient on one thread of the CPU, measured before the first draw; nothing
    /// where the chains took theirs on the CPU, and for a bare [`LogDensity`](super::LogDensity).
    pub fn cpu_seconds_per_gradient(&self) -> Option<f64> {
        self.timing.on_cpu
    }

    /// The name of the device that [was set](super::Nuts::device).
    pub fn device(&self) -> &str {
        self.settings.device.name()
    }

    /// Gradients of all chains, warm-up included.
    pub fn gradients(&self) -> u64 {
        self.chains.iter().map(|chain| chain.gradients).sum()
    }

    /// Draws after the warm-up that trajectories of [single precision](super::Nuts::precision)
    /// proposed and double precision rejected, of all chains: each repeats the draw before it.
    /// None, or next to none, unless single precision is too coarse for the density.
    pub fn rejected(&self) -> u64 {
        self.chains.iter().map(ChainDraws::rejected).sum()
    }

    /// Divergent trajectories after the warm-up, of all chains.
    pub fn divergences(&self) -> usize {
        let chains = self.chains.iter();
        chains.map(|chain| chain.draws.divergences()).sum()
    }

    /// Trajectories after the warm-up that were ended by the limit of doublings, of all chains.
    pub fn depth_reached(&self) -> usize {
        self.chains.iter().map(|chain| self.cut(chain)).sum()
    }

    /// Trajectories of a chain that were ended by the limit of doublings.
    pub(super) fn cut(&self, chain: &ChainDraws) -> usize {
        let most = self.settings.limits.depth();
        let statistics = chain.draws.statistics().iter();
        statistics.filter(|s| s.depth >= most).count()
    }
}

impl Fit for NutsFit {
    fn method(&self) -> &'static str {
        "NUTS"
    }

    fn source(&self) -> DrawSource {
        let chains = self.chains.iter().map(|chain| &chain.draws);
        let chains = chains.map(|draws| (draws.positions(), draws.len()));
        DrawTable::of_chains(&self.sites, chains).into()
    }

    /// If they [were to be kept](Nuts::keep_warmup).
    fn warmup(&self) -> Option<DrawTable> {
        let kept = self.settings.keep_warmup;
        let chains = self.chains.iter().map(|chain| &chain.warmup);
        let chains = chains.map(|draws| (draws.positions(), draws.len()));
        kept.then(|| DrawTable::of_chains(&self.sites, chains))
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
        let draws = self.chains.iter().map(|c| c.draws.len().to_string());
        write!(
            f,
            "{} chains of {} draws, {} gradients of {:.1} us, {:.2} s",
            self.chains.len(),
            draws.collect::<Vec<_>>().join(", "),
            self.gradients(),
            1e6 * self.seconds_per_gradient(),
            self.seconds
        )
    }
}
