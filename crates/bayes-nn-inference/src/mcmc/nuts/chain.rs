//! One chain: its state, what it has tuned, and its draws.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::adaptation::{Adaptation, Next, Tuned};
use super::archive::Archive;
use super::delayed::DelayedAcceptance;
use super::log_density::{EvalError, LogDensity};
use super::metric::Whitening;
use super::random::Stream;
use super::settings::Nuts;
use super::statistics::Rows;
use super::tree::{Arena, Dynamics, Report, State};

/// A chain that can be advanced draw by draw. Fresh, it has no start yet.
pub(super) struct Chain {
    pub(super) number: usize,
    density: Box<dyn LogDensity + Send>,
    /// Present where that density is an approximation.
    delayed: Option<DelayedAcceptance>,
    state: State,
    pub(super) tuned: Tuned,
    adaptation: Adaptation,
    stream: Stream,
    arena: Arena,
    pub(super) warmup: Rows,
    pub(super) draws: Rows,
    /// Gradients so far, those of the search for a step size included.
    pub(super) gradients: u64,
    settings: Lengths,
}

/// What of the settings a chain needs while it runs.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    warmup: u64,
    draws: u64,
    max_depth: u32,
    keep_warmup: bool,
}

/// What came of an advance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Advance {
    Drew,
    Done,
    Interrupted,
}

/// The acceptance at which the search for a first step size stops.
const SEARCHED: f64 = 0.8;
/// How many gradients are timed at least and at the most,
const TIMED: Range<u32> = 3..20;
/// and after how long no more are.
const TIMING: Duration = Duration::from_millis(20);
/// The search goes so many powers of two up or down at the most.
const POWERS: u32 = 60;

impl Chain {
    pub(super) fn new(
        settings: &Nuts,
        number: usize,
        density: Box<dyn LogDensity + Send>,
        delayed: Option<DelayedAcceptance>,
        stream: Stream,
    ) -> Chain {
        let dim = density.dim();
        let adaptation = Adaptation::new(
            settings.schedule,
            settings.metric,
            settings.warmup,
            settings.target_accept,
            dim,
        );
        Chain {
            number,
            density,
            delayed,
            tuned: Tuned {
                step_size: settings.initial_step,
                whitening: Whitening::identity(dim),
            },
            state: State::zero(dim),
            adaptation,
            stream,
            arena: Arena::new(dim),
            warmup: Rows::new(dim),
            draws: Rows::new(dim),
            gradients: 0,
            settings: Lengths {
                warmup: settings.warmup,
                draws: settings.draws,
                max_depth: settings.depth_limit(),
                keep_warmup: settings.keep_warmup,
            },
        }
    }

    /// What a start is found with.
    pub(super) fn density_and_stream(&mut self) -> (&mut dyn LogDensity, &mut Stream) {
        (&mut *self.density, &mut self.stream)
    }

    /// Sets the start of a fresh chain.
    pub(super) fn begin_at(&mut self, state: State) {
        self.tuned.whitening = self.adaptation.first_whitening(&state);
        self.state = state;
    }

    /// Draws that the exact density rejected after the trajectories of an approximation had
    /// proposed them.
    pub(super) fn overruled(&self) -> u64 {
        self.delayed
            .as_ref()
            .map_or(0, DelayedAcceptance::overruled)
    }

    /// Seconds of a gradient at the chain's position.
    pub(super) fn time_gradient(&mut self) -> f64 {
        seconds_per_gradient(&mut *self.density, &self.state.position)
    }

    /// Where the chain is.
    pub(super) fn position(&self) -> &[f64] {
        &self.state.position
    }

    /// Makes the next draw; an interrupted one is left out.
    pub(super) fn advance(&mut self, interrupted: &dyn Fn() -> bool) -> Result<Advance, EvalError> {
        if self.draws.len() as u64 >= self.settings.draws {
            return Ok(Advance::Done);
        }
        let warming = self.is_warming();
        if warming && self.warmup.is_empty() && !self.search(interrupted)? {
            return Ok(Advance::Interrupted);
        }
        if let Some(delayed) = self.delayed.as_mut().filter(|_| !warming) {
            delayed.leave(&self.state)?;
        }
        let Some(mut report) = self.transition(interrupted)? else {
            return Ok(Advance::Interrupted);
        };
        if let Some(delayed) = self.delayed.as_mut().filter(|_| !warming) {
            delayed.decide(&mut self.state, &mut report, &mut self.stream)?;
        }
        self.gradients += u64::from(report.statistics.leapfrog_steps);
        if !warming {
            let position = Some(self.state.position.as_slice());
            self.draws.push(position, report.statistics);
            return Ok(Advance::Drew);
        }
        let draw = self.warmup.len() as u64;
        let kept = self.settings.keep_warmup;
        let position = kept.then_some(self.state.position.as_slice());
        self.warmup.push(position, report.statistics);
        let next = self
            .adaptation
            .learn(draw, &self.state, &report, &mut self.tuned);
        if next == Next::Search && !self.search(interrupted)? {
            return Ok(Advance::Interrupted);
        }
        Ok(Advance::Drew)
    }

    /// Everything that a saved chain has and a fresh one has not.
    pub(super) fn archive(&mut self, archive: &mut Archive) {
        self.state.archive(archive);
        archive.f64(&mut self.tuned.step_size);
        self.tuned.whitening.archive(archive);
        self.adaptation.archive(archive);
        self.stream.archive(archive);
        if let Some(delayed) = &mut self.delayed {
            delayed.archive(archive);
        }
        self.warmup.archive(archive);
        self.draws.archive(archive);
        archive.u64(&mut self.gradients);
    }

    /// Whether the density has the value at the chain's position that it had there.
    pub(super) fn is_where_it_was(&mut self) -> bool {
        let mut gradient = vec![0.0; self.state.position.len()];
        let value = self.density.logp_grad(&self.state.position, &mut gradient);
        value.is_ok_and(|value| value.to_bits() == self.state.log_density.to_bits())
            && gradient == self.state.gradient
            && (self.delayed.as_mut()).is_none_or(|d| d.is_where_it_was(&self.state.position))
    }

    /// Draws made, those of the warm-up included.
    pub(super) fn made(&self) -> usize {
        self.warmup.len() + self.draws.len()
    }

    /// Whether the next draw belongs to the warm-up.
    pub(super) fn is_warming(&self) -> bool {
        (self.warmup.len() as u64) < self.settings.warmup
    }

    fn transition(&mut self, interrupted: &dyn Fn() -> bool) -> Result<Option<Report>, EvalError> {
        let mut dynamics = Dynamics {
            density: &mut *self.density,
            whitening: &self.tuned.whitening,
            step_size: self.tuned.step_size,
            interrupted,
        };
        self.arena.transition(
            &mut self.state,
            &mut dynamics,
            &mut self.stream,
            self.settings.max_depth,
        )
    }

    /// Doubles or halves the step size until the acceptance of a single step crosses 0.8, and
    /// begins averaging there. False if it was interrupted.
    fn search(&mut self, interrupted: &dyn Fn() -> bool) -> Result<bool, EvalError> {
        let mut up = None;
        for _ in 0..POWERS {
            let mut dynamics = Dynamics {
                density: &mut *self.density,
                whitening: &self.tuned.whitening,
                step_size: self.tuned.step_size,
                interrupted,
            };
            self.gradients += 1;
            let tried = self
                .arena
                .try_step(&self.state, &mut dynamics, &mut self.stream)?;
            let Some(error) = tried else {
                return Ok(false);
            };
            let accepted = -error > SEARCHED.ln();
            if *up.get_or_insert(accepted) != accepted {
                break;
            }
            self.tuned.step_size *= if accepted { 2.0 } else { 0.5 };
        }
        self.adaptation.begin(self.tuned.step_size);
        Ok(true)
    }
}

/// The least seconds of some gradients at a position where the density is known to be finite: what
/// interrupts the machine makes single ones longer.
pub(super) fn seconds_per_gradient(density: &mut dyn LogDensity, position: &[f64]) -> f64 {
    let mut gradient = vec![0.0; position.len()];
    let begin = Instant::now();
    let (mut times, mut least) = (0, f64::INFINITY);
    while times < TIMED.start || (times < TIMED.end && begin.elapsed() < TIMING) {
        let start = Instant::now();
        // The same point gave numbers a moment ago; if it fails now, the chain will say so.
        let _ = density.logp_grad(position, &mut gradient);
        least = least.min(start.elapsed().as_secs_f64());
        times += 1;
    }
    least
}
