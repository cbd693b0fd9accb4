//! The shortest interval that holds a share of the draws.

use super::DiagnosticsError;
use super::draws::finite;

/// The share of the draws in a highest-density interval unless another is asked for: that of
/// ArviZ 1.x, whose readers should not take it for a test at 5 %. ArviZ 0.x had 0.94.
pub const HDI_PROBABILITY: f64 = 0.89;

/// Highest-density interval of a distribution with one mode: the shortest interval between
/// draws that holds a share `probability` of them, as `[low, high]`.
///
/// With S draws in order, the k-th and the (k + floor(S probability))-th for which the difference
/// is least, so that one draw more than the share lies inside; the lowest of several (Hyndman
/// 1996; Chen and Shao 1999). Chains may be of any length.
///
/// # Errors
/// No draw, a draw that is not finite, a probability outside (0, 1].
///
/// ```
/// use bayes_nn_inference::diagnostics::hdi;
/// let draws = [9.0, 1.0, 1.5, 2.0, 1.8, 1.2, 0.0, 30.0, 1.1, 1.7];
/// assert_eq!(hdi(&[&draws], 0.6)?, [1.0, 2.0]);
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn hdi(chains: &[&[f64]], probability: f64) -> Result<[f64; 2], DiagnosticsError> {
    if !(probability > 0.0 && probability <= 1.0) {
        return Err(DiagnosticsError::Setting {
            field: "probability",
            value: probability,
            allowed: "above 0 and at most 1",
        });
    }
    for (chain, draws) in chains.iter().enumerate() {
        finite(chain, draws)?;
    }
    let mut sorted = chains.concat();
    sorted.sort_unstable_by(f64::total_cmp);
    if sorted.is_empty() {
        return Err(DiagnosticsError::TooFewDraws { needed: 1, got: 0 });
    }
    let inside = ((probability * sorted.len() as f64) as usize).min(sorted.len() - 1);
    let mut shortest = [sorted[0], sorted[inside]];
    for (&low, &high) in sorted.iter().zip(&sorted[inside..]) {
        if high - low < shortest[1] - shortest[0] {
            shortest = [low, high];
        }
    }
    Ok(shortest)
}
