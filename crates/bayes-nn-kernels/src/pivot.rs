//! The pivot at which a Cholesky factor failed.

/// The row at which the Cholesky factor of a matrix `[n, n]` failed: the first whose pivot is not
/// positive and finite. `factor` is what a program or the graph's interpreter gave, by rows; `None`
/// where the matrix is positive definite.
///
/// ```
/// use bayes_nn_kernels::first_bad_pivot;
/// let nan = f64::NAN;
/// assert_eq!(first_bad_pivot(&[1.0, 0.0, 2.0, 3.0], 2), None);
/// assert_eq!(first_bad_pivot(&[1.0, 0.0, nan, nan], 2), Some(1));
/// ```
pub fn first_bad_pivot(factor: &[f64], n: usize) -> Option<usize> {
    let mut diagonal = factor.iter().step_by(n + 1).take(n);
    diagonal.position(|entry| entry.is_nan())
}
