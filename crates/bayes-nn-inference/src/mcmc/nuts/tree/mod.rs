//! One transition: a trajectory that doubles until it turns, and a draw from its points.
//!
//! Multinomial NUTS (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte Carlo",
//! appendix A; Hoffman and Gelman 2014 for the doubling). Points are weighted by
//! `exp(-energy)`. Within a doubling the draw is uniform by weight; between the old trajectory
//! and its doubling it is biased towards the new half, which keeps the density and moves
//! further. A trajectory turns when the distance between its ends would shrink in stretched
//! space; besides its ends, each end is compared with the first point of the other half, without
//! which trajectories on independent normals can run through whole periods unseen.

mod arena;
#[cfg(test)]
mod tests;

use rand_core::Rng;

pub(super) use self::arena::{Arena, Dynamics};
use self::arena::{End, Part};
use super::random::Variates;
use super::state::State;
use super::statistics::{Info, Statistics};
use crate::log_density::{EvalError, LogDensity};

impl Arena {
    /// Draws the next state. `None` if it was interrupted, with the state as it was.
    pub(super) fn transition<D, R>(
        &mut self,
        state: &mut State,
        dynamics: &mut Dynamics<'_, D>,
        rng: &mut R,
        max_depth: u32,
    ) -> Result<Option<Info>, EvalError>
    where
        D: LogDensity + ?Sized,
        R: Rng + ?Sized,
    {
        let start = self.begin(state, dynamics.whitening, rng);
        let mut whole = Part {
            first: start,
            last: start,
            sample: self.take_sample(),
            log_weight: 0.0,
        };
        let sample = &mut self.samples[whole.sample];
        sample.state.copy_from(state);
        sample.energy = self.initial_energy;
        sample.index = 0;

        let mut depth = 0;
        let mut diverging = false;
        while depth < max_depth {
            let direction = rng.sign();
            let extent = self.nodes[whole.last].index - self.nodes[whole.first].index;
            if direction * (extent as f64) < 0.0 {
                std::mem::swap(&mut whole.first, &mut whole.last);
            }
            let new = match self.grow(whole.last, direction, depth, dynamics, rng) {
                Ok(new) => new,
                Err(End::Turned) => break,
                Err(End::Diverged) => {
                    diverging = true;
                    break;
                }
                Err(End::Interrupted) => return Ok(None),
                Err(End::Failed(error)) => return Err(error),
            };
            depth += 1;
            let accepted = new.log_weight >= whole.log_weight
                || rng.uniform() < (new.log_weight - whole.log_weight).exp();
            let turned = self.turns(whole, new, direction);
            let total = log_sum_exp(whole.log_weight, new.log_weight);
            whole = self.join(whole, new, total, accepted);
            if turned {
                break;
            }
        }

        let sample = &self.samples[whole.sample];
        state.copy_from(&sample.state);
        Ok(Some(Info {
            statistics: Statistics {
                log_prob: state.log_prob,
                energy: sample.energy,
                energy_error: sample.energy - self.initial_energy,
                depth,
                leapfrog_steps: self.leapfrog_steps,
                diverging,
                step_size: dynamics.step_size,
                acceptance: self.acceptance / f64::from(self.leapfrog_steps.max(1)),
            },
            moved: sample.index,
        }))
    }

    /// The energy error of a single leapfrog step with a fresh momentum; infinite if there is no
    /// density after it. `None` if it was interrupted.
    pub(super) fn try_leapfrog<D, R>(
        &mut self,
        state: &State,
        dynamics: &mut Dynamics<'_, D>,
        rng: &mut R,
    ) -> Result<Option<f64>, EvalError>
    where
        D: LogDensity + ?Sized,
        R: Rng + ?Sized,
    {
        let start = self.begin(state, dynamics.whitening, rng);
        match self.leapfrog(start, 1.0, dynamics) {
            Ok(part) => Ok(Some(-part.log_weight)),
            Err(End::Interrupted) => Ok(None),
            Err(End::Failed(error)) => Err(error),
            Err(End::Diverged | End::Turned) => Ok(Some(f64::INFINITY)),
        }
    }

    /// Grows `2^depth` points beyond the node `tip`.
    fn grow<D, R>(
        &mut self,
        tip: usize,
        direction: f64,
        depth: u32,
        dynamics: &mut Dynamics<'_, D>,
        rng: &mut R,
    ) -> Result<Part, End>
    where
        D: LogDensity + ?Sized,
        R: Rng + ?Sized,
    {
        if depth == 0 {
            return self.leapfrog(tip, direction, dynamics);
        }
        let near = self.grow(tip, direction, depth - 1, dynamics, rng)?;
        let far = self.grow(near.last, direction, depth - 1, dynamics, rng)?;
        if self.turns(near, far, direction) {
            return Err(End::Turned);
        }
        let total = log_sum_exp(near.log_weight, far.log_weight);
        let accepted = rng.uniform() < (far.log_weight - total).exp();
        Ok(self.join(near, far, total, accepted))
    }

    /// Joins two parts of which `far` follows `near`, with their weight in all, and frees what is
    /// inside.
    fn join(&mut self, near: Part, far: Part, log_weight: f64, far_sample: bool) -> Part {
        if near.last != near.first {
            self.free_nodes.push(near.last);
        }
        if far.first != far.last {
            self.free_nodes.push(far.first);
        }
        let (sample, other) = match far_sample {
            true => (far.sample, near.sample),
            false => (near.sample, far.sample),
        };
        self.free_samples.push(other);
        Part {
            first: near.first,
            last: far.last,
            sample,
            log_weight,
        }
    }
}

fn log_sum_exp(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    match large == f64::NEG_INFINITY {
        true => large,
        false => large + (small - large).exp().ln_1p(),
    }
}
