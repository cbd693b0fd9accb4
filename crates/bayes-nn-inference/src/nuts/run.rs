//! A run: chains on threads, and the handle that watches and steers them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bayes_nn_kernels::Device;

use super::chain::{Advance, Chain, seconds_per_gradient};
use super::checkpoint::Slot;
use super::compiled::Blueprint;
use super::fit::{ChainDraws, NutsFit, Timing};
use super::log_density::{EvalError, LogDensity};
use super::progress::{ChainProgress, Counters, SamplingProgress};
use super::random::Stream;
use super::settings::Nuts;
use super::start::Origin;
use crate::{Density, InferenceError, Site};

/// How often a chain reports to [`SamplingProgress`].
const REPORTS: Duration = Duration::from_millis(100);

impl Nuts {
    /// Samples a density: [`Nuts::start`] and [`NutsRun::wait`].
    ///
    /// # Errors
    /// As [`Nuts::start`] and [`NutsRun::wait`].
    pub fn sample(&self, density: &dyn Density) -> Result<NutsFit, InferenceError> {
        self.start(density)?.wait()
    }

    /// Samples a bare log density, of which `make` gives every chain its own.
    ///
    /// # Errors
    /// As [`Nuts::start`] and [`NutsRun::wait`].
    pub fn sample_with<D: LogDensity + Send + 'static>(
        &self,
        make: impl FnMut(usize) -> D,
    ) -> Result<NutsFit, InferenceError> {
        self.start_with(make)?.wait()
    }

    /// Compiles a density, finds a start for every chain and sets them going.
    ///
    /// # Errors
    /// A setting outside its range; a density that cannot be written or compiled; no start with
    /// a finite density and gradient; a checkpoint that cannot be taken up.
    pub fn start(&self, density: &dyn Density) -> Result<NutsRun, InferenceError> {
        self.check()?;
        let blueprint = Blueprint::new(density)?;
        let origin = Origin {
            sites: density.sites(),
            density: Some(density),
            blueprint: Some(&blueprint),
        };
        self.launch(&origin, |_| Ok(Box::new(blueprint.compile(&self.device)?)))
    }

    /// Sets chains going on a bare log density, of which `make` gives every chain, by its
    /// number, its own.
    ///
    /// # Errors
    /// A setting outside its range; no start with a finite density and gradient.
    pub fn start_with<D: LogDensity + Send + 'static>(
        &self,
        mut make: impl FnMut(usize) -> D,
    ) -> Result<NutsRun, InferenceError> {
        self.check()?;
        let origin = Origin {
            sites: &[],
            density: None,
            blueprint: None,
        };
        self.launch(&origin, |chain| Ok(Box::new(make(chain))))
    }

    fn launch(
        &self,
        origin: &Origin<'_>,
        mut make: impl FnMut(usize) -> Result<Box<dyn LogDensity + Send>, InferenceError>,
    ) -> Result<NutsRun, InferenceError> {
        let begin = Instant::now();
        let mut chains = VecDeque::new();
        let mut timing = Timing::default();
        for number in self.first_chain..self.first_chain + self.chains {
            let density = make(number)?;
            if density.dim() == 0 {
                return Err(InferenceError::NothingToFit);
            }
            let slots = self.checkpoints.as_ref();
            let slot = slots.map(|c| c.slot(self, origin.sites, density.dim(), number));
            let stream = Stream::new(self.seed, number);
            let mut chain = Chain::new(self, number, density, stream);
            let restored = match &slot {
                Some(slot) => slot.restore(&mut chain)?,
                None => false,
            };
            if !restored {
                let (density, stream) = chain.density_and_stream();
                let state = self.find_start(number, density, origin, stream)?;
                chain.begin_at(state);
            }
            if chains.is_empty() {
                timing = self.time(&mut chain, origin.blueprint)?;
            }
            chains.push_back((chain, slot));
        }
        let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = self.threads.unwrap_or_else(available).min(self.chains);
        let shared = Arc::new(Shared {
            counters: chains
                .iter()
                .map(|(c, _)| Counters::new(c.number))
                .collect(),
            first: self.first_chain,
            waiting: Mutex::new(chains),
            finished: Mutex::default(),
            stop: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            gate: Mutex::default(),
            opened: Condvar::new(),
            progress: self.progress.clone(),
        });
        if let Some(progress) = &self.progress {
            progress.start(self.chains, self.warmup + self.draws);
        }
        let work = || {
            let shared = shared.clone();
            std::thread::spawn(move || shared.work())
        };
        Ok(NutsRun {
            threads: (0..threads).map(|_| work()).collect(),
            shared,
            sites: origin.sites.to_vec(),
            max_depth: self.depth_limit(),
            begin,
            timing,
        })
    }

    /// Times a gradient where chains take theirs and, where that is not the CPU, there as well.
    fn time(
        &self,
        chain: &mut Chain,
        blueprint: Option<&Blueprint>,
    ) -> Result<Timing, InferenceError> {
        let on_cpu = match blueprint.filter(|_| !self.device.is_cpu()) {
            Some(blueprint) => {
                let mut density = blueprint.compile(&Device::cpu())?;
                Some(seconds_per_gradient(&mut density, chain.position()))
            }
            None => None,
        };
        Ok(Timing {
            device: self.device.name().to_owned(),
            seconds: chain.time_gradient(),
            on_cpu,
        })
    }
}

/// What threads and handle share.
struct Shared {
    waiting: Mutex<VecDeque<(Chain, Option<Slot>)>>,
    finished: Mutex<Vec<ChainDraws>>,
    counters: Vec<Counters>,
    first: usize,
    stop: AtomicBool,
    paused: AtomicBool,
    gate: Mutex<()>,
    opened: Condvar,
    progress: Option<Arc<dyn SamplingProgress>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Takes chains until none waits.
    fn work(&self) {
        loop {
            let Some((chain, slot)) = lock(&self.waiting).pop_front() else {
                break;
            };
            let finished = self.run(chain, slot.as_ref());
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

    fn run(&self, mut chain: Chain, slot: Option<&Slot>) -> ChainDraws {
        let begin = Instant::now();
        let error = self.draw_all(&mut chain, slot).err();
        let counters = &self.counters[chain.number - self.first];
        counters.finish();
        if let Some(progress) = &self.progress {
            progress.update(counters.snapshot());
        }
        let Chain {
            number,
            tuned,
            warmup,
            draws,
            gradients,
            ..
        } = chain;
        ChainDraws {
            number,
            warmup,
            draws,
            tuned,
            gradients,
            seconds: begin.elapsed().as_secs_f64(),
            error,
        }
    }

    /// Advances a chain to its end, or to that of the run.
    fn draw_all(&self, chain: &mut Chain, slot: Option<&Slot>) -> Result<(), InferenceError> {
        let counters = &self.counters[chain.number - self.first];
        counters.count(chain);
        let mut reported = Instant::now();
        loop {
            let advance = || chain.advance(&|| self.interrupted());
            let advanced = catch_unwind(AssertUnwindSafe(advance))
                .unwrap_or_else(|_| Err(EvalError::Fatal("the density panicked".into())));
            let advanced = advanced.map_err(|error| InferenceError::Chain {
                chain: chain.number,
                draws: chain.draws.len(),
                source: match error {
                    EvalError::Fatal(source) => source,
                    EvalError::Reject => Box::new(error),
                },
            })?;
            match (advanced, slot) {
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

/// Chains that are running. Dropped without [`NutsRun::wait`], they are stopped.
///
/// ```
/// use bayes_nn_inference::nuts::{EvalError, LogDensity, Nuts};
/// struct Normal;
/// impl LogDensity for Normal {
///     fn dim(&self) -> usize { 1 }
///     fn logp_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
///         gradient[0] = -x[0];
///         Ok(-0.5 * x[0] * x[0])
///     }
/// }
/// let run = Nuts::new().draws(u64::MAX / 2).chains(2).threads(2).start_with(|_| Normal)?;
/// while run.progress().iter().any(|chain| chain.draws < 1_500) {
///     std::thread::yield_now();
/// }
/// run.stop();
/// let fit = run.wait()?;
/// assert!(fit.stopped() && fit.chains().iter().all(|chain| chain.draws().len() >= 500));
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
pub struct NutsRun {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    sites: Vec<Site>,
    max_depth: u32,
    begin: Instant,
    timing: Timing,
}

impl NutsRun {
    /// Seconds of one gradient, measured before the first draw. A trajectory of depth `d` takes
    /// `2^d - 1` of them; most densities need depths of 3 to 7.
    pub fn seconds_per_gradient(&self) -> f64 {
        self.timing.seconds
    }

    /// How far each chain has come.
    pub fn progress(&self) -> Vec<ChainProgress> {
        self.shared
            .counters
            .iter()
            .map(Counters::snapshot)
            .collect()
    }

    /// Whether all chains have ended.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Holds all chains before their next leapfrog step.
    pub fn pause(&self) {
        self.shared.paused.store(true, Ordering::Release);
    }

    /// Lets paused chains go on, as if they had not been paused.
    pub fn resume(&self) {
        let _gate = lock(&self.shared.gate);
        self.shared.paused.store(false, Ordering::Release);
        self.shared.opened.notify_all();
    }

    /// Ends all chains before their next leapfrog step. They keep what they have drawn.
    pub fn stop(&self) {
        let _gate = lock(&self.shared.gate);
        self.shared.stop.store(true, Ordering::Release);
        self.shared.opened.notify_all();
    }

    /// Waits for all chains to end.
    ///
    /// # Errors
    /// Only if no chain has a draw, and one has failed: its error. Otherwise a chain that fails
    /// leaves the others and its own draws, with the error in [`ChainDraws::error`].
    pub fn wait(mut self) -> Result<NutsFit, InferenceError> {
        self.join();
        let mut chains = std::mem::take(&mut *lock(&self.shared.finished));
        chains.sort_by_key(|chain| chain.number);
        if chains.iter().all(|chain| chain.draws.is_empty())
            && let Some(error) = chains.iter_mut().find_map(|chain| chain.error.take())
        {
            return Err(error);
        }
        Ok(NutsFit {
            chains,
            sites: std::mem::take(&mut self.sites),
            max_depth: self.max_depth,
            stopped: self.shared.stop.load(Ordering::Acquire),
            seconds: self.begin.elapsed().as_secs_f64(),
            timing: std::mem::take(&mut self.timing),
        })
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A density that panics ends its chain only; a panic elsewhere is passed on.
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
        if let Some(progress) = &self.shared.progress {
            progress.finish();
        }
    }
}

impl Drop for NutsRun {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.stop();
            self.join();
        }
    }
}
