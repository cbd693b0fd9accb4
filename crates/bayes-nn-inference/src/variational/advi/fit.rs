//! Running a fit: its restarts, together or on threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_kernels::{Backend, Profile};

use super::group::Group;
use super::stepper::Blueprint;
use super::{Advi, AdviFit, Restart};
use crate::progress::Running;
use crate::{Density, InferenceError, Start};

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
        let outcomes = self.run_all(density)?;
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
        let blueprint = Blueprint::new(self, density)?;
        let mut lanes = blueprint.recipe.alone(self)?;
        let mut stepper = blueprint.stepper(&mut *lanes.programs().swap_remove(0));
        stepper.begin(self, &self.start(density)?)?;
        // The first steps fill caches and start threads.
        stepper.profile(steps.div_ceil(10))?;
        Ok(stepper.profile(steps)?.with_limits(&self.device)?)
    }

    pub(super) fn seed_of(&self, restart: usize) -> u64 {
        self.seed.wrapping_add(restart as u64)
    }

    /// Runs the restarts: together where the device can, else on as many threads as allowed. Each
    /// is by itself, so that nothing depends on which thread took it or on what ran beside it.
    fn run_all(
        &self,
        density: &dyn Density,
    ) -> Result<Vec<Result<AdviFit, InferenceError>>, InferenceError> {
        let begin = Instant::now();
        let blueprint = Blueprint::new(self, density)?;
        let writing = begin.elapsed();
        let group = |first: usize, begin: Instant| Group {
            advi: self,
            density,
            blueprint: &blueprint,
            first,
            begin,
            writing,
        };
        let begin = Instant::now();
        if let Some(lanes) = blueprint.recipe.together(self, self.restarts)? {
            return group(0, begin).run(lanes);
        }
        let run = |restart: usize| {
            let begin = Instant::now();
            let lanes = blueprint.recipe.alone(self)?;
            group(restart, begin).run(lanes)?.swap_remove(0)
        };
        let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = match self.device.ranks() {
            1 => self.threads.unwrap_or_else(available).min(self.restarts),
            // Their programs take turns, and beside ranks that wait for one another on several GPUs
            // nothing else is to be copied, loaded or freed there.
            _ => 1,
        };
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
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(results.into_iter().flatten().collect())
    }

    /// Where the means begin, with this object's own seed.
    pub(super) fn start(&self, density: &dyn Density) -> Result<Vec<f64>, InferenceError> {
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
}
