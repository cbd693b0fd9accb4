//! Pareto-smoothed importance sampling.

use super::DiagnosticsError;
use super::draws::finite;
use super::pareto::GeneralizedPareto;

/// Fewer draws in the tail do not make a fit.
const MIN_TAIL: usize = 5;

/// Smoothed importance weights, and whether to trust them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Psis {
    /// Logarithms of the weights, in the order of the draws; the weights sum to 1.
    pub log_weights: Vec<f64>,
    /// The shape of the largest weights: averages have a finite variance below 1/2, are usable
    /// below [`k_hat_threshold`], and mean nothing from 1 on.
    ///
    /// Infinite where a quarter of the largest weights vanish beside the very largest. None
    /// where the largest ratios do not determine it: all of them equal, a quarter of them equal to
    /// the least of them, or only five of them (fewer than 30 draws). The weights are then not
    /// smoothed.
    pub k_hat: Option<f64>,
}

/// Smooths the largest importance ratios by a generalised Pareto distribution (Vehtari, Simpson,
/// Gelman, Yao and Gabry 2024, "Pareto smoothed importance sampling").
///
/// `log_ratios` are ln p(theta_s) - ln q(theta_s) for draws theta_s of q, up to a constant. The
/// largest 3 sqrt(S / r_eff) of them (a fifth of few draws, S r_eff <= 225) are replaced by the
/// expected order statistics of the distribution fitted to them, none above the largest ratio.
/// `r_eff` is the [relative efficiency](super::relative_efficiency()) of the draws, 1 for
/// independent ones.
///
/// # Errors
/// Fewer than 25 ratios (5 in the tail), a ratio that is not finite, `r_eff` not above 0.
///
/// ```
/// use bayes_nn_inference::diagnostics::{k_hat_threshold, psis};
/// // Draws of Exp(1), weighted to Exp(1/4): the ratios are Pareto of shape 3/4.
/// let draws = (0..4000).map(|s| -((f64::from(s) + 0.5) / 4000.0).ln());
/// let log_ratios: Vec<f64> = draws.map(|x| 0.75 * x).collect();
/// let smoothed = psis(&log_ratios, 1.0)?;
/// let k_hat = smoothed.k_hat.unwrap();
/// assert!((k_hat - 0.75).abs() < 0.05 && k_hat > k_hat_threshold(4000));
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn psis(log_ratios: &[f64], r_eff: f64) -> Result<Psis, DiagnosticsError> {
    check_r_eff(r_eff)?;
    finite(0, log_ratios)?;
    let tail = tail_length(log_ratios.len(), r_eff)?;
    Ok(smooth(log_ratios, tail))
}

/// The largest k-hat at which `draws` draws give usable averages: the smaller of
/// 1 - 1 / log10(S) and 0.7 (Vehtari et al. 2024).
///
/// ```
/// use bayes_nn_inference::diagnostics::k_hat_threshold;
/// assert_eq!(k_hat_threshold(100), 0.5);
/// assert_eq!(k_hat_threshold(10_000), 0.7);
/// ```
pub fn k_hat_threshold(draws: usize) -> f64 {
    if draws > 1 {
        (1.0 - 1.0 / (draws as f64).log10()).min(0.7)
    } else {
        0.7
    }
}

pub(super) fn check_r_eff(r_eff: f64) -> Result<(), DiagnosticsError> {
    if r_eff > 0.0 && r_eff.is_finite() {
        return Ok(());
    }
    Err(DiagnosticsError::Setting {
        field: "r_eff",
        value: r_eff,
        allowed: "finite and above 0",
    })
}

/// How many of the largest ratios are smoothed (Vehtari et al. 2024).
pub(super) fn tail_length(draws: usize, r_eff: f64) -> Result<usize, DiagnosticsError> {
    let total = draws as f64;
    let tail = if total * r_eff > 225.0 {
        (3.0 * (total / r_eff).sqrt()) as usize
    } else {
        draws / 5
    };
    if tail < MIN_TAIL {
        // Draws that are each worth many have a short tail, too.
        let efficient = (r_eff * (MIN_TAIL as f64 / 3.0).powi(2)).ceil() as usize;
        return Err(DiagnosticsError::TooFewDraws {
            needed: efficient.max(5 * MIN_TAIL),
            got: draws,
        });
    }
    Ok(tail)
}

/// Smooths the `tail` largest of finite ratios, more than `tail` of them.
pub(super) fn smooth(log_ratios: &[f64], tail: usize) -> Psis {
    let largest = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut log_weights: Vec<f64> = log_ratios.iter().map(|ratio| ratio - largest).collect();
    let mut order: Vec<usize> = (0..log_weights.len()).collect();
    order.sort_by(|&i, &j| log_weights[i].total_cmp(&log_weights[j]));
    let (body, in_tail) = order.split_at(order.len() - tail);
    let cutoff = log_weights[body[body.len() - 1]].exp();
    let exceedances: Vec<f64> = in_tail
        .iter()
        .map(|&i| log_weights[i].exp() - cutoff)
        .collect();
    let tied = log_weights[in_tail[0]] == log_weights[in_tail[tail - 1]];
    let fit = GeneralizedPareto::fit(&exceedances).filter(|_| !tied);
    if let Some(fit) = fit.filter(|fit| fit.shape.is_finite() && fit.scale > 0.0) {
        for (rank, &i) in in_tail.iter().enumerate() {
            let probability = (rank as f64 + 0.5) / tail as f64;
            // The largest of the shifted log ratios is 0.
            log_weights[i] = (cutoff + fit.quantile(probability)).ln().min(0.0);
        }
    }
    // Weights that vanish beside the largest are the heaviest tail of all.
    let vanish = log_weights[in_tail[tail / 4]] < f64::MIN_POSITIVE.ln();
    let k_hat = match fit {
        Some(fit) => Some(fit.shape),
        None => vanish.then_some(f64::INFINITY),
    };
    let normalizer = log_sum_exp(&log_weights);
    for weight in &mut log_weights {
        *weight -= normalizer;
    }
    Psis { log_weights, k_hat }
}

/// ln of the sum of exponentials of finite numbers.
pub(crate) fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values.iter().map(|value| (value - largest).exp()).sum();
    largest + sum.ln()
}

/// ln of the mean of exponentials of finite numbers.
pub(super) fn log_mean_exp(values: &[f64]) -> f64 {
    log_sum_exp(values) - (values.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ratios_have_equal_weights_and_no_shape() {
        let psis = psis(&[3.0; 50], 1.0).unwrap();
        assert_eq!(psis.k_hat, None);
        for weight in psis.log_weights {
            assert!((weight + 50f64.ln()).abs() < 1e-14);
        }
    }

    #[test]
    fn weights_that_vanish_have_an_infinite_shape() {
        let log_ratios: Vec<f64> = (0..100).map(|s| 300.0 * f64::from(s)).collect();
        let psis = psis(&log_ratios, 1.0).unwrap();
        assert_eq!(psis.k_hat, Some(f64::INFINITY));
        assert_eq!(psis.log_weights[99], 0.0);
    }

    #[test]
    fn what_cannot_be_smoothed_is_an_error() {
        let too_few = DiagnosticsError::TooFewDraws {
            needed: 25,
            got: 24,
        };
        assert_eq!(psis(&[0.0; 24], 1.0), Err(too_few));
        let mut ratios = [0.0; 30];
        ratios[7] = f64::INFINITY;
        assert!(matches!(
            psis(&ratios, 1.0),
            Err(DiagnosticsError::NotFinite { draw: 7, .. })
        ));
        assert!(matches!(
            psis(&[0.0; 30], 0.0),
            Err(DiagnosticsError::Setting { field: "r_eff", .. })
        ));
    }
}
