//! The threads of a run: each takes chain after chain and advances it to its end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::chain::{Advance, Chain};
use super::checkpoint::Slot;
use super::counters::Counters;
use super::draw_sink::Feed;
use super::fit::ChainDraws;
use super::progress::SamplingProgress;
use crate::InferenceError;
use crate::log_density::EvalError;

/// How often a chain reports to [`SamplingProgress`].
const REPORTS: Duration = Duration::from_millis(100);

/// A chain that waits for a thread, with where it is saved and where its draws go.
pub(super) struct Queued {
    pub(super) chain: Chain,
    pub(super) slot: Option<Slot>,
    pub(super) feed: Option<Feed>,
}

/// The state that the threads share with the handle of the run.
pub(super) struct Shared {
    pub(super) waiting: Mutex<VecDeque<Queued>>,
    pub(super) finished: Mutex<Vec<ChainDraws>>,
    pub(super) counters: Vec<Counters>,
    pub(super) first: usize,
    pub(super) stop: AtomicBool,
    pub(super) paused: AtomicBool,
    pub(super) gate: Mutex<()>,
    pub(super) opened: Condvar,
    pub(super) progress: Option<Arc<dyn SamplingProgress>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Takes chains until none waits.
    pub(super) fn work(&self) {
        loop {
            let Some(queued) = lock(&self.waiting).pop_front() else {
                break;
            };
            let finished = self.run(queued);
            lock(&self.finished).push(finished);
        }
    }

    /// Holds a paused chain, and says whether the run is to stop.
    fn interrupted(&self) -> bool {
        if self.paused.load(Ordering::Acquire) {
            let mut gate = lock(&self.gate);
            while self.paused.load(Ordering::Acquire) && !self.stop.load(Ordering::Acquire) {
                gate = self
                    .opened
                    .wait(gate)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        self.stop.load(Ordering::Acquire)
    }

    /// Ends all chains before their next leapfrog step.
    pub(super) fn end(&self) {
        let _gate = lock(&self.gate);
        self.stop.store(true, Ordering::Release);
        self.opened.notify_all();
    }

    fn run(&self, mut queued: Queued) -> ChainDraws {
        let begin = Instant::now();
        let error = self.draw_all(&mut queued).err();
        let Queued {
            chain, mut feed, ..
        } = queued;
        if let Some(feed) = &mut feed {
            feed.send(&chain, true);
        }
        let counters = &self.counters[chain.number - self.first];
        counters.finish();
        if let Some(progress) = &self.progress {
            progress.update(counters.snapshot());
        }
        let rejected = chain.rejected();
        let Chain {
            number,
            kernel,
            warmup,
            draws,
            gradients,
            ..
        } = chain;
        ChainDraws {
            number,
            warmup,
            draws,
            tuned: kernel.tuned,
            gradients,
            rejected,
            seconds: begin.elapsed().as_secs_f64(),
            error,
        }
    }

    /// Advances a chain to its end, or to that of the run.
    fn draw_all(&self, queued: &mut Queued) -> Result<(), InferenceError> {
        let Queued { chain, slot, feed } = queued;
        let counters = &self.counters[chain.number - self.first];
        counters.count(chain);
        let mut reported = Instant::now();
        loop {
            let advance = || chain.advance(&|| self.interrupted());
            let advanced = catch_unwind(AssertUnwindSafe(advance))
                .unwrap_or_else(|_| Err(EvalError::Fatal("the density panicked".into())));
            let (number, draws) = (chain.number, chain.draws.len());
            let advanced = advanced.map_err(|error| error.of_chain(number, draws))?;
            if let Some(feed) = feed {
                feed.send(chain, false);
            }
            match (advanced, &*slot) {
                (Advance::Interrupted, _) | (Advance::Done, None) => return Ok(()),
                (Advance::Done, Some(slot)) => return slot.save(chain),
                (Advance::Drew, Some(slot)) if slot.is_due(chain.made()) => slot.save(chain)?,
                (Advance::Drew, _) => {}
            }
            counters.count(chain);
            if let Some(progress) = &self.progress
                && reported.elapsed() > REPORTS
            {
                reported = Instant::now();
                progress.update(counters.snapshot());
            }
        }
    }
}
