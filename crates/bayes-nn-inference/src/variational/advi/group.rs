//! Restarts that step together, one or many: every chunk of steps is looked at, and each restart
//! ends or fails by itself.

use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bayes_nn_kernels::{Lanes, Program};

use super::evaluation::Guided;
use super::stepper::{Blueprint, Role, Stepper, Values, first_averaged};
use super::{Advi, AdviFit, Approximation, Curve, Elbo, Stop, diagnosis, evaluation};
use crate::{Density, Divergence, InferenceError, NonFinite, Snapshot, Update};

/// Restarts whose programs are the lanes of one, or a single one.
pub(super) struct Group<'a> {
    pub(super) advi: &'a Advi,
    pub(super) density: &'a dyn Density,
    pub(super) blueprint: &'a Blueprint,
    /// The number of the first.
    pub(super) first: usize,
    /// When its programs began to be compiled.
    pub(super) begin: Instant,
    /// How long the step was written before.
    pub(super) writing: Duration,
}

/// A restart on its way.
struct Run {
    /// The settings, with the seed of this restart.
    advi: Advi,
    restart: usize,
    curve: Curve,
    /// Why it ended, once it has.
    stop: Option<Stop>,
    seconds: f64,
}

/// A restart that has ended, and the guide's parameters that it found.
struct Ended {
    run: Run,
    blocks: Values,
}

impl Group<'_> {
    /// Runs a restart in each lane.
    ///
    /// # Errors
    /// What no restart can do without; all else is the outcome of one.
    pub(super) fn run(
        &self,
        mut lanes: Box<dyn Lanes>,
    ) -> Result<Vec<Result<AdviFit, InferenceError>>, InferenceError> {
        let programs = lanes.programs().into_iter().enumerate();
        let mut runs: Vec<Result<Run, InferenceError>> = programs
            .map(|(lane, program)| self.begin(self.first + lane, program))
            .collect();
        let setup_seconds = (self.writing + self.begin.elapsed()).as_secs_f64();
        self.run_steps(&mut *lanes, &mut runs);
        let ends: Vec<Result<Ended, InferenceError>> = runs
            .into_iter()
            .zip(lanes.programs())
            .map(|(run, program)| {
                let run = run?;
                let averaged = first_averaged(&run.advi)
                    .is_some_and(|first| first < run.curve.elbos.len() as u64);
                let mut stepper = self.blueprint.stepper(program);
                // All steps were good: what was saved makes room for what is read.
                stepper.forget();
                let blocks = blocks(&stepper, averaged);
                Ok(Ended { run, blocks })
            })
            .collect();
        // The states make room for the evaluation.
        drop(lanes);
        let guides: Vec<Guided<'_>> = ends
            .iter()
            .flatten()
            .map(|end| Guided {
                seed: end.run.advi.seed,
                blocks: &end.blocks,
            })
            .collect();
        let mut elbos = evaluation::elbos(self.advi, self.density, &guides)?.into_iter();
        let fits = ends.into_iter().map(|end| {
            let end = end?;
            match elbos.next() {
                Some(elbo) => self.finished(end, elbo?, setup_seconds),
                None => unreachable!("every guide was evaluated"),
            }
        });
        Ok(fits.collect())
    }

    fn begin(&self, restart: usize, program: &mut dyn Program) -> Result<Run, InferenceError> {
        let advi = Advi {
            seed: self.advi.seed_of(restart),
            ..self.advi.clone()
        };
        let start = advi.start(self.density)?;
        self.blueprint.stepper(program).begin(&advi, &start)?;
        Ok(Run {
            advi,
            restart,
            curve: Curve::default(),
            stop: None,
            seconds: 0.0,
        })
    }

    /// Runs all until each has ended or failed.
    fn run_steps(&self, lanes: &mut dyn Lanes, runs: &mut [Result<Run, InferenceError>]) {
        let first_step = Instant::now();
        loop {
            let due = |run: &Result<Run, _>| run.as_ref().map_or(0, |run| self.due(run));
            let steps: Vec<u64> = runs.iter().map(due).collect();
            if steps.iter().all(|steps| *steps == 0) {
                return;
            }
            let outcomes = self.run_chunk(lanes, &steps);
            let looked = lanes.programs().into_iter().zip(outcomes).zip(&steps);
            for (((program, outcome), steps), slot) in looked.zip(&mut *runs) {
                if let Ok(run) = slot
                    && *steps > 0
                    && let Err(error) = outcome.and_then(|()| {
                        let mut stepper = self.blueprint.stepper(program);
                        run.look(self.density, &mut stepper, *steps, first_step)
                    })
                {
                    *slot = Err(error);
                }
            }
        }
    }

    /// How many steps a restart does next.
    fn due(&self, run: &Run) -> u64 {
        match run.stop {
            Some(_) => 0,
            None => {
                let left = self.advi.steps - run.curve.elbos.len() as u64;
                self.blueprint.chunk().min(left)
            }
        }
    }

    fn run_chunk(&self, lanes: &mut dyn Lanes, steps: &[u64]) -> Vec<Result<(), InferenceError>> {
        let programs = lanes.programs().into_iter().zip(steps);
        let ready: Vec<Result<(), InferenceError>> = programs
            .map(|(program, steps)| match steps {
                0 => Ok(()),
                _ => self.blueprint.stepper(program).prepare(),
            })
            .collect();
        let outcomes = lanes.run_all(steps).into_iter().zip(ready);
        outcomes
            .map(|(ran, ready)| ready.and(ran.map_err(InferenceError::from)))
            .collect()
    }

    fn finished(
        &self,
        Ended { run, blocks }: Ended,
        elbo: Elbo,
        setup_seconds: f64,
    ) -> Result<AdviFit, InferenceError> {
        let advi = run.advi;
        let approximation = Approximation::from_blocks(advi.family, self.density.sites(), blocks);
        if !elbo.mean.is_finite() || !elbo.mcse.is_finite() {
            return Err(InferenceError::NotFinite(Box::new(Divergence {
                step: run.curve.elbos.len() as u64,
                seed: advi.seed,
                what: NonFinite::FinalElbo,
                term: None,
                advice: "some draws of the fitted guide have no finite log density; more steps \
                         or a smaller learning rate may help"
                    .to_owned(),
                last_good: approximation,
                elbos: run.curve.elbos,
            })));
        }
        Ok(AdviFit {
            convergence: advi.convergence.check(&run.curve.elbos),
            approximation,
            curve: run.curve,
            elbo,
            stop: run.stop.unwrap_or(Stop::Steps),
            seed: advi.seed,
            precision: advi.precision,
            device: advi.device,
            setup_seconds,
            seconds: run.seconds,
            restarts: Vec::new(),
        })
    }
}

impl Run {
    /// Takes note of the steps that were just done, and decides whether there are more.
    fn look(
        &mut self,
        density: &dyn Density,
        stepper: &mut Stepper<'_>,
        steps: u64,
        first_step: Instant,
    ) -> Result<(), InferenceError> {
        let elbos = stepper.elbos(steps);
        let good = elbos.iter().all(|e| e.is_finite())
            && diagnosis::non_finite(stepper, density.sites()).is_none();
        if !good {
            let before = std::mem::take(&mut self.curve.elbos);
            let divergence = diagnosis::locate(&self.advi, density, stepper, before, steps)?;
            return Err(InferenceError::NotFinite(Box::new(divergence)));
        }
        stepper.save();
        self.curve.elbos.extend(&elbos);
        let done = self.curve.elbos.len();
        self.seconds = first_step.elapsed().as_secs_f64();
        self.curve.clock.push((done, self.seconds));
        if let Some(progress) = &self.advi.progress {
            progress.update(Update {
                restart: self.restart,
                step: done as u64,
                elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
            });
        }
        self.stop = if self.call_back(density, stepper, &elbos) {
            Some(Stop::Callback)
        } else if self.advi.stop_when_converged
            && done >= 2 * self.advi.convergence.window
            && self.advi.convergence.check(&self.curve.elbos).converged
        {
            Some(Stop::Converged)
        } else {
            (done as u64 == self.advi.steps).then_some(Stop::Steps)
        };
        Ok(())
    }

    /// Whether the callback wants the fit to end.
    fn call_back(&self, density: &dyn Density, stepper: &Stepper<'_>, elbos: &[f64]) -> bool {
        let Some(callback) = &self.advi.callback else {
            return false;
        };
        let blocks = blocks(stepper, false);
        let guide = Approximation::from_blocks(self.advi.family, density.sites(), blocks);
        let snapshot = Snapshot {
            restart: self.restart,
            step: self.curve.elbos.len() as u64,
            elbos,
            mean: guide.mean(),
            sd: &guide.sd(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        callback(&snapshot) == ControlFlow::Break(())
    }
}

/// The guide's parameters among the states: their averages, or the last step's.
fn blocks(stepper: &Stepper<'_>, averaged: bool) -> Values {
    stepper.values(|role| match role {
        Role::Parameter(_) => !averaged,
        Role::Average(_) => averaged,
        Role::Memory(_) => false,
    })
}
