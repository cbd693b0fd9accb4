//! Gaussian guides moved by natural gradients.
//!
//! Where a density is cheap and its coordinates are some hundreds at the most, a few thousand
//! gradients are enough: the steps of a guide are measured in its own spread, so that they suit a
//! posterior of any place and scale (Khan and Rue 2023, "The Bayesian learning rule", section 4).

mod ascent;
mod gaussian;
mod guide;
mod independent;
mod linear;
mod position;
#[cfg(test)]
mod tests;

pub(crate) use ascent::{Ascent, Distance, End, Look};
pub(crate) use gaussian::Gaussian;
pub(crate) use guide::Guide;
pub(crate) use independent::Independent;
pub(crate) use linear::{cholesky, inverse};
pub(crate) use position::{Position, States, find, metric_of, other, state};
