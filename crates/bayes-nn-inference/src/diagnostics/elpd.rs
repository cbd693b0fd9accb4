//! Expected log predictive density for new data, from the pointwise log likelihood.

use std::fmt;

use super::DiagnosticsError;
use super::draws::sum_of_squares;
use super::psis::{check_r_eff, k_hat_threshold, log_mean_exp, log_sum_exp, smooth, tail_length};

/// ln p(y_i | theta_s) of each observation at each posterior draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointwiseLogLikelihood<'a> {
    values: &'a [f64],
    observations: usize,
}

impl<'a> PointwiseLogLikelihood<'a> {
    /// Values in row-major order of the shape `[chains, draws, observations]`.
    ///
    /// # Errors
    /// Values that do not fill the shape, an empty shape, a value that is not finite.
    ///
    /// ```
    /// use bayes_nn_inference::diagnostics::PointwiseLogLikelihood;
    /// let values = vec![-1.0; 2 * 100 * 3];
    /// assert!(PointwiseLogLikelihood::new(&values, [2, 100, 3]).is_ok());
    /// assert!(PointwiseLogLikelihood::new(&values, [2, 100, 4]).is_err());
    /// ```
    pub fn new(values: &'a [f64], shape: [usize; 3]) -> Result<Self, DiagnosticsError> {
        let [chains, draws, observations] = shape;
        let filled = chains
            .checked_mul(draws)
            .and_then(|total| total.checked_mul(observations));
        if values.is_empty() || filled != Some(values.len()) {
            return Err(DiagnosticsError::Shape {
                got: values.len(),
                chains,
                draws,
                observations,
            });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(DiagnosticsError::LogLikelihood {
                chain: at / observations / draws,
                draw: at / observations % draws,
                observation: at % observations,
                value: values[at],
            });
        }
        Ok(PointwiseLogLikelihood {
            values,
            observations,
        })
    }

    /// Observations of each draw.
    pub(super) fn observations(&self) -> usize {
        self.observations
    }

    /// Draws of all chains together.
    pub(super) fn draws(&self) -> usize {
        self.values.len() / self.observations
    }

    /// The values of each observation at all draws.
    pub(super) fn columns(&self) -> impl Iterator<Item = Vec<f64>> {
        (0..self.observations).map(|i| {
            let column = self.values[i..].iter().step_by(self.observations);
            column.copied().collect()
        })
    }
}

/// Leave-one-out cross-validation, all in nats; larger is better.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Loo {
    /// Expected log pointwise predictive density of new data.
    pub elpd_loo: f64,
    /// Standard error of `elpd_loo`, by the spread of `pointwise`; 0 for one observation.
    pub se: f64,
    /// Effective number of parameters: how much better the data are predicted when they are
    /// not left out.
    pub p_loo: f64,
    /// What each observation adds to `elpd_loo`.
    pub pointwise: Vec<f64>,
    /// How well the posterior stands in for the one without the observation: [`Psis::k_hat`]
    /// of each.
    ///
    /// [`Psis::k_hat`]: super::Psis::k_hat
    pub k_hats: Vec<Option<f64>>,
    /// The largest reliable k-hat, [`k_hat_threshold`] of the number of draws.
    pub k_threshold: f64,
}

impl Loo {
    /// The observations whose part cannot be relied upon: k-hat is above the threshold, or has
    /// no value.
    pub fn unreliable(&self) -> impl Iterator<Item = usize> {
        let reliable = |k: &Option<f64>| k.is_some_and(|k| k <= self.k_threshold);
        let all = self.k_hats.iter().enumerate();
        all.filter(move |(_, k)| !reliable(k)).map(|(i, _)| i)
    }
}

impl fmt::Display for Loo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "elpd_loo {:.2} ± {:.2}, p_loo {:.2} (k-hat above {:.2} or unknown: {} of {} observations)",
            self.elpd_loo,
            self.se,
            self.p_loo,
            self.k_threshold,
            self.unreliable().count(),
            self.k_hats.len()
        )
    }
}

/// Leave-one-out cross-validation by Pareto-smoothed importance sampling (Vehtari, Gelman and
/// Gabry 2017, "Practical Bayesian model evaluation using leave-one-out cross-validation and
/// WAIC").
///
/// Observation i adds ln sum_s w_s p(y_i | theta_s), with [smoothed](super::psis()) weights w_s
/// of the ratios 1 / p(y_i | theta_s). Its standard error is sqrt(n var), the variance with the
/// divisor n - 1. `r_eff` is the [relative efficiency](super::relative_efficiency()) of the
/// draws, 1 for independent ones.
///
/// # Errors
/// Fewer than 25 draws in all chains together, `r_eff` not above 0.
///
/// ```
/// use bayes_nn_inference::diagnostics::{PointwiseLogLikelihood, loo};
/// // The mean of four normal observations, by 200 evenly spread posterior draws.
/// let observed = [-1.0, 0.0, 0.5, 1.3];
/// let means = (0..200).map(|s| 0.2 + 0.5 * (2.4 * f64::from(s)).sin());
/// let values: Vec<f64> = means
///     .flat_map(|mean| observed.map(|y| -0.919 - 0.5 * (y - mean) * (y - mean)))
///     .collect();
/// let loo = loo(&PointwiseLogLikelihood::new(&values, [1, 200, 4])?, 1.0)?;
/// assert!(loo.elpd_loo < -5.0 && loo.p_loo > 0.0);
/// assert_eq!(loo.unreliable().count(), 0);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn loo(
    log_likelihood: &PointwiseLogLikelihood<'_>,
    r_eff: f64,
) -> Result<Loo, DiagnosticsError> {
    check_r_eff(r_eff)?;
    let tail = tail_length(log_likelihood.draws(), r_eff)?;
    let mut pointwise = Vec::new();
    let mut k_hats = Vec::new();
    let mut p_loo = 0.0;
    for column in log_likelihood.columns() {
        let log_ratios: Vec<f64> = column.iter().map(|value| -value).collect();
        let psis = smooth(&log_ratios, tail);
        let weighted = psis.log_weights.iter().zip(&column).map(|(w, l)| w + l);
        let elpd = log_sum_exp(&weighted.collect::<Vec<f64>>());
        p_loo += log_mean_exp(&column) - elpd;
        pointwise.push(elpd);
        k_hats.push(psis.k_hat);
    }
    let n = pointwise.len() as f64;
    let se = if pointwise.len() > 1 {
        (n * sum_of_squares(&pointwise) / (n - 1.0)).sqrt()
    } else {
        0.0
    };
    Ok(Loo {
        elpd_loo: pointwise.iter().sum(),
        se,
        p_loo,
        pointwise,
        k_hats,
        k_threshold: k_hat_threshold(log_likelihood.draws()),
    })
}

/// The widely applicable information criterion, all in nats; larger is better.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Waic {
    /// Expected log pointwise predictive density of new data.
    pub elpd_waic: f64,
    /// Standard error of `elpd_waic`, by the spread of `pointwise`.
    pub se: f64,
    /// Effective number of parameters: the posterior variances of the log likelihoods.
    pub p_waic: f64,
    /// What each observation adds to `elpd_waic`.
    pub pointwise: Vec<f64>,
    /// Whether the variance of some observation is above 0.4, where the criterion begins to
    /// fail (Vehtari et al. 2017). [`loo`] is then the one to use.
    pub unreliable: bool,
}

impl fmt::Display for Waic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (elpd, se, p) = (self.elpd_waic, self.se, self.p_waic);
        write!(f, "elpd_waic {elpd:.2} ± {se:.2}, p_waic {p:.2}")?;
        if self.unreliable {
            write!(f, " (unreliable: a log likelihood varies by more than 0.4)")?;
        }
        Ok(())
    }
}

/// The widely applicable information criterion (Watanabe 2010), as a log density (Vehtari,
/// Gelman and Gabry 2017).
///
/// Observation i adds ln mean_s p(y_i | theta_s) - var_s ln p(y_i | theta_s). Both this variance
/// and that of the standard error, sqrt(n var), have the divisor S or n, as in ArviZ 0.x; 1.x
/// has the criterion no more. Prefer [`loo`], which says where it fails.
///
/// ```
/// use bayes_nn_inference::diagnostics::{PointwiseLogLikelihood, waic};
/// let values = [-1.0, -2.0, -1.5, -2.0, -1.0, -2.0, -1.5, -2.0];
/// let waic = waic(&PointwiseLogLikelihood::new(&values, [1, 4, 2])?);
/// assert!((waic.p_waic - 0.0625).abs() < 1e-12 && !waic.unreliable);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn waic(log_likelihood: &PointwiseLogLikelihood<'_>) -> Waic {
    let mut pointwise = Vec::new();
    let mut p_waic = 0.0;
    let mut unreliable = false;
    for column in log_likelihood.columns() {
        let variance = sum_of_squares(&column) / column.len() as f64;
        pointwise.push(log_mean_exp(&column) - variance);
        p_waic += variance;
        unreliable |= variance > 0.4;
    }
    Waic {
        elpd_waic: pointwise.iter().sum(),
        se: sum_of_squares(&pointwise).sqrt(),
        p_waic,
        pointwise,
        unreliable,
    }
}
