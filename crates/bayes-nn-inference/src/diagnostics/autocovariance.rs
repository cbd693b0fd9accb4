//! Autocovariance of long chains by a fast Fourier transform.

use std::f64::consts::TAU;

use super::draws::mean;

/// Autocovariances of one chain at lags 0, 1, ..., S - 1.
///
/// With the mean m of S draws, the lag-t value is the sum of (x_s - m)(x_(s+t) - m) over
/// s = 0, ..., S - t - 1, divided by S at every lag: a biased estimate, but a positive definite
/// one (Geyer 1992). It takes O(S log S) operations. Without draws it is empty.
///
/// ```
/// use bayes_nn_inference::diagnostics::autocovariance;
/// let at_lags = autocovariance(&[1.0, -1.0, 1.0, -1.0]);
/// for (value, expected) in at_lags.iter().zip([1.0, -0.75, 0.5, -0.25]) {
///     assert!((value - expected).abs() < 1e-15);
/// }
/// ```
pub fn autocovariance(draws: &[f64]) -> Vec<f64> {
    mean_autocovariance(std::iter::once(draws))
}

/// The mean over chains of their autocovariances. All chains are of one length.
///
/// The power spectra of all chains are added before the one transform back. Two chains a and b
/// share a transform: the autocovariance of a + ib has the sum of both as its real part.
pub(super) fn mean_autocovariance<'a>(chains: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
    let chains: Vec<&[f64]> = chains.collect();
    let length = chains[0].len();
    if length == 0 {
        return Vec::new();
    }
    // Zeros behind the draws keep the cyclic correlation from wrapping around.
    let transform = Transform::new((2 * length).next_power_of_two());
    let mut power = vec![0.0; transform.size];
    for pair in chains.chunks(2) {
        let mut spectrum = vec![(0.0, 0.0); transform.size];
        for (which, draws) in pair.iter().enumerate() {
            let mean = mean(draws);
            for (value, x) in spectrum.iter_mut().zip(*draws) {
                let part = if which == 0 {
                    &mut value.0
                } else {
                    &mut value.1
                };
                *part = x - mean;
            }
        }
        transform.run(&mut spectrum);
        for (sum, (re, im)) in power.iter_mut().zip(&spectrum) {
            *sum += re * re + im * im;
        }
    }
    let mut correlation: Vec<(f64, f64)> = power.iter().map(|&p| (p, 0.0)).collect();
    // A real spectrum: forward and inverse transform differ in the sign of the imaginary part.
    transform.run(&mut correlation);
    let scale = 1.0 / (transform.size * length * chains.len()) as f64;
    correlation[..length]
        .iter()
        .map(|(re, _)| re * scale)
        .collect()
}

/// A complex transform of a power of two, in place, decimating in time (Cooley and Tukey 1965).
struct Transform {
    size: usize,
    /// exp(-2 pi i k / size) for k below size / 2.
    roots: Vec<(f64, f64)>,
}

impl Transform {
    fn new(size: usize) -> Self {
        let root = |k: usize| {
            let (sin, cos) = (TAU * k as f64 / size as f64).sin_cos();
            (cos, -sin)
        };
        Transform {
            size,
            roots: (0..size / 2).map(root).collect(),
        }
    }

    fn run(&self, values: &mut [(f64, f64)]) {
        let bits = self.size.trailing_zeros();
        for i in 0..self.size {
            let reversed = i.reverse_bits() >> (usize::BITS - bits);
            if i < reversed {
                values.swap(i, reversed);
            }
        }
        let mut half = 1;
        while half < self.size {
            let step = self.size / (2 * half);
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                let roots = self.roots.iter().step_by(step);
                for ((a, b), &(re, im)) in low.iter_mut().zip(high).zip(roots) {
                    let turned = (b.0 * re - b.1 * im, b.0 * im + b.1 * re);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_equals_direct_sums_at_every_length() {
        for length in 1..70 {
            let chains: Vec<Vec<f64>> = (0..3)
                .map(|c| {
                    (0..length)
                        .map(|s| f64::from(c) + (1.3 * f64::from(s * s + c)).sin())
                        .collect()
                })
                .collect();
            let fast = mean_autocovariance(chains.iter().map(Vec::as_slice));
            for (lag, fast) in fast.iter().enumerate() {
                let direct = chains.iter().map(|draws| {
                    let m = mean(draws);
                    let pairs = draws.iter().zip(&draws[lag..]);
                    pairs.map(|(x, y)| (x - m) * (y - m)).sum::<f64>() / f64::from(length)
                });
                let direct = direct.sum::<f64>() / 3.0;
                assert!((fast - direct).abs() < 1e-14, "length {length}, lag {lag}");
            }
        }
    }

    #[test]
    fn no_draws_have_no_autocovariance() {
        assert!(autocovariance(&[]).is_empty());
    }
}
