//! The low-rank part of a metric: the directions in which a density is still wide or narrow when
//! each coordinate has been scaled.
//!
//! Of all linear maps the one that makes the gradients of the stretched density fit its draws
//! best, in the mean of the squared Fisher divergence, has a covariance `S` with
//! `S cov(gradients) S = cov(draws)`: the geometric mean of `cov(draws)` and the inverse of
//! `cov(gradients)` (Seyboldt, Carlson and Carpenter 2024, "Preconditioning Hamiltonian Monte
//! Carlo by minimizing Fisher divergence"). Where the draws are fewer than the coordinates, `S` is
//! sought in the space that draws and gradients span; of its eigenvectors those far from 1 are
//! kept.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::archive::Archive;
use super::metric::{Whitening, dot};
use super::moments::Moments;
use crate::InferenceError;
use crate::check::{at_least_one, positive, setting};

/// Settings of [`Metric::LowRank`](super::Metric::LowRank).
///
/// ```
/// use bayes_nn_inference::nuts::{LowRank, Metric, Nuts};
/// let nuts = Nuts::new().metric(Metric::LowRank(LowRank::new().cutoff(1.5).rank(20)));
/// # let _ = nuts;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "settings do nothing until a metric has them"]
pub struct LowRank {
    pub(crate) cutoff: f64,
    pub(crate) rank: u64,
    pub(crate) shrinkage: f64,
    /// Whether directions must be found twice.
    pub(crate) confirmed: bool,
}

impl Default for LowRank {
    fn default() -> LowRank {
        LowRank {
            cutoff: 2.0,
            rank: 128,
            shrinkage: 0.1,
            confirmed: false,
        }
    }
}

impl LowRank {
    /// Up to 128 directions, those whose variance is above 2 or below 1/2.
    pub fn new() -> LowRank {
        LowRank::default()
    }

    /// How much wider or narrower than the scaled coordinates, as a ratio of variances, a
    /// direction must be to be stretched; 2 unless set.
    pub fn cutoff(mut self, ratio: f64) -> LowRank {
        self.cutoff = ratio;
        self
    }

    /// Directions at the most, the widest and narrowest first; 128 unless set.
    pub fn rank(mut self, directions: u64) -> LowRank {
        self.rank = directions;
        self
    }

    /// How many draws of a density that needs no directions are added to those that were made;
    /// 0.1 unless set. More keeps directions that few draws suggest from being stretched far.
    pub fn shrinkage(mut self, draws: f64) -> LowRank {
        self.shrinkage = draws;
        self
    }

    /// Only directions that both halves of the draws show.
    pub(super) fn confirmed(self) -> LowRank {
        LowRank {
            confirmed: true,
            ..self
        }
    }

    pub(super) fn check(&self) -> Result<(), InferenceError> {
        at_least_one("metric.rank", self.rank)?;
        if !(self.cutoff > 1.0 && self.cutoff < f64::INFINITY) {
            return Err(setting("metric.cutoff", self.cutoff, "finite and above 1"));
        }
        positive("metric.shrinkage", self.shrinkage)
    }

    /// Sets the directions of a metric whose scales are set, from draws and their moments.
    pub(super) fn set_directions(&self, whitening: &mut Whitening, points: &Points, of: &Moments) {
        let scale = whitening.scale();
        let (means, gradient_means) = (of.draws.mean(), of.gradients.mean());
        let draws = centred(&points.draws, means, |i| scale[i].recip());
        let gradients = centred(&points.gradients, gradient_means, |i| scale[i]);
        let found = match self.confirmed {
            true => self.shown_twice(&draws, &gradients),
            false => self.directions(draws, gradients),
        };
        if let Some((factors, directions)) = found {
            whitening.set_directions(factors, directions);
        }
    }

    /// Directions that the first half of the draws suggests, with factors that the second half
    /// shows: noise in few draws suggests directions where there are none, but not twice the same.
    fn shown_twice(&self, draws: &Mat<f64>, gradients: &Mat<f64>) -> Option<(Vec<f64>, Vec<f64>)> {
        let (all, dim) = (draws.ncols(), draws.nrows());
        let half = all / 2;
        if half < 2 {
            return Some(Default::default());
        }
        let first = |of: &Mat<f64>| of.subcols(0, half).to_owned();
        let (_, suggested) = self.directions(first(draws), first(gradients))?;
        let (mut factors, mut directions) = (Vec::new(), Vec::new());
        for u in suggested.chunks_exact(dim) {
            let square = |of: &Mat<f64>| {
                let along = (half..all).map(|i| dot(u, of.col_as_slice(i)).powi(2));
                along.sum::<f64>() + self.shrinkage
            };
            let ratio = (square(draws) / square(gradients)).sqrt();
            if !(ratio > 0.0 && ratio.is_finite()) {
                return None;
            }
            if ratio.ln().abs() > self.cutoff.ln() {
                factors.push(ratio.sqrt());
                directions.extend(u);
            }
        }
        Some((factors, directions))
    }

    /// Factors and directions from scaled and centred draws and gradients, `[dim, draws]`. None
    /// if a number is not finite.
    fn directions(&self, draws: Mat<f64>, gradients: Mat<f64>) -> Option<(Vec<f64>, Vec<f64>)> {
        let dim = draws.nrows();
        let spanned = (2 * draws.ncols() < dim).then(|| basis(&draws, &gradients));
        let (draws, gradients) = match &spanned {
            Some(basis) => (
                product(basis.transpose(), draws.as_ref()),
                product(basis.transpose(), gradients.as_ref()),
            ),
            None => (draws, gradients),
        };
        let (variances, vectors) = self.geometric_mean(&draws, &gradients)?;
        let vectors = match &spanned {
            Some(basis) => product(basis.as_ref(), vectors.as_ref()),
            None => vectors,
        };
        let far = |i: &usize| variances[*i].ln().abs();
        let mut kept: Vec<usize> = (0..variances.len())
            .filter(|i| far(i) > self.cutoff.ln())
            .collect();
        kept.sort_by(|a, b| far(b).total_cmp(&far(a)));
        kept.truncate(usize::try_from(self.rank).unwrap_or(usize::MAX));
        let factors = kept.iter().map(|i| variances[*i].sqrt()).collect();
        let directions = kept.iter().flat_map(|i| vectors.col_as_slice(*i));
        Some((factors, directions.copied().collect()))
    }

    /// Eigenvalues and eigenvectors of `S` with `S cov(gradients) S = cov(draws)`.
    ///
    /// With `L L^T = cov(gradients)`, `(L^T S L)^2 = L^T cov(draws) L`.
    fn geometric_mean(&self, draws: &Mat<f64>, gradients: &Mat<f64>) -> Option<Eigen> {
        let (variances, mut left) = eigen(&self.covariance(gradients))?;
        scale_columns(&mut left, |i| variances[i].sqrt());
        let inner = product(self.covariance(draws).as_ref(), left.as_ref());
        let (squares, vectors) = eigen(&product(left.transpose(), inner.as_ref()))?;
        // The inverse of the transpose of L.
        scale_columns(&mut left, |i| variances[i].recip());
        let mut root = product(left.as_ref(), vectors.as_ref());
        scale_columns(&mut root, |i| squares[i].max(0.0).powf(0.25));
        let (variances, vectors) = eigen(&product(root.as_ref(), root.transpose()))?;
        let sound = variances.iter().all(|v| *v > 0.0 && v.is_finite());
        sound.then_some((variances, vectors))
    }

    /// The covariance of columns with mean 0, with draws of a unit covariance added.
    fn covariance(&self, columns: &Mat<f64>) -> Mat<f64> {
        let mut covariance = product(columns.as_ref(), columns.transpose());
        let share = 1.0 / ((columns.ncols() - 1) as f64 + self.shrinkage);
        for i in 0..covariance.ncols() {
            covariance[(i, i)] += self.shrinkage;
            covariance
                .col_as_slice_mut(i)
                .iter_mut()
                .for_each(|v| *v *= share);
        }
        covariance
    }
}

/// Draws and the gradients at them, as they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Points {
    draws: Vec<f64>,
    gradients: Vec<f64>,
}

impl Points {
    pub(super) fn add(&mut self, draw: &[f64], gradient: &[f64]) {
        self.draws.extend(draw);
        self.gradients.extend(gradient);
    }

    pub(super) fn clear(&mut self) {
        self.draws.clear();
        self.gradients.clear();
    }

    /// Saves or loads as many points as `of` has the moments of.
    pub(super) fn archive(&mut self, archive: &mut Archive, of: &Moments) {
        let numbers = (of.count() as usize).saturating_mul(of.draws.mean().len());
        archive.exactly(numbers, &mut self.draws);
        archive.exactly(numbers, &mut self.gradients);
    }
}

/// Eigenvalues, and eigenvectors as columns.
type Eigen = (Vec<f64>, Mat<f64>);

/// Draws less their mean, each coordinate scaled, as columns.
fn centred(rows: &[f64], mean: &[f64], scale: impl Fn(usize) -> f64) -> Mat<f64> {
    let dim = mean.len();
    Mat::from_fn(dim, rows.len() / dim, |i, row| {
        (rows[row * dim + i] - mean[i]) * scale(i)
    })
}

/// An orthonormal basis of what the columns of both span, by Gram and Schmidt's method, done
/// twice for each column ("twice is enough", Giraud, Langou and Rozloznik 2005).
fn basis(a: &Mat<f64>, b: &Mat<f64>) -> Mat<f64> {
    /// The least share of a column's length outside the directions before it that makes it a new
    /// one.
    const INDEPENDENT: f64 = 1e-8;
    let columns = (0..a.ncols()).flat_map(|i| [a.col_as_slice(i), b.col_as_slice(i)]);
    let mut found: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let length = dot(column, column).sqrt();
        let mut rest = column.to_vec();
        for _ in 0..2 {
            for direction in &found {
                let along = dot(direction, &rest);
                for (rest, direction) in rest.iter_mut().zip(direction) {
                    *rest -= along * direction;
                }
            }
        }
        let left = dot(&rest, &rest).sqrt();
        if left > INDEPENDENT * length {
            rest.iter_mut().for_each(|v| *v /= left);
            found.push(rest);
        }
    }
    Mat::from_fn(a.nrows(), found.len(), |i, j| found[j][i])
}

/// On one thread, so that bits do not depend on the number of threads.
fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(out.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    out
}

fn scale_columns(matrix: &mut Mat<f64>, by: impl Fn(usize) -> f64) {
    for j in 0..matrix.ncols() {
        let by = by(j);
        matrix.col_as_slice_mut(j).iter_mut().for_each(|v| *v *= by);
    }
}

/// None if a number is not finite.
fn eigen(matrix: &Mat<f64>) -> Option<Eigen> {
    let dim = matrix.nrows();
    if !(0..dim).all(|i| matrix.col_as_slice(i).iter().all(|v| v.is_finite())) {
        return None;
    }
    let mut values = Diag::zeros(dim);
    let mut vectors = Mat::zeros(dim, dim);
    let (compute, parameters) = (ComputeEigenvectors::Yes, Default::default());
    let scratch = self_adjoint_evd_scratch::<f64>(dim, compute, Par::Seq, parameters);
    self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        parameters,
    )
    .ok()?;
    Some((values.column_vector().iter().copied().collect(), vectors))
}
