//! Where and how often a fit is saved while it runs.

use std::path::PathBuf;
use std::time::Instant;

/// How often a fit is saved while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Every {
    /// After so many steps of each restart.
    Steps(u64),
    /// After so many seconds of each restart.
    Seconds(f64),
}

/// Where and how often a fit is saved while it runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checkpoint {
    pub(super) path: PathBuf,
    pub(super) every: Every,
}

impl Checkpoint {
    pub(super) fn new(path: impl Into<PathBuf>, every: Every) -> Checkpoint {
        Checkpoint {
            path: path.into(),
            every,
        }
    }
}

impl Every {
    /// Steps of a restart until it may have to be saved.
    pub(super) fn until(self, done: u64) -> u64 {
        match self {
            Every::Steps(steps) => steps - done % steps,
            Every::Seconds(_) => u64::MAX,
        }
    }

    /// Whether a restart is to be saved after so many steps.
    pub(super) fn is_due(self, done: u64, last: Instant) -> bool {
        match self {
            Every::Steps(steps) => done.is_multiple_of(steps),
            Every::Seconds(seconds) => last.elapsed().as_secs_f64() >= seconds,
        }
    }
}
