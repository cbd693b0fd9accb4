//! Independent normal distributions.

use std::sync::Arc;

use faer::Mat;

use super::gaussian::Gaussian;
use super::guide::{Batch, Guide, movement};
use super::linear::{mean_column, solve};

/// Independent normals, of which the means move together in the metric of a normal distribution of
/// any covariance near the density. In steps of the size of each spread alone, means of coordinates
/// that depend on one another would creep.
#[derive(Clone, Debug)]
pub(crate) struct Independent {
    mean: Vec<f64>,
    /// One over each variance.
    precision: Vec<f64>,
    /// The lower Cholesky factor of the metric.
    metric: Arc<Mat<f64>>,
}

impl Independent {
    /// The independent normals nearest to a normal distribution, in its metric: those of the same
    /// mean whose precisions are the diagonal of its precision.
    pub fn nearest(to: &Gaussian) -> Independent {
        let precision = to.precision();
        Independent {
            mean: to.mean().to_vec(),
            precision: (0..precision.nrows()).map(|i| precision[(i, i)]).collect(),
            metric: Arc::new(to.factor().clone()),
        }
    }
}

impl Guide for Independent {
    const MIRRORED: bool = true;

    fn least_draws(dim: usize) -> usize {
        dim / 4 * 2
    }

    fn mean(&self) -> &[f64] {
        &self.mean
    }

    fn sd(&self) -> Vec<f64> {
        self.precision.iter().map(|p| p.sqrt().recip()).collect()
    }

    fn log_det(&self) -> f64 {
        self.precision.iter().map(|p| 0.5 * p.ln()).sum()
    }

    fn precision(&self) -> Mat<f64> {
        Mat::from_fn(self.precision.len(), 1, |i, _| self.precision[i])
    }

    fn with(&self, mean: Vec<f64>, precision: Mat<f64>) -> Option<Independent> {
        let precision = precision.col_as_slice(0).to_vec();
        let positive = precision.iter().all(|p| *p > 0.0 && p.is_finite());
        positive.then(|| Independent {
            mean,
            precision,
            metric: self.metric.clone(),
        })
    }

    fn draws(&self, noise: &Mat<f64>) -> Mat<f64> {
        let sd = self.sd();
        Mat::from_fn(noise.nrows(), noise.ncols(), |i, j| {
            self.mean[i] + sd[i] * noise[(i, j)]
        })
    }

    /// The step of [`Gaussian`] for each coordinate, but for the metric of the means.
    fn ascend(&self, batch: &Batch, rate: f64) -> Option<Independent> {
        let (dim, count) = (self.mean.len(), batch.log_probs.len());
        let residuals = Mat::from_fn(dim, count, |i, j| {
            batch.gradients[(i, j)] + batch.noise[(i, j)] * self.precision[i].sqrt()
        });
        let precision = (0..dim).map(|i| {
            let products = (0..count).map(|j| residuals[(i, j)] * batch.noise[(i, j)]);
            let w = -products.sum::<f64>() / (count as f64 * self.precision[i].sqrt());
            self.precision[i] * (1.0 + rate * w + 0.5 * rate * rate * w * w)
        });
        let precision: Vec<f64> = precision.collect();
        let force = solve(&self.metric, mean_column(&residuals));
        let moved = movement(&self.metric, force, rate);
        let mean = self.mean.iter().zip(moved.col_as_slice(0));
        let mean: Vec<f64> = mean.map(|(mean, moved)| mean + moved).collect();
        let finite = mean.iter().chain(&precision).all(|v| v.is_finite());
        let positive = precision.iter().all(|p| *p > 0.0);
        (finite && positive).then(|| Independent {
            mean,
            precision,
            metric: self.metric.clone(),
        })
    }

    fn numbers(&self) -> Vec<f64> {
        [&self.mean[..], &self.precision].concat()
    }

    fn metric(&self) -> Option<Vec<f64>> {
        let metric = Gaussian::with_factor(self.mean.clone(), (*self.metric).clone());
        Some(metric.numbers())
    }

    fn again(&self, numbers: &[f64]) -> Option<Independent> {
        let (mean, precision) = numbers.split_at_checked(self.mean.len())?;
        let is_one = precision.len() == mean.len()
            && precision.iter().all(|p| *p > 0.0)
            && numbers.iter().all(|v| v.is_finite());
        is_one.then(|| Independent {
            mean: mean.to_vec(),
            precision: precision.to_vec(),
            metric: self.metric.clone(),
        })
    }

    fn narrowed(&self) -> Independent {
        Independent {
            precision: self.precision.iter().map(|p| 2.0 * p).collect(),
            ..self.clone()
        }
    }
}
