//! How many independent draws the draws of correlated chains are worth.

use super::DiagnosticsError;
use super::autocovariance::mean_autocovariance;
use super::draws::{Draws, check_probability, mean, variance};

/// The quantiles that stand for the tails.
const TAILS: [f64; 2] = [0.05, 0.95];

/// Effective sample size of the bulk: of rank-normalised, halved chains (Vehtari et al. 2021,
/// section 4). It should be above 100 a chain before means and medians are read.
///
/// With the mean autocovariance g_t of C half-chains of S draws and the variance v of their
/// means, the autocorrelation at lag t is r_t = 1 - (g_0 S / (S - 1) - g_t) / (g_0 + v). These
/// are summed as far as pairs r_2k + r_(2k+1) stay positive, pairs made to fall (Geyer 1992,
/// initial monotone sequence), to tau = 1 + 2 (r_1 + r_2 + ...), and the result is C S / tau
/// (section 3.2). It is at most C S log10(C S), which antithetic chains can reach.
///
/// Draws that are all the same count in full, as ArviZ has it; an odd middle draw is left out.
///
/// # Errors
/// No chain, chains of different lengths or of fewer than 4 draws, a draw that is not finite.
///
/// ```
/// use bayes_nn_inference::diagnostics::ess_bulk;
/// let slow: Vec<f64> = (0..400).map(|s| (0.1 * f64::from(s)).sin() + (1.7 * f64::from(s)).cos()).collect();
/// assert!(ess_bulk(&[&slow])? < 200.0);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn ess_bulk(chains: &[&[f64]]) -> Result<f64, DiagnosticsError> {
    let halves = Draws::new(chains, 1)?.split();
    Ok(effective_sample_size(&halves.rank_normalize()))
}

/// Effective sample size of the tails: the smaller of [`ess_quantile`] at 5 % and at 95 %
/// (Vehtari et al. 2021, section 4). It should be above 100 a chain before intervals are read.
///
/// ArviZ 0.x and Stan have the same quantiles; ArviZ 1.x has 11 % and 89 %, its probability of
/// an interval taken for that of a tail, unless `prob=(0.05, 0.95)` is passed. The smaller
/// [`ess_quantile`] at these is the column of its `summary`.
///
/// # Errors
/// As [`ess_bulk`].
///
/// ```
/// use bayes_nn_inference::diagnostics::{ess_quantile, ess_tail};
/// let draws: Vec<f64> = (0..100).map(|s| (2.4 * f64::from(s)).sin()).collect();
/// let chains = [draws.as_slice()];
/// let smaller = ess_quantile(&chains, 0.05)?.min(ess_quantile(&chains, 0.95)?);
/// assert_eq!(ess_tail(&chains)?, smaller);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn ess_tail(chains: &[&[f64]]) -> Result<f64, DiagnosticsError> {
    let draws = Draws::new(chains, 1)?;
    let [low, high] = TAILS.map(|probability| quantile_ess(&draws, probability));
    Ok(low.min(high))
}

/// Effective sample size for a quantile: of the indicators whether a draw is at most the
/// quantile of all draws, in halved chains (Vehtari et al. 2021, section 4).
///
/// # Errors
/// As [`ess_bulk`], and a probability outside (0, 1).
///
/// ```
/// use bayes_nn_inference::diagnostics::ess_quantile;
/// let draws: Vec<f64> = (0..100).map(|s| (2.4 * f64::from(s)).sin()).collect();
/// assert!(ess_quantile(&[&draws], 0.5)? > 50.0);
/// assert!(ess_quantile(&[&draws], 1.5).is_err());
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn ess_quantile(chains: &[&[f64]], probability: f64) -> Result<f64, DiagnosticsError> {
    check_probability("probability", probability)?;
    Ok(quantile_ess(&Draws::new(chains, 1)?, probability))
}

/// Effective sample size for the mean: of halved chains, without ranks. It needs a finite
/// variance to mean anything.
///
/// # Errors
/// As [`ess_bulk`].
///
/// ```
/// use bayes_nn_inference::diagnostics::ess_mean;
/// // Neighbours that lie on opposite sides cancel: better than independent draws.
/// let draws: Vec<f64> = (0..100).map(|s| (2.4 * f64::from(s)).sin()).collect();
/// assert!(ess_mean(&[&draws])? > 100.0);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn ess_mean(chains: &[&[f64]]) -> Result<f64, DiagnosticsError> {
    Ok(mean_ess(&Draws::new(chains, 1)?))
}

/// Relative efficiency of a sampler, for [`psis`](super::psis()) and [`loo`](super::loo()): the
/// mean over the scalars of a posterior of [`ess_mean`] by the number of draws, or 1 for a
/// single chain. This is what ArviZ uses where none is passed.
///
/// Each scalar is given by its chains.
///
/// # Errors
/// No scalar, and as [`ess_bulk`].
///
/// ```
/// use bayes_nn_inference::diagnostics::{ess_mean, relative_efficiency};
/// let wave = |phase: f64| -> Vec<f64> { (0..100).map(|s| (phase + 2.4 * f64::from(s)).sin()).collect() };
/// let (a, b) = (wave(0.0), wave(1.0));
/// let chains: [&[f64]; 2] = [&a, &b];
/// assert_eq!(relative_efficiency(&[&chains])?, ess_mean(&chains)? / 200.0);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn relative_efficiency(scalars: &[&[&[f64]]]) -> Result<f64, DiagnosticsError> {
    if scalars.is_empty() {
        return Err(DiagnosticsError::TooFewChains { needed: 1, got: 0 });
    }
    let mut sum = 0.0;
    for chains in scalars {
        let draws = Draws::new(chains, 1)?;
        sum += match chains.len() {
            1 => 1.0,
            _ => mean_ess(&draws) / draws.values().len() as f64,
        };
    }
    Ok(sum / scalars.len() as f64)
}

pub(super) fn quantile_ess(draws: &Draws, probability: f64) -> f64 {
    let quantile = draws.quantile(probability);
    let below = draws.map(|x| f64::from(u8::from(x <= quantile)));
    effective_sample_size(&below.split())
}

pub(super) fn mean_ess(draws: &Draws) -> f64 {
    effective_sample_size(&draws.in_units().0.split())
}

/// The effective sample size of chains as they are.
fn effective_sample_size(draws: &Draws) -> f64 {
    let total = draws.values().len() as f64;
    if draws.is_constant() {
        return total;
    }
    let length = draws.length();
    let autocovariance = mean_autocovariance(draws.chains());
    let within = autocovariance[0] * length as f64 / (length as f64 - 1.0);
    let means: Vec<f64> = draws.chains().map(mean).collect();
    let between = if means.len() > 1 {
        variance(&means)
    } else {
        0.0
    };
    let total_variance = autocovariance[0] + between;
    let correlation = |lag: usize| match lag {
        0 => 1.0,
        _ => 1.0 - (within - autocovariance[lag]) / total_variance,
    };

    // Geyer's initial positive sequence. Of the last pair only the even term counts, once.
    let mut pairs = vec![];
    let mut even = correlation(0);
    let mut odd = correlation(1);
    let mut lag = 1;
    while lag + 3 < length && even + odd > 0.0 {
        pairs.push((even, odd));
        (even, odd) = (correlation(lag + 1), correlation(lag + 2));
        lag += 2;
    }
    let last = if even > 0.0 || even + odd >= 0.0 {
        even
    } else {
        0.0
    };

    // Geyer's initial monotone sequence.
    for i in 1..pairs.len() {
        let (before, here) = (pairs[i - 1], pairs[i]);
        if here.0 + here.1 > before.0 + before.1 {
            let half = (before.0 + before.1) / 2.0;
            pairs[i] = (half, half);
        }
    }
    let sum: f64 = pairs.iter().map(|(even, odd)| even + odd).sum();
    let tau = -1.0 + 2.0 * sum + last;
    total / tau.max(1.0 / total.log10())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_and_scale_of_the_draws_do_not_matter() {
        // Multiples of 2^-10, so that the far ones are exact as well.
        let near: Vec<f64> = (0..301)
            .map(|s| (1024.0 * (0.3 * f64::from(s)).sin() + f64::from(s)).round() / 1024.0)
            .collect();
        let far: Vec<f64> = near.iter().map(|x| x + 2f64.powi(40)).collect();
        let huge: Vec<f64> = near.iter().map(|x| x * 2f64.powi(900)).collect();
        let expected = ess_mean(&[&near]).unwrap();
        for draws in [far, huge] {
            let ess = ess_mean(&[&draws]).unwrap();
            assert!((ess / expected - 1.0).abs() < 1e-10, "{ess} for {expected}");
        }
    }
}
