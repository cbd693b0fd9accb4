//! Normals whose covariance is a diagonal and a few directions: `D^2 + F F^T` with `D` diagonal and `F`
//! of few columns (Ong, Nott and Smith 2018, "Gaussian variational approximation with a factor
//! covariance structure", J. Comput. Graph. Stat. 27).

use super::{Approximation, Family};
use crate::{InferenceError, Site};

impl Approximation {
    /// A normal over these sites by its mean `[P]`, standard deviations `[P]` of noise that each
    /// coordinate has for itself, and a factor, row-major `[P, rank]`: its covariance is `D^2 + F F^T`.
    ///
    /// ```
    /// use bayes_nn_inference::{Approximation, Site};
    /// let sites = vec![Site::new("x", [2], 0)];
    /// let guide = Approximation::low_rank(sites, vec![0.0; 2], vec![3.0, 5.0], vec![4.0, 12.0])?;
    /// assert_eq!(guide.sd(), [5.0, 13.0]);
    /// assert_eq!(guide.factor(), Some((&[3.0, 5.0][..], &[4.0, 12.0][..])));
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Approximation::independent`]; a site that is a point; a factor that is empty or does not fill
    /// its rows.
    pub fn low_rank(
        sites: Vec<Site>,
        mean: Vec<f64>,
        sd: Vec<f64>,
        factor: Vec<f64>,
    ) -> Result<Approximation, InferenceError> {
        let dim = mean.len().max(1);
        if factor.is_empty() || !factor.len().is_multiple_of(dim) {
            let problem = format!("has a factor of {} elements for {dim} means", factor.len());
            return Err(InferenceError::Guide { problem });
        }
        let guide = Approximation {
            family: Family::LowRank {
                rank: factor.len() / dim,
            },
            sites,
            mean: mean.into(),
            diagonal: sd.into(),
            strict: [].into(),
            factor: factor.into(),
        };
        guide.checked()
    }

    /// What a guide of low rank consists of besides its mean: the standard deviations `[P]` of the noise of
    /// each coordinate, and the factor, row-major `[P, rank]`. None of other families.
    pub fn factor(&self) -> Option<(&[f64], &[f64])> {
        (!self.factor.is_empty()).then_some((&self.diagonal, &self.factor))
    }

    /// The columns of the factor; 0 of other families.
    pub(super) fn rank(&self) -> usize {
        self.factor.len() / self.dim().max(1)
    }

    /// The row of the factor that belongs to a coordinate; empty of other families.
    pub(super) fn factor_of(&self, coordinate: usize) -> &[f64] {
        let rank = self.rank();
        &self.factor[coordinate * rank..][..rank]
    }

    /// The lower Cholesky factor of `D^2 + F F^T`, row-major `[P, P]`.
    pub(super) fn cholesky_of_factor(&self) -> Vec<f64> {
        let mut lower = diagonal_matrix(&self.diagonal);
        for column in 0..self.rank() {
            let vector = (0..self.dim()).map(|i| self.factor_of(i)[column]);
            update(&mut lower, vector.collect());
        }
        lower
    }

    /// The quadratic form `x^T (D^2 + F F^T)^-1 x` and half the logarithm of the determinant, by those of
    /// the small matrix `I + B^T B` with `B = D^-1 F` (the identities of Woodbury and Sylvester).
    pub(super) fn quadratic_form(&self, x: &[f64]) -> (f64, f64) {
        let rank = self.rank();
        let mut lower = diagonal_matrix(&vec![1.0; rank]);
        let (mut squares, mut log_det) = (0.0, 0.0);
        let mut along = vec![0.0; rank];
        for (i, (x, d)) in x.iter().zip(self.diagonal.iter()).enumerate() {
            let own: Vec<f64> = self.factor_of(i).iter().map(|f| f / d).collect();
            for (along, own) in along.iter_mut().zip(&own) {
                *along += own * x / d;
            }
            squares += (x / d).powi(2);
            log_det += d.ln();
            update(&mut lower, own);
        }
        for i in 0..rank {
            let before: f64 = (0..i).map(|j| lower[i * rank + j] * along[j]).sum();
            along[i] = (along[i] - before) / lower[i * rank + i];
            squares -= along[i].powi(2);
            log_det += lower[i * rank + i].ln();
        }
        (squares, log_det)
    }
}

fn diagonal_matrix(diagonal: &[f64]) -> Vec<f64> {
    let dim = diagonal.len();
    let mut matrix = vec![0.0; dim * dim];
    for (i, value) in diagonal.iter().enumerate() {
        matrix[i * dim + i] = *value;
    }
    matrix
}

/// Makes of the lower Cholesky factor of a matrix `A` that of `A + x x^T`. No rounding makes it
/// indefinite.
fn update(lower: &mut [f64], mut x: Vec<f64>) {
    let dim = x.len();
    for k in 0..dim {
        let old = lower[k * dim + k];
        let new = old.hypot(x[k]);
        let (cosine, sine) = (new / old, x[k] / old);
        lower[k * dim + k] = new;
        for i in k + 1..dim {
            let own = &mut lower[i * dim + k];
            *own = (*own + sine * x[i]) / cosine;
            x[i] = cosine * x[i] - sine * *own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guide() -> Approximation {
        let sites = vec![Site::new("x", [4], 0)];
        let factor = vec![1.0, 0.2, -2.0, 0.5, 0.3, 3.0, 0.0, -1.0];
        let (mean, sd) = (vec![1.0, -1.0, 0.5, 2.0], vec![0.5, 0.1, 2.0, 1.0]);
        Approximation::low_rank(sites, mean, sd, factor).unwrap()
    }

    #[test]
    fn the_cholesky_factor_is_that_of_the_covariance() {
        let (guide, lower) = (guide(), guide().cholesky());
        for i in 0..4 {
            for j in 0..4 {
                let product: f64 = (0..4).map(|k| lower[i * 4 + k] * lower[j * 4 + k]).sum();
                let rows = guide.factor_of(i).iter().zip(guide.factor_of(j));
                let noise = if i == j {
                    guide.diagonal[i].powi(2)
                } else {
                    0.0
                };
                let covariance = noise + rows.map(|(a, b)| a * b).sum::<f64>();
                assert!((product - covariance).abs() < 1e-12, "{i}, {j}");
            }
            let sd: f64 = (0..4).map(|k| lower[i * 4 + k].powi(2)).sum::<f64>().sqrt();
            assert!((guide.sd()[i] - sd).abs() < 1e-12);
        }
    }

    #[test]
    fn the_log_density_is_that_of_the_full_normal() {
        let guide = guide();
        let sites = guide.sites().to_vec();
        let full =
            Approximation::correlated(sites, guide.mean().to_vec(), guide.cholesky()).unwrap();
        for z in [[1.0, -1.0, 0.5, 2.0], [0.0, 3.0, -1.0, 7.0]] {
            let (found, expected) = (guide.log_prob(&z), full.log_prob(&z));
            assert!((found - expected).abs() < 1e-10, "{found} for {expected}");
        }
    }

    #[test]
    fn draws_have_the_standard_deviations() {
        let guide = guide();
        // Five standard errors of a standard deviation from 20,000 draws are 2.5 %.
        let draws = guide.draws(20_000, 1).unwrap();
        for (i, sd) in guide.sd().iter().enumerate() {
            let squares = draws.iter().skip(i).step_by(4);
            let squares: f64 = squares.map(|z| (z - guide.mean()[i]).powi(2)).sum();
            assert!(((squares / 20_000.0).sqrt() / sd - 1.0).abs() < 0.025);
        }
    }

    #[test]
    fn a_factor_that_fits_no_means_is_refused() {
        for factor in [vec![], vec![1.0; 3], vec![f64::NAN; 2]] {
            let sites = vec![Site::new("x", [2], 0)];
            let refused = Approximation::low_rank(sites, vec![0.0; 2], vec![1.0; 2], factor);
            assert!(matches!(refused, Err(InferenceError::Guide { .. })));
        }
    }
}
