//! Reports of a fit while it runs: progress, and callbacks that may stop it.

use std::sync::Arc;

/// The progress of a restart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Which restart, from 0.
    pub restart: usize,
    /// Steps done.
    pub step: u64,
    /// The mean ELBO of the steps since the last update, in nats.
    pub elbo: f64,
}

/// Something that shows progress. Restarts that run at the same time share it.
pub trait Progress: Send + Sync {
    /// A fit begins: so many restarts of so many steps.
    fn start(&self, restarts: usize, steps: u64);
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
