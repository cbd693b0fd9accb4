//! Densities whose evidence and posterior are known exactly.

use std::f64::consts::TAU;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::{Density, DensityError, Handler, Rows, Site, Term, Traced};
use bayes_nn_kernels::Binding;

/// Linear regression with known noise: `w ~ N(0, I)`, `y ~ N(X w, noise^2)`.
pub struct Regression {
    sites: Vec<Site>,
    columns: usize,
    x: Arc<[f64]>,
    y: Arc<[f64]>,
    noise: f64,
}

/// What is known of it.
pub struct Exact {
    pub log_evidence: f64,
    pub mean: Vec<f64>,
    /// Posterior standard deviations.
    pub sd: Vec<f64>,
    /// `1 / sqrt(precision_ii)`, what independent normals can reach.
    pub mean_field_sd: Vec<f64>,
}

impl Regression {
    /// A normal mean: one column of ones.
    pub fn normal_mean() -> Regression {
        let y = [1.2, 0.4, 2.2, 1.7, 0.9, 1.4, 2.0, 0.3];
        Regression::new(&[1.0; 8], 1, &y, 0.7)
    }

    /// A line with a slope and an offset that are correlated.
    pub fn line() -> Regression {
        let x: Vec<f64> = (0..12).flat_map(|i| [1.0, 0.2 * f64::from(i)]).collect();
        let y: Vec<f64> = (0..12)
            .map(|i| 0.5 + 0.3 * f64::from(i) + 0.4 * f64::from(i * i % 7) - 1.0)
            .collect();
        Regression::new(&x, 2, &y, 0.8)
    }

    pub fn new(x: &[f64], columns: usize, y: &[f64], noise: f64) -> Regression {
        Regression {
            sites: vec![Site::new("w", [columns], 0)],
            columns,
            x: x.into(),
            y: y.into(),
            noise,
        }
    }

    /// `[columns, columns]`: `I + X^T X / noise^2`.
    fn precision(&self) -> Vec<Vec<f64>> {
        let k = self.columns;
        let scale = 1.0 / (self.noise * self.noise);
        (0..k)
            .map(|i| {
                (0..k)
                    .map(|j| {
                        let products = self.x.chunks(k).map(|row| row[i] * row[j]);
                        f64::from(i == j) + scale * products.sum::<f64>()
                    })
                    .collect()
            })
            .collect()
    }

    pub fn exact(&self) -> Exact {
        let (k, n) = (self.columns, self.y.len() as f64);
        let precision = self.precision();
        let scale = 1.0 / (self.noise * self.noise);
        let right: Vec<f64> = (0..k)
            .map(|i| {
                let rows = self.x.chunks(k).zip(self.y.iter());
                scale * rows.map(|(row, y)| row[i] * y).sum::<f64>()
            })
            .collect();
        let (covariance, determinant) = inverse(&precision);
        let mean: Vec<f64> = covariance
            .iter()
            .map(|row| row.iter().zip(&right).map(|(a, b)| a * b).sum())
            .collect();
        let squares: f64 = self.y.iter().map(|y| y * y).sum();
        let explained: f64 = mean.iter().zip(&right).map(|(a, b)| a * b).sum();
        Exact {
            log_evidence: -0.5 * n * (TAU * self.noise * self.noise).ln()
                - 0.5 * determinant.ln()
                - 0.5 * (scale * squares - explained),
            mean,
            sd: (0..k).map(|i| covariance[i][i].sqrt()).collect(),
            mean_field_sd: (0..k).map(|i| precision[i][i].sqrt().recip()).collect(),
        }
    }
}

/// Inverse and determinant, by Gauss and Jordan.
fn inverse(matrix: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
    let k = matrix.len();
    let mut rows: Vec<Vec<f64>> = (0..k)
        .map(|i| {
            let unit = (0..k).map(|j| f64::from(i == j));
            matrix[i].iter().copied().chain(unit).collect()
        })
        .collect();
    let mut determinant = 1.0;
    for i in 0..k {
        let pivot = rows[i][i];
        determinant *= pivot;
        rows[i].iter_mut().for_each(|v| *v /= pivot);
        for other in (0..k).filter(|&other| other != i) {
            let factor = rows[other][i];
            let pivot = rows[i].clone();
            for (value, pivot) in rows[other].iter_mut().zip(pivot) {
                *value -= factor * pivot;
            }
        }
    }
    (
        rows.iter().map(|row| row[k..].to_vec()).collect(),
        determinant,
    )
}

impl Density for Regression {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn rows(&self) -> Option<usize> {
        Some(self.y.len())
    }

    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok((0..self.columns)
            .map(|i| (seed as f64 + i as f64 + 0.5).sin())
            .collect())
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        rows: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let n = self.y.len();
        let features = graph.input("x", [n, self.columns]);
        let targets = graph.input("y", [n]);
        let (x, y, factor) = match rows {
            Rows::Minibatch(batch) => {
                let index = graph.batch(n, batch, 1);
                let factor = n as f64 / batch as f64;
                (features.gather(index, 0), targets.gather(index, 0), factor)
            }
            _ => (features, targets, 1.0),
        };
        let normal =
            |error: Var<'g>, sd: f64| -0.5 * ((error / sd) * (error / sd) + (TAU * sd * sd).ln());
        let w = handler.unconstrained("w", [self.columns].into())?;
        let likelihood = normal(y - x.matmul(w), self.noise).sum() * factor;
        let input = |var: Var<'g>| var.input_id().ok_or("an input of the graph");
        Ok(Traced {
            terms: vec![
                Term::new("w", normal(w, 1.0).sum()),
                Term::new("y", likelihood),
            ],
            data: vec![
                Binding::new(input(features)?, self.x.clone()),
                Binding::new(input(targets)?, self.y.clone()),
            ],
            ..Traced::default()
        })
    }
}
