//! The settings of NUTS: a builder that is checked when it is used.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bayes_nn_kernels::{Device, Precision};

use super::adaptation::WarmupSchedule;
use super::kernel::TreeLimits;
use super::metric::Metric;
use super::progress::SamplingProgress;
use crate::check::{MOST_RUNS, at_least_one, count, positive, setting};
use crate::{InferenceError, Interrupt, Start};

/// Settings of a run of the No-U-Turn Sampler.
///
/// # The warm-up
/// A chain learns its step size by dual averaging (Hoffman and Gelman 2014, section 3.2) and its
/// metric from its draws ([`Metric`], [`WarmupSchedule`]). In the first fifth of the warm-up, while
/// the metric is not known, trajectories have 8 doublings at the most.
///
/// Chains gather: after 30 % and 60 % of a warm-up of at least 100 draws each waits until all others
/// have come there, too. One that is stuck then goes on from near the position of another, with the
/// step size and the metric of that one, and the fit warns of it
/// ([`ChainDraws::moved_at`](super::ChainDraws::moved_at)). A chain is stuck if two things hold
/// against the chain that has the most mass, where the mass of a chain is that of a normal as high
/// and as wide as its draws: its median log density is lower by more than ten median absolute
/// deviations, and its mass smaller by a factor of more than `exp(10 + dim / 2)`. So a mode that could
/// matter keeps its chain. With [`Metric::Identity`], and with one chain, there is no gathering, and
/// after the warm-up nothing is moved.
///
/// ```
/// use bayes_nn_inference::nuts::{Metric, Nuts};
/// let nuts = Nuts::new().draws(2_000).chains(2).target_accept(0.95).metric(Metric::Variance);
/// # let _ = nuts;
/// ```
///
/// Nothing is checked until the run: a setting outside its range is then an
/// [`InferenceError::Setting`] that names it.
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they fit or `start`"]
pub struct Nuts {
    pub(crate) draws: u64,
    pub(crate) warmup: u64,
    pub(crate) chains: usize,
    pub(crate) first_chain: usize,
    pub(crate) seed: u64,
    pub(crate) target_accept: f64,
    pub(crate) limits: TreeLimits,
    pub(crate) metric: Metric,
    pub(crate) schedule: WarmupSchedule,
    pub(crate) initial_step: f64,
    pub(crate) threads: Option<usize>,
    pub(crate) device: Device,
    pub(crate) precision: Precision,
    pub(crate) keep_warmup: bool,
    pub(crate) start: Start,
    pub(crate) checkpoints: Option<Checkpoints>,
    pub(crate) progress: Option<Display>,
    pub(crate) interrupt: Option<Interrupt>,
}

impl Default for Nuts {
    fn default() -> Nuts {
        Nuts {
            draws: 1000,
            warmup: 1000,
            chains: 4,
            first_chain: 0,
            seed: 0,
            target_accept: 0.8,
            limits: TreeLimits::default(),
            metric: Metric::default(),
            schedule: WarmupSchedule::default(),
            initial_step: 0.1,
            threads: None,
            device: Device::default(),
            precision: Precision::F64,
            keep_warmup: false,
            start: Start::default(),
            checkpoints: None,
            progress: None,
            interrupt: None,
        }
    }
}

impl Nuts {
    /// Four chains of 1000 draws after 1000 of warm-up.
    pub fn new() -> Nuts {
        Nuts::default()
    }

    /// Draws of each chain, 1000 unless set.
    pub fn draws(mut self, draws: u64) -> Nuts {
        self.draws = draws;
        self
    }

    /// Draws of each chain, before those, from which it learns step size and metric; 1000 unless
    /// set.
    pub fn warmup(mut self, draws: u64) -> Nuts {
        self.warmup = draws;
        self
    }

    /// Chains, 4 unless set.
    pub fn chains(mut self, chains: usize) -> Nuts {
        self.chains = chains;
        self
    }

    /// The number of the first chain, 0 unless set. A chain depends on the seed and its number
    /// only, unless it is stuck in the warm-up and goes on near another: chain 5 alone has the bits
    /// that it has among eight.
    pub fn first_chain(mut self, number: usize) -> Nuts {
        self.first_chain = number;
        self
    }

    /// The seed of everything random. The same seed gives the same bits.
    pub fn seed(mut self, seed: u64) -> Nuts {
        self.seed = seed;
        self
    }

    /// The mean acceptance that the step size is tuned for, 0.8 unless set. Higher means smaller
    /// steps, more gradients, and fewer divergences.
    pub fn target_accept(mut self, acceptance: f64) -> Nuts {
        self.target_accept = acceptance;
        self
    }

    /// Doublings of a trajectory at the most, 10 unless set: 1023 leapfrog steps.
    pub fn max_depth(mut self, doublings: u32) -> Nuts {
        self.limits = self.limits.max_depth(doublings);
        self
    }

    /// Leapfrog steps of a trajectory at the most; unless set, as many as the depth allows. A
    /// doubling that would exceed it is not begun: half a doubling could not be reversed.
    pub fn max_leapfrog(mut self, steps: u64) -> Nuts {
        self.limits = self.limits.max_leapfrog(steps);
        self
    }

    /// What the metric is made of, [`Metric::Automatic`] unless set.
    pub fn metric(mut self, metric: Metric) -> Nuts {
        self.metric = metric;
        self
    }

    /// When the metric is learnt, [`WarmupSchedule::Growing`] unless set.
    pub fn schedule(mut self, schedule: WarmupSchedule) -> Nuts {
        self.schedule = schedule;
        self
    }

    /// Where the search for a first step size begins, 0.1 unless set; without warm-up the step
    /// size of the whole run.
    pub fn initial_step(mut self, step_size: f64) -> Nuts {
        self.initial_step = step_size;
        self
    }

    /// How many chains may run at the same time; as many as the machine has threads unless set.
    /// Results do not depend on it.
    pub fn threads(mut self, threads: usize) -> Nuts {
        self.threads = Some(threads);
        self
    }

    /// Where log density and gradient are computed, the CPU unless set; the tree stays on the
    /// CPU.
    ///
    /// A GPU pays where one gradient takes one thread of the CPU much longer than the way to the
    /// GPU and back: every leapfrog step writes the position, launches, waits, and reads log
    /// density and gradient, whatever is computed in between, in the [precision](Nuts::precision)
    /// that is set. So it does with many rows or wide layers, not with a regression on a thousand
    /// rows. A run elsewhere than on the CPU therefore also times a few gradients there before its
    /// first draw ([`NutsFit::cpu_seconds_per_gradient`](super::NutsFit::cpu_seconds_per_gradient));
    /// where the CPU is faster, the warnings of the fit say so. Chains side by side share a GPU, and
    /// on the CPU have a core each, which these figures leave out.
    pub fn device(mut self, device: Device) -> Nuts {
        self.device = device;
        self
    }

    /// The precision in which trajectories are computed, double unless set.
    ///
    /// Single precision takes little more than half the time on a CPU, and what comes out are draws
    /// from the density in double precision all the same: a trajectory proposes a draw, which the
    /// log density in double precision accepts or rejects, by one evaluation a draw (delayed
    /// acceptance: Christen and Fox 2005); only the warm-up goes without. Rejections
    /// ([`NutsFit::rejected`](super::NutsFit::rejected)) are rare while rounding changes the log
    /// density by much less than 1. So the log density should be no larger than a million or so,
    /// every variable vary by more than a millionth of its size, and the model be free of sums that
    /// cancel and of factors of ill-conditioned matrices.
    ///
    /// Positions and momenta between gradients are double in any case. A bare
    /// [`LogDensity`](super::LogDensity) has its own precision.
    pub fn precision(mut self, precision: Precision) -> Nuts {
        self.precision = precision;
        self
    }

    /// Whether the draws of the warm-up are kept; their statistics always are.
    pub fn keep_warmup(mut self, keep: bool) -> Nuts {
        self.keep_warmup = keep;
        self
    }

    /// Where chains begin, uniformly unless set. A point at which density or gradient are not
    /// finite is drawn anew, up to 100 times. Where a draw of the prior has a log density that is
    /// higher by more than a million nats, a chain begins there instead of at the uniform point.
    pub fn start_at(mut self, start: Start) -> Nuts {
        self.start = start;
        self
    }

    /// Saves every chain in a folder after every so many draws, and takes up the chains that
    /// were saved there: a run that was killed goes on, and gives the bits of one that was not.
    /// Only the number of draws, of chains and of threads may have changed since; of fewer draws
    /// than were saved, the first are given and the file is left as it is.
    ///
    /// A chain that fails is left out where the others gather in the warm-up, and so are they saved.
    ///
    /// A chain is saved with all its draws: leave many draws between two times if they are large.
    pub fn checkpoints(mut self, folder: impl Into<PathBuf>, every: u64) -> Nuts {
        self.checkpoints = Some(Checkpoints {
            folder: folder.into(),
            every,
        });
        self
    }

    /// Lets somebody ask all chains to end before their next leapfrog step, as
    /// [`NutsRun::stop`](super::NutsRun::stop) does. They keep what they have drawn, and their
    /// checkpoints.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Nuts {
        self.interrupt = Some(interrupt.clone());
        self
    }

    /// Shows progress.
    pub fn progress(mut self, progress: impl SamplingProgress + 'static) -> Nuts {
        self.progress = Some(Display(Arc::new(progress)));
        self
    }

    /// Checks every setting.
    pub(super) fn check(&self) -> Result<(), InferenceError> {
        at_least_one("draws", self.draws)?;
        let every = self.checkpoints.as_ref().map_or(1, |c| c.every);
        at_least_one("checkpoints", every)?;
        if self.draws.checked_add(self.warmup).is_none() {
            let allowed = "few enough for draws and warm-up together to fit into 64 bits";
            return Err(setting("draws", self.draws, allowed));
        }
        count("chains", self.chains, MOST_RUNS)?;
        if self.first_chain.checked_add(self.chains).is_none() {
            let allowed = "few enough for the numbers of all chains to fit into 64 bits";
            return Err(setting("first_chain", self.first_chain, allowed));
        }
        at_least_one("threads", self.threads.unwrap_or(1) as u64)?;
        if !(self.target_accept > 0.0 && self.target_accept < 1.0) {
            let allowed = "above 0 and below 1";
            return Err(setting("target_accept", self.target_accept, allowed));
        }
        self.limits.check()?;
        if let Metric::LowRank(metric) = &self.metric {
            metric.check()?;
        }
        positive("initial_step", self.initial_step)
    }
}

/// Where and how often chains are saved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checkpoints {
    pub(crate) folder: PathBuf,
    pub(crate) every: u64,
}

/// What shows progress.
#[derive(Clone)]
pub(crate) struct Display(pub(super) Arc<dyn SamplingProgress>);

impl fmt::Debug for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SamplingProgress")
    }
}
