//! Running a fit: chunks of steps, and restarts.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_kernels::Profile;

use super::stepper::{Role, Stepper, Values, first_averaged};
use super::{Advi, AdviFit, Approximation, Curve, Restart, Stop, diagnosis, evaluation};
use crate::progress::Running;
use crate::{Density, Divergence, InferenceError, NonFinite, Snapshot, Start, Update};

/// The noise stream of a start between -2 and 2, which no draw has.
const START: u32 = u32::MAX;

impl Advi {
    /// Fits the guide to a density.
    ///
    /// # Errors
    /// A setting outside its range; a density that cannot be written; a number that is not
    /// finite ([`InferenceError::NotFinite`], with the last good state). With several restarts,
    /// those that fail are reported in [`AdviFit::restarts`] and only if all fail the first's
    /// error is returned.
    pub fn fit(&self, density: &dyn Density) -> Result<AdviFit, InferenceError> {
        self.check(density.rows())?;
        if density.dimension() == 0 {
            return Err(InferenceError::NothingToFit);
        }
        if let Some(progress) = &self.progress {
            progress.start(self.restarts, self.steps);
        }
        let running = Running(self.progress.clone());
        let outcomes = self.run_all(density);
        drop(running);

        let mut best: Option<AdviFit> = None;
        let mut restarts = Vec::new();
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let outcome = outcome.map(|fit| {
                let summary = (fit.elbo, fit.convergence);
                if best
                    .as_ref()
                    .is_none_or(|best| fit.elbo.mean > best.elbo.mean)
                {
                    best = Some(fit);
                }
                summary
            });
            restarts.push(Restart {
                seed: self.seed_of(number),
                outcome,
            });
        }
        match best {
            Some(fit) => Ok(AdviFit { restarts, ..fit }),
            None => Err(restarts
                .swap_remove(0)
                .outcome
                .expect_err("a restart that succeeded is the best or below it")),
        }
    }

    /// Runs the first `steps` steps of a fit and measures where their time goes, pass by pass,
    /// and what the machine could do at best.
    ///
    /// # Errors
    /// As [`Advi::fit`], before its first step.
    pub fn profile(&self, density: &dyn Density, steps: u64) -> Result<Profile, InferenceError> {
        self.check(density.rows())?;
        if density.dimension() == 0 {
            return Err(InferenceError::NothingToFit);
        }
        let mut stepper = Stepper::new(self, density, &self.start(density)?)?;
        // The first steps fill caches and start threads.
        stepper.profile(steps.div_ceil(10))?;
        Ok(stepper.profile(steps)?.with_limits(&self.device)?)
    }

    fn seed_of(&self, restart: usize) -> u64 {
        self.seed.wrapping_add(restart as u64)
    }

    /// Runs the restarts on as many threads as allowed; each is by itself, so that nothing
    /// depends on which thread took it.
    fn run_all(&self, density: &dyn Density) -> Vec<Result<AdviFit, InferenceError>> {
        let run = |restart: usize| {
            let settings = Advi {
                seed: self.seed_of(restart),
                ..self.clone()
            };
            settings.run(density, restart)
        };
        let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = self.threads.unwrap_or_else(available).min(self.restarts);
        if threads == 1 {
            return (0..self.restarts).map(run).collect();
        }
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<_>> = Mutex::new((0..self.restarts).map(|_| None).collect());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let restart = next.fetch_add(1, Ordering::Relaxed);
                        if restart >= self.restarts {
                            break;
                        }
                        let result = run(restart);
                        results.lock().unwrap_or_else(PoisonError::into_inner)[restart] =
                            Some(result);
                    }
                });
            }
        });
        results
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter()
            .flatten()
            .collect()
    }

    fn start(&self, density: &dyn Density) -> Result<Vec<f64>, InferenceError> {
        let start = match &self.start {
            Start::Prior => density.start(self.seed).map_err(InferenceError::Density)?,
            Start::Approximation(approximation) => approximation.mean().to_vec(),
            Start::Uniform => {
                let key = NoiseKey {
                    seed: self.seed,
                    step: 0,
                    stream: START,
                };
                let uniform = |i| 4.0 * noise::uniform(&key, 0, i as u32) - 2.0;
                (0..density.dimension()).map(uniform).collect()
            }
        };
        if start.len() != density.dimension() {
            return Err(InferenceError::StartLength {
                got: start.len(),
                expected: density.dimension(),
            });
        }
        for site in density.sites() {
            let values = &start[site.range()];
            if let Some(element) = values.iter().position(|v| !v.is_finite()) {
                return Err(InferenceError::Start {
                    site: site.name.clone(),
                    element,
                    value: values[element],
                });
            }
        }
        Ok(start)
    }

    /// One restart, with this object's own seed.
    fn run(&self, density: &dyn Density, restart: usize) -> Result<AdviFit, InferenceError> {
        let begin = Instant::now();
        let mut stepper = Stepper::new(self, density, &self.start(density)?)?;
        let setup_seconds = begin.elapsed().as_secs_f64();

        let first_step = Instant::now();
        let mut curve = Curve::default();
        let mut stop = Stop::Steps;
        while (curve.elbos.len() as u64) < self.steps {
            let steps = stepper.chunk().min(self.steps - curve.elbos.len() as u64);
            let elbos = stepper.run(steps)?;
            let good = elbos.iter().all(|e| e.is_finite())
                && diagnosis::non_finite(&stepper, density.sites()).is_none();
            if !good {
                let before = curve.elbos;
                let divergence = diagnosis::locate(self, density, &mut stepper, before, steps)?;
                return Err(InferenceError::NotFinite(Box::new(divergence)));
            }
            stepper.save();
            curve.elbos.extend(&elbos);
            let done = curve.elbos.len();
            curve.clock.push((done, first_step.elapsed().as_secs_f64()));
            if let Some(progress) = &self.progress {
                progress.update(Update {
                    restart,
                    step: done as u64,
                    elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
                });
            }
            if self.call_back(density, &stepper, restart, &curve, &elbos) {
                stop = Stop::Callback;
                break;
            }
            if self.stop_when_converged
                && done >= 2 * self.convergence.window
                && self.convergence.check(&curve.elbos).converged
            {
                stop = Stop::Converged;
                break;
            }
        }
        let seconds = first_step.elapsed().as_secs_f64();
        let averaged = first_averaged(self).is_some_and(|first| first < curve.elbos.len() as u64);
        let blocks = blocks(&stepper, averaged);
        // Its memory is not needed any more, the evaluation needs some of its own.
        drop(stepper);
        let approximation = Approximation::from_blocks(self.family, density.sites(), &blocks);
        let elbo = evaluation::elbo(self, density, &blocks)?;
        if !elbo.mean.is_finite() || !elbo.mcse.is_finite() {
            return Err(InferenceError::NotFinite(Box::new(Divergence {
                step: curve.elbos.len() as u64,
                seed: self.seed,
                what: NonFinite::FinalElbo,
                term: None,
                advice: "some draws of the fitted guide have no finite log density; more steps \
                         or a smaller learning rate may help"
                    .to_owned(),
                last_good: approximation,
                elbos: curve.elbos,
            })));
        }
        Ok(AdviFit {
            convergence: self.convergence.check(&curve.elbos),
            approximation,
            curve,
            elbo,
            stop,
            seed: self.seed,
            precision: self.precision,
            device: self.device.clone(),
            setup_seconds,
            seconds,
            restarts: Vec::new(),
        })
    }

    /// Whether the callback wants the fit to end.
    fn call_back(
        &self,
        density: &dyn Density,
        stepper: &Stepper,
        restart: usize,
        curve: &Curve,
        elbos: &[f64],
    ) -> bool {
        let Some(callback) = &self.callback else {
            return false;
        };
        let blocks = blocks(stepper, false);
        let guide = Approximation::from_blocks(self.family, density.sites(), &blocks);
        let snapshot = Snapshot {
            restart,
            step: curve.elbos.len() as u64,
            elbos,
            mean: guide.mean(),
            sd: &guide.sd(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        callback(&snapshot) == ControlFlow::Break(())
    }
}

/// The guide's parameters among the states: their averages, or the last step's.
fn blocks(stepper: &Stepper, averaged: bool) -> Values {
    stepper.values(|role| match role {
        Role::Parameter(_) => !averaged,
        Role::Average(_) => averaged,
        Role::Memory(_) => false,
    })
}
