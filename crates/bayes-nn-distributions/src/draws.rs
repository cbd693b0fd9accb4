//! The elementary draws on the host that the distributions are made of.

use std::f64::consts::TAU;

use rand_core::Rng;

/// Uniform on the open interval (0, 1): the midpoints of 2^53 equal pieces.
pub(crate) fn uniform(rng: &mut dyn Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// Standard normal, from two uniforms.
///
/// G. Box and M. Muller, *A Note on the Generation of Random Normal Deviates*, 1958.
pub(crate) fn normal(rng: &mut dyn Rng) -> f64 {
    let radius = (-2.0 * libm::log(uniform(rng))).sqrt();
    radius * libm::cos(TAU * uniform(rng))
}

/// The parameters of a draw as an array; NaN for those that are missing.
pub(crate) fn numbers<const N: usize>(parameters: &[f64]) -> [f64; N] {
    std::array::from_fn(|i| parameters.get(i).copied().unwrap_or(f64::NAN))
}
