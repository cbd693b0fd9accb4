//! Dense linear algebra on one thread, so that results do not depend on how many there are.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Accum, Mat, MatRef, Par};

/// The product of two matrices.
pub(super) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut result = Mat::zeros(a.nrows(), b.ncols());
    matmul(result.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    result
}

/// The lower Cholesky factor of a symmetric matrix, of which the lower triangle is read; nothing
/// if rounding leaves it no positive finite diagonal.
pub(crate) fn cholesky(mut matrix: Mat<f64>) -> Option<Mat<f64>> {
    let dim = matrix.nrows();
    let scratch = cholesky_in_place_scratch::<f64>(dim, Par::Seq, Default::default());
    cholesky_in_place(
        matrix.as_mut(),
        Default::default(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .ok()?;
    let lower = Mat::from_fn(dim, dim, |i, j| if i < j { 0.0 } else { matrix[(i, j)] });
    let usable = |i: usize| lower[(i, i)] > 0.0 && lower[(i, i)].is_finite();
    (0..dim).all(usable).then_some(lower)
}

/// `L^-1 B`
pub(super) fn solve(lower: &Mat<f64>, mut right: Mat<f64>) -> Mat<f64> {
    solve_lower_triangular_in_place(lower.as_ref(), right.as_mut(), Par::Seq);
    right
}

/// `L^-T B`
pub(super) fn solve_transposed(lower: &Mat<f64>, mut right: Mat<f64>) -> Mat<f64> {
    solve_upper_triangular_in_place(lower.transpose(), right.as_mut(), Par::Seq);
    right
}

/// `L^-1`
pub(crate) fn inverse(lower: &Mat<f64>) -> Mat<f64> {
    solve(lower, Mat::identity(lower.nrows(), lower.nrows()))
}

/// The mean of the columns, as a column.
pub(super) fn mean_column(matrix: &Mat<f64>) -> Mat<f64> {
    let count = matrix.ncols() as f64;
    Mat::from_fn(matrix.nrows(), 1, |i, _| {
        matrix.row(i).iter().sum::<f64>() / count
    })
}

/// The lower triangle of a square matrix, or a column, row by row.
pub(super) fn lower_triangle(matrix: &Mat<f64>) -> Vec<f64> {
    let of_row = |i: usize| (0..matrix.ncols().min(i + 1)).map(move |j| matrix[(i, j)]);
    (0..matrix.nrows()).flat_map(of_row).collect()
}

/// The matrix of a [lower triangle](lower_triangle) with zeros above it; nothing if it has another number
/// of elements.
pub(super) fn from_lower_triangle(
    (rows, columns): (usize, usize),
    lower: &[f64],
) -> Option<Mat<f64>> {
    let mut rest = lower.iter();
    let mut matrix = Mat::zeros(rows, columns);
    for i in 0..rows {
        for j in 0..columns.min(i + 1) {
            matrix[(i, j)] = *rest.next()?;
        }
    }
    rest.next().is_none().then_some(matrix)
}
