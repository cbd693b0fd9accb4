//! Means and covariances of draws of the unconstrained vector.

use faer::Mat;

use crate::variational::natural::{cholesky, inverse};
use crate::{Approximation, DrawSource, DrawTable, Family, InferenceError};

/// The share of the variance that no other coordinate explains which each keeps as noise of its own, where
/// a whole covariance is taken apart: all of it would leave directions of no length.
const OWN: f64 = 0.5;
/// Of a table, draws for each coordinate from which its covariance is taken.
const DRAWS_EACH: usize = 2;

/// Mean and covariance of draws of the unconstrained vector `[P]`, the latter as noise that each coordinate
/// has for itself and directions that they share: `z = mean + own e + F u` with standard normal `e [P]` and
/// `u [R]`, so that the covariance is `diag(own)^2 + F F^T`.
///
/// A guide of independent normals has no directions, one of low rank those that it was fitted with. The
/// covariance of a full-rank guide is taken apart without a rest: with its inverse `L`, `own[i]^2 = c /
/// L[i, i]` for the largest `c` that is safe for all, half of what Gershgorin's theorem allows, and `F` is
/// the Cholesky factor of what is left. Of draws of chains it is that of their covariance where there are
/// at least two draws for each coordinate; of fewer, independent normals of their variances.
///
/// ```
/// use bayes_nn_inference::{Approximation, DrawSource, Site};
/// let sites = vec![Site::new("x", [2], 0)];
/// let guide = Approximation::correlated(sites, vec![1.0, 2.0], vec![1.0, 0.0, 3.0, 4.0])?;
/// let moments = DrawSource::from(guide).moments()?;
/// let [f, g] = [&moments.factor[..2], &moments.factor[2..]];
/// assert!((f[0] * g[0] + f[1] * g[1] - 3.0).abs() < 1e-12);
/// assert!((moments.own[1].powi(2) + g[0] * g[0] + g[1] * g[1] - 25.0).abs() < 1e-12);
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Moments {
    /// The mean, `[P]`.
    pub mean: Vec<f64>,
    /// The standard deviations, `[P]`; 0 of points.
    pub sd: Vec<f64>,
    /// The standard deviations of the noise of each coordinate, `[P]`.
    pub own: Vec<f64>,
    /// The directions, row-major `[P, R]`.
    pub factor: Vec<f64>,
    /// How many directions there are, `R`.
    pub rank: usize,
}

impl Moments {
    fn independent(mean: Vec<f64>, sd: Vec<f64>) -> Moments {
        Moments {
            mean,
            own: sd.clone(),
            sd,
            factor: Vec::new(),
            rank: 0,
        }
    }
}

impl DrawSource {
    /// Mean and covariance of its draws.
    ///
    /// # Errors
    /// [`InferenceError::NoDraws`] of an empty table; a covariance that is singular up to rounding.
    pub fn moments(&self) -> Result<Moments, InferenceError> {
        match self {
            DrawSource::Guide(guide) => of_guide(guide),
            DrawSource::Table(table) => of_table(table, self.mean()?),
        }
    }
}

fn of_guide(guide: &Approximation) -> Result<Moments, InferenceError> {
    let (mean, sd) = (guide.mean().to_vec(), guide.sd());
    match guide.family() {
        Family::MeanField | Family::Point => Ok(Moments::independent(mean, sd)),
        Family::LowRank { rank } => {
            let (own, factor) = guide.factor().unwrap_or_default();
            Ok(Moments {
                mean,
                sd,
                own: own.to_vec(),
                factor: factor.to_vec(),
                rank,
            })
        }
        Family::FullRank => {
            let (dim, root) = (guide.dim(), guide.cholesky());
            let lower = Mat::from_fn(dim, dim, |i, j| root[i * dim + j]);
            taken_apart(mean, sd, &lower).ok_or_else(|| InferenceError::Guide {
                problem: "has a covariance that is singular up to rounding".to_owned(),
            })
        }
    }
}

fn of_table(table: &DrawTable, mean: Vec<f64>) -> Result<Moments, InferenceError> {
    let (draws, dim) = (table.draws(), mean.len());
    let share = 1.0 / (draws.max(2) - 1) as f64;
    let deviation = |draw: &[f64], place: usize| draw[place] - mean[place];
    let rows = || table.rows().chunks_exact(dim.max(1));
    let mut variances = vec![0.0; dim];
    for row in rows() {
        for (place, variance) in variances.iter_mut().enumerate() {
            *variance += share * deviation(row, place).powi(2);
        }
    }
    let sd = variances.iter().map(|variance: &f64| variance.sqrt());
    let sd: Vec<f64> = sd.collect();
    if draws < DRAWS_EACH * dim || dim < 2 {
        return Ok(Moments::independent(mean, sd));
    }
    let mut covariance = Mat::<f64>::zeros(dim, dim);
    for row in rows() {
        for i in 0..dim {
            let own = share * deviation(row, i);
            for j in 0..=i {
                covariance[(i, j)] += own * deviation(row, j);
            }
        }
    }
    let lower = cholesky(covariance);
    let moments = lower.and_then(|lower| taken_apart(mean, sd, &lower));
    moments.ok_or_else(|| InferenceError::DrawTable {
        problem: "has a covariance that is singular up to rounding".to_owned(),
    })
}

/// A covariance, by its lower Cholesky factor, as noise of each coordinate and as many directions as there
/// are coordinates.
fn taken_apart(mean: Vec<f64>, sd: Vec<f64>, lower: &Mat<f64>) -> Option<Moments> {
    let dim = mean.len();
    let root = inverse(lower);
    // L^-T L^-1, of which L is the factor of the covariance.
    let precision = root.transpose() * &root;
    let unit = |i: usize| precision[(i, i)].sqrt();
    let row_sum = |i: usize| {
        let row = (0..dim).map(|j| precision[(i, j)].abs() / (unit(i) * unit(j)));
        row.sum::<f64>()
    };
    let most = (0..dim).map(row_sum).fold(1.0, f64::max);
    let variance = |i: usize| OWN / (most * precision[(i, i)]);
    let rest = Mat::from_fn(dim, dim, |i, j| {
        let both = (0..=i.min(j)).map(|k| lower[(i, k)] * lower[(j, k)]);
        both.sum::<f64>() - if i == j { variance(i) } else { 0.0 }
    });
    let factor = cholesky(rest)?;
    let rows = (0..dim).flat_map(|i| (0..dim).map(move |j| (i, j)));
    Some(Moments {
        mean,
        sd,
        own: (0..dim).map(|i| variance(i).sqrt()).collect(),
        factor: rows.map(|place| factor[place]).collect(),
        rank: dim,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Site;

    /// The covariance that moments stand for, row-major.
    fn covariance(moments: &Moments) -> Vec<f64> {
        let (dim, rank) = (moments.mean.len(), moments.rank);
        let row = |i: usize| &moments.factor[i * rank..][..rank];
        let element = |i: usize, j: usize| {
            let shared: f64 = row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum();
            shared + if i == j { moments.own[i].powi(2) } else { 0.0 }
        };
        let places = (0..dim).flat_map(|i| (0..dim).map(move |j| (i, j)));
        places.map(|(i, j)| element(i, j)).collect()
    }

    fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < tolerance, "{found} {expected}");
        }
    }

    #[test]
    fn the_covariance_of_every_family_is_kept() {
        let sites = || vec![Site::new("x", [3], 0)];
        let mean = || vec![0.5, -1.0, 2.0];
        // Scales of 1e-3 to 1e2, strongly correlated.
        let lower = vec![1e-3, 0.0, 0.0, 0.9, 0.1, 0.0, 80.0, -50.0, 20.0];
        let product = |i: usize, j: usize| {
            let both = (0..3).map(|k| lower[i * 3 + k] * lower[j * 3 + k]);
            both.sum::<f64>()
        };
        let expected: Vec<f64> = (0..9).map(|at| product(at / 3, at % 3)).collect();
        let full = Approximation::correlated(sites(), mean(), lower.clone()).unwrap();
        let moments = DrawSource::from(full).moments().unwrap();
        assert_near(&covariance(&moments), &expected, 1e-9);
        assert_near(&moments.sd, &[1e-3, 0.82f64.sqrt(), 9300f64.sqrt()], 1e-9);
        assert!(moments.own.iter().all(|own| *own > 0.0));
        let (own, factor) = (vec![0.1, 0.2, 0.3], vec![1.0, -2.0, 0.5]);
        let few = Approximation::low_rank(sites(), mean(), own.clone(), factor.clone()).unwrap();
        let moments = DrawSource::from(few).moments().unwrap();
        assert_eq!((&moments.own, &moments.factor), (&own, &factor));
        let alone = Approximation::independent(sites(), mean(), own.clone()).unwrap();
        let moments = DrawSource::from(alone).moments().unwrap();
        assert_eq!(
            (moments.rank, moments.own, moments.sd),
            (0, own.clone(), own)
        );
    }

    #[test]
    fn draws_give_their_covariance_or_without_enough_of_them_their_variances() {
        let sites = || vec![Site::new("x", [2], 0)];
        let rows = vec![1.0, 2.0, 3.0, 1.0, -1.0, 0.0, 1.0, 5.0];
        let table = DrawTable::new(sites(), rows.clone(), [2, 2]).unwrap();
        let moments = DrawSource::from(table).moments().unwrap();
        assert_near(&moments.mean, &[1.0, 2.0], 1e-12);
        assert_near(
            &covariance(&moments),
            &[8.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 14.0 / 3.0],
            1e-12,
        );
        let table = DrawTable::new(sites(), rows[..6].to_vec(), [3]).unwrap();
        let moments = DrawSource::from(table).moments().unwrap();
        assert_eq!(moments.rank, 0);
        assert_near(&moments.own, &[2.0, 1.0], 1e-12);
        let none = DrawTable::new(sites(), vec![], [0]).unwrap();
        let error = DrawSource::from(none).moments().unwrap_err();
        assert_eq!(error.to_string(), "there are no draws");
        let same = DrawTable::new(sites(), vec![1.0; 8], [4]).unwrap();
        let error = DrawSource::from(same).moments().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the table of draws has a covariance that is singular up to rounding"
        );
    }
}
