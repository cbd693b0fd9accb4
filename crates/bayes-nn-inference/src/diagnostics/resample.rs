//! Draws by weight.

use bayes_nn_autodiff::noise::{self, NoiseKey};

use super::Psis;

/// The noise streams of draws by weight and of their order.
const RESAMPLE: u32 = 1;
const ORDER: u32 = 2;

impl Psis {
    /// So many of the draws by weight, by their numbers, with replacement and in random order: one of
    /// weight `w` comes `w * draws` times, rounded up or down (systematic resampling).
    ///
    /// ```
    /// use bayes_nn_inference::diagnostics::psis;
    /// let log_ratios: Vec<f64> = (0..1_000).map(|s| f64::from(s / 500)).collect();
    /// let chosen = psis(&log_ratios, 1.0)?.resample(500, 0);
    /// // Those of the second half weigh e times as much as the others.
    /// let late = chosen.iter().filter(|draw| **draw >= 500).count();
    /// assert!((late as f64 / 500.0 - 1.0 / (1.0 + (-1f64).exp())).abs() < 0.01);
    /// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
    /// ```
    pub fn resample(&self, draws: usize, seed: u64) -> Vec<usize> {
        by_weight(&self.log_weights, draws, seed)
    }
}

/// So many places by the weights there, which sum to 1, with replacement and in random order: draw
/// `i` is where the sum of weights passes `(i + u) / draws`.
pub(crate) fn by_weight(log_weights: &[f64], draws: usize, seed: u64) -> Vec<usize> {
    let uniform = |stream, column: usize| {
        let key = NoiseKey {
            seed,
            step: column as u64,
            stream,
        };
        noise::uniform(&key, 0, 0)
    };
    let u = uniform(RESAMPLE, 0);
    let mut chosen = Vec::with_capacity(draws);
    let (mut sum, mut place) = (log_weights[0].exp(), 0);
    for draw in 0..draws {
        let target = (draw as f64 + u) / draws as f64;
        while sum < target && place + 1 < log_weights.len() {
            place += 1;
            sum += log_weights[place].exp();
        }
        chosen.push(place);
    }
    for last in (1..draws).rev() {
        let other = (uniform(ORDER, last) * (last + 1) as f64) as usize;
        chosen.swap(last, other.min(last));
    }
    chosen
}
