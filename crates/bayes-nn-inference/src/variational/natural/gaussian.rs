//! The normal distribution of any covariance.

use faer::Mat;

use super::guide::{Batch, Guide, movement};
use super::linear::{cholesky, from_lower_triangle, inverse, lower_triangle, mean_column, product};
use super::linear::{solve, solve_transposed};

/// A normal distribution by its mean and the lower Cholesky factor `L` of its precision `L L^T`.
#[derive(Clone, Debug)]
pub(crate) struct Gaussian {
    mean: Vec<f64>,
    factor: Mat<f64>,
}

impl Gaussian {
    /// From a mean `[P]` and a covariance `[P, P]`; nothing if that is not positive definite.
    pub fn new(mean: Vec<f64>, covariance: Mat<f64>) -> Option<Gaussian> {
        let root = inverse(&cholesky(covariance)?);
        let precision = product(root.transpose(), root.as_ref());
        let factor = cholesky(precision)?;
        Some(Gaussian { mean, factor })
    }

    /// Independent coordinates with these standard deviations.
    pub fn independent(mean: Vec<f64>, sd: &[f64]) -> Gaussian {
        let dim = mean.len();
        let factor = Mat::from_fn(dim, dim, |i, j| if i == j { 1.0 / sd[i] } else { 0.0 });
        Gaussian { mean, factor }
    }

    /// The standard normal distribution.
    pub fn standard(dim: usize) -> Gaussian {
        Gaussian::independent(vec![0.0; dim], &vec![1.0; dim])
    }

    /// From the lower Cholesky factor of the precision, `[P, P]`.
    pub fn with_factor(mean: Vec<f64>, factor: Mat<f64>) -> Gaussian {
        Gaussian { mean, factor }
    }

    /// The lower Cholesky factor of the precision.
    pub fn factor(&self) -> &Mat<f64> {
        &self.factor
    }

    /// The covariance, `[P, P]`.
    pub fn covariance(&self) -> Mat<f64> {
        let root = inverse(&self.factor);
        product(root.transpose(), root.as_ref())
    }
}

impl Guide for Gaussian {
    const MIRRORED: bool = false;

    // With fewer, the curvature along the few directions that were drawn seems P / B times as large.
    fn least_draws(dim: usize) -> usize {
        dim
    }

    fn mean(&self) -> &[f64] {
        &self.mean
    }

    fn sd(&self) -> Vec<f64> {
        let root = inverse(&self.factor);
        (0..self.mean.len())
            .map(|i| root.col(i).norm_l2())
            .collect()
    }

    fn log_det(&self) -> f64 {
        (0..self.mean.len()).map(|i| self.factor[(i, i)].ln()).sum()
    }

    fn precision(&self) -> Mat<f64> {
        product(self.factor.as_ref(), self.factor.transpose())
    }

    fn with(&self, mean: Vec<f64>, precision: Mat<f64>) -> Option<Gaussian> {
        let factor = cholesky(precision)?;
        Some(Gaussian { mean, factor })
    }

    fn draws(&self, noise: &Mat<f64>) -> Mat<f64> {
        let mut draws = solve_transposed(&self.factor, noise.clone());
        for draw in draws.col_iter_mut() {
            for (z, mean) in draw.iter_mut().zip(&self.mean) {
                *z += mean;
            }
        }
        draws
    }

    /// With the residuals `r = grad ln p - grad ln q` of the draws, which vanish where the two are
    /// equal (Roeder, Wu and Duvenaud 2017, "Sticking the landing"), and `W = -sym(L^-1 cov(r,
    /// u))`, the precision becomes `L (I + rate W + rate^2 W^2 / 2) L^T`, positive definite at
    /// any rate (Lin, Schmidt and Khan 2020, "Handling the positive-definite constraint in the
    /// Bayesian learning rule", equation 14).
    fn ascend(&self, batch: &Batch, rate: f64) -> Option<Gaussian> {
        let dim = self.mean.len();
        let mut residuals = product(self.factor.as_ref(), batch.noise.as_ref());
        residuals += &batch.gradients;
        let whitened = solve(&self.factor, residuals);
        // Far from the density residuals are large and nearly the same at all draws: what is the
        // same says nothing of curvatures.
        let mean = mean_column(&whitened);
        let centred = Mat::from_fn(dim, whitened.ncols(), |i, j| {
            whitened[(i, j)] - mean[(i, 0)]
        });
        let products = product(centred.as_ref(), batch.noise.transpose());
        let count = 2.0 * (batch.log_probs.len() as f64 - 1.0);
        let w = Mat::from_fn(dim, dim, |i, j| {
            -(products[(i, j)] + products[(j, i)]) / count
        });
        let square = product(w.as_ref(), w.as_ref());
        let change = Mat::from_fn(dim, dim, |i, j| {
            let identity = if i == j { 1.0 } else { 0.0 };
            identity + rate * w[(i, j)] + 0.5 * rate * rate * square[(i, j)]
        });
        let factor = product(self.factor.as_ref(), cholesky(change)?.as_ref());
        let force = product(self.factor.as_ref(), mean.as_ref());
        let moved = movement(&factor, solve(&factor, force), rate);
        let mean: Vec<f64> = (self.mean.iter().zip(moved.col_as_slice(0)))
            .map(|(mean, moved)| mean + moved)
            .collect();
        let finite = factor.is_all_finite() && mean.iter().all(|m| m.is_finite());
        let positive = (0..dim).all(|i| factor[(i, i)] > 0.0);
        (finite && positive).then_some(Gaussian { mean, factor })
    }

    fn numbers(&self) -> Vec<f64> {
        let mut numbers = self.mean.clone();
        numbers.extend(lower_triangle(&self.factor));
        numbers
    }

    fn again(&self, numbers: &[f64]) -> Option<Gaussian> {
        let (mean, lower) = numbers.split_at_checked(self.mean.len())?;
        let factor = from_lower_triangle((mean.len(), mean.len()), lower)?;
        let finite = numbers.iter().all(|v| v.is_finite());
        let positive = (0..mean.len()).all(|i| factor[(i, i)] > 0.0);
        let mean = mean.to_vec();
        (finite && positive).then_some(Gaussian { mean, factor })
    }

    fn narrowed(&self) -> Gaussian {
        Gaussian {
            mean: self.mean.clone(),
            factor: &self.factor * faer::Scale(2.0f64.sqrt()),
        }
    }
}
