//! The metric: how the sampler stretches space so that all directions are about as wide.

use super::archive::Archive;
use super::low_rank::LowRank;
use crate::InferenceError;
use crate::check::{positive, setting};

/// What the metric is made of during warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Metric {
    /// [`Metric::LowRank`] of densities of up to 256 coordinates, and [`Metric::Fisher`] of larger
    /// ones, whose matrices would take longer than their gradients. The draws of the warm-up decide
    /// how many directions are stretched: those in which a ratio of variances above 2 is left after
    /// the coordinates have been scaled, in both halves of the draws.
    #[default]
    Automatic,
    /// None: all coordinates as they are.
    Identity,
    /// The variance of the draws in each coordinate, shrunk a little towards 1e-3 (Carpenter et
    /// al. 2017, "Stan: a probabilistic programming language").
    Variance,
    /// `sqrt(var(draws) / var(gradients))` in each coordinate: the diagonal metric that makes the
    /// gradients of the stretched density fit its draws best, in the mean of the squared Fisher
    /// divergence. It needs few draws, and correlations between coordinates do not mislead it.
    Fisher,
    /// [`Metric::Fisher`], and the few directions that are still wide or narrow after it: for
    /// densities whose coordinates are strongly correlated. A leapfrog step costs two products more
    /// for each direction, and warm-up some decompositions of matrices.
    LowRank(LowRank),
}

/// Of densities of more coordinates the automatic metric is diagonal.
const MOST_OF_LOW_RANK: usize = 256;

impl Metric {
    /// What the automatic metric is for so many coordinates; any other is itself.
    pub(super) fn of_dim(self, dim: usize) -> Metric {
        match self {
            Metric::Automatic if dim <= MOST_OF_LOW_RANK => {
                Metric::LowRank(LowRank::new().confirmed())
            }
            Metric::Automatic => Metric::Fisher,
            chosen => chosen,
        }
    }
}

/// Space stretched coordinate by coordinate, and along some orthonormal directions `u` by factors
/// `s`: `x = origin + scale * (I + sum (s - 1) u u^T) y`.
///
/// In the coordinates `y` momenta are standard normal, so the inverse mass is the stretching
/// times its own transpose: without directions, the square of the scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    scale: Vec<f64>,
    factors: Vec<f64>,
    /// One row of length `dim` for each factor.
    directions: Vec<f64>,
}

/// How far products of directions may be from 1 and 0.
const ORTHONORMAL: f64 = 1e-6;
/// Scales stay where squares of them are ordinary numbers.
const SCALES: (f64, f64) = (1e-10, 1e10);

impl Whitening {
    /// Space as it is: all scales are 1.
    pub fn identity(dim: usize) -> Whitening {
        Whitening {
            scale: vec![1.0; dim],
            factors: Vec::new(),
            directions: Vec::new(),
        }
    }

    /// A diagonal metric with these scales `[dim]`, best the standard deviations of the density.
    ///
    /// # Errors
    /// A scale that is not between 1e-10 and 1e10.
    pub fn diagonal(scale: Vec<f64>) -> Result<Whitening, InferenceError> {
        let outside = |scale: &&f64| !(SCALES.0..=SCALES.1).contains(*scale);
        match scale.iter().find(outside) {
            Some(scale) => Err(setting("scale", scale, "between 1e-10 and 1e10")),
            None => Ok(Whitening {
                scale,
                factors: Vec::new(),
                directions: Vec::new(),
            }),
        }
    }

    /// This metric with some directions stretched by factors besides: unit vectors `[dim]` of scaled
    /// space, at right angles to each other.
    ///
    /// ```
    /// use bayes_nn_inference::nuts::Whitening;
    /// let metric = Whitening::diagonal(vec![1.0, 2.0])?.stretched([(3.0, vec![0.6, 0.8])])?;
    /// let mut x = [0.0; 2];
    /// metric.unwhiten(&[0.6, 0.8], &mut x);
    /// assert!((x[0] - 1.8).abs() < 1e-12 && (x[1] - 4.8).abs() < 1e-12);
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// A factor that is not positive; a direction of another length, that is no unit vector, or that
    /// is not at right angles to those before.
    pub fn stretched(
        self,
        directions: impl IntoIterator<Item = (f64, Vec<f64>)>,
    ) -> Result<Whitening, InferenceError> {
        let dim = self.scale.len();
        let (mut factors, mut rows) = (Vec::new(), Vec::new());
        for (factor, direction) in directions {
            positive("factor", factor)?;
            let length = direction.len();
            if length != dim {
                return Err(setting(
                    "directions",
                    length,
                    format!("of the length {dim}"),
                ));
            }
            let off = |a: f64, b: f64| (a - b).abs().is_nan() || (a - b).abs() > ORTHONORMAL;
            let mut others = rows.chunks_exact(dim.max(1));
            if off(dot(&direction, &direction), 1.0) || others.any(|u| off(dot(u, &direction), 0.0))
            {
                let number = factors.len();
                return Err(setting(
                    "directions",
                    number,
                    "unit vectors at right angles",
                ));
            }
            factors.push(factor);
            rows.extend(direction);
        }
        Ok(Whitening {
            factors,
            directions: rows,
            ..self
        })
    }

    /// The scale of each coordinate: with a diagonal metric, the square root of the inverse mass.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The directions that are stretched besides, with their factors; none in a diagonal metric.
    /// They are unit vectors of scaled space, at right angles to each other.
    pub fn directions(&self) -> impl DoubleEndedIterator<Item = (f64, &[f64])> {
        let directions = self.directions.chunks_exact(self.scale.len().max(1));
        self.factors.iter().copied().zip(directions)
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        let dim = self.scale.len();
        archive.exactly(dim, &mut self.scale);
        archive.floats(&mut self.factors);
        archive.exactly(self.factors.len() * dim, &mut self.directions);
    }

    /// Sets the inverse mass of each coordinate; one that is no positive number changes nothing.
    pub(super) fn set_inverse_mass(&mut self, inverse_mass: impl Iterator<Item = f64>) {
        for (scale, inverse_mass) in self.scale.iter_mut().zip(inverse_mass) {
            if inverse_mass > 0.0 && inverse_mass.is_finite() {
                *scale = inverse_mass.sqrt().clamp(SCALES.0, SCALES.1);
            }
        }
    }

    /// Sets the directions: orthonormal rows of length `dim`, and a factor for each.
    pub(super) fn set_directions(&mut self, factors: Vec<f64>, directions: Vec<f64>) {
        self.factors = factors;
        self.directions = directions;
    }

    /// The displacement `x - origin` that `y` stands for, both `[dim]`.
    ///
    /// # Panics
    /// If a length is not the number of coordinates.
    pub fn unwhiten(&self, y: &[f64], displacement: &mut [f64]) {
        displacement.copy_from_slice(y);
        stretch(self.directions(), displacement);
        for (x, scale) in displacement.iter_mut().zip(&self.scale) {
            *x *= scale;
        }
    }

    /// What stands for a displacement: the inverse of [`Whitening::unwhiten`].
    ///
    /// # Panics
    /// If a length is not the number of coordinates.
    pub fn whiten(&self, displacement: &[f64], y: &mut [f64]) {
        y.copy_from_slice(displacement);
        for (y, scale) in y.iter_mut().zip(&self.scale) {
            *y /= scale;
        }
        let inverse = self.directions().rev();
        stretch(inverse.map(|(factor, u)| (factor.recip(), u)), y);
    }

    /// The point `x` that `y` stands for.
    pub(super) fn position(&self, origin: &[f64], y: &[f64], x: &mut [f64]) {
        x.copy_from_slice(y);
        stretch(self.directions(), x);
        for (x, (origin, scale)) in x.iter_mut().zip(origin.iter().zip(&self.scale)) {
            *x = *x * scale + origin;
        }
    }

    /// The gradient with respect to `y`, and a momentum after `time` under it.
    pub(super) fn kick(
        &self,
        gradient: &[f64],
        time: f64,
        whitened: &mut [f64],
        momentum: &mut [f64],
    ) {
        if self.factors.is_empty() {
            let both = whitened.iter_mut().zip(momentum);
            for ((whitened, momentum), (gradient, scale)) in
                both.zip(gradient.iter().zip(&self.scale))
            {
                *whitened = scale * gradient;
                *momentum += time * *whitened;
            }
            return;
        }
        self.gradient(gradient, whitened);
        for (momentum, whitened) in momentum.iter_mut().zip(whitened) {
            *momentum += time * *whitened;
        }
    }

    /// The gradient with respect to `y`.
    pub(super) fn gradient(&self, gradient: &[f64], whitened: &mut [f64]) {
        for ((whitened, gradient), scale) in whitened.iter_mut().zip(gradient).zip(&self.scale) {
            *whitened = scale * gradient;
        }
        stretch(self.directions().rev(), whitened);
    }
}

/// Multiplies what of a vector lies along each direction by its factor. The directions
/// are orthogonal, so one after the other gives the same as all at once.
fn stretch<'a>(directions: impl Iterator<Item = (f64, &'a [f64])>, vector: &mut [f64]) {
    for (factor, direction) in directions {
        let along = (factor - 1.0) * dot(direction, vector);
        for (value, direction) in vector.iter_mut().zip(direction) {
            *value += along * direction;
        }
    }
}

/// How many sums an inner product is split into, so that additions do not wait for one another.
pub(super) const LANES: usize = 8;

/// The inner product of two vectors of one length.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_directions() -> Whitening {
        let mut whitening = Whitening::identity(5);
        whitening.set_inverse_mass([0.01, 4.0, 1.0, 1e4, 0.3].into_iter());
        let r = 0.5f64.sqrt();
        let directions = vec![r, r, 0.0, 0.0, 0.0, 0.5, -0.5, 0.5, 0.0, 0.5];
        whitening.set_directions(vec![30.0, 0.02], directions);
        whitening
    }

    #[test]
    fn whitening_is_undone_by_its_inverse() {
        let whitening = with_directions();
        let y = [0.3, -1.2, 2.0, 0.7, -0.1];
        let (mut x, mut back) = ([0.0; 5], [0.0; 5]);
        whitening.unwhiten(&y, &mut x);
        whitening.whiten(&x, &mut back);
        for (y, back) in y.iter().zip(back) {
            assert!((y - back).abs() < 1e-12, "{back} for {y}");
        }
    }

    #[test]
    fn the_gradient_is_the_transpose_of_the_stretching() {
        let whitening = with_directions();
        let (y, g) = ([0.3, -1.2, 2.0, 0.7, -0.1], [1.0, 0.2, -0.4, 3.0, 0.9]);
        let (mut x, mut whitened) = ([0.0; 5], [0.0; 5]);
        whitening.unwhiten(&y, &mut x);
        whitening.gradient(&g, &mut whitened);
        let (left, right) = (dot(&g, &x), dot(&whitened, &y));
        assert!((left / right - 1.0).abs() < 1e-12, "{left} for {right}");
    }

    #[test]
    fn products_of_every_length_are_right() {
        for length in 0..30 {
            let a: Vec<f64> = (0..length).map(f64::from).collect();
            let ones = vec![1.0; a.len()];
            assert_eq!(dot(&a, &ones), f64::from(length * (length - 1) / 2));
        }
    }
}
