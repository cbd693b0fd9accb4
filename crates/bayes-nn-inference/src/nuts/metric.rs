//! The metric: how the sampler stretches space so that all directions are about as wide.

use super::archive::Archive;

/// What the metric is made of during warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// None: all coordinates as they are.
    Identity,
    /// The variance of the draws in each coordinate, shrunk a little towards 1e-3 (Carpenter et
    /// al. 2017, "Stan: a probabilistic programming language").
    Variance,
    /// `sqrt(var(draws) / var(gradients))` in each coordinate: the diagonal metric that makes
    /// the gradients of the stretched density fit its draws best, in the mean of the squared
    /// Fisher divergence. It learns from a few draws and looks through correlations.
    #[default]
    Fisher,
}

/// Space stretched coordinate by coordinate: `x = origin + scale * y`.
///
/// In the coordinates `y` momenta are standard normal, so the inverse mass of a coordinate is
/// the square of its scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    scale: Vec<f64>,
}

/// Scales stay where squares of them are ordinary numbers.
const SCALES: (f64, f64) = (1e-10, 1e10);

impl Whitening {
    /// Space as it is.
    pub(super) fn identity(dim: usize) -> Whitening {
        Whitening {
            scale: vec![1.0; dim],
        }
    }

    /// The scale of each coordinate: the square root of the inverse mass.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        archive.floats(&mut self.scale);
    }

    /// Sets the inverse mass of each coordinate; one that is no positive number changes nothing.
    pub(super) fn set_inverse_mass(&mut self, inverse_mass: impl Iterator<Item = f64>) {
        for (scale, inverse_mass) in self.scale.iter_mut().zip(inverse_mass) {
            if inverse_mass > 0.0 && inverse_mass.is_finite() {
                *scale = inverse_mass.sqrt().clamp(SCALES.0, SCALES.1);
            }
        }
    }

    /// The point `x` that `y` stands for.
    pub(super) fn position(&self, origin: &[f64], y: &[f64], x: &mut [f64]) {
        for (((x, origin), y), scale) in x.iter_mut().zip(origin).zip(y).zip(&self.scale) {
            *x = origin + scale * y;
        }
    }

    /// The gradient with respect to `y`.
    pub(super) fn gradient(&self, gradient: &[f64], whitened: &mut [f64]) {
        for ((whitened, gradient), scale) in whitened.iter_mut().zip(gradient).zip(&self.scale) {
            *whitened = scale * gradient;
        }
    }
}
