//! Where each observation lies among what the others say of it.

use bayes_nn_autodiff::noise::{self, NoiseKey};

use super::draws::finite;
use super::psis::{check_r_eff, smooth, tail_length};
use super::{DiagnosticsError, PointwiseLogLikelihood};

/// The noise stream of places among equal values.
const PLACES: u32 = 3;

/// Leave-one-out probability integral transforms: of each observation the probability of a smaller
/// value, given all other observations, in [0, 1] (Gelman et al., *Bayesian Data Analysis*, section
/// 6.3; Vehtari, Gelman and Gabry 2017). Where the model is right they are uniform.
///
/// `drawn` has a draw of each observation by each draw of the posterior, in the layout of
/// `log_likelihood`, `[chains, draws, observations]`, and `observed`, `[observations]`, what was seen.
/// Of observation i the transform is `sum_s w_s [drawn_si < observed_i]`, with the
/// [smoothed](super::psis()) weights w_s of the ratios 1 / p(y_i | theta_s). Of draws that equal the
/// observation, as counts do, a share counts that is uniform in [0, 1] and a function of `seed`
/// (Czado, Gneiting and Held 2009, "Predictive model assessment for count data", equation 2).
///
/// # Errors
/// Observations and draws of other lengths than the log likelihood; a value that is not finite; fewer
/// than 25 draws in all chains together, `r_eff` not above 0.
///
/// ```
/// use bayes_nn_inference::diagnostics::{PointwiseLogLikelihood, loo_pit};
/// // Two observations that say nothing of the draws: all of these have the same weight.
/// let log_likelihood = vec![-1.0; 200];
/// let drawn: Vec<f64> = (0..100).flat_map(|s| [f64::from(s), 7.0]).collect();
/// let pointwise = PointwiseLogLikelihood::new(&log_likelihood, [1, 100, 2])?;
/// let pit = loo_pit(&pointwise, &[24.5, 8.0], &drawn, 1.0, 0)?;
/// assert!((pit[0] - 0.25).abs() < 1e-12 && (pit[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn loo_pit(
    log_likelihood: &PointwiseLogLikelihood<'_>,
    observed: &[f64],
    drawn: &[f64],
    r_eff: f64,
    seed: u64,
) -> Result<Vec<f64>, DiagnosticsError> {
    check_r_eff(r_eff)?;
    let draws = log_likelihood.draws();
    let tail = tail_length(draws, r_eff)?;
    let observations = log_likelihood.observations();
    for (what, got, needed) in [
        ("observations", observed.len(), observations),
        ("draws of observations", drawn.len(), draws * observations),
    ] {
        if got != needed {
            return Err(DiagnosticsError::Length { what, got, needed });
        }
    }
    finite(0, observed)?;
    finite(0, drawn)?;
    let columns = log_likelihood.columns().zip(observed).enumerate();
    let transforms = columns.map(|(i, (column, &y))| {
        let log_ratios: Vec<f64> = column.iter().map(|value| -value).collect();
        let weights = smooth(&log_ratios, tail).log_weights;
        let (mut below, mut equal) = (0.0, 0.0);
        for (log_weight, &value) in weights.iter().zip(drawn[i..].iter().step_by(observations)) {
            match value {
                value if value < y => below += log_weight.exp(),
                value if value == y => equal += log_weight.exp(),
                _ => {}
            }
        }
        let key = NoiseKey {
            seed,
            step: i as u64,
            stream: PLACES,
        };
        let share = noise::uniform(&key, 0, 0);
        // Weights sum to 1 up to rounding.
        (below + share * equal).clamp(0.0, 1.0)
    });
    Ok(transforms.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_count_by_a_share_that_the_seed_determines() {
        let log_likelihood = vec![-1.0; 50 * 400];
        let pointwise = PointwiseLogLikelihood::new(&log_likelihood, [1, 50, 400]).unwrap();
        let (observed, drawn) = (vec![2.0; 400], vec![2.0; 50 * 400]);
        let of = |seed| loo_pit(&pointwise, &observed, &drawn, 1.0, seed).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        // Uniform: five standard errors of the mean of 400 are 0.072, a false alarm in 1.7 million.
        let mean = of(1).iter().sum::<f64>() / 400.0;
        assert!((mean - 0.5).abs() < 0.072, "{mean}");
    }

    #[test]
    fn an_observation_is_left_out_of_its_own_prediction() {
        // Draws near the observation had the larger likelihood, and so the smaller weight without it.
        let draws: Vec<f64> = (0..100).map(|s| f64::from(s) / 100.0).collect();
        let log_likelihood: Vec<f64> = draws.iter().map(|draw| 2.0 * draw).collect();
        let pointwise = PointwiseLogLikelihood::new(&log_likelihood, [1, 100, 1]).unwrap();
        let pit = loo_pit(&pointwise, &[0.495], &draws, 1.0, 0).unwrap()[0];
        // The integral of exp(-2 x) up to a half, by that up to 1.
        let exact = (1.0 - (-1.0_f64).exp()) / (1.0 - (-2.0_f64).exp());
        assert!((pit - exact).abs() < 0.01, "{pit} for {exact}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let log_likelihood = vec![-1.0; 100];
        let pointwise = PointwiseLogLikelihood::new(&log_likelihood, [2, 25, 2]).unwrap();
        let of = |observed: &[f64], drawn: &[f64]| {
            loo_pit(&pointwise, observed, drawn, 1.0, 0).unwrap_err()
        };
        assert_eq!(
            of(&[0.0], &[0.0; 100]).to_string(),
            "there are 1 observations; the log likelihood has 2"
        );
        assert_eq!(
            of(&[0.0; 2], &[0.0; 99]).to_string(),
            "there are 99 draws of observations; the log likelihood has 100"
        );
        assert!(matches!(
            of(&[0.0, f64::NAN], &[0.0; 100]),
            DiagnosticsError::NotFinite { draw: 1, .. }
        ));
    }
}
