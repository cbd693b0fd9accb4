//! Checkpoints: a fit is saved while it runs, and can go on from what was saved.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::ended::judged_by_curve;
use super::every::{Checkpoint, Every};
use super::job::{Job, with_others};
use super::training::Trained;
use super::{Advi, AdviFit, Restart, Training};
use crate::check::setting;
use crate::columns::Concerns;
use crate::interrupt::{Pace, is_requested};
use crate::{Density, InferenceError, Interrupt};

impl Advi {
    /// Saves the fit in a file while it runs, and at the end of each restart, whatever was there
    /// before. What is in the file is a fit like any other, of the guide as it is by then, which says that
    /// it was interrupted: it predicts, and [`Resume::rest`](super::Resume::rest) goes on with it and gives the bits of a
    /// fit that was not interrupted. There is a whole file at any moment, the last one or the one before.
    ///
    /// The first step of a fit by natural gradients follows the search for its start. On the way to a mode it
    /// is saved after each of its starts.
    ///
    /// ```
    /// use bayes_nn_inference::{Advi, Every};
    /// let advi = Advi::mean_field().batch(128).checkpoint("fit.bnn", Every::Seconds(60.0));
    /// # let _ = advi;
    /// ```
    ///
    /// # Errors
    /// Of the fit: a file that cannot be written ends it. What was saved before is still there.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>, every: Every) -> Advi {
        self.checkpoint = Some(Checkpoint::new(path, every));
        self
    }

    /// Lets somebody ask the fit to end early. It gives what it has after the steps of some tenths of a
    /// second, or after one that takes longer, and [`Resume::rest`](super::Resume::rest) goes on with it.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Advi {
        self.interrupt = Some(interrupt.clone());
        self
    }

    pub(super) fn is_interrupted(&self) -> bool {
        is_requested(self.interrupt.as_ref())
    }

    /// Checks how often checkpoints are made.
    pub(super) fn check_checkpoint(&self) -> Result<(), InferenceError> {
        let every = self.checkpoint.as_ref().map(|checkpoint| checkpoint.every);
        let problem = |value: String| setting("checkpoint", value, "at least one step, or seconds");
        match every {
            Some(Every::Steps(0)) => Err(problem("Every::Steps(0)".to_owned())),
            Some(Every::Seconds(seconds)) if seconds < 0.0 || seconds.is_nan() => {
                Err(problem(format!("Every::Seconds({seconds})")))
            }
            _ => Ok(()),
        }
    }

    /// How many steps a restart does before somebody looks at interrupts and the clock.
    pub(super) fn pace(&self) -> Pace {
        Pace::new(self.interrupt.is_some() || self.checkpoint.is_some())
    }
}

/// Where all restarts of a fit are, as far as was last said, and the file that tells it.
pub(super) struct Board<'a> {
    advi: &'a Advi,
    density: &'a dyn Density,
    concerns: &'a Concerns,
    others: &'a [Restart],
    checkpoint: &'a Checkpoint,
    posted: Mutex<Vec<Trained>>,
}

impl<'a> Board<'a> {
    /// For restarts that are to run, beside others that are not; nothing without checkpoints.
    pub(super) fn of(
        advi: &'a Advi,
        density: &'a dyn Density,
        concerns: &'a Concerns,
        (jobs, others): (&[Job<'_>], &'a [Restart]),
    ) -> Option<Board<'a>> {
        // A search for a start has no step yet that could be shown.
        let has_steps = |trained: &&Trained| !trained.curve.elbos().is_empty();
        let posted = jobs
            .iter()
            .filter_map(|job| job.from.filter(has_steps).cloned());
        Some(Board {
            advi,
            density,
            concerns,
            others,
            checkpoint: advi.checkpoint.as_ref()?,
            posted: Mutex::new(posted.collect()),
        })
    }

    pub(super) fn every(&self) -> Every {
        self.checkpoint.every
    }

    /// Takes in where a restart is, and saves all.
    pub(super) fn post(&self, trained: Trained) -> Result<(), InferenceError> {
        let mut posted = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        posted.retain(|other| other.restart != trained.restart);
        posted.push(trained);
        posted.sort_by_key(|trained| trained.restart);
        let fit = self.fit(&posted)?;
        self.density
            .save(&fit, &self.checkpoint.path)
            .map_err(InferenceError::Density)
    }

    /// The fit as it is by now: the best of the restarts by their last steps.
    fn fit(&self, posted: &[Trained]) -> Result<AdviFit, InferenceError> {
        let mut best: Option<AdviFit> = None;
        let mut restarts = Vec::new();
        for trained in posted {
            let fit = judged_by_curve(self.advi, self.density, trained, self.concerns)?;
            let compares = self.advi.compares(self.density);
            restarts.push(Restart {
                seed: fit.seed(),
                outcome: Ok((fit.elbo(), *fit.convergence())),
                approximation: compares.then(|| fit.approximation().clone()),
            });
            let better = |best: &AdviFit| fit.elbo().mean > best.elbo().mean;
            if best.as_ref().is_none_or(better) {
                best = Some(fit);
            }
        }
        let Some(mut fit) = best else {
            return Err(InferenceError::Stopped);
        };
        fit.parts.restarts = with_others(restarts, self.others);
        fit.parts.settings = self.advi.recorded();
        let training = Training::new(self.density.rows(), posted.to_vec());
        fit.parts.training = Some(Arc::new(training));
        Ok(fit)
    }
}
