//! Whether chains agree: rank-normalised split R-hat.

use super::DiagnosticsError;
use super::draws::{Draws, mean, variance};

/// Rank-normalised split R-hat (Vehtari et al. 2021, sections 3 and 4).
///
/// Chains are halved, draws replaced by the normal scores of their ranks, and
/// R-hat = sqrt(((S - 1) W + B) / (S W)) taken, with W the mean of the variances within the
/// half-chains of S draws, and B that of their means, times S. The result is the larger of two:
/// of the draws (means that differ), and of their distances from the median (spreads that
/// differ). Chains that agree have values near 1; above 1.01 they should not be trusted yet.
///
/// Infinite where every half-chain stands still, but not at the same value.
///
/// # Errors
/// Fewer than 2 chains, chains of different lengths or of fewer than 4 draws, a draw that is not
/// finite, draws that are all the same.
///
/// ```
/// use bayes_nn_inference::diagnostics::r_hat;
/// let wave = |phase: f64| -> Vec<f64> { (0..200).map(|s| (phase + 2.4 * f64::from(s)).sin()).collect() };
/// let (a, b) = (wave(0.0), wave(1.0));
/// assert!(r_hat(&[&a, &b])? < 1.01);
/// let elsewhere: Vec<f64> = b.iter().map(|x| x + 1.0).collect();
/// assert!(r_hat(&[&a, &elsewhere])? > 1.2);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn r_hat(chains: &[&[f64]]) -> Result<f64, DiagnosticsError> {
    let halves = Draws::new(chains, 2)?.split();
    let bulk = potential_scale_reduction(&halves.rank_normalize());
    let bulk = bulk.ok_or(DiagnosticsError::Constant)?;
    // All draws equally far from the median: they say nothing of spreads.
    let tail = potential_scale_reduction(&halves.fold().rank_normalize());
    Ok(tail.map_or(bulk, |tail| bulk.max(tail)))
}

/// R-hat of chains as they are (Gelman and Rubin 1992); none for equal draws.
fn potential_scale_reduction(draws: &Draws) -> Option<f64> {
    if draws.is_constant() {
        return None;
    }
    let means: Vec<f64> = draws.chains().map(mean).collect();
    let variances: Vec<f64> = draws.chains().map(variance).collect();
    let between = variance(&means);
    let length = draws.length() as f64;
    Some((between / mean(&variances) + (length - 1.0) / length).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_stuck_at_different_values_are_infinitely_apart() {
        let (a, b) = ([0.1; 11], [0.3; 11]);
        assert_eq!(r_hat(&[&a, &b]), Ok(f64::INFINITY));
        assert_eq!(r_hat(&[&a, &a]), Err(DiagnosticsError::Constant));
    }

    #[test]
    fn draws_of_one_spread_have_the_value_of_their_means() {
        let a: Vec<f64> = (0..40).map(|s| f64::from(s % 2)).collect();
        let b: Vec<f64> = (0..40).map(|s| f64::from((s + 1) % 2)).collect();
        assert!(r_hat(&[&a, &b]).unwrap() < 1.0);
    }
}
