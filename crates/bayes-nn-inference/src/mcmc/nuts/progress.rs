//! What a run tells while it runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::chain::Chain;

/// How far a chain has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChainProgress {
    /// The chain's number.
    pub chain: usize,
    /// Draws made, those of the warm-up included.
    pub draws: u64,
    /// Divergences after the warm-up.
    pub divergences: u64,
    /// The step size at present.
    pub step_size: f64,
    /// Gradients so far.
    pub gradients: u64,
    /// Whether it has ended, well or not.
    pub finished: bool,
}

impl ChainProgress {
    /// Gradients for each draw so far, on average.
    pub fn gradients_per_draw(&self) -> f64 {
        self.gradients as f64 / self.draws.max(1) as f64
    }
}

/// Something that shows progress. Chains that run at the same time share it.
pub trait SamplingProgress: Send + Sync {
    /// A run begins: so many chains of so many draws, warm-up included.
    fn start(&self, chains: usize, draws: u64);
    /// A chain came further. Called several times a second at the most, and at its end.
    fn update(&self, chain: ChainProgress);
    /// The run has ended, well or not.
    fn finish(&self);
}

/// A [`ChainProgress`] that a chain writes while others read.
#[derive(Debug, Default)]
pub(super) struct Counters {
    chain: usize,
    draws: AtomicU64,
    divergences: AtomicU64,
    step_size: AtomicU64,
    gradients: AtomicU64,
    finished: AtomicBool,
}

impl Counters {
    pub(super) fn new(chain: usize) -> Counters {
        Counters {
            chain,
            ..Counters::default()
        }
    }

    /// Takes in the last draw of a chain.
    pub(super) fn count(&self, chain: &Chain) {
        let draws = chain.made() as u64;
        self.draws.store(draws, Ordering::Relaxed);
        if chain.draws.statistics().last().is_some_and(|s| s.diverging) {
            self.divergences.fetch_add(1, Ordering::Relaxed);
        }
        let step_size = chain.tuned.step_size.to_bits();
        self.step_size.store(step_size, Ordering::Relaxed);
        self.gradients.store(chain.gradients, Ordering::Relaxed);
    }

    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> ChainProgress {
        ChainProgress {
            chain: self.chain,
            draws: self.draws.load(Ordering::Relaxed),
            divergences: self.divergences.load(Ordering::Relaxed),
            step_size: f64::from_bits(self.step_size.load(Ordering::Relaxed)),
            gradients: self.gradients.load(Ordering::Relaxed),
            finished: self.finished.load(Ordering::Relaxed),
        }
    }
}
