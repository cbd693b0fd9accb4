//! Densities to sample from, and what is known about them.

use bayes_nn_inference::NutsFit;
use bayes_nn_inference::nuts::{EvalError, LogDensity};

/// Independent standard normals.
pub struct Standard(pub usize);

impl LogDensity for Standard {
    fn dim(&self) -> usize {
        self.0
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = -x;
        }
        Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
    }
}

/// Two normals with standard deviations 1 and `scale` and correlation `r`.
pub struct Correlated {
    pub r: f64,
    pub scale: f64,
}

impl LogDensity for Correlated {
    fn dim(&self) -> usize {
        2
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let (a, b) = (x[0], x[1] / self.scale);
        let rest = 1.0 - self.r * self.r;
        gradient[0] = -(a - self.r * b) / rest;
        gradient[1] = -(b - self.r * a) / rest / self.scale;
        Ok(-0.5 * (a * a + b * b - 2.0 * self.r * a * b) / rest)
    }
}

/// Standard normals of which each is correlated with the one before by `r`.
pub struct Chained {
    pub dim: usize,
    pub r: f64,
}

impl LogDensity for Chained {
    fn dim(&self) -> usize {
        self.dim
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let precision = 1.0 / (1.0 - self.r * self.r);
        gradient[0] = -x[0];
        let mut log_prob = -0.5 * x[0] * x[0];
        for i in 1..x.len() {
            let step = x[i] - self.r * x[i - 1];
            log_prob -= 0.5 * precision * step * step;
            gradient[i] = -precision * step;
            gradient[i - 1] += self.r * precision * step;
        }
        Ok(log_prob)
    }
}

/// Neal's funnel: `v ~ N(0, 3)`, and nine `x ~ N(0, exp(v / 2))`.
pub struct Funnel;

impl LogDensity for Funnel {
    fn dim(&self) -> usize {
        10
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let precision = (-x[0]).exp();
        let squares: f64 = x[1..].iter().map(|x| x * x).sum();
        gradient[0] = -x[0] / 9.0 - 4.5 + 0.5 * squares * precision;
        for (gradient, x) in gradient[1..].iter_mut().zip(&x[1..]) {
            *gradient = -x * precision;
        }
        Ok(-x[0] * x[0] / 18.0 - 4.5 * x[0] - 0.5 * squares * precision)
    }
}

/// A function that is a density.
pub struct By<F>(pub usize, pub F);

impl<F: FnMut(&[f64], &mut [f64]) -> Result<f64, EvalError>> LogDensity for By<F> {
    fn dim(&self) -> usize {
        self.0
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        (self.1)(x, gradient)
    }
}

/// One coordinate of the draws of all chains.
pub fn column(fit: &NutsFit, coordinate: usize) -> Vec<f64> {
    let chains = fit.chains().iter();
    chains.flat_map(|c| c.draws().column(coordinate)).collect()
}

/// Mean, and its standard error from the means of 20 consecutive batches.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let size = values.len() / 20;
    let means: Vec<f64> = values
        .chunks_exact(size)
        .map(|batch| batch.iter().sum::<f64>() / size as f64)
        .collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Asserts that a mean is `expected` within 4.9 standard errors of 20 batches: Student's t with
/// 19 degrees of freedom is beyond that once in 10,000 right runs.
pub fn assert_mean(values: impl IntoIterator<Item = f64>, expected: f64, what: &str) {
    let values: Vec<f64> = values.into_iter().collect();
    let (mean, error) = mean_and_error(&values);
    let z = (mean - expected) / error;
    assert!(z.abs() < 4.9, "{what}: {mean} +- {error} for {expected}");
}
