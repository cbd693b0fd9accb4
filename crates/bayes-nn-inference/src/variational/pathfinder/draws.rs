//! The draws of a path's normal.

use bayes_nn_autodiff::noise::{self, NoiseKey};

use super::gaussian::Gaussian;
use crate::diagnostics::normal_quantile;

/// The noise stream of the draws.
const DRAWS: u32 = 0;

/// Draws by their numbers. Of each `strata` in a row every coordinate of the noise has one in each
/// of as many equally probable intervals (McKay, Beckman and Conover 1979, "A comparison of three
/// methods for selecting values of input variables", Latin hypercube sampling): each draw alone is
/// that of the normal, and their averages vary less than those of independent draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    pub(crate) seed: u64,
    pub(crate) strata: u64,
}

impl Draws {
    /// A draw, `[P]`, with its log density under the normal.
    pub(crate) fn of(self, gaussian: &Gaussian, draw: usize) -> (Vec<f64>, f64) {
        let Draws { seed, strata } = self;
        let key = NoiseKey {
            seed,
            step: draw as u64,
            stream: DRAWS,
        };
        let (round, place) = (draw as u64 / strata, draw as u64 % strata);
        let normal = |i: usize| {
            let order = (round << 32) | i as u64;
            let stratum = noise::permuted(seed, DRAWS, order, strata, place) as f64;
            normal_quantile((stratum + noise::uniform(&key, 0, i as u32)) / strata as f64)
        };
        let mut z: Vec<f64> = (0..gaussian.mean().len()).map(normal).collect();
        let log_q = gaussian.draw(&mut z);
        (z, log_q)
    }
}
