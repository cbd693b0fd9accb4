//! Some of the elements: slices by their numbers, triangles, diagonals.

use super::Var;
use super::operation::{Operation, at_once, constant, home, written};
use crate::graph::Graph;
use crate::{Kind, Op, Shape};

impl<'g> Var<'g> {
    /// Slices along `axis` in the order of `index`, a vector of row numbers:
    /// `[.., n, ..]` by `[b]` gives `[.., b, ..]`. An index outside the axis is an error of
    /// the graph where it is a constant, else of the run.
    #[track_caller]
    #[must_use]
    pub fn gather(self, index: Var<'g>, axis: usize) -> Var<'g> {
        Operation::new("gather", &[self, index]).of_any(|| {
            let shape = self.shape();
            if axis >= shape.rank() {
                return Err(format!("axis {axis} of the shape {shape}"));
            }
            index.check_index(shape, axis)?;
            let out = shape.with(axis, index.shape()[0]);
            written(Op::Gather { axis }, &[self, index], out, self.kind())
        })
    }

    /// That this is an index vector, and that what is known of it lies inside an axis.
    pub(super) fn check_index(self, shape: Shape, axis: usize) -> Result<(), String> {
        if self.kind() != Kind::Index || self.shape().rank() != 1 {
            return Err(format!(
                "the index must be an index vector (index_input, index_constant, batch), this has \
                 the shape {} and the kind {:?}",
                self.shape(),
                self.kind()
            ));
        }
        if u32::try_from(shape[axis]).is_err() {
            return Err(format!(
                "axis {axis} of the shape {shape}; an index is a number of 32 bits"
            ));
        }
        let known = self.constant_values().unwrap_or_default();
        let length = shape[axis] as f64;
        match known.iter().find(|place| **place >= length) {
            Some(outside) => Err(format!(
                "index {outside} is outside axis {axis} of the shape {shape}"
            )),
            None => Ok(()),
        }
    }

    /// Adjoint of [`Var::gather`]: slices added up into `length` places along `axis`.
    pub(crate) fn scatter(self, index: Var<'g>, axis: usize, length: usize) -> Var<'g> {
        let shape = self.shape().with(axis, length);
        let scattered = written(Op::Scatter { axis }, &[self, index], shape, Kind::Float);
        scattered.unwrap_or(self)
    }

    /// The matrix with zeros above its `k`-th diagonal; the main one is number 0, those below it
    /// have negative numbers. The elements that become zero do not matter, not even if they are
    /// NaN.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph};
    /// let graph = Graph::new();
    /// let ones = graph.input("ones", [2, 3]);
    /// let at = Bindings::new().bind(ones, &[1.0; 6]);
    /// let values = graph.evaluate(&[ones.tril(0), ones.tril(-1)], &at)?;
    /// assert_eq!(values[0].values(), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    /// assert_eq!(values[1].values(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn tril(self, k: isize) -> Var<'g> {
        Operation::new("tril", &[self]).of_floats(|| {
            let shape = self.shape();
            let [rows, columns] = *shape else {
                return Err(format!("{shape} is no matrix"));
            };
            let (row, column) = places(home(&[self]), rows, columns)?;
            Ok(column.le(row + k as f64).select(self, 0.0))
        })
    }

    /// The diagonal of a square matrix: `[n, n] -> [n]`.
    #[track_caller]
    #[must_use]
    pub fn diagonal(self) -> Var<'g> {
        Operation::new("diagonal", &[self]).of_floats(|| {
            let n = self.square()?;
            at_once(Shape::from(n))?;
            let places = (0..n).map(|i| i * n + i);
            let Some(graph) = home(&[self]) else {
                at_once(self.shape())?;
                let values = self.constant_values().unwrap_or_default();
                let diagonal: Vec<f64> = places.map(|place| values[place]).collect();
                return Ok(constant(None, &diagonal, Shape::from(n)));
            };
            let flat = self.viewed(0, Shape::from(n * n))?;
            let places = graph.index_constant(&places.collect::<Vec<_>>());
            Ok(flat.gather(places, 0))
        })
    }

    /// The matrix with this diagonal and zeros elsewhere: `[n] -> [n, n]`.
    #[track_caller]
    #[must_use]
    pub fn diagonal_matrix(self) -> Var<'g> {
        Operation::new("diagonal_matrix", &[self]).of_floats(|| {
            let shape = self.shape();
            let [n] = *shape else {
                return Err(format!("{shape} is no vector"));
            };
            let (row, column) = places(home(&[self]), n, n)?;
            Ok(column.eq(row).select(self, 0.0))
        })
    }
}

/// The numbers of the rows of a matrix, as a column, and those of its columns, as a row.
fn places(
    graph: Option<&Graph>,
    rows: usize,
    columns: usize,
) -> Result<(Var<'_>, Var<'_>), String> {
    Shape::from([rows, columns]).check()?;
    at_once(Shape::from(rows))?;
    at_once(Shape::from(columns))?;
    let count = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    Ok((
        constant(graph, &count(rows), Shape::from([rows, 1])),
        constant(graph, &count(columns), Shape::from([1, columns])),
    ))
}
