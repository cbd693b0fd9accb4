//! The loop of a fit: after every chunk of steps each restart is checked, and ends or fails by
//! itself.

use std::ops::{ControlFlow, Range};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bayes_nn_autodiff::Var;
use bayes_nn_kernels::Run;

use super::elbo::Judged;
use super::interrupted::interrupted;
use super::precision::coarse_means;
use super::states::{begin, blocks};
use super::validate::{Validation, Watched};
use super::write::{ELBO, STEPS};
use super::{Advi, AdviFit, AdviParts, Approximation, Curve, Stop, diagnosis};
use crate::columns::Concerns;
use crate::{
    Convergence, Density, Divergence, Evidence, InferenceError, NonFinite, Schedule, Snapshot,
    Stage, Update,
};

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
    seconds: f64,
}

/// A restart that has ended.
pub(super) struct Ended {
    /// The settings, with the seed of the restart.
    pub(super) advi: Advi,
    /// The guide's parameters, in the order of its blocks.
    pub(super) blocks: Vec<Vec<f64>>,
    pub(super) curve: Curve,
    pub(super) convergence: Convergence,
    pub(super) stop: Stop,
    pub(super) gradients: u64,
    pub(super) setup_seconds: f64,
    pub(super) seconds: f64,
}

/// Runs some of the restarts as the replicas of a run until each has ended or failed. `writing` is
/// how long it took to write and compile the step.
///
/// # Errors
/// Those that concern all restarts; any other error is the outcome of one restart.
pub(super) fn drive(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    restarts: Range<usize>,
    writing: Duration,
) -> Result<Vec<Result<Ended, InferenceError>>, InferenceError> {
    let (begin, first) = (Instant::now(), restarts.start);
    let seeds: Vec<u64> = restarts.clone().map(|r| advi.seed_of(r)).collect();
    run.begin(&seeds)?;
    let mut outcomes: Vec<Result<Restarted, InferenceError>> = restarts
        .enumerate()
        .map(|(replica, restart)| begin_restart(advi, density, run, replica, restart))
        .collect();
    let mut validation = Validation::of(advi, density, run)?;
    let setup_seconds = (writing + begin.elapsed()).as_secs_f64();
    if let Some(progress) = &advi.progress {
        progress.stage(Stage::Fitting { restart: first });
    }
    let first_step = Instant::now();
    loop {
        let due = |restarted: &Result<Restarted, _>| match restarted {
            Ok(restarted) => restarted.due(density, validation.as_ref()),
            Err(_) => 0,
        };
        let steps: Vec<u64> = outcomes.iter().map(due).collect();
        if steps.iter().all(|steps| *steps == 0) {
            break;
        }
        for (replica, advanced) in run.advance(&steps).into_iter().enumerate() {
            if let Ok(restarted) = &mut outcomes[replica]
                && steps[replica] > 0
                && let Err(error) = advanced.map_err(InferenceError::from).and_then(|()| {
                    let steps = steps[replica];
                    restarted.look(density, (run, replica), steps, first_step, &mut validation)
                })
            {
                let Restarted { advi, curve, .. } = restarted;
                outcomes[replica] = Err(interrupted(error, advi.seed, curve.elbos(), || {
                    run.restore(replica)?;
                    let blocks = blocks(advi, density, run, replica, false)?;
                    Ok(Approximation::from_blocks(&advi.layout(density), blocks))
                }));
            }
        }
    }
    let ends = outcomes
        .into_iter()
        .enumerate()
        .map(|(replica, restarted)| {
            let restarted = restarted?;
            let averaged = restarted.advi.first_averaged();
            let averaged = averaged.is_some_and(|first| first < restarted.curve.elbos.len() as u64);
            // All steps were finite, so the saved states are not needed: their memory serves for
            // reading.
            run.forget(replica)?;
            let blocks = match restarted.watched.kept {
                Some(kept) => kept,
                None => blocks(&restarted.advi, density, run, replica, averaged)?,
            };
            let Restarted { advi, curve, .. } = restarted;
            Ok(Ended {
                blocks,
                convergence: (restarted.convergence).unwrap_or_else(|| advi.test(density, &curve)),
                stop: restarted.stop.unwrap_or(Stop::Steps),
                gradients: curve.elbos.len() as u64 * advi.samples as u64,
                setup_seconds,
                seconds: restarted.seconds,
                advi,
                curve,
            })
        });
    Ok(ends.collect())
}

/// Begins a restart as a replica, with the seed of its number.
fn begin_restart(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    replica: usize,
    restart: usize,
) -> Result<Restarted, InferenceError> {
    let advi = Advi {
        seed: advi.seed_of(restart),
        ..advi.clone()
    };
    begin(&advi, density, run, replica)?;
    Ok(Restarted {
        steps: advi.step_count(),
        advi,
        restart,
        curve: Curve::default(),
        looked: 0,
        convergence: None,
        watched: Watched::default(),
        stop: None,
        seconds: 0.0,
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
    /// How many steps it does next.
    fn due(&self, density: &dyn Density, validation: Option<&Validation<'_>>) -> u64 {
        let done = self.curve.elbos.len();
        let until_score = validation.map_or(u64::MAX, |v| v.until(done as u64));
        let left = (self.steps - done as u64).min(until_score);
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
        self.seconds = first_step.elapsed().as_secs_f64();
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
        let between =
            (tested || scored.is_some()) && ((done - self.looked) as u64) < self.advi.every;
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
        } else {
            ended.then_some(Stop::Steps)
        };
        Ok(())
    }

    /// Whether convergence decides about the steps to come.
    fn tests(&self) -> bool {
        let passed = self.convergence.is_some_and(|c| c.converged);
        self.advi.stop_when_converged == Some(true) && !passed
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

    /// Shows the steps since the last look to whom they concern, and whether the callback wants the
    /// fit to end.
    fn is_ended_from_outside(
        &mut self,
        density: &dyn Density,
        run: &Run,
        replica: usize,
    ) -> Result<bool, InferenceError> {
        let elbos = &self.curve.elbos[self.looked..];
        if let Some(progress) = &self.advi.progress {
            progress.update(Update {
                restart: self.restart,
                step: self.curve.elbos.len() as u64,
                elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
                ..self.upcoming(density)
            });
        }
        let ends = self.call_back(density, run, replica, elbos)?;
        self.looked = self.curve.elbos.len();
        Ok(ends)
    }

    /// How far it is to its end.
    fn upcoming(&self, density: &dyn Density) -> Update {
        let done = self.curve.elbos.len() as f64;
        let (schedule, steps) = (self.advi.rate_schedule(), Var::from(self.steps as f64));
        let factor = schedule.factor_of(Var::from(done), steps).number();
        Update {
            steps: self.steps,
            may_end_sooner: self.tests() || self.advi.patience.is_some(),
            epoch: self.advi.steps_of_epoch(density),
            learning_rate: factor.map(|factor| factor * self.advi.rate()),
            score: self.curve.scores.last().map(|scored| scored.score),
            seconds_left: Some(self.seconds / done * (self.steps as f64 - done)),
            ..Update::default()
        }
    }

    /// Whether the callback wants the fit to end.
    fn call_back(
        &self,
        density: &dyn Density,
        run: &Run,
        replica: usize,
        elbos: &[f64],
    ) -> Result<bool, InferenceError> {
        let Some(callback) = &self.advi.callback else {
            return Ok(false);
        };
        let blocks = blocks(&self.advi, density, run, replica, false)?;
        let guide = Approximation::from_blocks(&self.advi.layout(density), blocks);
        let snapshot = Snapshot {
            restart: self.restart,
            step: self.curve.elbos.len() as u64,
            elbos,
            mean: guide.mean(),
            sd: &guide.sd(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(callback(&snapshot) == ControlFlow::Break(()))
    }
}

impl Ended {
    /// The fit, with its final ELBO.
    pub(super) fn finish(
        self,
        density: &dyn Density,
        judged: Result<Judged, InferenceError>,
        concerns: &Concerns,
    ) -> Result<AdviFit, InferenceError> {
        let Ended { advi, blocks, .. } = self;
        let approximation = Approximation::from_blocks(&advi.layout(density), blocks);
        let judged = judged.map_err(|error| {
            interrupted(error, advi.seed, self.curve.elbos(), || {
                Ok(approximation.clone())
            })
        });
        let Judged { elbo, k_hat } = judged?;
        if !elbo.mean.is_finite() || !elbo.mcse.is_finite() {
            return Err(InferenceError::NotFinite(Box::new(Divergence {
                step: self.curve.elbos.len() as u64,
                seed: advi.seed,
                what: NonFinite::FinalElbo,
                term: None,
                advice: "some draws of the fitted guide have no finite log density; more steps \
                         or a smaller learning rate may help"
                    .to_owned(),
                last_good: approximation,
                elbos: self.curve.elbos,
            })));
        }
        let sds_moved = match self.convergence.evidence {
            Evidence::Windows { .. } => advi.sds_moved(density, &approximation)?,
            _ => Vec::new(),
        };
        let mut concerns = concerns.clone();
        concerns.coarse.extend(coarse_means(&advi, &approximation));
        let parts = AdviParts {
            convergence: (self.convergence)
                .in_numbers_that_are_too_coarse(!concerns.coarse.is_empty()),
            approximation,
            curve: self.curve,
            elbo,
            k_hat,
            stop: self.stop,
            seed: advi.seed,
            settings: advi.recorded(),
            gradients: self.gradients,
            setup_seconds: self.setup_seconds,
            seconds: self.seconds,
            restarts: Vec::new(),
            sds_moved,
            concerns,
        };
        Ok(AdviFit { parts })
    }
}
