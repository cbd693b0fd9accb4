//! A restart that ascends by natural gradients, as others see it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::checkpoint::Board;
use super::job::Job;
use super::{Advi, Curve, Trained};
use crate::InferenceError;
use crate::variational::natural::{Distance, End, Look, States};

/// What a restart on its way keeps beside its guide, and whom it is shown to.
pub(super) struct Ascending<'a> {
    advi: &'a Advi,
    restart: usize,
    board: Option<&'a Board<'a>>,
    /// Readings of the clock after so many steps.
    clock: Vec<(usize, f64)>,
    /// Steps and gradients at the last look.
    looked: (usize, u64),
    /// When it was saved last, and why that failed.
    saved: Instant,
    failure: Option<InferenceError>,
    setup_seconds: f64,
    /// Seconds of its steps before it went on.
    before: f64,
    first_step: Instant,
}

impl<'a> Ascending<'a> {
    /// Before the first step, after so many gradients.
    pub(super) fn new(
        advi: &'a Advi,
        job: Job<'_>,
        board: Option<&'a Board<'a>>,
        gradients: u64,
        setup: Duration,
    ) -> Ascending<'a> {
        let (curve, setup_before, before) = match job.from {
            Some(from) => (from.curve.clone(), from.setup_seconds, from.seconds),
            None => (Curve::default(), 0.0, 0.0),
        };
        Ascending {
            advi,
            restart: job.restart,
            board,
            looked: (curve.elbos.len(), gradients),
            clock: curve.clock,
            saved: Instant::now(),
            failure: None,
            setup_seconds: setup_before + setup.as_secs_f64(),
            before,
            first_step: Instant::now(),
        }
    }

    fn seconds(&self) -> f64 {
        self.before + self.first_step.elapsed().as_secs_f64()
    }

    /// Looks at it after a step: saves it, shows it, and asks whether it goes on.
    pub(super) fn look(&mut self, look: &Look<'_>) -> ControlFlow<()> {
        let done = look.elbos.len();
        self.clock.push((done.max(1), self.seconds()));
        if let Some(board) = self.board
            && done > 0
            && board.every().is_due(done as u64, self.saved)
        {
            let trained = self.trained(look.elbos, (look.states)(), look.gradients);
            if let Err(error) = board.post(trained) {
                self.failure = Some(error);
                return ControlFlow::Break(());
            }
            self.saved = Instant::now();
        }
        if self.advi.is_interrupted() {
            return ControlFlow::Break(());
        }
        if look.gradients - self.looked.1 < self.advi.every {
            return ControlFlow::Continue(());
        }
        let elbos = &look.elbos[self.looked.0..];
        self.looked = (done, look.gradients);
        self.advi.show(self.restart, look, elbos)
    }

    /// Why it could not be saved, if so.
    pub(super) fn failed(&mut self) -> Result<(), InferenceError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Where its training is after steps of these ELBOs, on its way.
    pub(super) fn trained(&self, elbos: &[f64], states: States, gradients: u64) -> Trained {
        let mut clock = self.clock.clone();
        clock.retain(|(steps, _)| *steps <= elbos.len());
        clock.dedup_by_key(|(steps, _)| *steps);
        Trained {
            restart: self.restart,
            tries: self.advi.tries,
            steps: elbos.len() as u64,
            gradients: Some(gradients),
            convergence: Some(Distance::FAR.convergence(End::Looked)),
            stop: None,
            kept: None,
            since: 0,
            states,
            curve: Curve {
                elbos: elbos.to_vec(),
                clock,
                ..Curve::default()
            },
            setup_seconds: self.setup_seconds,
            seconds: self.seconds(),
        }
    }
}
