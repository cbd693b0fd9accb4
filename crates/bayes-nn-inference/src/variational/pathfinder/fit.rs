//! Running the paths of a fit, and weighting draws of their normals.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bayes_nn_kernels::Precision;

use super::draws::Draws;
use super::gaussian::Gaussian;
use super::importance::{Ratio, Weighted, weighted};
use super::lbfgs::Point;
use super::path::{Counts, Evaluator, PathError, PathSettings, SinglePath, single};
use super::{Path, Pathfinder, PathfinderFit};
use crate::check::{holds_data, no_points, setting};
use crate::columns::Concerns;
use crate::compiled::{Compiled, first_bad_term};
use crate::log_density::EvalError;
use crate::progress::Running;
use crate::{Density, DrawTable, Elbo, InferenceError, Method, PathFailure, Update};

/// How often the start of a path is drawn at the most.
const TRIES: u32 = 100;

impl Method for Pathfinder {
    type Fit = PathfinderFit;

    /// Climbs to modes of a density, and draws near them.
    ///
    /// # Errors
    /// A setting outside its range; a density that cannot be written or compiled;
    /// [`InferenceError::NoPath`] where no path led to a normal: what stopped the others is in
    /// [`PathfinderFit::paths`].
    fn fit(&self, density: &dyn Density) -> Result<PathfinderFit, InferenceError> {
        let begin = Instant::now();
        no_points(density, "Pathfinder")?;
        holds_data(density, self.precision)?;
        let Proposed {
            paths,
            kept,
            weighted,
        } = self.propose(density)?;
        let chosen = weighted.resample(self.draws, self.seed);
        let mut rows = Vec::new();
        let numbers = self.draws.saturating_mul(density.dim());
        if rows.try_reserve_exact(numbers).is_err() {
            return Err(setting("draws", self.draws, "few enough for memory"));
        }
        for place in &chosen {
            let place = weighted.places[*place];
            rows.extend(kept[place.path].draw(place.draw).0);
        }
        let distinct: BTreeSet<usize> = chosen.into_iter().collect();
        Ok(PathfinderFit {
            settings: self.recorded(),
            paths,
            k_hat: weighted.k_hat,
            distinct: distinct.len(),
            table: DrawTable::new(density.sites().to_vec(), rows, [self.draws])?,
            seconds: begin.elapsed().as_secs_f64(),
            concerns: Concerns::of(density, self.precision),
        })
    }
}

/// What all paths found.
#[derive(Debug)]
pub(super) struct Proposed {
    paths: Vec<Path>,
    pub(super) kept: Vec<Kept>,
    pub(super) weighted: Weighted,
}

/// The normal of a path.
#[derive(Debug)]
pub(super) struct Kept {
    /// The path.
    number: usize,
    pub(super) path: SinglePath,
    draws: Draws,
}

impl Kept {
    /// A draw of the normal `[P]`, with its log density under it.
    pub(super) fn draw(&self, draw: usize) -> (Vec<f64>, f64) {
        self.draws.of(&self.path.gaussian, draw)
    }
}

impl Pathfinder {
    /// Runs all paths, and weights draws of their normals.
    pub(super) fn propose(&self, density: &dyn Density) -> Result<Proposed, InferenceError> {
        self.check(density)?;
        let compiled = Compiled::with_value(density, &self.device, self.precision)?;
        if let Some(progress) = &self.progress {
            progress.start(self.paths, self.max_iterations);
        }
        let running = Running(self.progress.clone());
        let ended = self.on_threads(self.paths, |path| self.walk(density, &compiled, path))?;
        drop(running);
        let (mut paths, mut kept) = (Vec::new(), Vec::new());
        for (number, (path, found)) in ended.into_iter().enumerate() {
            paths.push(path);
            kept.extend(found.map(|path| Kept {
                number,
                path,
                draws: self.draws_of(number),
            }));
        }
        if kept.is_empty() {
            let failure = paths.swap_remove(0).outcome.err();
            return Err(InferenceError::NoPath {
                paths: self.paths,
                failure: failure
                    .map(Box::new)
                    .expect("a path that is not kept has failed"),
            });
        }
        let ratios = self.ratios(&compiled, &kept)?;
        for (kept, ratios) in kept.iter().zip(&ratios) {
            let own: Vec<f64> = ratios.iter().map(|ratio| ratio.own).collect();
            let path = &mut paths[kept.number];
            path.outcome = Ok(Elbo::of(&own));
            path.log_probs += own.len().saturating_sub(kept.path.log_ratios.len()) as u64;
        }
        Ok(Proposed {
            paths,
            kept,
            weighted: weighted(ratios)?,
        })
    }

    /// The importance ratios of the proposals of each path.
    fn ratios(
        &self,
        compiled: &Compiled,
        kept: &[Kept],
    ) -> Result<Vec<Vec<Ratio>>, InferenceError> {
        let (each, rest) = (self.proposals / kept.len(), self.proposals % kept.len());
        let share = |path: usize| each + usize::from(path < rest);
        let mixture: Vec<(&Gaussian, f64)> = kept
            .iter()
            .enumerate()
            .map(|(path, kept)| {
                (
                    &kept.path.gaussian,
                    share(path) as f64 / self.proposals as f64,
                )
            })
            .collect();
        self.on_threads(kept.len(), |number| {
            let kept = &kept[number];
            let mut value = compiled.start_exact()?;
            let ratio = |draw: usize| {
                let (z, log_q) = kept.draw(draw);
                let log_p = match (kept.path.log_ratios.get(draw), &mut value) {
                    (Some(ratio), _) => Ok(ratio + log_q),
                    (None, Some(value)) => value.log_prob(&z),
                    (None, None) => Err(EvalError::Reject),
                };
                match log_p {
                    Ok(log_p) => Ok(Ratio::of(log_p, (number, log_q), &z, &mixture)),
                    Err(EvalError::Reject) => Ok(Ratio::NONE),
                    Err(EvalError::Fatal(source)) => Err(InferenceError::Density(source)),
                }
            };
            (0..share(number)).map(ratio).collect()
        })
    }

    /// One path, from its start: what it cost, and its normal if it has one.
    fn walk(
        &self,
        density: &dyn Density,
        compiled: &Compiled,
        number: usize,
    ) -> Result<(Path, Option<SinglePath>), InferenceError> {
        let draws = self.draws_of(number);
        let mut gradient = compiled.start()?;
        let mut value = compiled.start_exact()?;
        let mut log_prob = |z: &[f64]| match &mut value {
            Some(value) => value.log_prob(z),
            None => Err(EvalError::Reject),
        };
        let mut evaluator = Evaluator {
            density: &mut gradient,
            value: &mut log_prob,
            epsilon: match self.precision {
                Precision::F32 => f64::from(f32::EPSILON),
                Precision::F64 => f64::EPSILON,
            },
        };
        let settings = PathSettings {
            history: self.history,
            elbo_draws: self.elbo_draws,
            iterations: self.max_iterations,
            draws,
        };
        let mut seen = |step, elbo| {
            if let Some(progress) = &self.progress {
                progress.update(Update {
                    restart: number,
                    step,
                    elbo,
                    ..Update::default()
                });
            }
        };
        let path = |iterations, counts: Counts, tries: u32, failure| Path {
            seed: draws.seed,
            iterations,
            gradients: counts.gradients + u64::from(tries),
            log_probs: counts.values,
            outcome: Err(failure),
        };
        for tries in 0.. {
            let start = self.start.draw(density, draws.seed, tries)?;
            return Ok(match single(&mut evaluator, start, &settings, &mut seen) {
                Err(PathError::Start(_)) if tries + 1 < TRIES => continue,
                Err(PathError::Start(point)) => {
                    let failure = no_start(density, &point, self.precision)?;
                    (path(0, Counts::default(), TRIES, failure), None)
                }
                Err(PathError::NoNormal { iterations, counts }) => {
                    let failure = PathFailure::NoNormal { iterations };
                    (path(iterations, counts, tries, failure), None)
                }
                Err(PathError::Density(error)) => {
                    let message = error.to_string();
                    let failure = PathFailure::Density { message };
                    (path(0, Counts::default(), tries, failure), None)
                }
                Ok(found) => {
                    // Until its proposals are weighted.
                    let (iterations, counts) = (found.iterations, found.counts);
                    let failure = PathFailure::NoNormal { iterations };
                    (path(iterations, counts, tries, failure), Some(found))
                }
            });
        }
        unreachable!("the last try returns")
    }

    /// Results of jobs in their order, whichever thread did them.
    fn on_threads<R: Send>(
        &self,
        jobs: usize,
        work: impl Fn(usize) -> Result<R, InferenceError> + Sync,
    ) -> Result<Vec<R>, InferenceError> {
        let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = self.threads.unwrap_or_else(available).min(jobs);
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<_>> = Mutex::new((0..jobs).map(|_| None).collect());
        let take = || {
            loop {
                let job = next.fetch_add(1, Ordering::Relaxed);
                if job >= jobs {
                    return;
                }
                let result = work(job);
                results.lock().unwrap_or_else(PoisonError::into_inner)[job] = Some(result);
            }
        };
        std::thread::scope(|scope| {
            // Where the system starts no more threads, those that there are do all jobs.
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, take);
            let workers: Vec<_> = (1..threads).map_while(|i| start(i).ok()).collect();
            take();
            for worker in workers {
                if let Err(panic) = worker.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().flatten().collect()
    }
}

/// What is not finite about a point, the last that was tried.
fn no_start(
    density: &dyn Density,
    point: &Point,
    precision: Precision,
) -> Result<PathFailure, InferenceError> {
    let of = |what: &str, values: &[f64]| {
        let place = values.iter().position(|v| !v.is_finite())?;
        let mut sites = density.sites().iter();
        let site = sites.find(|site| site.range().contains(&place))?;
        let quantity = format!("{what} {}", site.element(place - site.offset));
        Some((quantity, values[place]))
    };
    let log_prob = || {
        let value = point.log_prob;
        (!value.is_finite()).then(|| ("the log density".to_owned(), value))
    };
    let (quantity, value) = of("the start of", &point.position)
        .or_else(log_prob)
        .or_else(|| of("the gradient of", &point.gradient))
        .unwrap_or_default();
    let bad = first_bad_term(density, &point.position, precision)?;
    Ok(PathFailure::NoStart {
        tries: TRIES,
        quantity,
        value,
        why: bad.as_ref().and_then(|bad| bad.advice(density)),
        term: bad.map(|bad| bad.name),
    })
}
