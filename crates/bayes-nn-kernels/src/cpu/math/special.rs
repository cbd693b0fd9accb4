//! Special functions: scalar, in `f64` for both precisions, as the graph's reference interpreter computes them.

use bayes_nn_autodiff::special as reference;

use super::real::Real;
use crate::cpu::isa::Level;

/// ln |Gamma(x)|; see [`bayes_nn_autodiff::special::lgamma`].
#[inline]
pub fn lgamma<L: Level, T: Real>(x: T) -> T {
    T::from_f64(reference::lgamma(x.to_f64()))
}

/// Derivative of order `n` + 1 of ln Gamma; see [`bayes_nn_autodiff::special::polygamma`].
#[inline]
pub fn polygamma<L: Level, T: Real>(n: u32, x: T) -> T {
    T::from_f64(reference::polygamma(n, x.to_f64()))
}

/// Error function; see [`bayes_nn_autodiff::special::erf`].
#[inline]
pub fn erf<L: Level, T: Real>(x: T) -> T {
    T::from_f64(reference::erf(x.to_f64()))
}

/// ln(1 - erf(x)); see [`bayes_nn_autodiff::special::log_erfc`].
#[inline]
pub fn log_erfc<L: Level, T: Real>(x: T) -> T {
    T::from_f64(reference::log_erfc(x.to_f64()))
}

/// 1 - erf(x); see [`bayes_nn_autodiff::special::erfc`].
#[inline]
pub fn erfc<L: Level, T: Real>(x: T) -> T {
    T::from_f64(reference::erfc(x.to_f64()))
}
