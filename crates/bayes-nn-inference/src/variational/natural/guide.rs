//! What the ascent asks of a guide.

use std::f64::consts::TAU;

use faer::Mat;

use super::linear::solve_transposed;

/// Draws of a guide at which the density and its gradient are finite.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The standard normal noise of which the draws were made, `[P, B]`.
    pub noise: Mat<f64>,
    /// The log density, `[B]` in nats.
    pub log_probs: Vec<f64>,
    /// Its gradients, `[P, B]`.
    pub gradients: Mat<f64>,
    /// How many draws are left out, as the density is not finite there.
    pub lost: usize,
}

/// A normal distribution over the unconstrained vector that natural gradients move.
pub(crate) trait Guide: Clone {
    /// Whether draws come in pairs mirrored at the mean (Hammersley and Morton 1956, "A new Monte
    /// Carlo technique: antithetic variates"): where the log density is quadratic, the mean of its
    /// gradient then has no noise. Pairs say less of curvatures than independent draws do.
    const MIRRORED: bool;

    /// How many draws a step needs at least for its noise to stay below its size.
    fn least_draws(dim: usize) -> usize;

    /// The mean, `[P]`.
    fn mean(&self) -> &[f64];

    /// The marginal standard deviations, `[P]`.
    fn sd(&self) -> Vec<f64>;

    /// The sum of the logarithms of the diagonal of a Cholesky factor of the precision.
    fn log_det(&self) -> f64;

    /// The precision: a matrix, or a column of the diagonal.
    fn precision(&self) -> Mat<f64>;

    /// This guide with another mean and precision; nothing if that is not positive.
    fn with(&self, mean: Vec<f64>, precision: Mat<f64>) -> Option<Self>;

    /// Draws `[P, B]` of standard normal noise `[P, B]`.
    fn draws(&self, noise: &Mat<f64>) -> Mat<f64>;

    /// A step of natural-gradient ascent of the ELBO at a rate between 0 and 1. Of a normal density
    /// a step at rate 1 would find it. Nothing if a number is not finite after it.
    fn ascend(&self, batch: &Batch, rate: f64) -> Option<Self>;

    /// All of it that steps change, as numbers of which [`again`](Guide::again) makes the same guide.
    fn numbers(&self) -> Vec<f64>;

    /// The [numbers](Guide::numbers) of a normal distribution whose precision is the metric of the means,
    /// where that stays as it is.
    fn metric(&self) -> Option<Vec<f64>> {
        None
    }

    /// This guide with other [numbers](Guide::numbers); nothing if they are none of such a guide.
    fn again(&self, numbers: &[f64]) -> Option<Self>;

    /// The same with half of every variance.
    fn narrowed(&self) -> Self;

    /// The mean of `ln p - ln q` at the draws, in nats.
    fn elbo(&self, batch: &Batch) -> f64 {
        let count = batch.log_probs.len() as f64;
        let squares: f64 = (0..batch.noise.ncols())
            .map(|draw| batch.noise.col(draw).squared_norm_l2())
            .sum();
        let log_q = self.log_det() - 0.5 * self.mean().len() as f64 * TAU.ln();
        (batch.log_probs.iter().sum::<f64>() + 0.5 * squares) / count - log_q
    }
}

/// The movement of a mean from the mean `force` in coordinates in which the metric `L L^T` is the
/// identity, and not farther than a draw of a standard normal lies from its mean.
pub(super) fn movement(metric: &Mat<f64>, force: Mat<f64>, rate: f64) -> Mat<f64> {
    let most = 1.0 + (force.nrows() as f64).sqrt();
    let length = force.norm_l2();
    let scale = rate * most / length.max(most);
    solve_transposed(metric, force) * faer::Scale(scale)
}
