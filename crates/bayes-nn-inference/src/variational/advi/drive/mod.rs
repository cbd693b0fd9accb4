//! The loop of a fit: after every chunk of steps each restart is checked, and ends or fails by
//! itself.

mod shown;

use std::time::{Duration, Instant};

use bayes_nn_kernels::Run;

use super::checkpoint::Board;
use super::ended::Ended;
use super::interrupted::interrupted;
use super::job::Job;
use super::states::{begin, blocks};
use super::training::{Trained, put_states, states_of};
use super::validate::{Validation, Watched};
use super::write::{ELBO, STEPS};
use super::{Advi, Approximation, Curve, Stop, diagnosis};
use crate::interrupt::Pace;
use crate::{Convergence, Density, InferenceError, Schedule, Stage};

/// A restart that runs, as a replica of a run.
struct Restarted {
    /// The settings, with the seed of this restart.
    advi: Advi,
    restart: usize,
    curve: Curve,
    /// How many steps there were at the last look.
    looked: usize,
    /// How many steps there are to be.
    steps: u64,
    /// The outcome of the test that ended its steps at the full rate, or of the last before.
    convergence: Option<Convergence>,
    watched: Watched,
    /// Why it ended, once it has.
    stop: Option<Stop>,
    setup_seconds: f64,
    /// Seconds that its steps took, and of them those before this run.
    seconds: f64,
    before: f64,
    pace: Pace,
    /// When it was saved last.
    saved: Instant,
}

/// Runs some of the restarts as the replicas of a run until each has ended or failed, and saves them
/// on the way if there is a board. `writing` is how long it took to write and compile the step.
///
/// # Errors
/// Those that concern all restarts; any other error is the outcome of one restart.
pub(super) fn drive(
    (advi, board): (&Advi, Option<&Board<'_>>),
    density: &dyn Density,
    run: &mut Run,
    jobs: &[Job<'_>],
    writing: Duration,
) -> Result<Vec<Result<Ended, InferenceError>>, InferenceError> {
    let begin = Instant::now();
    let seeds: Vec<u64> = jobs.iter().map(|job| advi.seed_of(job.restart)).collect();
    run.begin(&seeds)?;
    let mut outcomes: Vec<Result<Restarted, InferenceError>> = jobs
        .iter()
        .enumerate()
        .map(|(replica, job)| begin_restart(advi, density, (run, replica), job))
        .collect();
    let mut validation = Validation::of(advi, density, run)?;
    let setup_seconds = (writing + begin.elapsed()).as_secs_f64();
    for restarted in outcomes.iter_mut().flatten() {
        restarted.setup_seconds += setup_seconds;
    }
    if let (Some(progress), Some(first)) = (&advi.progress, jobs.first()) {
        let restart = first.restart;
        progress.stage(Stage::Fitting { restart });
    }
    let first_step = Instant::now();
    loop {
        let due = |restarted: &Result<Restarted, _>| match restarted {
            Ok(restarted) => restarted.due(density, validation.as_ref(), board),
            Err(_) => 0,
        };
        let steps: Vec<u64> = outcomes.iter().map(due).collect();
        if steps.iter().all(|steps| *steps == 0) {
            break;
        }
        let began = Instant::now();
        for (replica, advanced) in run.advance(&steps).into_iter().enumerate() {
            let (steps, took) = (steps[replica], began.elapsed());
            let Ok(restarted) = &mut outcomes[replica] else {
                continue;
            };
            if steps == 0 {
                continue;
            }
            restarted.pace.took(steps, took);
            let looked = advanced.map_err(InferenceError::from).and_then(|()| {
                restarted.look(density, (run, replica), steps, first_step, &mut validation)
            });
            if let Err(error) = looked {
                let Restarted { advi, curve, .. } = restarted;
                outcomes[replica] = Err(interrupted(error, advi.seed, curve.elbos(), || {
                    run.restore(replica)?;
                    let blocks = blocks(advi, density, run, replica, false)?;
                    Ok(Approximation::from_blocks(&advi.layout(density), blocks))
                }));
                continue;
            }
            if let Some(board) = board
                && (restarted.stop.is_some()
                    || board.every().is_due(restarted.done(), restarted.saved))
            {
                board.post(restarted.trained(run, replica)?)?;
                restarted.saved = Instant::now();
            }
        }
    }
    let ends = outcomes
        .into_iter()
        .enumerate()
        .map(|(replica, restarted)| restarted?.end(density, run, replica));
    Ok(ends.collect())
}

/// Begins a restart as a replica, with the seed of its number, or takes it up where it was.
fn begin_restart(
    advi: &Advi,
    density: &dyn Density,
    (run, replica): (&mut Run, usize),
    job: &Job<'_>,
) -> Result<Restarted, InferenceError> {
    let advi = Advi {
        seed: advi.seed_of(job.restart),
        tries: job.from.map_or(advi.tries, |trained| trained.tries),
        ..advi.clone()
    };
    let is_interrupted = advi.is_interrupted();
    let new = Restarted {
        steps: advi.last_step(),
        restart: job.restart,
        curve: Curve::default(),
        looked: 0,
        convergence: None,
        watched: Watched::default(),
        stop: None,
        setup_seconds: 0.0,
        seconds: 0.0,
        before: 0.0,
        pace: advi.pace(),
        saved: Instant::now(),
        advi,
    };
    let Some(trained) = job.from else {
        begin(&new.advi, density, run, replica)?;
        return match is_interrupted {
            true => Err(InferenceError::Stopped),
            false => Ok(new),
        };
    };
    put_states(trained, (run, replica), new.advi.seed)?;
    let since = trained.curve.clone().counted_from(match new.advi.patience {
        Some(_) => new.advi.annealed_steps(),
        None => 0,
    });
    Ok(Restarted {
        steps: trained.steps,
        looked: since.elbos.len(),
        curve: since,
        convergence: trained.convergence,
        watched: Watched {
            kept: trained.kept.clone(),
            since: trained.since,
        },
        stop: match trained.stop.filter(|stop| stop.is_complete()) {
            None if is_interrupted => Some(Stop::Interrupted),
            stop => stop,
        },
        setup_seconds: trained.setup_seconds,
        seconds: trained.seconds,
        before: trained.seconds,
        ..new
    })
}

/// How many steps there are in all where so many were at the full rate.
fn run_out(done: u64, advi: &Advi) -> u64 {
    match advi.rate_schedule() {
        Schedule::Cooldown { share } => (done as f64 / (1.0 - share)).round() as u64,
        _ => done,
    }
}

impl Restarted {
    /// How many steps it has done.
    fn done(&self) -> u64 {
        self.curve.elbos.len() as u64
    }

    /// How many steps it does next.
    fn due(
        &self,
        density: &dyn Density,
        validation: Option<&Validation<'_>>,
        board: Option<&Board<'_>>,
    ) -> u64 {
        let done = self.curve.elbos.len();
        let until_score = validation.map_or(u64::MAX, |v| v.until(done as u64));
        let until_saved = board.map_or(u64::MAX, |board| board.every().until(done as u64));
        let left = (self.steps - done as u64).min(until_score).min(until_saved);
        let left = left.min(self.pace.steps());
        let until_look = self.advi.every.saturating_sub((done - self.looked) as u64);
        match self.stop {
            Some(_) => 0,
            // Another start may be no better than the one before.
            None if self.advi.tries > 0 && done == 0 => 1,
            // However far apart looks are, the test is made once a window.
            None if self.tests() => {
                let until_test = self.advi.next_test(density, done) - done;
                until_look.min(until_test as u64).min(left)
            }
            None => until_look.min(left),
        }
    }

    /// Processes the steps that were just done, and decides whether more follow.
    fn look(
        &mut self,
        density: &dyn Density,
        (run, replica): (&mut Run, usize),
        steps: u64,
        first_step: Instant,
        validation: &mut Option<Validation<'_>>,
    ) -> Result<(), InferenceError> {
        let elbos = run.recorded(replica, ELBO)?.to_vec();
        let good = elbos.iter().all(|e| e.is_finite())
            && diagnosis::non_finite(run, replica, &self.advi.layout(density))?.is_none();
        if !good {
            let before = std::mem::take(&mut self.curve.elbos);
            let divergence = diagnosis::locate(&self.advi, density, run, replica, before, steps)?;
            return Err(InferenceError::NotFinite(Box::new(divergence)));
        }
        run.save(replica)?;
        self.curve.elbos.extend(&elbos);
        let done = self.curve.elbos.len();
        self.seconds = self.before + first_step.elapsed().as_secs_f64();
        self.curve.clock.push((done, self.seconds));
        let tested = self.tests() && self.advi.next_test(density, done - 1) == done;
        let passed = tested && self.has_converged(density);
        if passed && self.advi.is_as_long_as_needed() {
            self.steps = run_out(done as u64, &self.advi).min(self.steps);
            run.set(replica, STEPS, &[self.steps as f64])?;
            run.save(replica)?;
        }
        let ended = done as u64 == self.steps;
        let converged = passed && !self.advi.is_as_long_as_needed();
        let scored = (validation.as_mut()).filter(|v| ended || converged || v.is_due(done as u64));
        let between = ((done - self.looked) as u64) < self.advi.every;
        let no_better = match scored {
            Some(validation) => {
                let curve = &mut self.curve;
                (self.watched).look(&self.advi, density, (run, replica), validation, curve)?
            }
            None => false,
        };
        let is_look = ended || converged || no_better || !between;
        self.stop = if is_look && self.is_ended_from_outside(density, run, replica)? {
            Some(Stop::Callback)
        } else if no_better {
            Some(Stop::Validation)
        } else if converged || (ended && self.convergence.is_some_and(|c| c.converged)) {
            Some(Stop::Converged)
        } else if ended {
            Some(Stop::Steps)
        } else {
            self.advi.is_interrupted().then_some(Stop::Interrupted)
        };
        Ok(())
    }

    /// Where its training is.
    fn trained(&self, run: &Run, replica: usize) -> Result<Trained, InferenceError> {
        Ok(Trained {
            restart: self.restart,
            tries: self.advi.tries,
            steps: self.steps,
            gradients: None,
            convergence: self.convergence,
            stop: self.stop,
            kept: self.watched.kept.clone(),
            since: self.watched.since,
            states: states_of(run, replica)?,
            curve: self.curve.clone(),
            setup_seconds: self.setup_seconds,
            seconds: self.seconds,
        })
    }

    /// The end of it.
    fn end(
        self,
        density: &dyn Density,
        run: &mut Run,
        replica: usize,
    ) -> Result<Ended, InferenceError> {
        // All steps were finite, so the saved states are not needed: their memory serves for
        // reading.
        run.forget(replica)?;
        let training = self.trained(run, replica)?;
        let Restarted {
            advi,
            curve,
            watched,
            ..
        } = self;
        let blocks = match watched.kept {
            Some(kept) => kept,
            None => training.blocks(&advi, density)?,
        };
        Ok(Ended {
            blocks,
            convergence: (self.convergence).unwrap_or_else(|| advi.test(density, &curve)),
            stop: self.stop.unwrap_or(Stop::Steps),
            gradients: curve.elbos.len() as u64 * advi.samples as u64,
            setup_seconds: self.setup_seconds,
            seconds: self.seconds,
            training: Some(training),
            advi,
            curve,
        })
    }

    /// Whether convergence decides about the steps to come.
    fn tests(&self) -> bool {
        let passed = self.convergence.is_some_and(|c| c.converged);
        let is_asked = self.advi.stop_when_converged == Some(true);
        is_asked && self.advi.extension.is_none() && !passed
    }

    /// Tests at the full rate, before the steps in which it falls.
    fn has_converged(&mut self, density: &dyn Density) -> bool {
        let done = self.curve.elbos.len() as u64;
        if done < self.advi.annealed_steps() {
            return false;
        }
        if self.advi.is_as_long_as_needed() {
            if run_out(done, &self.advi) > self.steps {
                return false;
            }
            let outcome = self.advi.test(density, &self.curve);
            self.convergence = Some(outcome);
            return outcome.converged;
        }
        let window = self.advi.convergence.unwrap_or_default().window;
        done as usize >= window.saturating_mul(2) && self.advi.test(density, &self.curve).converged
    }
}
