//! The weights of draws of several normals, and draws by weight.

use bayes_nn_autodiff::noise::{self, NoiseKey};

use super::gaussian::Gaussian;
use crate::InferenceError;
use crate::diagnostics::{Psis, by_weight, log_sum_exp, psis};

/// The noise stream of an order by weight.
const RESAMPLE: u32 = 1;
/// Fewer ratios have no tail that can be smoothed.
const LEAST: usize = 25;
/// Logarithms of ratios that differ by less are equal.
const EQUAL: f64 = 1e-6;

/// The importance ratios of a draw, as logarithms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    /// To the normal that it is a draw of.
    pub(super) own: f64,
    /// To the mixture of all normals.
    pub(super) mixed: f64,
}

impl Ratio {
    /// Where the density has no value.
    pub(super) const NONE: Ratio = Ratio {
        own: f64::NEG_INFINITY,
        mixed: f64::NEG_INFINITY,
    };

    /// At `z`, a draw of one of the normals of a mixture: its number, and its log density there.
    pub(super) fn of(
        log_p: f64,
        (own, log_q): (usize, f64),
        z: &[f64],
        mixture: &[(&Gaussian, f64)],
    ) -> Ratio {
        let of = |(number, (normal, share)): (usize, &(&Gaussian, f64))| match number == own {
            true => share.ln() + log_q,
            false => share.ln() + normal.log_prob(z),
        };
        let logs: Vec<f64> = mixture.iter().enumerate().map(of).collect();
        Ratio {
            own: log_p - log_q,
            mixed: log_p - log_sum_exp(&logs),
        }
    }
}

/// A draw of the normal of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) path: usize,
    pub(super) draw: usize,
}

/// Draws with their weights.
#[derive(Clone, Debug)]
pub(super) struct Weighted {
    pub(super) places: Vec<Place>,
    /// Their logarithms; the weights sum to 1.
    pub(super) log_weights: Vec<f64>,
    pub(super) k_hat: f64,
}

/// Smooths the ratios of the draws of each path. Those without a finite ratio are left out.
pub(super) fn weighted(ratios: Vec<Vec<Ratio>>) -> Result<Weighted, InferenceError> {
    let mut places = Vec::new();
    let mut finite = Vec::new();
    for (path, ratios) in ratios.into_iter().enumerate() {
        for (draw, ratio) in ratios.into_iter().enumerate() {
            if ratio.mixed.is_finite() {
                places.push(Place { path, draw });
                finite.push(ratio.mixed);
            }
        }
    }
    let (low, high) = finite
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), ratio| {
            (low.min(*ratio), high.max(*ratio))
        });
    let equal = high - low < EQUAL;
    let (log_weights, k_hat) = match equal || finite.len() < LEAST {
        true => {
            let sum = log_sum_exp(&finite);
            let weights = finite.iter().map(|ratio| ratio - sum).collect();
            (weights, if equal { 0.0 } else { f64::INFINITY })
        }
        false => {
            let Psis { log_weights, k_hat } = psis(&finite, 1.0)?;
            (log_weights, k_hat.unwrap_or(0.0))
        }
    };
    Ok(Weighted {
        places,
        log_weights,
        k_hat,
    })
}

impl Weighted {
    /// So many draws by weight, with replacement and in random order.
    pub(super) fn resample(&self, draws: usize, seed: u64) -> Vec<usize> {
        by_weight(&self.log_weights, draws, seed)
    }

    /// All draws in the order of a draw by weight without replacement: by falling `ln w + Gumbel
    /// noise` (Efraimidis and Spirakis 2006).
    pub(super) fn ranked(&self, seed: u64) -> Vec<usize> {
        let key = |place: usize| {
            let key = NoiseKey {
                seed,
                step: place as u64,
                stream: RESAMPLE,
            };
            self.log_weights[place] - (-noise::uniform(&key, 0, 0).ln()).ln()
        };
        let mut places: Vec<(f64, usize)> = (0..self.places.len())
            .map(|place| (key(place), place))
            .collect();
        places.sort_by(|a, b| b.0.total_cmp(&a.0));
        places.into_iter().map(|(_, place)| place).collect()
    }
}
