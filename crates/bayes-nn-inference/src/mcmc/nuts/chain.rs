//! One chain: its state, what it has tuned, and its draws.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::adaptation::{Adaptation, Next};
use super::archive::Archive;
use super::delayed::DelayedAcceptance;
use super::draws::UnconstrainedDraws;
use super::kernel::Kernel;
use super::metric::Whitening;
use super::random::Stream;
use super::settings::Nuts;
use super::state::State;
use crate::InferenceError;
use crate::log_density::{EvalError, LogDensity};

/// The kernel of a chain, over a density of any type.
pub(super) type BoxedKernel = Kernel<Box<dyn LogDensity + Send>>;

/// A chain that can be advanced draw by draw. A new one has no start yet.
pub(super) struct Chain {
    pub(super) number: usize,
    pub(super) kernel: BoxedKernel,
    /// Present where its density is an approximation.
    delayed: Option<DelayedAcceptance>,
    state: State,
    adaptation: Adaptation,
    stream: Stream,
    pub(super) warmup: UnconstrainedDraws,
    pub(super) draws: UnconstrainedDraws,
    /// Gradients so far, those of the search for a step size included.
    pub(super) gradients: u64,
    settings: Lengths,
}

/// The settings that a chain needs while it runs.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    warmup: u64,
    draws: u64,
    keep_warmup: bool,
}

/// The outcome of [`Chain::advance`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Advance {
    Drew,
    Done,
    Interrupted,
}

/// The acceptance at which the search for a first step size stops.
const SEARCHED: f64 = 0.8;
/// How many gradients are timed: at least the start of the range, at most its end.
const TIMED: Range<u32> = 3..20;
/// Timing stops after this long, once the least number of gradients is timed.
const TIMING: Duration = Duration::from_millis(20);
/// The search for a step size changes it by at most this power of two.
const POWERS: u32 = 60;

impl Chain {
    pub(super) fn new(
        settings: &Nuts,
        number: usize,
        density: Box<dyn LogDensity + Send>,
        delayed: Option<DelayedAcceptance>,
        stream: Stream,
    ) -> Result<Chain, InferenceError> {
        let dim = density.dim();
        let adaptation = Adaptation::new(
            settings.schedule,
            settings.metric,
            settings.warmup,
            settings.target_accept,
            dim,
        );
        Ok(Chain {
            number,
            kernel: Kernel::new(
                density,
                settings.initial_step,
                Whitening::identity(dim),
                settings.limits,
            )?,
            delayed,
            state: State::zero(dim),
            adaptation,
            stream,
            warmup: UnconstrainedDraws::new(dim),
            draws: UnconstrainedDraws::new(dim),
            gradients: 0,
            settings: Lengths {
                warmup: settings.warmup,
                draws: settings.draws,
                keep_warmup: settings.keep_warmup,
            },
        })
    }

    /// The kernel and the stream, for the search for a start.
    pub(super) fn kernel_and_stream(&mut self) -> (&mut BoxedKernel, &mut Stream) {
        (&mut self.kernel, &mut self.stream)
    }

    /// Sets the start of a fresh chain.
    pub(super) fn begin_at(&mut self, state: State) {
        self.kernel.tuned.whitening = self.adaptation.first_whitening(&state);
        self.state = state;
    }

    /// Draws that the exact density rejected after the trajectories of an approximation had
    /// proposed them.
    pub(super) fn rejected(&self) -> u64 {
        self.delayed.as_ref().map_or(0, DelayedAcceptance::rejected)
    }

    /// Seconds of a gradient at the chain's position.
    pub(super) fn time_gradient(&mut self) -> f64 {
        seconds_per_gradient(&mut *self.kernel.density, &self.state.position)
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
        let kernel = &mut self.kernel;
        let drawn = kernel.step_unless(&mut self.state, &mut self.stream, interrupted)?;
        let Some(mut info) = drawn else {
            return Ok(Advance::Interrupted);
        };
        if let Some(delayed) = self.delayed.as_mut().filter(|_| !warming) {
            let draw = self.draws.len() as u64;
            delayed.decide(draw, &mut self.state, &mut info, &mut self.stream)?;
        }
        self.gradients += u64::from(info.statistics.leapfrog_steps);
        if !warming {
            let position = Some(self.state.position.as_slice());
            self.draws.push(position, info.statistics);
            return Ok(Advance::Drew);
        }
        let draw = self.warmup.len() as u64;
        let kept = self.settings.keep_warmup;
        let position = kept.then_some(self.state.position.as_slice());
        self.warmup.push(position, info.statistics);
        let next = self
            .adaptation
            .learn(draw, &self.state, &info, &mut self.kernel.tuned);
        if next == Next::Search && !self.search(interrupted)? {
            return Ok(Advance::Interrupted);
        }
        Ok(Advance::Drew)
    }

    /// Saves or loads everything that distinguishes the chain from a new one.
    pub(super) fn archive(&mut self, archive: &mut Archive) {
        self.state.archive(archive);
        archive.f64(&mut self.kernel.tuned.step_size);
        self.kernel.tuned.whitening.archive(archive);
        self.adaptation.archive(archive);
        self.stream.archive(archive);
        if let Some(delayed) = &mut self.delayed {
            delayed.archive(archive);
        }
        self.warmup.archive(archive);
        self.draws.archive(archive);
        archive.u64(&mut self.gradients);
    }

    /// Leaves the first so many draws of a chain that has more. It cannot go on from them.
    pub(super) fn keep_first(&mut self, draws: u64) {
        let kept = draws as usize;
        let dropped = self.draws.statistics()[kept..].iter();
        self.gradients -= dropped.map(|s| u64::from(s.leapfrog_steps)).sum::<u64>();
        self.draws = self.draws.part(0..kept);
        if let Some(delayed) = &mut self.delayed {
            delayed.keep_first(draws);
        }
    }

    /// Whether the density has the value at the chain's position that it had there.
    pub(super) fn is_where_it_was(&mut self) -> bool {
        let again = self.kernel.state_at(self.state.position.clone());
        again.is_ok_and(|again| {
            again.log_prob.to_bits() == self.state.log_prob.to_bits()
                && again.gradient == self.state.gradient
        }) && (self.delayed.as_mut()).is_none_or(|d| d.is_where_it_was(&self.state.position))
    }

    /// Draws made, those of the warm-up included.
    pub(super) fn made(&self) -> usize {
        self.warmup.len() + self.draws.len()
    }

    /// Whether the next draw belongs to the warm-up.
    pub(super) fn is_warming(&self) -> bool {
        (self.warmup.len() as u64) < self.settings.warmup
    }

    /// Doubles or halves the step size until the acceptance of a single step crosses 0.8, and
    /// begins averaging there. False if it was interrupted.
    fn search(&mut self, interrupted: &dyn Fn() -> bool) -> Result<bool, EvalError> {
        let mut up = None;
        for _ in 0..POWERS {
            self.gradients += 1;
            let tried = self
                .kernel
                .try_leapfrog(&self.state, &mut self.stream, interrupted)?;
            let Some(error) = tried else {
                return Ok(false);
            };
            let accepted = -error > SEARCHED.ln();
            if *up.get_or_insert(accepted) != accepted {
                break;
            }
            self.kernel.tuned.step_size *= if accepted { 2.0 } else { 0.5 };
        }
        self.adaptation.begin(self.kernel.tuned.step_size);
        Ok(true)
    }
}

/// The shortest time of several gradients at one position, in seconds. The shortest, because
/// interruptions by other programs make single evaluations longer.
pub(super) fn seconds_per_gradient(density: &mut dyn LogDensity, position: &[f64]) -> f64 {
    let mut gradient = vec![0.0; position.len()];
    let begin = Instant::now();
    let (mut times, mut least) = (0, f64::INFINITY);
    while times < TIMED.start || (times < TIMED.end && begin.elapsed() < TIMING) {
        let start = Instant::now();
        // The density was finite at this point when the chain began; an error now comes up again
        // in the chain, which reports it.
        let _ = density.log_prob_grad(position, &mut gradient);
        least = least.min(start.elapsed().as_secs_f64());
        times += 1;
    }
    least
}
