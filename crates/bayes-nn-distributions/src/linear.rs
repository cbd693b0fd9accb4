//! Algebra of triangular matrices, with batches in the last axes.

use bayes_nn_autodiff::{Graph, Shape, Var, concat};

use crate::axes::{first_axis_sum, joined};

/// A covariance is symmetric if elements differ by no more than this part of the standard
/// deviations.
const SYMMETRIC: f64 = 1e-6;

/// `x` with axes of length 1 between its first `event` axes and its batch, such that the latter
/// has `rank` axes. What has fewer axes than `event` stays as it is.
pub(crate) fn padded(x: Var<'_>, event: usize, rank: usize) -> Var<'_> {
    let shape = x.shape();
    if shape.rank() < event {
        return x;
    }
    let batch = shape.without(0, event);
    let ones = vec![1; rank.saturating_sub(batch.rank())];
    let axes = shape[..event].iter().chain(&ones).chain(batch.iter());
    match Shape::try_new(&axes.copied().collect::<Vec<_>>()) {
        Some(shape) => x.reshape(shape),
        None => x,
    }
}

/// The values, each `[...batch]` or a number, one after the other in a shape `[n, ...batch]` of
/// the graph that one of the parameters has. Without one there are no vectors: NaN.
pub(crate) fn stacked<'g>(parameters: &[Var<'g>], values: &[Var<'g>], batch: Shape) -> Var<'g> {
    let Some(graph) = parameters.iter().find_map(|parameter| parameter.graph()) else {
        return Var::from(f64::NAN);
    };
    let row = joined(Shape::from([1]), batch);
    let rows = values.iter().map(|value| match value.number() {
        Some(number) => graph.constant(&[number], [1]).broadcast_to(row),
        None => value.broadcast_to(batch).reshape(row),
    });
    concat(&rows.collect::<Vec<_>>(), 0)
}

/// The Cholesky factor of a covariance `[K, K]`, or of a number, which is a matrix of one number.
#[track_caller]
pub(crate) fn factor(covariance: Var<'_>) -> Var<'_> {
    match covariance.shape().rank() {
        0 => covariance.sqrt(),
        _ => covariance.cholesky(),
    }
}

/// What is wrong with a covariance that is known and is not symmetric.
pub(crate) fn asymmetry(covariance: Var<'_>) -> Option<String> {
    let values = covariance.constant_values()?;
    let size = covariance.shape().first().copied().unwrap_or(1);
    let at = |row: usize, column: usize| values.get(row * size + column).copied();
    let mut places = (0..size).flat_map(|row| (0..row).map(move |column| (row, column)));
    places.find_map(|(row, column)| {
        let (below, above) = (at(row, column)?, at(column, row)?);
        let unit = (at(row, row)? * at(column, column)?).abs().sqrt();
        ((below - above).abs() > SYMMETRIC * unit).then(|| {
            format!(
                "the covariance must be symmetric, and has {below} in row {row}, column {column} \
                 and {above} in row {column}, column {row}; a Cholesky factor is `scale_tril`, \
                 which `new` takes"
            )
        })
    })
}

/// A lower triangular matrix `[K, K, ...batch]`; of its upper half nothing is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lower<'g>(pub Var<'g>);

impl<'g> Lower<'g> {
    /// `K`; a plain number is a matrix of one number.
    pub fn size(self) -> usize {
        self.0.shape().first().copied().unwrap_or(1)
    }

    /// `[K K, ...batch]`
    pub fn flat(self) -> Var<'g> {
        let shape = self.0.shape();
        match shape.rank() {
            0 | 1 => self.0,
            _ => self
                .0
                .reshape(shape.without(0, 1).with(0, shape[0] * shape[1])),
        }
    }

    pub fn batch(self) -> Shape {
        let shape = self.0.shape();
        shape.without(0, shape.rank().min(2))
    }

    /// The squared length of the solution `y` of `L y = d`, for `d` of `[K, ...batch]`, and the
    /// logarithm of the determinant of `L`. The batches must have equally many axes.
    pub fn solve(self, d: Var<'g>, rank: usize) -> (Var<'g>, Var<'g>) {
        let Some(graph) = self.0.graph() else {
            let y = d / self.0;
            return (first_axis_sum(y * y), self.0.ln());
        };
        match self.0.shape().rank() {
            2 => self.solve_one(d),
            _ => self.solve_each(graph, d, rank),
        }
    }

    /// [`Lower::solve`] for one matrix, whatever the batch of `d`.
    fn solve_one(self, d: Var<'g>) -> (Var<'g>, Var<'g>) {
        let shape = d.shape();
        let right = match shape.rank() {
            0 | 1 => d,
            _ => d.reshape([shape[0], shape[1..].iter().product()]),
        };
        let y = self.0.solve_lower(right);
        let square = match y.number() {
            Some(_) => y * y,
            None => first_axis_sum(y * y).reshape(shape.without(0, 1)),
        };
        (square, self.0.diagonal().ln().sum())
    }

    /// [`Lower::solve`] with a matrix for each of the batch: one column after the other, over the
    /// whole batch.
    fn solve_each(self, graph: &'g Graph, d: Var<'g>, rank: usize) -> (Var<'g>, Var<'g>) {
        let size = self.size();
        let flat = padded(self.flat(), 1, rank);
        let (mut square, mut log_det) = (Var::from(0.0), Var::from(0.0));
        let mut rest = d;
        for column in 0..size {
            let diagonal = flat.row(column * size + column);
            let y = rest.row(0) / diagonal;
            square = square + y * y;
            log_det = log_det + diagonal.ln();
            if column + 1 < size {
                let below: Vec<usize> = (column + 1..size).map(|row| row * size + column).collect();
                let entries = flat.gather(graph.index_constant(&below), 0);
                let shape = rest.shape();
                let stride: usize = shape[1..].iter().product();
                let left = rest.view(stride, shape.with(0, shape[0] - 1));
                rest = left - entries * y;
            }
        }
        (square, log_det)
    }

    /// The matrix with zeros above the diagonal.
    fn masked(self) -> Var<'g> {
        let Some(graph) = self.0.graph() else {
            return self.0;
        };
        let size = self.size();
        let places = (0..size * size).map(|at| f64::from(at % size <= at / size));
        let mask = graph.constant(&places.collect::<Vec<_>>(), [size, size]);
        padded(mask, 2, self.batch().rank()).select(self.0, 0.0)
    }

    /// `L y`, for `y` of `[K, ...batch]`.
    pub fn product(self, y: Var<'g>) -> Var<'g> {
        if self.0.graph().is_none() || y.graph().is_none() {
            return self.0 * y;
        }
        let batch = y.shape().without(0, 1);
        let row = y.reshape(joined(Shape::from([1, self.size()]), batch));
        (padded(self.masked(), 2, batch.rank()) * row).sum_axis(1)
    }

    /// The squared lengths of the rows.
    pub fn row_squares(self) -> Var<'g> {
        let masked = self.masked();
        match masked.shape().rank() {
            0 | 1 => masked * masked,
            _ => (masked * masked).sum_axis(1),
        }
    }

    /// `L y` of numbers on the host, the matrix in row-major order.
    pub fn product_of(matrix: &[f64], y: &[f64], product: &mut [f64]) {
        for (i, (sum, row)) in product.iter_mut().zip(matrix.chunks(y.len())).enumerate() {
            *sum = row.iter().zip(y).take(i + 1).map(|(l, y)| l * y).sum();
        }
    }

    /// What is wrong with a matrix of numbers: its diagonal, and what stands above it in a matrix
    /// that is known. `by_matrix` is the constructor that takes the whole product.
    pub fn conflict(self, matrix: &[f64], by_matrix: &str) -> Option<String> {
        let size = self.size();
        if self.0.constant_values().is_some() {
            let mut above = matrix.iter().enumerate().take(size * size);
            let place = above.find(|(at, value)| at % size > at / size && **value != 0.0);
            if let Some((at, value)) = place {
                let (row, column) = (at / size, at % size);
                return Some(format!(
                    "scale_tril must be lower triangular, and has {value} in row {row}, column \
                     {column}; `{by_matrix}` takes a covariance or scale matrix, and \
                     `scale_tril.tril(0)` is the lower triangle alone"
                ));
            }
        }
        let diagonal = (0..size).map(|i| (i, matrix.get(i * size + i).copied().unwrap_or(1.0)));
        let (place, value) = diagonal.into_iter().find(|(_, value)| *value <= 0.0)?;
        Some(format!(
            "the diagonal of scale_tril must be positive, got {value} in row {place}"
        ))
    }
}
