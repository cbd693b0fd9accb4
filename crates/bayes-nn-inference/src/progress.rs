//! Reports of a fit while it runs: progress, and callbacks that may stop it.

use std::sync::Arc;

use crate::HeldOutScore;

/// What a fit is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// It writes and compiles its step.
    SettingUp,
    /// A restart, counted from 0, takes its first step.
    Fitting {
        /// Which.
        restart: usize,
    },
    /// All steps are done, and draws of the guide measure its ELBO.
    FinalElbo,
}

/// The progress of a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Update {
    /// Which restart, from 0.
    pub restart: usize,
    /// Steps done.
    pub step: u64,
    /// The mean ELBO of the steps since the last update, in nats.
    pub elbo: f64,
    /// Steps that there are to be at the most; 0 where that is not known.
    pub steps: u64,
    /// Whether it may end before: when it has converged, or predicts held-out rows no better.
    pub may_end_sooner: bool,
    /// Steps of an epoch, where there are minibatches.
    pub epoch: Option<u64>,
    /// The learning rate, of a fit by an optimiser.
    pub learning_rate: Option<f64>,
    /// The last score of held-out rows, if there are any.
    pub score: Option<HeldOutScore>,
    /// Seconds that all [steps](Update::steps) that are left would take.
    pub seconds_left: Option<f64>,
}

/// Something that shows progress. Restarts that run at the same time share it.
pub trait Progress: Send + Sync {
    /// A fit begins: so many restarts of so many steps.
    fn start(&self, restarts: usize, steps: u64);
    /// A stage of the fit begins. Unless implemented nothing is shown of it.
    fn stage(&self, stage: Stage) {
        let _ = stage;
    }
    /// A restart came further.
    fn update(&self, update: Update);
    /// The fit has ended, well or not.
    fn finish(&self);
}

/// What a callback sees.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// Which restart, from 0.
    pub restart: usize,
    /// Steps done.
    pub step: u64,
    /// The ELBO of every step since the last call, in nats of the full data.
    pub elbos: &'a [f64],
    /// The guide's mean in unconstrained space, `[P]`.
    pub mean: &'a [f64],
    /// The guide's standard deviations in unconstrained space, `[P]`.
    pub sd: &'a [f64],
}

/// Ends the bar however the fit ends.
pub(crate) struct Running(pub(crate) Option<Arc<dyn Progress>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.finish();
        }
    }
}
