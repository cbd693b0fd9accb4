//! One chain: its state, what it has tuned, and its draws.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::adaptation::{Adaptation, Next};
use super::archive::Archive;
use super::delayed::DelayedAcceptance;
use super::draws::UnconstrainedDraws;
use super::gathering::{self, Report};
use super::kernel::Kernel;
use super::metric::{Metric, Whitening};
use super::random::{Stream, Variates};
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
    /// The chain as it was at the last gathering.
    pub(super) report: Option<Report>,
    /// While it passes a gathering: what it goes on from, unless that is its own state.
    passing: Option<Option<Report>>,
    /// The draw of the warm-up at which it was stuck and went on elsewhere, the last time.
    pub(super) moved_at: Option<u64>,
    settings: Lengths,
}

/// The settings that a chain needs while it runs.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    warmup: u64,
    draws: u64,
    keep_warmup: bool,
    gathers: bool,
}

/// The outcome of [`Chain::advance`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Advance {
    Drew,
    /// The chain has come to a gathering, and goes on once it may pass.
    Gathers,
    /// It has passed.
    Passed,
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
/// Doublings at the most in the first draws of the warm-up, a fifth of it: while the metric is not
/// known, longer trajectories are expensive and of little use.
const EARLY_DEPTH: u32 = 8;
/// How far from another chain's position a stuck one begins, in units of its metric.
const APART: f64 = 0.5;
/// The distance is halved so often, until the density is finite.
const HALVINGS: u32 = 10;

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
            report: None,
            passing: None,
            moved_at: None,
            settings: Lengths {
                warmup: settings.warmup,
                draws: settings.draws,
                keep_warmup: settings.keep_warmup,
                gathers: settings.chains > 1 && settings.metric != Metric::Identity,
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
        if let Some(other) = self.passing.take() {
            other.map_or(Ok(()), |other| self.go_on_as(&other))?;
            return Ok(Advance::Passed);
        }
        if self.gathering().is_some() {
            return Ok(Advance::Gathers);
        }
        let warming = self.is_warming();
        if warming && self.warmup.is_empty() && !self.search(interrupted)? {
            return Ok(Advance::Interrupted);
        }
        if let Some(delayed) = self.delayed.as_mut().filter(|_| !warming) {
            delayed.leave(&self.state)?;
        }
        let early = (self.made() as u64) < self.settings.warmup / 5;
        let most = if early { EARLY_DEPTH } else { u32::MAX };
        let kernel = &mut self.kernel;
        let drawn = kernel.step_unless(&mut self.state, &mut self.stream, most, interrupted)?;
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

    /// Saves or loads everything that distinguishes the chain from a new one. What no chain of
    /// these settings comes to is refused.
    pub(super) fn archive(&mut self, archive: &mut Archive) {
        self.state.archive(archive);
        archive.f64(&mut self.kernel.tuned.step_size);
        self.kernel.tuned.whitening.archive(archive);
        self.adaptation.archive(archive);
        if let Some(delayed) = &mut self.delayed {
            delayed.archive(archive);
        }
        self.warmup.archive(archive, self.settings.keep_warmup);
        self.draws.archive(archive, true);
        archive.count(&mut self.gradients);
        if !self.can_be() {
            archive.refuse();
        }
        self.stream.archive(archive, self.most_taken());
        let mut moved_at = self.moved_at.map_or(0, |draw| draw + 1);
        archive.count(&mut moved_at);
        self.moved_at = moved_at.checked_sub(1);
        let mut has_report = self.report.is_some();
        archive.flag(&mut has_report);
        if has_report {
            let tuned = &self.kernel.tuned;
            let blank = || Report::of(&[], &self.state, tuned, &self.adaptation);
            self.report.get_or_insert_with(blank).archive(archive);
        }
    }

    /// Whether draws follow a whole warm-up only, and gradients were taken for all their steps.
    fn can_be(&self) -> bool {
        let all = self.warmup.statistics().iter();
        let all = all.chain(self.draws.statistics());
        let steps: u64 = all.map(|s| u64::from(s.leapfrog_steps)).sum();
        let warmed = self.warmup.len() as u64;
        warmed <= self.settings.warmup
            && (self.draws.is_empty() || !self.is_warming())
            && steps <= self.gradients
    }

    /// No fewer random numbers than the chain has taken: for each draw those of a trajectory, at
    /// most two a leapfrog step, and of a search for a step size, a momentum a try; before the
    /// first one those of the search for a start, too, and after the last one those of a gathering.
    fn most_taken(&self) -> u64 {
        let dim = self.state.position.len() as u64;
        let each = (2 << self.kernel.depth()) + 100 * (dim + 2);
        each.saturating_mul(self.made() as u64 + 4)
    }

    /// The draw of the gathering to which the chain has come.
    pub(super) fn gathering(&self) -> Option<u64> {
        let made = self.warmup.len() as u64;
        let passed = self.report.as_ref().map(|report| report.draw);
        let next = gathering::next(self.settings.warmup, made, passed);
        next.filter(|draw| self.settings.gathers && *draw == made)
    }

    /// What others need to know of the chain at a gathering.
    pub(super) fn report(&self) -> Report {
        let warmup = self.warmup.statistics();
        Report::of(warmup, &self.state, &self.kernel.tuned, &self.adaptation)
    }

    /// Lets the chain pass a gathering with its report there, and if it is stuck go on from another.
    pub(super) fn pass(&mut self, own: Report, other: Option<Report>) {
        self.report = Some(own);
        self.passing = Some(other);
    }

    /// Goes on as another chain would have gone on from a point near its own.
    fn go_on_as(&mut self, other: &Report) -> Result<(), EvalError> {
        self.moved_at = Some(other.draw);
        self.kernel.tuned = other.tuned.clone();
        self.adaptation = other.adaptation.clone();
        self.state = other.state.clone();
        let dim = other.state.position.len();
        let (mut away, mut displacement) = (vec![0.0; dim], vec![0.0; dim]);
        self.stream.normals(&mut away);
        for halvings in 0..HALVINGS {
            let share = APART * 0.5f64.powi(halvings as i32);
            let scaled: Vec<f64> = away.iter().map(|away| share * away).collect();
            other.tuned.whitening.unwhiten(&scaled, &mut displacement);
            let position = other.state.position.iter().zip(&displacement);
            let position = position.map(|(x, away)| x + away).collect();
            self.gradients += 1;
            let state = self.kernel.state_at(position)?;
            if state.is_finite() {
                self.state = state;
                break;
            }
        }
        Ok(())
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
