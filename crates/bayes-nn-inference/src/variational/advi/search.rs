//! The search for where a fit by natural gradients begins: the best of a few quasi-Newton paths, and
//! where they came to no mode, of the first steps from two of them.

use std::ops::ControlFlow;

use faer::Mat;

use super::{Advi, Trained};
use crate::compiled::CompiledDensity;
use crate::log_density::LogDensity;
use crate::variational::natural::{Ascent, Gaussian, Guide, States, find, other, state};
use crate::variational::pathfinder::draws::Draws;
use crate::variational::pathfinder::path::{Evaluator, PathError, PathSettings, single};
use crate::{Density, InferenceError, ResumeError, Start};

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
/// Windows of steps of two normals that come from paths without a mode, whose ELBOs say little of where
/// they lead: after so many the ELBOs of the guides say more.
const RACE: usize = 4;

/// The names of states.
pub(super) const SEARCH: &str = "search";
pub(super) const MODES: &str = "modes";
const FOUND: [&str; 2] = ["found", "found.uniform"];

/// Programs of one restart.
pub(super) struct Programs {
    pub(super) density: CompiledDensity,
    value: CompiledDensity,
}

/// How far a search is.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    /// Starts that were tried.
    tried: u64,
    /// Evaluations of the density.
    pub(super) gradients: u64,
    /// The log densities of the modes that paths came to.
    modes: Vec<f64>,
    /// The best of the starts of even numbers, and of those of odd ones, which are of another kind.
    best: [Option<Found>; 2],
}

/// What a start came to.
#[derive(Clone, Debug)]
struct Found {
    elbo: f64,
    /// The log density of the mode, if it came to one.
    mode: Option<f64>,
    gaussian: Gaussian,
    /// Evaluations of the density.
    cost: u64,
}

impl Search {
    /// The normal distribution with the highest ELBO.
    pub(super) fn best(&self) -> Option<&Gaussian> {
        self.found().map(|best| &best.gaussian)
    }

    fn found(&self) -> Option<&Found> {
        let found = self.best.iter().flatten();
        found.max_by(|a, b| a.elbo.total_cmp(&b.elbo))
    }

    /// All of it by names.
    pub(super) fn states(&self) -> States {
        let of_best = self.best.iter().flat_map(|best| match best {
            Some(best) => [best.elbo, best.mode.unwrap_or(f64::NAN)],
            None => [f64::NAN; 2],
        });
        let numbers = std::iter::once(self.tried as f64).chain(of_best);
        let mut states = vec![
            (SEARCH.to_owned(), numbers.collect()),
            (MODES.to_owned(), self.modes.clone()),
        ];
        for (name, best) in FOUND.iter().zip(&self.best) {
            states.extend(
                best.iter()
                    .map(|best| ((*name).to_owned(), best.gaussian.numbers())),
            );
        }
        states
    }

    /// That of training; nothing if it is in something else.
    pub(super) fn of(trained: &Trained, dim: usize) -> Result<Option<Search>, ResumeError> {
        let Some(numbers) = find(&trained.states, SEARCH) else {
            return Ok(None);
        };
        let (tried, of_best) = match *numbers {
            [tried, elbo, mode, other_elbo, other_mode] => {
                (tried, [[elbo, mode], [other_elbo, other_mode]])
            }
            // Of a version that kept the best of all.
            [tried, elbo, mode] => (tried, [[elbo, mode], [f64::NAN; 2]]),
            _ => return Err(other(SEARCH)),
        };
        let mut best = [None, None];
        for ((best, name), [elbo, mode]) in best.iter_mut().zip(FOUND).zip(of_best) {
            let Some(numbers) = find(&trained.states, name) else {
                continue;
            };
            let gaussian = Gaussian::standard(dim).again(numbers);
            *best = Some(Found {
                elbo,
                mode: (!mode.is_nan()).then_some(mode),
                gaussian: gaussian.ok_or_else(|| other(name))?,
                cost: 0,
            });
        }
        Ok(Some(Search {
            tried: tried_of(tried)?,
            gradients: trained.gradients.unwrap_or(0),
            modes: state(&trained.states, MODES)?.to_vec(),
            best,
        }))
    }
}

/// How many starts were tried, from a state.
pub(super) fn tried_of(number: f64) -> Result<u64, ResumeError> {
    let is_count = (0.0..=MOST_STARTS as f64).contains(&number) && number.fract() == 0.0;
    is_count
        .then_some(number as u64)
        .ok_or_else(|| other(SEARCH))
}

impl Advi {
    /// Goes on with a search to its end. Not whole is one that was interrupted once it had found
    /// something.
    pub(super) fn search(
        &self,
        density: &dyn Density,
        search: &mut Search,
        programs: &mut Programs,
    ) -> Result<bool, InferenceError> {
        while search.tried < self.most_starts() {
            let number = search.tried;
            let best_mode = search.found().and_then(|best| best.mode);
            if number >= STARTS && is_settled(best_mode, &search.modes) {
                break;
            }
            if search.found().is_some() && self.is_interrupted() {
                return Ok(false);
            }
            let start = self.numbered(number).start(density)?;
            let found = programs.path(start, self.seed, density.dim());
            search.tried += 1;
            let found = match found {
                Ok(found) => found,
                Err(PathError::Density(error)) => {
                    return Err(InferenceError::Density(Box::new(error)));
                }
                Err(_) => continue,
            };
            search.gradients += found.cost;
            if number >= STARTS && found.mode.is_none() {
                continue;
            }
            search.modes.extend(found.mode);
            let best = &mut search.best[(number % 2) as usize];
            if best.as_ref().is_none_or(|best| found.elbo > best.elbo) {
                *best = Some(found);
            }
        }
        let has_no_mode = search.found().is_some_and(|best| best.mode.is_none());
        if has_no_mode && search.gradients < self.most_gradients() {
            self.race(search, programs)?;
        }
        Ok(true)
    }

    /// Moves the best of either kind of start some steps on, where there are both.
    fn race(&self, search: &mut Search, programs: &mut Programs) -> Result<(), InferenceError> {
        let [Some(_), Some(_)] = &search.best else {
            return Ok(());
        };
        for best in search.best.iter_mut().flatten() {
            let mut ascent = Ascent {
                density: &mut programs.density,
                seed: self.seed,
                tolerance: self.largest_move(),
                budget: u64::MAX,
                gradients: search.gradients,
                elbos: Vec::new(),
                look: &mut |_| ControlFlow::Continue(()),
            };
            let moved = ascent.windows(&best.gaussian, RACE);
            let moved = moved.map_err(|error| InferenceError::Density(Box::new(error)))?;
            search.gradients = ascent.gradients;
            match moved {
                Some((gaussian, elbo)) => (best.gaussian, best.elbo) = (gaussian, elbo),
                None => best.elbo = f64::NEG_INFINITY,
            }
        }
        Ok(())
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
}

impl Programs {
    pub(super) fn new(density: CompiledDensity, value: CompiledDensity) -> Programs {
        Programs { density, value }
    }

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
