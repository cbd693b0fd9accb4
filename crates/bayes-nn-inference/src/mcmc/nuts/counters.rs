//! The progress of a chain, shared between threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::chain::Chain;
use super::progress::ChainProgress;

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
        let step_size = chain.kernel.tuned.step_size.to_bits();
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
