//! Running a fit: its restarts, together or on threads.

use std::sync::Arc;
use std::time::Instant;

use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_kernels::{Profile, fan_out};

use super::checkpoint::Board;
use super::elbo::{Guided, elbos};
use super::ended::Ended;
use super::job::{Job, Outcomes, with_others};
use super::states::begin;
use super::{Advi, AdviFit, Family, Restart, Stop, Trained, Training, drive};
use crate::check::{holds_data, no_points, setting};
use crate::columns::Concerns;
use crate::progress::Running;
use crate::variational::pathfinder::Starts;
use crate::{Density, InferenceError, Method, Stage, Start};

/// The noise stream of a start between -2 and 2, which no draw has.
const START: u32 = u32::MAX;
/// How many starts are drawn from the prior where the ELBO is not finite at the first, before as
/// many are drawn between -2 and 2.
const PRIOR_STARTS: u32 = 10;

impl Method for Advi {
    type Fit = AdviFit;

    /// Fits the guide to a density.
    ///
    /// # Errors
    /// A setting outside its range; a density that cannot be written; a number that is not
    /// finite ([`InferenceError::NotFinite`], with the last good state). With several restarts,
    /// those that fail are reported in [`AdviFit::restarts`] and only if all fail the first's
    /// error is returned.
    fn fit(&self, density: &dyn Density) -> Result<AdviFit, InferenceError> {
        let advi = self.for_density(density)?;
        let jobs: Vec<Job<'_>> = (0..advi.restart_count()).map(Job::new).collect();
        advi.fit_jobs(density, &jobs, &[])
    }
}

impl Advi {
    /// These settings with everything that the density decides, checked.
    pub(super) fn for_density(&self, density: &dyn Density) -> Result<Advi, InferenceError> {
        let advi = match density.is_network() {
            true => self.for_network(density),
            false => self.clone(),
        };
        advi.check(density.rows())?;
        advi.check_streamed(density)?;
        advi.check_held_out(density)?;
        advi.check_temper(density)?;
        advi.check_ascent(density)?;
        match self.family {
            Family::FullRank => no_points(density, "a full-rank guide")?,
            Family::LowRank { .. } => no_points(density, "a guide of low rank")?,
            Family::MeanField | Family::Point => {}
        }
        match (density.dim(), self.family) {
            (0, _) => Err(InferenceError::NothingToFit),
            (dim, Family::LowRank { rank }) if !(1..=dim).contains(&rank) => {
                let allowed = format!("between 1 and {dim}, the coordinates of the density");
                Err(setting("low_rank", rank, allowed))
            }
            _ => Ok(Advi {
                family: match self.layout(density).is_a_point() {
                    true => Family::Point,
                    false => self.family,
                },
                precision: Some(self.precision.unwrap_or(density.default_precision())),
                ..advi
            }),
        }
    }

    /// Runs restarts of these settings, which are checked; others have run before.
    pub(super) fn fit_jobs(
        &self,
        density: &dyn Density,
        jobs: &[Job<'_>],
        others: &[Restart],
    ) -> Result<AdviFit, InferenceError> {
        holds_data(density, self.runtime().precision)?;
        let by_optimiser = |trained: &Trained| trained.gradients.is_none();
        let naturally = self.goes_by_natural_gradients(density)
            && !jobs.iter().any(|job| job.from.is_some_and(by_optimiser));
        if let Some(progress) = &self.progress {
            let steps = match naturally {
                true => self.most_gradients(),
                false => self.last_step(),
            };
            progress.start(self.restart_count(), steps);
            progress.stage(Stage::SettingUp);
        }
        let running = Running(self.progress.clone());
        let outcomes = match naturally {
            true => self.run_naturally(density, jobs, others)?,
            false => self.run_all(density, jobs, others)?,
        };
        drop(running);

        let compares = self.compares(density);
        let mut best: Option<AdviFit> = None;
        let (mut restarts, mut trained, mut is_complete) = (Vec::new(), Vec::new(), true);
        for (job, outcome) in jobs.iter().zip(outcomes) {
            let guide = outcome.as_ref().ok().filter(|_| compares);
            let approximation = guide.map(|(fit, _)| fit.approximation().clone());
            is_complete &= match &outcome {
                Ok((fit, _)) => fit.stop().is_complete(),
                Err(error) => !matches!(error, InferenceError::Stopped),
            };
            let outcome = outcome.map(|(fit, training)| {
                trained.extend(training);
                let summary = (fit.elbo(), *fit.convergence());
                if best
                    .as_ref()
                    .is_none_or(|best| fit.elbo().mean > best.elbo().mean)
                {
                    best = Some(fit);
                }
                summary
            });
            restarts.push(Restart {
                seed: self.seed_of(job.restart),
                outcome: outcome.map_err(Arc::new),
                approximation,
            });
        }
        match best {
            Some(mut fit) => {
                if is_complete {
                    trained.retain(|trained| self.seed_of(trained.restart) == fit.seed());
                } else if fit.stop().is_complete() {
                    // Others were not at their end, and one of them may have been better.
                    fit.parts.stop = Stop::Interrupted;
                }
                let training = Training::new(density.rows(), trained);
                fit.parts.training = (!training.restarts.is_empty()).then(|| Arc::new(training));
                fit.parts.restarts = with_others(restarts, others);
                fit.parts.settings = self.recorded();
                Ok(fit)
            }
            None => {
                let first = restarts.swap_remove(0).outcome;
                let error = first.expect_err("a restart that succeeded is the best or below it");
                Err(Arc::into_inner(error).expect("nobody else has it yet"))
            }
        }
    }

    /// Runs the first `steps` steps of a fit and measures where their time goes, pass by pass,
    /// and what the machine could do at best.
    ///
    /// # Errors
    /// As a [fit](Method::fit), before its first step.
    pub fn profile(&self, density: &dyn Density, steps: u64) -> Result<Profile, InferenceError> {
        let advi = self.for_density(density)?;
        let mut run = advi.write(density)?.start(1)?;
        run.begin(&[advi.seed])?;
        begin(&advi, density, &mut run, 0)?;
        // The first steps fill caches and start threads.
        run.profile(steps.div_ceil(10))?;
        Ok(run.profile(steps)?.with_limits(&advi.device)?)
    }

    /// Runs the restarts, then measures their final ELBOs. Each restart is independent of the
    /// thread that runs it and of the others.
    pub(super) fn run_all(
        &self,
        density: &dyn Density,
        jobs: &[Job<'_>],
        others: &[Restart],
    ) -> Result<Outcomes, InferenceError> {
        let begin = Instant::now();
        let concerns = Concerns::of(density, self.runtime().precision);
        let program = self.write(density)?;
        let writing = begin.elapsed();
        let board = Board::of(self, density, &concerns, (jobs, others));
        let board = board.as_ref();
        let mut ends = fan_out(&program, jobs.len(), |run, which| {
            drive::drive((self, board), density, run, &jobs[which], writing)
        })?;
        for (job, end) in jobs.iter().zip(&mut ends) {
            let mut tries = 0;
            while tries < 2 * PRIOR_STARTS && self.wants_another_start(end) {
                tries += 1;
                let advi = Advi {
                    tries,
                    ..self.clone()
                };
                let mut again = fan_out(&program, 1, |run, _| {
                    drive::drive((&advi, board), density, run, &[*job], writing)
                })?;
                *end = again.swap_remove(0);
            }
        }
        // The memory of the states is freed before the evaluation.
        drop(program);
        self.finish_all(density, ends, &concerns)
    }

    /// Measures the final ELBOs of restarts that have ended.
    pub(super) fn finish_all(
        &self,
        density: &dyn Density,
        ends: Vec<Result<Ended, InferenceError>>,
        concerns: &Concerns,
    ) -> Result<Outcomes, InferenceError> {
        let guides: Vec<Guided<'_>> = ends
            .iter()
            .flatten()
            .map(|end| Guided {
                seed: end.advi.seed,
                blocks: &end.blocks,
            })
            .collect();
        if let Some(progress) = &self.progress {
            progress.stage(Stage::FinalElbo);
        }
        let mut elbos = elbos(self, density, &guides)?.into_iter();
        let fits = ends.into_iter().map(|end| {
            let mut end = end?;
            let training = end.training.take();
            match elbos.next() {
                Some(judged) => Ok((end.finish(density, judged, concerns)?, training)),
                None => unreachable!("every guide was evaluated"),
            }
        });
        Ok(fits.collect())
    }

    /// Whether a restart failed at its first step, so that its start is to blame, which was drawn.
    fn wants_another_start(&self, end: &Result<Ended, InferenceError>) -> bool {
        let at_once = match end {
            Err(InferenceError::NotFinite(divergence)) => divergence.step == 0,
            _ => false,
        };
        at_once && self.warm_start.is_none() && !matches!(self.start, Some(Start::Approximation(_)))
    }

    fn begins_at_a_path(&self, density: &dyn Density) -> bool {
        let is_low_rank = matches!(self.family, Family::LowRank { .. });
        self.start.is_none() && self.tries == 0 && is_low_rank && !density.is_network()
    }

    /// Where the means begin, with the seed of these settings.
    pub(super) fn start(&self, density: &dyn Density) -> Result<Vec<f64>, InferenceError> {
        if let Some(warm_start) = &self.warm_start {
            let others = || Start::Prior.draw(density, self.seed, self.tries);
            return warm_start.mean(density, others);
        }
        let path = || Starts::of(density, self.seed).map(|s| s.best().gaussian.mean().to_vec());
        let start = match self.start.as_ref().unwrap_or(&Start::Prior) {
            // Where no path arrives the prior has to do.
            Start::Prior
                if self.begins_at_a_path(density)
                    && let Ok(mean) = path() =>
            {
                mean
            }
            Start::Prior if self.tries <= PRIOR_STARTS => {
                let seed = self.seed.wrapping_add(u64::from(self.tries) << 32);
                density.start(seed).map_err(InferenceError::Density)?
            }
            Start::Approximation(approximation) => approximation.mean().to_vec(),
            Start::Pathfinder => path()?,
            start @ Start::Values(_) => start.draw(density, self.seed, self.tries)?,
            Start::Prior | Start::Uniform => {
                let key = NoiseKey {
                    seed: self.seed,
                    step: u64::from(self.tries),
                    stream: START,
                };
                let uniform = |i| 4.0 * noise::uniform(&key, 0, i as u32) - 2.0;
                (0..density.dim()).map(uniform).collect()
            }
        };
        if start.len() != density.dim() {
            return Err(InferenceError::StartLength {
                got: start.len(),
                expected: density.dim(),
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
