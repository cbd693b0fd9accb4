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

/// Gamma with rate 1, of any concentration above 0.
pub(crate) fn gamma(concentration: f64, rng: &mut dyn Rng) -> f64 {
    match concentration < 1.0 {
        true => libm::exp(log_gamma(concentration, rng)),
        false => large_gamma(concentration, rng),
    }
}

/// The logarithm of [`gamma`], which has a value where the gamma itself underflows.
pub(crate) fn log_gamma(concentration: f64, rng: &mut dyn Rng) -> f64 {
    match concentration < 1.0 {
        true => {
            let power = libm::log(uniform(rng)) / concentration;
            libm::log(large_gamma(concentration + 1.0, rng)) + power
        }
        false => libm::log(large_gamma(concentration, rng)),
    }
}

/// Gamma of a concentration of at least 1; NaN for what is none.
///
/// G. Marsaglia and W. W. Tsang, *A Simple Method for Generating Gamma Variables*, 2000.
fn large_gamma(concentration: f64, rng: &mut dyn Rng) -> f64 {
    if !(1.0..f64::INFINITY).contains(&concentration) {
        return f64::NAN;
    }
    let d = concentration - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let base = 1.0 + c * x;
        if base <= 0.0 {
            continue;
        }
        let v = base * base * base;
        let u = uniform(rng);
        let square = x * x;
        if u < 1.0 - 0.0331 * square * square
            || libm::log(u) < 0.5 * square + d * (1.0 - v + libm::log(v))
        {
            return d * v;
        }
    }
}

/// The parameters of a draw as an array; NaN for those that are missing.
pub(crate) fn numbers<const N: usize>(parameters: &[f64]) -> [f64; N] {
    std::array::from_fn(|i| parameters.get(i).copied().unwrap_or(f64::NAN))
}
