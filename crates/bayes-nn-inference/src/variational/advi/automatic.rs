//! A fit by natural gradients, from the best of a few starts, or to the mode.

use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use bayes_nn_kernels::{Device, Precision};
use faer::Mat;

use super::ended::Ended;
use super::family::inverse_softplus;
use super::job::{Job, Outcomes};
use super::{Advi, Curve, Family, Stop};
use crate::columns::Concerns;
use crate::compiled::{Compiled, CompiledDensity};
use crate::log_density::LogDensity;
use crate::variational::natural::{
    Ascent, Distance, End, Gaussian, Guide, Independent, Look, Settled, cholesky,
};
use crate::variational::pathfinder::draws::Draws;
use crate::variational::pathfinder::path::{Evaluator, PathError, PathSettings, single};
use crate::{Convergence, Density, Evidence, InferenceError, Snapshot, Start, Update};

/// Starts of which the one with the highest ELBO goes on: so many, and more where they came to
/// different modes. Where the best came to none the density may have no maximum, and further paths
/// would come to spikes.
pub(super) const STARTS: u64 = 4;
const MOST_STARTS: u64 = 16;
/// Paths come to the same mode where the log densities there differ by fewer nats.
const SAME_MODE: f64 = 0.1;
/// Draws that estimate the ELBO of a normal on the way from a start.
const ELBO_DRAWS: usize = 8;
/// Quasi-Newton steps from a start at the most.
pub(super) const ITERATIONS: u64 = 500;

/// Programs of one restart.
struct Programs {
    density: CompiledDensity,
    value: CompiledDensity,
}

/// What a start came to.
struct Found {
    elbo: f64,
    /// The log density of the mode, if it came to one.
    mode: Option<f64>,
    gaussian: Gaussian,
    /// Evaluations of the density.
    cost: u64,
}

impl Advi {
    /// Gradients of a fit by natural gradients at the most, 100,000 unless set. The stage in which they
    /// are used up is ended, and the fit has not [converged](crate::AdviFit::convergence).
    ///
    /// A fit that goes by an optimiser, or to a mode, refuses this and [`Advi::tolerance`].
    ///
    /// ```
    /// use bayes_nn_inference::Advi;
    /// let advi = Advi::full_rank().tolerance(0.01).budget(1_000_000);
    /// # let _ = advi;
    /// ```
    pub fn budget(mut self, gradients: u64) -> Advi {
        self.budget = Some(gradients);
        self
    }

    /// When a fit by natural gradients has converged: when steps of half the size move no mean by more
    /// than this part of its standard deviation and no standard deviation by more than this part of
    /// itself; 0.05 unless set. A smaller one takes more gradients.
    pub fn tolerance(mut self, largest_move: f64) -> Advi {
        self.tolerance = Some(largest_move);
        self
    }

    /// Runs the restarts, each on a thread of its own as far as there are any; by the optimiser, if
    /// no start was found for one.
    pub(super) fn run_naturally(&self, density: &dyn Density) -> Result<Outcomes, InferenceError> {
        let begin = Instant::now();
        let compiled = match self.family {
            Family::Point => Compiled::without_jacobians(density)?,
            _ => Compiled::new(density, &Device::cpu(), Precision::F64)?,
        };
        let mut jobs = Vec::new();
        for restart in 0..self.restart_count() {
            let programs = Programs {
                density: compiled.start()?,
                value: compiled.start()?,
            };
            let advi = Advi {
                seed: self.seed_of(restart),
                ..self.clone()
            };
            jobs.push((restart, advi, programs));
        }
        let writing = begin.elapsed();
        let available = || thread::available_parallelism().map_or(1, |n| n.get());
        let threads = self.threads.unwrap_or_else(available);
        let mut ends = Vec::new();
        while !jobs.is_empty() {
            let together: Vec<_> = jobs.drain(..threads.min(jobs.len())).collect();
            ends.extend(thread::scope(|scope| {
                let run = |(restart, advi, programs): (usize, Advi, Programs)| {
                    move || match advi.family {
                        Family::Point => advi.climb(density, restart, programs.density, writing),
                        _ => advi.run_one(density, restart, programs, writing),
                    }
                };
                let mut running: Vec<_> = together.into_iter().map(run).collect();
                let own = running.pop();
                let others: Vec<_> = running.into_iter().map(|job| scope.spawn(job)).collect();
                let own = own.map(|job| job());
                let joined = others.into_iter().map(|thread| match thread.join() {
                    Ok(end) => end,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                joined.chain(own).collect::<Vec<_>>()
            }));
        }
        match ends.into_iter().collect::<Result<Option<Vec<_>>, _>>()? {
            Some(ends) => {
                let concerns = Concerns::of(density, Precision::F64);
                self.finish_all(density, ends.into_iter().map(Ok).collect(), &concerns)
            }
            None => {
                let jobs: Vec<Job<'_>> = (0..self.restart_count()).map(Job::new).collect();
                self.run_all(density, &jobs, &[])
            }
        }
    }

    /// Runs one restart; nothing if no start has a finite density, or the guide lost it.
    fn run_one(
        &self,
        density: &dyn Density,
        restart: usize,
        mut programs: Programs,
        writing: Duration,
    ) -> Result<Option<Ended>, InferenceError> {
        let begin = Instant::now();
        let (mut best, mut gradients): (Option<Found>, u64) = (None, 0);
        let mut modes = Vec::new();
        for number in 0..self.most_starts() {
            let best_mode = best.as_ref().and_then(|best| best.mode);
            let is_settled = number >= STARTS && is_settled(best_mode, &modes);
            if is_settled || (best.is_some() && self.is_interrupted()) {
                break;
            }
            let start = self.numbered(number).start(density)?;
            let found = match programs.path(start, self.seed, density.dim()) {
                Ok(found) => found,
                Err(PathError::Density(error)) => {
                    return Err(InferenceError::Density(Box::new(error)));
                }
                Err(_) => continue,
            };
            gradients += found.cost;
            if number >= STARTS && found.mode.is_none() {
                continue;
            }
            modes.extend(found.mode);
            if best.as_ref().is_none_or(|best| found.elbo > best.elbo) {
                best = Some(found);
            }
        }
        let Some(Found { gaussian, .. }) = best else {
            return Ok(None);
        };
        let setup = writing + begin.elapsed();
        let first_step = Instant::now();
        let mut curve = Curve::default();
        let mut looked = (0, gradients);
        let mut look = |look: &Look<'_>| {
            curve
                .clock
                .push((look.elbos.len().max(1), first_step.elapsed().as_secs_f64()));
            if self.is_interrupted() {
                return ControlFlow::Break(());
            }
            if look.gradients - looked.1 < self.every {
                return ControlFlow::Continue(());
            }
            let elbos = &look.elbos[looked.0..];
            looked = (look.elbos.len(), look.gradients);
            self.show(restart, look, elbos)
        };
        let mut ascent = Ascent {
            density: &mut programs.density,
            seed: self.seed,
            tolerance: self.largest_move(),
            budget: self.most_gradients(),
            gradients,
            elbos: Vec::new(),
            lost: 0.0,
            look: &mut look,
        };
        let fatal = |error| InferenceError::Density(Box::new(error));
        let (end, moved, blocks) = match self.family == Family::MeanField {
            true => {
                // The metric of the means has to be right first.
                let (near, end) = ascent.approach(gaussian).map_err(fatal)?;
                let guide = Independent::nearest(&near);
                let settled = match end {
                    Some(end) => Settled {
                        guide,
                        end,
                        moved: Distance::FAR,
                    },
                    None => ascent.settle(guide).map_err(fatal)?,
                };
                let rho = settled.guide.sd().into_iter().map(inverse_softplus);
                let blocks = vec![settled.guide.mean().to_vec(), rho.collect()];
                (settled.end, settled.moved, Some(blocks))
            }
            false => {
                let settled = ascent.settle(gaussian).map_err(fatal)?;
                (settled.end, settled.moved, blocks(&settled.guide))
            }
        };
        let (gradients, elbos) = (ascent.gradients, ascent.elbos);
        let (Some(blocks), false) = (blocks, end == End::Lost) else {
            return Ok(None);
        };
        curve.clock.retain(|(steps, _)| *steps <= elbos.len());
        curve.clock.dedup_by_key(|(steps, _)| *steps);
        curve.elbos = elbos;
        Ok(Some(Ended {
            advi: self.clone(),
            blocks,
            seconds: first_step.elapsed().as_secs_f64(),
            curve,
            convergence: Convergence {
                converged: end == End::Converged,
                evidence: Evidence::Stages {
                    mean: moved.mean,
                    sd: moved.sd.exp_m1(),
                },
                too_coarse: false,
            },
            stop: match end {
                End::Converged => Stop::Converged,
                End::Budget | End::Lost => Stop::Steps,
                End::Looked => self.stop_from_outside(),
            },
            training: None,
            gradients,
            setup_seconds: setup.as_secs_f64(),
        }))
    }

    /// Why a fit ended that somebody who looked on ended.
    pub(super) fn stop_from_outside(&self) -> Stop {
        match self.is_interrupted() {
            true => Stop::Interrupted,
            false => Stop::Callback,
        }
    }

    /// How many starts are tried at the most.
    pub(super) fn most_starts(&self) -> u64 {
        match (&self.warm_start, &self.start) {
            (Some(_), _) | (_, Some(Start::Approximation(_) | Start::Values(_))) => 1,
            _ => MOST_STARTS,
        }
    }

    /// These settings for one of the starts: of the kind that was set and, unless that is one
    /// point, uniform ones between.
    pub(super) fn numbered(&self, start: u64) -> Advi {
        Advi {
            seed: self.seed.wrapping_add(start << 40),
            start: match (&self.start, start % 2) {
                (None | Some(Start::Prior | Start::Pathfinder), 1) => Some(Start::Uniform),
                (Some(Start::Pathfinder), _) => Some(Start::Prior),
                (start, _) => start.clone(),
            },
            ..self.clone()
        }
    }

    /// Shows a fit to whom it concerns, and asks whether it goes on.
    pub(super) fn show(&self, restart: usize, look: &Look<'_>, elbos: &[f64]) -> ControlFlow<()> {
        if let Some(progress) = &self.progress {
            progress.update(Update {
                restart,
                step: look.gradients,
                elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
                ..Update::default()
            });
        }
        let Some(callback) = &self.callback else {
            return ControlFlow::Continue(());
        };
        let snapshot = Snapshot {
            restart,
            step: look.elbos.len() as u64,
            elbos,
            mean: look.mean,
            sd: &(look.sd)(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        callback(&snapshot)
    }
}

impl Programs {
    /// The normal found on the way up from a start.
    fn path(&mut self, start: Vec<f64>, seed: u64, dim: usize) -> Result<Found, PathError> {
        let mut gradient = vec![0.0; dim];
        let value = &mut self.value;
        let mut evaluator = Evaluator {
            density: &mut self.density,
            value: &mut |z| value.log_prob_grad(z, &mut gradient),
            epsilon: f64::EPSILON,
        };
        let settings = PathSettings {
            history: dim.clamp(5, 10),
            elbo_draws: ELBO_DRAWS,
            iterations: ITERATIONS,
            draws: Draws {
                seed,
                strata: ELBO_DRAWS as u64,
            },
        };
        let path = single(&mut evaluator, start, &settings, &mut |_, _| {})?;
        let ratios = &path.log_ratios;
        let elbo = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let (mean, covariance) = (path.gaussian.mean().to_vec(), path.gaussian.covariance());
        let covariance = Mat::from_fn(dim, dim, |i, j| covariance[i * dim + j]);
        let gaussian = Gaussian::new(mean.clone(), covariance)
            .unwrap_or_else(|| Gaussian::independent(mean, &path.gaussian.sd()));
        Ok(Found {
            elbo,
            mode: path.mode,
            gaussian,
            cost: path.counts.gradients + path.counts.values,
        })
    }
}

/// Whether more starts would not find a better mode than that of the best so far: it has none, or all
/// came to it.
pub(super) fn is_settled(best: Option<f64>, modes: &[f64]) -> bool {
    best.is_none_or(|best| modes.iter().all(|mode| (mode - best).abs() < SAME_MODE))
}

/// The parameters of a full-rank guide, in the order of its blocks; nothing if rounding leaves its
/// covariance without a Cholesky factor.
fn blocks(guide: &Gaussian) -> Option<Vec<Vec<f64>>> {
    let dim = guide.mean().len();
    let factor = cholesky(guide.covariance())?;
    let rho = (0..dim).map(|i| inverse_softplus(factor[(i, i)]));
    let lower = (0..dim * dim).map(|place| match (place / dim, place % dim) {
        (row, column) if column < row => factor[(row, column)] / factor[(row, row)],
        _ => 0.0,
    });
    Some(vec![guide.mean().to_vec(), rho.collect(), lower.collect()])
}
