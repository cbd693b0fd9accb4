//! Whether momentum resampling explores the energies of a Hamiltonian sampler.

use super::DiagnosticsError;
use super::draws::{finite, mean, variance};

/// Energy Bayesian fraction of missing information of one chain (Betancourt 2016, "Diagnosing
/// suboptimal cotangent disintegrations in Hamiltonian Monte Carlo").
///
/// The mean squared change of the energy from draw to draw, by the variance of the energy.
/// Below 0.3, resampling the momentum reaches too few energies, and the tails of the posterior
/// are likely not explored.
///
/// # Errors
/// Fewer than 2 draws, an energy that is not finite, energies that are all the same.
///
/// ```
/// use bayes_nn_inference::diagnostics::e_bfmi;
/// let drifting: Vec<f64> = (0..100).map(|s| (0.1 * f64::from(s)).sin()).collect();
/// assert!(e_bfmi(&drifting)? < 0.3);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn e_bfmi(energies: &[f64]) -> Result<f64, DiagnosticsError> {
    if energies.len() < 2 {
        return Err(DiagnosticsError::TooFewDraws {
            needed: 2,
            got: energies.len(),
        });
    }
    finite(0, energies)?;
    let variance = variance(energies);
    if variance == 0.0 {
        return Err(DiagnosticsError::Constant);
    }
    let changes = energies.windows(2).map(|pair| pair[1] - pair[0]);
    let squares: Vec<f64> = changes.map(|change| change * change).collect();
    Ok(mean(&squares) / variance)
}
