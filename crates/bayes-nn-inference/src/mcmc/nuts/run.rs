//! The handle of a run: it watches and steers chains on threads.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use super::counters::Counters;
use super::fit::NutsFit;
use super::progress::ChainProgress;
use super::threads::{Shared, lock};
use super::{Nuts, NutsParts};
use crate::columns::Concerns;
use crate::error::DrawSinkError;
use crate::{InferenceError, Site};

/// The time of one gradient.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    pub(super) seconds: f64,
    pub(super) on_cpu: Option<f64>,
}

/// Chains that are running. Dropped without [`NutsRun::wait`], they are stopped.
///
/// ```
/// use bayes_nn_inference::nuts::{EvalError, LogDensity, Nuts};
/// struct Normal;
/// impl LogDensity for Normal {
///     fn dim(&self) -> usize { 1 }
///     fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
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
    pub(super) shared: Arc<Shared>,
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) writer: Option<JoinHandle<Result<(), DrawSinkError>>>,
    pub(super) sites: Vec<Site>,
    pub(super) settings: Nuts,
    pub(super) begin: Instant,
    pub(super) timing: Timing,
    pub(super) concerns: Concerns,
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
        chains.sort_by_key(|chain| chain.number());
        if chains.iter().all(|chain| chain.draws().is_empty())
            && let Some(error) = chains
                .iter_mut()
                .find_map(|chain| chain.parts.error.take().and_then(Arc::into_inner))
                .or_else(|| sink_error.take())
        {
            return Err(error);
        }
        let parts = NutsParts {
            chains,
            sites: std::mem::take(&mut self.sites),
            settings: self.settings.clone(),
            stopped: self.shared.stop.load(Ordering::Acquire),
            sink_error: sink_error.map(Arc::new),
            seconds: self.begin.elapsed().as_secs_f64(),
            seconds_per_gradient: self.timing.seconds,
            cpu_seconds_per_gradient: self.timing.on_cpu,
            concerns: std::mem::take(&mut self.concerns),
        };
        Ok(NutsFit { parts })
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
        sink_error.map(InferenceError::DrawSink)
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

impl fmt::Debug for NutsRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NutsRun")
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
