//! Where a fit is in its training: all that its next step depends on.

use std::collections::HashSet;

use bayes_nn_autodiff::noise;
use bayes_nn_kernels::Run;

use super::climbs::Climbs;
use super::ended::Ended;
use super::place::Place;
use super::write::average_of;
use super::{Advi, Curve, Family, Stop};
use crate::variational::natural::{Distance, End, other};
use crate::{Convergence, Density, InferenceError, ResumeError};

/// Where the restarts of a fit are in their training: what [`AdviFit::resume`](super::AdviFit::resume)
/// needs beside the guide. Noise and minibatches are functions of the seed and of how many steps or
/// gradients there were, so that the states of the step, or of the ascent by natural gradients, and the
/// curve are all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The version of the random stream that drew the noise of the steps.
    pub(crate) random_stream: u64,
    /// The rows of the density, if it had any.
    pub(crate) rows: Option<usize>,
    /// All restarts that have done a step and are to go on, in the order of their numbers; of a fit
    /// that has come to its end that which was kept.
    pub(crate) restarts: Vec<Trained>,
}

/// Where a restart is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trained {
    /// Its number.
    pub(crate) restart: usize,
    /// How many starts were tried before its own.
    pub(crate) tries: u32,
    /// How many steps there are to be; by natural gradients those that were done.
    pub(crate) steps: u64,
    /// How many gradients there were, by natural gradients or on the way to a mode.
    pub(crate) gradients: Option<u64>,
    /// The outcome of the test that ended its steps at the full rate, or of the last before.
    pub(crate) convergence: Option<Convergence>,
    /// Why it ended, if it has.
    pub(crate) stop: Option<Stop>,
    /// The guide of the best score, in the order of its blocks, if it is to be kept, and how many
    /// scores there were since.
    pub(crate) kept: Option<Vec<Vec<f64>>>,
    pub(crate) since: usize,
    /// The states of its step, the guide and what the optimiser remembers; or of its ascent by natural
    /// gradients, or of the search for its start or for a mode.
    pub(crate) states: Vec<(String, Vec<f64>)>,
    pub(crate) curve: Curve,
    pub(crate) setup_seconds: f64,
    pub(crate) seconds: f64,
}

impl Trained {
    /// Whether it came to an end of its own.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.stop.is_some_and(Stop::is_complete)
    }

    /// Its end, of a fit by natural gradients or to a mode.
    pub(super) fn end(self, advi: &Advi, density: &dyn Density) -> Result<Ended, InferenceError> {
        let stopped = || Distance::FAR.convergence(End::Looked);
        Ok(Ended {
            advi: advi.clone(),
            blocks: self.blocks(advi, density)?,
            curve: self.curve.clone(),
            convergence: self.convergence.unwrap_or_else(stopped),
            stop: self.stop.unwrap_or(Stop::Interrupted),
            gradients: self.gradients.unwrap_or(0),
            setup_seconds: self.setup_seconds,
            seconds: self.seconds,
            training: Some(self),
        })
    }

    /// The guide's parameters, in the order of its blocks, of a fit by natural gradients or to a mode.
    fn natural_blocks(&self, family: Family, dim: usize) -> Result<Vec<Vec<f64>>, InferenceError> {
        let blocks = match family {
            Family::Point => Climbs::of(self, dim)?.position().map(|at| vec![at]),
            _ => Place::of(self, family, dim)?.blocks(family),
        };
        blocks.ok_or_else(|| other("guide").into())
    }

    /// The guide's parameters, in the order of its blocks: their averages, where these have begun.
    pub(super) fn blocks(
        &self,
        advi: &Advi,
        density: &dyn Density,
    ) -> Result<Vec<Vec<f64>>, InferenceError> {
        if self.gradients.is_some() {
            return self.natural_blocks(advi.family, density.dim());
        }
        let averaged = advi.has_averages(self.curve.elbos().len());
        let names = advi.layout(density).blocks().into_iter();
        let blocks = names.map(|block| {
            let name = match averaged {
                true => average_of(block),
                false => block.to_owned(),
            };
            let mut states = self.states.iter();
            let state = states.find(|(own, _)| *own == name);
            let state = state.map(|(_, values)| values.clone());
            state.ok_or_else(|| ResumeError::NoState { name }.into())
        });
        blocks.collect()
    }
}

impl Training {
    pub(super) fn new(rows: Option<usize>, restarts: Vec<Trained>) -> Training {
        Training {
            random_stream: noise::VERSION,
            rows,
            restarts,
        }
    }

    /// What cannot be about it, in a fit with these settings.
    pub(super) fn problem(&self, settings: &Advi) -> Option<String> {
        let mut numbers = HashSet::new();
        self.restarts.iter().find_map(|trained| {
            let Trained { restart, steps, .. } = trained;
            let (done, count) = (trained.curve.elbos().len() as u64, settings.restart_count());
            if *restart >= count || !numbers.insert(restart) {
                return Some(format!(
                    "is training the restart {restart} of {count}, or twice"
                ));
            }
            let scores = trained.curve.scores().len();
            let seconds = [trained.seconds, trained.setup_seconds];
            let is_in_range = match trained.gradients {
                Some(gradients) => done == *steps && done <= gradients,
                None => (1..=*steps).contains(&done) && *steps <= settings.last_step(),
            };
            let possible = is_in_range
                && trained.since <= scores
                && seconds.iter().all(|s| *s >= 0.0 && s.is_finite());
            (!possible).then(|| {
                format!(
                    "is training the restart {restart}, which has done {done} of {steps} steps of {}, \
                     {scores} scores and {} since the best, in {} s",
                    settings.last_step(),
                    trained.since,
                    trained.seconds
                )
            })
        })
    }
}

/// The states of a replica, by their names.
pub(super) fn states_of(
    run: &Run,
    replica: usize,
) -> Result<Vec<(String, Vec<f64>)>, InferenceError> {
    let states = run.states();
    let states = states.map(|name| Ok((name.to_owned(), run.get(replica, name)?)));
    states.collect()
}

/// Puts a replica to where training was.
pub(super) fn put_states(
    trained: &Trained,
    (run, replica): (&mut Run, usize),
    seed: u64,
) -> Result<(), InferenceError> {
    let names: Vec<String> = run.states().map(str::to_owned).collect();
    for name in &names {
        let mut states = trained.states.iter();
        let state = states.find(|(own, _)| own == name);
        let Some((_, values)) = state else {
            return Err(ResumeError::NoState { name: name.clone() }.into());
        };
        run.set(replica, name, values)?;
        if let Some(element) = run.first_non_finite(replica, name)? {
            let name = name.clone();
            return Err(ResumeError::NotFinite { name, element }.into());
        }
    }
    run.rewind(replica, seed, trained.curve.elbos().len() as u64)?;
    Ok(run.save(replica)?)
}
