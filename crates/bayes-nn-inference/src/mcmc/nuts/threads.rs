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
use super::gathering::{self, Report};
use super::parts::ChainParts;
use super::progress::SamplingProgress;
use crate::interrupt::is_requested;
use crate::log_density::EvalError;
use crate::{InferenceError, Interrupt};

/// How often a chain reports to [`SamplingProgress`].
const REPORTS: Duration = Duration::from_millis(100);

/// A chain that waits for a thread, with where it is saved and where its draws go.
pub(super) struct Queued {
    pub(super) chain: Chain,
    pub(super) slot: Option<Slot>,
    pub(super) feed: Option<Feed>,
    /// How long it has run.
    pub(super) seconds: f64,
}

/// The chains that no thread advances.
pub(super) struct Pool {
    waiting: VecDeque<Queued>,
    /// Those that wait for others to come to a gathering.
    gathered: Vec<Queued>,
    /// Reports of chains that have passed a gathering that others may still come to.
    passed: Vec<(usize, Report)>,
    /// Chains that threads advance.
    away: usize,
}

impl Pool {
    pub(super) fn of(waiting: VecDeque<Queued>) -> Pool {
        let chains = waiting.iter().map(|queued| &queued.chain);
        let passed = chains.filter_map(|chain| Some((chain.number, chain.report.clone()?)));
        Pool {
            passed: passed.collect(),
            waiting,
            gathered: Vec::new(),
            away: 0,
        }
    }

    /// Once all chains that go on have come to a gathering, they pass it. Those of a stopped run do
    /// not: the others would still have come.
    fn gather(&mut self, stopped: bool) {
        if stopped {
            self.waiting.extend(self.gathered.drain(..));
            return;
        }
        let draw = self.gathered.iter().filter_map(|q| q.chain.gathering());
        let Some(draw) = draw
            .min()
            .filter(|_| self.waiting.is_empty() && self.away == 0)
        else {
            return;
        };
        let (mut here, others) = std::mem::take(&mut self.gathered)
            .into_iter()
            .partition::<Vec<_>, _>(|queued| queued.chain.gathering() == Some(draw));
        self.gathered = others;
        here.sort_by_key(|queued| queued.chain.number);
        let own = here.iter().map(|q| (q.chain.number, q.chain.report()));
        self.passed.retain(|(_, report)| report.draw >= draw);
        self.passed.extend(own);
        self.passed.sort_by_key(|(number, _)| *number);
        let reports = self.passed.iter().filter(|(_, r)| r.draw == draw);
        let (numbers, reports): (Vec<usize>, Vec<&Report>) =
            reports.map(|(number, report)| (*number, report)).unzip();
        let successors = gathering::successors(&reports);
        for (own, successor) in successors.into_iter().enumerate() {
            let queued = here.iter_mut().find(|q| q.chain.number == numbers[own]);
            if let Some(queued) = queued {
                let other = (own != successor).then(|| reports[successor].clone());
                queued.chain.pass(reports[own].clone(), other);
            }
        }
        self.waiting.extend(here);
    }
}

/// The state that the threads share with the handle of the run.
pub(super) struct Shared {
    pub(super) pool: Mutex<Pool>,
    /// Chains wait that did not, or none will any more.
    pub(super) changed: Condvar,
    pub(super) finished: Mutex<Vec<ChainDraws>>,
    pub(super) counters: Vec<Counters>,
    pub(super) first: usize,
    pub(super) stop: AtomicBool,
    pub(super) paused: AtomicBool,
    pub(super) gate: Mutex<()>,
    pub(super) opened: Condvar,
    pub(super) progress: Option<Arc<dyn SamplingProgress>>,
    pub(super) interrupt: Option<Interrupt>,
}

/// A chain that a thread advances. Dropped, it lets the others know.
struct Away<'a>(&'a Shared);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        let mut pool = lock(&self.0.pool);
        pool.away -= 1;
        pool.gather(self.0.stop.load(Ordering::Acquire));
        self.0.changed.notify_all();
    }
}

/// How a thread leaves a chain.
enum Ended {
    Gathers(Box<Queued>),
    Finished(Box<ChainDraws>),
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Takes chains until none will wait any more.
    pub(super) fn work(&self) {
        while let Some((queued, _away)) = self.next() {
            match self.run(queued) {
                Ended::Gathers(queued) => lock(&self.pool).gathered.push(*queued),
                Ended::Finished(chain) => lock(&self.finished).push(*chain),
            }
        }
    }

    /// The next chain that a thread can advance.
    fn next(&self) -> Option<(Queued, Away<'_>)> {
        let mut pool = lock(&self.pool);
        loop {
            if let Some(queued) = pool.waiting.pop_front() {
                pool.away += 1;
                return Some((queued, Away(self)));
            }
            if pool.away == 0 {
                return None;
            }
            let changed = self.changed.wait(pool);
            pool = changed.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Holds a paused chain, and says whether the run is to stop.
    fn interrupted(&self) -> bool {
        let is_asked = || is_requested(self.interrupt.as_ref());
        if self.paused.load(Ordering::Acquire) {
            let mut gate = lock(&self.gate);
            let is_held =
                || self.paused.load(Ordering::Acquire) && !self.stop.load(Ordering::Acquire);
            while is_held() && !is_asked() {
                let opened = self.opened.wait_timeout(gate, REPORTS);
                gate = opened.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        if is_asked() {
            self.end();
        }
        self.stop.load(Ordering::Acquire)
    }

    /// Ends all chains before their next leapfrog step.
    pub(super) fn end(&self) {
        let _gate = lock(&self.gate);
        self.stop.store(true, Ordering::Release);
        self.opened.notify_all();
    }

    fn run(&self, mut queued: Queued) -> Ended {
        let begin = Instant::now();
        let ended = self.draw_all(&mut queued);
        queued.seconds += begin.elapsed().as_secs_f64();
        if let Ok(Advance::Gathers) = ended
            && !self.stop.load(Ordering::Acquire)
        {
            return Ended::Gathers(Box::new(queued));
        }
        let error = ended.err();
        let Queued {
            chain,
            mut feed,
            seconds,
            ..
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
            moved_at,
            ..
        } = chain;
        let parts = ChainParts {
            number,
            warmup,
            draws,
            tuned: kernel.tuned,
            gradients,
            rejected,
            moved_at,
            seconds,
            error: error.map(Arc::new),
        };
        Ended::Finished(Box::new(ChainDraws { parts }))
    }

    /// Advances a chain to a gathering, to its end, or to that of the run.
    fn draw_all(&self, queued: &mut Queued) -> Result<Advance, InferenceError> {
        let Queued {
            chain, slot, feed, ..
        } = queued;
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
                (Advance::Done, Some(slot)) => {
                    slot.save(chain)?;
                    return Ok(advanced);
                }
                (Advance::Interrupted | Advance::Gathers | Advance::Done, _) => {
                    return Ok(advanced);
                }
                // Chains that have not passed the gathering will need this one's report.
                (Advance::Passed, Some(slot)) => slot.save(chain)?,
                (Advance::Drew, Some(slot)) if slot.is_due(chain.made()) => slot.save(chain)?,
                (Advance::Drew | Advance::Passed, _) => {}
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
