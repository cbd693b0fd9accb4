//! Axes: events come first, the batch last, and sums and views along the first axis.

use bayes_nn_autodiff::{Graph, Shape, Var, concat};

/// The axes of an event before those of a batch. Those of more than a shape can have are left
/// out.
pub(crate) fn joined(event: Shape, batch: Shape) -> Shape {
    let axes: Vec<usize> = event.iter().chain(batch.iter()).copied().collect();
    Shape::try_new(&axes).unwrap_or(event)
}

/// `logits` with their class axis moved before `rank` batch axes, and the class numbers in a
/// shape that broadcasts along it.
pub(crate) fn aligned<'g>(logits: Var<'g>, rank: usize) -> (Var<'g>, Var<'g>) {
    let (Some(graph), [classes, batch @ ..]) = (logits.graph(), &*logits.shape()) else {
        return (logits, Var::from(0.0));
    };
    let mut dims = vec![1; rank.max(batch.len()) + 1];
    dims[0] = *classes;
    let numbers: Vec<f64> = (0..*classes).map(|class| class as f64).collect();
    let number_shape = Shape::try_new(&dims);
    let start = dims.len() - batch.len();
    dims[start..].copy_from_slice(batch);
    match (number_shape, Shape::try_new(&dims)) {
        (Some(column), Some(shape)) => (logits.reshape(shape), graph.constant(&numbers, column)),
        // More axes than a shape can have. Too few elements make the graph keep an error.
        _ => (logits.reshape([0]), Var::from(0.0)),
    }
}

/// The class numbers along a first axis, before `rank` axes of length 1.
pub(crate) fn class_column(graph: &Graph, classes: usize, rank: usize) -> Var<'_> {
    let numbers: Vec<f64> = (0..classes).map(|class| class as f64).collect();
    let ones = (0..rank).fold(Shape::SCALAR, |ones, _| joined(Shape::from([1]), ones));
    graph.constant(&numbers, joined(Shape::from([classes]), ones))
}

/// The sum along the first axis; a plain number is its own.
pub(crate) fn first_axis_sum(x: Var<'_>) -> Var<'_> {
    match x.shape().rank() {
        0 => x,
        _ => x.sum_axis(0),
    }
}

/// The maximum along the first axis; a plain number is its own.
pub(crate) fn first_axis_max(x: Var<'_>) -> Var<'_> {
    match x.shape().rank() {
        0 => x,
        _ => x.max_axis(0),
    }
}

/// The rows from `start` on along the first axis.
pub(crate) fn from_row(x: Var<'_>, start: usize) -> Var<'_> {
    let shape = x.shape();
    let stride: usize = shape[1..].iter().product();
    x.view(
        start * stride,
        shape.with(0, shape[0].saturating_sub(start)),
    )
}

/// Up to this length sums of rows are one product with a table of zeros and ones.
pub(crate) const TABLE: usize = 64;

/// Sums of rows of `x` along the first axis: in row `i` of the result those `j` for which
/// `belongs(i, j)`. The table of zeros and ones has an element for each `i` and `j`, so it is for
/// few rows.
pub(crate) fn combine<'g>(
    graph: &'g Graph,
    x: Var<'g>,
    rows: usize,
    belongs: impl Fn(usize, usize) -> bool,
) -> Var<'g> {
    let shape = x.shape();
    let columns = shape[0];
    let stride: usize = shape[1..].iter().product();
    let sums = table(graph, rows, columns, belongs).matmul(x.reshape([columns, stride]));
    sums.reshape(shape.with(0, rows))
}

fn table(
    graph: &Graph,
    rows: usize,
    columns: usize,
    belongs: impl Fn(usize, usize) -> bool,
) -> Var<'_> {
    let table: Vec<f64> = (0..rows * columns)
        .map(|place| f64::from(belongs(place / columns, place % columns)))
        .collect();
    graph.constant(&table, [rows, columns])
}

/// Which numbers a sum is of: those before a place, or those after it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside {
    Before,
    After,
}

impl Beside {
    /// For each row along the first axis the sum of those before it, or after it, within its
    /// vector of `length` rows; such vectors stand one after the other.
    pub(crate) fn sums<'g>(self, graph: &'g Graph, x: Var<'g>, length: usize) -> Var<'g> {
        let shape = x.shape();
        let rows = shape[0];
        let stride: usize = shape[1..].iter().product();
        let count = rows / length.max(1);
        if stride == 1 {
            let sums = self.of_columns(graph, x.reshape([count, length]));
            return sums.reshape(shape);
        }
        let turned = x.reshape([rows, stride]).t();
        let sums = self.of_columns(graph, turned.reshape([stride * count, length]));
        sums.reshape([stride, rows]).t().reshape(shape)
    }

    /// For each column of a matrix the sum of those before it, or after it: within blocks of
    /// columns by a table, and over whole blocks by the same of the sums of blocks.
    fn of_columns<'g>(self, graph: &'g Graph, x: Var<'g>) -> Var<'g> {
        let [count, length] = *x.shape() else {
            return x;
        };
        let belongs = |from: usize, to: usize| match self {
            Beside::Before => from < to,
            Beside::After => from > to,
        };
        if length <= TABLE {
            return x.matmul(table(graph, length, length, belongs));
        }
        let blocks = length.div_ceil(TABLE);
        let whole = blocks * TABLE;
        let zeros = graph
            .constant(&[0.0], [1])
            .broadcast_to([count, whole - length]);
        let columns = concat(&[x, zeros], 1).reshape([count * blocks, TABLE]);
        let sums = columns.sum_axis(1).reshape([count, blocks]);
        let others = self.of_columns(graph, sums).reshape([count * blocks, 1]);
        let sums = columns.matmul(table(graph, TABLE, TABLE, belongs)) + others;
        let sums = sums.reshape([count, whole]);
        match count {
            1 => sums.view(0, [1, length]),
            _ => {
                let kept: Vec<usize> = (0..length).collect();
                sums.gather(graph.index_constant(&kept), 1)
            }
        }
    }
}

/// The sums of the first rows along the first axis.
pub(crate) fn cumulative_sum(x: Var<'_>) -> Var<'_> {
    match (x.graph(), &*x.shape()) {
        (Some(graph), [rows, ..]) if *rows <= TABLE => {
            combine(graph, x, *rows, |row, column| column <= row)
        }
        (Some(graph), [rows, ..]) => x + Beside::Before.sums(graph, x, *rows),
        _ => x,
    }
}
