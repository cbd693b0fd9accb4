//! The launch of a run: every chain gets its density, a start, and a thread.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use bayes_nn_kernels::{Device, Precision};

use super::chain::{Chain, seconds_per_gradient};
use super::checkpoint::Slot;
use super::counters::Counters;
use super::delayed::{DelayedAcceptance, Exact};
use super::draw_sink::{self, DrawBlock, DrawSink, Feed, LAG, PlannedRun};
use super::fit::NutsFit;
use super::random::Stream;
use super::run::{NutsRun, Timing};
use super::settings::{Display, Nuts};
use super::start::Origin;
use super::threads::{Pool, Queued, Shared};
use crate::check::{at_least_one, holds_data, no_points, setting};
use crate::columns::Concerns;
use crate::compiled::Compiled;
use crate::log_density::LogDensity;
use crate::variational::pathfinder::Starts;
use crate::{Density, InferenceError, Method, Start};

/// What a chain samples, made for it; and what that approximates, if it does.
type Made = Result<(Box<dyn LogDensity + Send>, Option<Box<dyn Exact>>), InferenceError>;
/// A draw sink that has begun, with the blocks that it is to take.
type Connected = (Box<dyn DrawSink>, Receiver<DrawBlock>);

impl Method for Nuts {
    type Fit = NutsFit;

    /// Samples a density: [`Nuts::start`] and [`NutsRun::wait`].
    ///
    /// # Errors
    /// As [`Nuts::start`] and [`NutsRun::wait`].
    fn fit(&self, density: &dyn Density) -> Result<NutsFit, InferenceError> {
        self.start(density)?.wait()
    }
}

impl Nuts {
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
        no_points(density, "NUTS")?;
        let compiled = Compiled::new(density, &self.device, self.precision)?;
        if compiled.is_noisy() {
            return Err(InferenceError::NoisyDensity);
        }
        let origin = Origin {
            sites: density.sites(),
            density: Some(density),
            compiled: Some(&compiled),
            starts: match self.start {
                Start::Pathfinder => Some(Starts::of(density, self.seed)?),
                _ => None,
            },
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
            starts: None,
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
        let mut concerns = Concerns::default();
        if let Some(density) = origin.density {
            holds_data(density, self.precision)?;
            concerns = Concerns::of(density, self.precision);
        }
        let mut chains = VecDeque::new();
        let mut timing = Timing::default();
        for number in self.first_chain..self.first_chain + self.chains {
            let (density, exact) = make(number)?;
            let mut slot = Slot::of(self, origin.sites, density.dim(), number);
            let stream = Stream::new(self.seed, number);
            let delayed = exact.map(|exact| DelayedAcceptance::new(exact, density.dim()));
            let mut chain = Chain::new(self, number, density, delayed, stream)?;
            let restored = match &slot {
                Some(slot) => slot.restore(&mut chain)?,
                None => false,
            };
            if chain.draws.len() as u64 > self.draws {
                chain.keep_first(self.draws);
                // The file keeps the draws that were not asked for now.
                slot = None;
            }
            if !restored {
                let (kernel, stream) = chain.kernel_and_stream();
                let state = self.find_start(number, kernel, origin, stream)?;
                chain.begin_at(state);
            }
            if chains.is_empty() {
                timing = self.time(&mut chain, origin.compiled)?;
            }
            chains.push_back(Queued {
                chain,
                slot,
                feed: None,
                seconds: 0.0,
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
            pool: Mutex::new(Pool::of(chains)),
            changed: Condvar::new(),
            finished: Mutex::default(),
            stop: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            gate: Mutex::default(),
            opened: Condvar::new(),
            progress: self.progress.as_ref().map(|display| display.0.clone()),
            interrupt: self.interrupt.clone(),
        });
        let writer = sink.map(|(sink, blocks)| {
            let shared = shared.clone();
            let drain = move || draw_sink::drain(sink, &blocks).inspect_err(|_| shared.end());
            std::thread::Builder::new().spawn(drain)
        });
        let writer = writer.transpose().map_err(InferenceError::NoThread)?;
        if let Some(Display(progress)) = &self.progress {
            progress.start(self.chains, self.warmup + self.draws);
        }
        let work = |_| {
            let shared = shared.clone();
            std::thread::Builder::new().spawn(move || shared.work())
        };
        // Where the system starts no more threads, those that there are take all chains.
        let mut started = (0..threads).map(work);
        let first = started
            .next()
            .transpose()
            .map_err(InferenceError::NoThread)?;
        let threads = first
            .into_iter()
            .chain(started.map_while(Result::ok))
            .collect();
        Ok(NutsRun {
            threads,
            writer,
            shared,
            sites: origin.sites.to_vec(),
            settings: Nuts {
                progress: None,
                interrupt: None,
                ..self.clone()
            },
            begin,
            timing,
            concerns,
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
        let planned = PlannedRun {
            chains: self.first_chain..self.first_chain + self.chains,
            warmup: self.warmup,
            keep_warmup: self.keep_warmup,
            draws: self.draws,
        };
        sink.begin(&planned).map_err(InferenceError::DrawSink)?;
        let (sender, blocks) = sync_channel(LAG);
        for queued in chains {
            queued.feed = Some(Feed::new(sender.clone(), every));
        }
        Ok((sink, blocks))
    }
}
