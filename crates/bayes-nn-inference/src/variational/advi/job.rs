//! The restarts that a fit runs, and what comes of them.

use super::training::Trained;
use super::{AdviFit, Restart};
use crate::InferenceError;

/// What came of each restart, with where its training is.
pub(super) type Outcomes = Vec<Result<(AdviFit, Option<Trained>), InferenceError>>;

/// A restart that is to run, from its start or from where its training was.
#[derive(Clone, Copy)]
pub(super) struct Job<'t> {
    pub(super) restart: usize,
    pub(super) from: Option<&'t Trained>,
}

impl Job<'_> {
    pub(super) fn new(restart: usize) -> Job<'static> {
        Job {
            restart,
            from: None,
        }
    }
}

/// Restarts that ran beside others that did not, in the order of their numbers.
pub(super) fn with_others(own: Vec<Restart>, others: &[Restart]) -> Vec<Restart> {
    let mut all = others.to_vec();
    for restart in own {
        match all.iter_mut().find(|other| other.seed == restart.seed) {
            Some(place) => *place = restart,
            None => all.push(restart),
        }
    }
    all
}
