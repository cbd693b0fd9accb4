//! A run: chains on threads, and the handle that watches and steers them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use bayes_nn_kernels::{Device, Precision};

use super::chain::{Chain, seconds_per_gradient};
use super::compiled::Compiled;
use super::delayed::{DelayedAcceptance, Exact};
use super::fit::{NutsFit, Timing};
use super::log_density::LogDensity;
use super::progress::{ChainProgress, Counters};
use super::random::Stream;
use super::settings::Nuts;
use super::sink::{self, Block, DrawSink, Feed, LAG, Planned, SinkError};
use super::start::Origin;
use super::threads::{Queued, Shared, lock};
use crate::check::{at_least_one, setting};
use crate::{Density, InferenceError, Site};

/// What a chain samples, made for it; and what that approximates, if it does.
type Made = Result<(Box<dyn LogDensity + Send>, Option<Box<dyn Exact>>), InferenceError>;
/// A sink that has begun, with the blocks that it is to take.
type Connected = (Box<dyn DrawSink>, Receiver<Block>);

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
        self.start_compiled(density, None)
    }

    /// Sets chains going as [`Nuts::start`] does, and gives their draws to a sink while they are
    /// made. The draws are those of a run without it, and the fit has them, too.
    ///
    /// # Errors
    /// As [`Nuts::start`]; a sink that takes no draws from the first.
    pub fn start_into(
        &self,
        density: &dyn Density,
        sink: Box<dyn DrawSink>,
    ) -> Result<NutsRun, InferenceError> {
        self.start_compiled(density, Some(sink))
    }

    fn start_compiled(
        &self,
        density: &dyn Density,
        sink: Option<Box<dyn DrawSink>>,
    ) -> Result<NutsRun, InferenceError> {
        self.check()?;
        let compiled = Compiled::new(density, &self.device, self.precision)?;
        let origin = Origin {
            sites: density.sites(),
            density: Some(density),
            compiled: Some(&compiled),
        };
        let make = |_| -> Made {
            let exact = compiled.start_exact()?;
            let exact = exact.map(|exact| Box::new(exact) as Box<dyn Exact>);
            Ok((Box::new(compiled.start()?), exact))
        };
        self.launch(&origin, make, sink)
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
        if self.precision != Precision::F64 {
            let allowed = "F64 for a bare log density, which has its own precision";
            return Err(setting(
                "precision",
                format!("{:?}", self.precision),
                allowed,
            ));
        }
        let origin = Origin {
            sites: &[],
            density: None,
            compiled: None,
        };
        self.launch(&origin, |chain| Ok((Box::new(make(chain)), None)), None)
    }

    fn launch(
        &self,
        origin: &Origin<'_>,
        mut make: impl FnMut(usize) -> Made,
        sink: Option<Box<dyn DrawSink>>,
    ) -> Result<NutsRun, InferenceError> {
        let begin = Instant::now();
        let mut chains = VecDeque::new();
        let mut timing = Timing::default();
        for number in self.first_chain..self.first_chain + self.chains {
            let (density, exact) = make(number)?;
            if density.dim() == 0 {
                return Err(InferenceError::NothingToFit);
            }
            let slots = self.checkpoints.as_ref();
            let slot = slots.map(|c| c.slot(self, origin.sites, density.dim(), number));
            let stream = Stream::new(self.seed, number);
            let delayed = exact.map(|exact| DelayedAcceptance::new(exact, density.dim()));
            let mut chain = Chain::new(self, number, density, delayed, stream);
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
                timing = self.time(&mut chain, origin.compiled)?;
            }
            chains.push_back(Queued {
                chain,
                slot,
                feed: None,
            });
        }
        let sink = sink
            .map(|sink| self.connect(sink, &mut chains))
            .transpose()?;
        let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = self.threads.unwrap_or_else(available).min(self.chains);
        let shared = Arc::new(Shared {
            counters: chains
                .iter()
                .map(|queued| Counters::new(queued.chain.number))
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
        let threads = (0..threads).map(|_| work()).collect();
        let writer = sink.map(|(sink, blocks)| {
            let shared = shared.clone();
            std::thread::spawn(move || sink::drain(sink, &blocks).inspect_err(|_| shared.end()))
        });
        Ok(NutsRun {
            threads,
            writer,
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
        compiled: Option<&Compiled>,
    ) -> Result<Timing, InferenceError> {
        let on_cpu = match compiled.filter(|_| !self.device.is_cpu()) {
            Some(compiled) => {
                let mut density = compiled.start_on(&Device::cpu())?;
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

    /// Begins a sink, and lets every chain feed it.
    fn connect(
        &self,
        mut sink: Box<dyn DrawSink>,
        chains: &mut VecDeque<Queued>,
    ) -> Result<Connected, InferenceError> {
        let every = sink.every();
        at_least_one("every", every as u64)?;
        let planned = Planned {
            chains: self.first_chain..self.first_chain + self.chains,
            warmup: self.warmup,
            keep_warmup: self.keep_warmup,
            draws: self.draws,
        };
        sink.begin(&planned).map_err(InferenceError::Sink)?;
        let (sender, blocks) = sync_channel(LAG);
        for queued in chains {
            queued.feed = Some(Feed::new(sender.clone(), every));
        }
        Ok((sink, blocks))
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
    writer: Option<JoinHandle<Result<(), SinkError>>>,
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
        self.shared.end();
    }

    /// Waits for all chains to end.
    ///
    /// # Errors
    /// Only if no chain has a draw, and one or the sink has failed: its error. Otherwise a chain
    /// that fails leaves the others and its own draws, with the error in
    /// [`ChainDraws::error`](super::ChainDraws::error); that of the sink is
    /// [`NutsFit::sink_error`].
    pub fn wait(mut self) -> Result<NutsFit, InferenceError> {
        let mut sink_error = self.join();
        let mut chains = std::mem::take(&mut *lock(&self.shared.finished));
        chains.sort_by_key(|chain| chain.number);
        if chains.iter().all(|chain| chain.draws.is_empty())
            && let Some(error) = chains
                .iter_mut()
                .find_map(|chain| chain.error.take())
                .or_else(|| sink_error.take())
        {
            return Err(error);
        }
        Ok(NutsFit {
            chains,
            sites: std::mem::take(&mut self.sites),
            max_depth: self.max_depth,
            stopped: self.shared.stop.load(Ordering::Acquire),
            sink_error,
            seconds: self.begin.elapsed().as_secs_f64(),
            timing: std::mem::take(&mut self.timing),
        })
    }

    /// The error of the sink, if it met one.
    fn join(&mut self) -> Option<InferenceError> {
        for thread in self.threads.drain(..) {
            // A density that panics ends its chain only; a panic elsewhere is passed on.
            joined(thread);
        }
        let sink_error = self.writer.take().and_then(|writer| joined(writer).err());
        if let Some(progress) = &self.shared.progress {
            progress.finish();
        }
        sink_error.map(InferenceError::Sink)
    }
}

/// What a thread returned; if it panicked, so does this one.
fn joined<T>(thread: JoinHandle<T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Drop for NutsRun {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.stop();
            self.join();
        }
    }
}
