//! Where chains begin.

use rand_core::Rng;

use super::chain::BoxedKernel;
use super::random::{Stream, Variates};
use super::settings::Nuts;
use super::state::State;
use crate::check::setting;
use crate::compiled::{Compiled, first_bad_term};
use crate::log_density::LogDensity;
use crate::variational::pathfinder::Starts;
use crate::{Density, InferenceError, Site, Start};

/// How often a start is drawn at the most.
const TRIES: usize = 100;
/// A uniform start whose log density is so many nats below that of a draw of the prior is in other
/// units than the posterior: what a chain learns there is of no use where it has to go.
const OTHER_UNITS: f64 = 1e6;

/// What the density was made from, where it is not a bare one.
pub(super) struct Origin<'a> {
    pub(super) sites: &'a [Site],
    pub(super) density: Option<&'a dyn Density>,
    pub(super) compiled: Option<&'a Compiled>,
    /// The starts of all chains, where they are made together.
    pub(super) starts: Option<Starts>,
}

impl Nuts {
    /// Draws starts until density and gradient are finite.
    pub(super) fn find_start(
        &self,
        chain: usize,
        kernel: &mut BoxedKernel,
        origin: &Origin<'_>,
        stream: &mut Stream,
    ) -> Result<State, InferenceError> {
        let dim = kernel.density().dim();
        let mut state = State::zero(dim);
        let mut problem = InferenceError::NothingToFit;
        for tries in 0..TRIES {
            let position = self.draw_start(dim, origin, (chain, tries), stream)?;
            state = kernel
                .state_at(position)
                .map_err(|error| error.of_chain(chain, 0))?;
            match what_is_wrong(&state, origin.sites) {
                None => return Ok(self.in_units_of_the_prior(chain, state, kernel, origin)),
                Some((quantity, value)) => {
                    problem = InferenceError::NoStart {
                        chain,
                        tries: TRIES,
                        quantity,
                        value,
                        term: None,
                        why: None,
                    };
                }
            }
        }
        if let (InferenceError::NoStart { term, why, .. }, Some(density)) =
            (&mut problem, origin.density)
            && let Some(bad) = first_bad_term(density, &state.position, self.precision)?
        {
            *term = Some(bad.name.clone());
            *why = bad.advice(density);
        }
        Err(problem)
    }

    /// A uniform start, or a draw of the prior that is far better.
    fn in_units_of_the_prior(
        &self,
        chain: usize,
        uniform: State,
        kernel: &mut BoxedKernel,
        origin: &Origin<'_>,
    ) -> State {
        // A seed of its own, so that the chain's stream goes on as it does without a prior.
        let seed = self.seed.wrapping_add((chain as u64) << 32);
        let prior = match (&self.start, origin.density) {
            (Start::Uniform, Some(density)) => density.start(seed).ok(),
            _ => None,
        };
        let prior = prior.and_then(|position| kernel.state_at(position).ok());
        let is_better = |prior: &State| {
            prior.log_prob - uniform.log_prob > OTHER_UNITS
                && what_is_wrong(prior, origin.sites).is_none()
        };
        prior.filter(is_better).unwrap_or(uniform)
    }

    fn draw_start(
        &self,
        dim: usize,
        origin: &Origin<'_>,
        (chain, tries): (usize, usize),
        stream: &mut Stream,
    ) -> Result<Vec<f64>, InferenceError> {
        let start = match (&self.start, origin.density) {
            (Start::Uniform, _) => {
                return Ok((0..dim).map(|_| 4.0 * stream.uniform() - 2.0).collect());
            }
            (Start::Prior, Some(density)) => density
                .start(stream.next_u64())
                .map_err(InferenceError::Density)?,
            (Start::Pathfinder, Some(_)) => origin
                .starts
                .as_ref()
                .map_or_else(Vec::new, |s| s.draw(chain.wrapping_add(tries))),
            (Start::Values(values), Some(density)) => {
                density.start_at(values, stream.next_u64())?
            }
            (Start::Prior | Start::Pathfinder | Start::Values(_), None) => {
                let allowed = "Uniform or Approximation: this density gives no starts";
                let name = match self.start {
                    Start::Prior => "Prior",
                    Start::Pathfinder => "Pathfinder",
                    _ => "Values",
                };
                return Err(setting("start_at", name, allowed));
            }
            (Start::Approximation(approximation), _) => {
                approximation.draws(1, stream.next_u64())?
            }
        };
        match start.len() == dim {
            true => Ok(start),
            false => Err(InferenceError::StartLength {
                got: start.len(),
                expected: dim,
            }),
        }
    }
}

/// What is not finite about a state, in words, and its value.
fn what_is_wrong(state: &State, sites: &[Site]) -> Option<(String, f64)> {
    if let Some((place, value)) = not_finite(&state.position) {
        return Some((format!("the start of {}", name(sites, place)), value));
    }
    if !state.log_prob.is_finite() {
        return Some(("the log density".to_owned(), state.log_prob));
    }
    let (place, value) = not_finite(&state.gradient)?;
    Some((format!("the gradient of {}", name(sites, place)), value))
}

fn not_finite(values: &[f64]) -> Option<(usize, f64)> {
    let place = values.iter().position(|v| !v.is_finite())?;
    Some((place, values[place]))
}

/// An element of the unconstrained vector, by its site.
fn name(sites: &[Site], place: usize) -> String {
    match sites.iter().find(|site| site.range().contains(&place)) {
        Some(site) => site.element(place - site.offset),
        None => format!("coordinate {place}"),
    }
}
