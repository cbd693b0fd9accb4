//! Monte Carlo standard errors: how far a summary of the draws is from that of the posterior.

use super::DiagnosticsError;
use super::draws::{Draws, check_probability, mean, variance};
use super::ess::{mean_ess, quantile_ess};
use super::special;

/// Probabilities of one standard deviation below and above the mean of a normal.
const ONE_SIGMA: [f64; 2] = [0.158_655_3, 0.841_344_7];

/// Monte Carlo standard error of the mean: the standard deviation of all draws by the root of
/// [`ess_mean`](super::ess_mean()). Zero for draws that are all the same.
///
/// # Errors
/// No chain, chains of different lengths or of fewer than 4 draws, a draw that is not finite.
///
/// ```
/// use bayes_nn_inference::diagnostics::{ess_mean, mcse_mean};
/// let draws: Vec<f64> = (0..100).map(|s| (2.4 * f64::from(s)).sin()).collect();
/// let error = mcse_mean(&[&draws])?;
/// assert!((error * ess_mean(&[&draws])?.sqrt() - 0.5f64.sqrt()).abs() < 0.01);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn mcse_mean(chains: &[&[f64]]) -> Result<f64, DiagnosticsError> {
    let draws = Draws::new(chains, 1)?;
    Ok((variance(draws.values()) / mean_ess(&draws)).sqrt())
}

/// Monte Carlo standard error of the standard deviation, without a normal assumption.
///
/// With the squared distances d from the mean, and their effective sample size, it is
/// sqrt(var(d) / ess / mean(d)) / 2: the error of a variance, carried over to its root by the
/// delta method.
///
/// # Errors
/// As [`mcse_mean`], and draws that are all the same.
///
/// ```
/// use bayes_nn_inference::diagnostics::mcse_sd;
/// let draws: Vec<f64> = (0..100).map(|s| (2.4 * f64::from(s)).sin()).collect();
/// let wide: Vec<f64> = draws.iter().map(|x| 8.0 * x).collect();
/// assert!((mcse_sd(&[&wide])? / mcse_sd(&[&draws])? - 8.0).abs() < 1e-9);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn mcse_sd(chains: &[&[f64]]) -> Result<f64, DiagnosticsError> {
    let draws = Draws::new(chains, 1)?;
    if draws.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    let (draws, unit) = draws.in_units();
    let centre = mean(draws.values());
    let squares = draws.map(|x| (x - centre) * (x - centre));
    let second = mean(squares.values());
    let fourth = mean(squares.map(|square| square * square).values());
    // Squares that are all the same differ by rounding only.
    let spread = (fourth - second * second).max(0.0);
    Ok(unit * (spread / mean_ess(&squares) / second / 4.0).sqrt())
}

/// Monte Carlo standard error of a quantile.
///
/// With S the [`ess_quantile`](super::ess_quantile()) at p, the quantile's rank follows about
/// Beta(S p + 1, S (1 - p) + 1). The result is half the distance between the order statistics
/// at one standard deviation on either side of it (Vehtari et al. 2021, section 4.4).
///
/// # Errors
/// As [`mcse_mean`], and a probability outside (0, 1).
///
/// ```
/// use bayes_nn_inference::diagnostics::mcse_quantile;
/// let draws: Vec<f64> = (0..1000).map(|s| (2.4 * f64::from(s)).sin()).collect();
/// let median = mcse_quantile(&[&draws], 0.5)?;
/// assert!(0.0 < median && median < 0.1);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn mcse_quantile(chains: &[&[f64]], probability: f64) -> Result<f64, DiagnosticsError> {
    check_probability("probability", probability)?;
    let draws = Draws::new(chains, 1)?;
    let ess = quantile_ess(&draws, probability);
    let [low, high] = ONE_SIGMA.map(|level| {
        let (a, b) = (ess * probability + 1.0, ess * (1.0 - probability) + 1.0);
        special::beta_quantile(level, a, b)
    });
    let sorted = draws.sorted();
    let size = sorted.len() as f64;
    let below = (low * size - 1.0).max(0.0).floor();
    let above = (high * size - 1.0).clamp(0.0, size - 1.0).ceil();
    Ok((sorted[above as usize] - sorted[below as usize]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_scale_as_the_draws_do() {
        let draws: Vec<f64> = (0..100).map(|s| (2.4 * f64::from(s)).sin()).collect();
        let expected = mcse_sd(&[&draws]).unwrap();
        for scale in [2f64.powi(-400), 2f64.powi(400)] {
            let scaled: Vec<f64> = draws.iter().map(|x| x * scale).collect();
            let error = mcse_sd(&[&scaled]).unwrap() / scale;
            assert!(
                (error / expected - 1.0).abs() < 1e-12,
                "{error} for {expected}"
            );
        }
    }
}
