//! The same elements in other shapes, stretched, turned, or side by side.

use super::Var;
use super::operation::{Operation, written};
use crate::{Kind, Op, Shape};

impl<'g> Var<'g> {
    /// Stretched to `shape`: axes are aligned at the end, those of length 1 (or missing) repeat.
    #[track_caller]
    #[must_use]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        Operation::new("broadcast_to", &[self]).of_floats(|| {
            let own = self.shape();
            match own.broadcast(&shape) {
                Some(common) if common == shape => {
                    written(Op::Broadcast, &[self], shape, Kind::Float)
                }
                _ => Err(format!("{own} cannot be stretched to {shape}")),
            }
        })
    }

    /// The same elements, in row-major order, in another shape.
    #[track_caller]
    #[must_use]
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        Operation::new("reshape", &[self]).of_any(|| {
            let own = self.shape();
            match (own.elements(), shape.elements()) {
                (has, wanted) if has != wanted => {
                    Err(format!("{own} has {has} elements, {shape} {wanted}"))
                }
                _ => self.viewed(0, shape),
            }
        })
    }

    /// The elements from `offset` on, in row-major order, in a shape of their own. The
    /// parameters of a model are views into one vector.
    #[track_caller]
    #[must_use]
    pub fn view(self, offset: usize, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        Operation::new("view", &[self]).of_any(|| {
            let own = self.shape();
            match (offset.saturating_add(shape.elements()), own.elements()) {
                (end, has) if end > has => Err(format!(
                    "elements {offset}..{end} of {own}, which has {has}"
                )),
                _ => self.viewed(offset, shape),
            }
        })
    }

    /// The elements from `offset` on, which are there, in a shape that memory can address or not.
    pub(super) fn viewed(self, offset: usize, shape: Shape) -> Result<Var<'g>, String> {
        written(Op::View { offset }, &[self], shape, self.kind())
    }

    /// Elements that are there in a shape made of lengths of a node.
    pub(crate) fn view_unchecked(self, offset: usize, shape: Shape) -> Var<'g> {
        self.viewed(offset, shape).unwrap_or(self)
    }

    /// Row `index` along the first axis: `[r, ...] -> [...]`.
    #[track_caller]
    #[must_use]
    pub fn row(self, index: usize) -> Var<'g> {
        Operation::new("row", &[self]).of_any(|| {
            let shape = self.shape();
            let Some(rows) = shape.first().copied() else {
                return Err(format!("axis 0 of the shape {shape}"));
            };
            if index >= rows {
                return Err(format!(
                    "row {index} of the shape {shape}, which has {rows}"
                ));
            }
            let rest = shape.without(0, 1);
            self.viewed(index * rest.elements(), rest)
        })
    }

    /// The transpose of a matrix; a vector or number is its own.
    #[track_caller]
    #[must_use]
    pub fn t(self) -> Var<'g> {
        Operation::new("t", &[self]).of_any(|| {
            let shape = self.shape();
            match *shape {
                [] | [_] => Ok(self),
                [rows, columns] => {
                    let turned = Shape::from([columns, rows]);
                    written(Op::Transpose, &[self], turned, self.kind())
                }
                _ => Err(format!("{shape} is no matrix")),
            }
        })
    }
}

/// The arguments one after the other along `axis`; they must agree in all other axes. What has
/// no axis yet is laid side by side by [`stack`].
///
/// ```
/// use bayes_nn_autodiff::{Graph, concat};
/// let graph = Graph::new();
/// let both = concat(&[graph.input("a", [2, 5]), graph.input("b", [3, 5])], 0);
/// assert_eq!(both.shape().to_string(), "[5, 5]");
/// ```
#[track_caller]
#[must_use]
pub fn concat<'g>(parts: &[Var<'g>], axis: usize) -> Var<'g> {
    Operation::new("concat", parts).of_any(|| {
        let first = parts.first().ok_or("there are no parts")?;
        let shape = first.shape();
        let fits = |p: &Var<'g>| {
            let own = p.shape();
            axis < own.rank()
                && own.rank() == shape.rank()
                && own.with(axis, 1) == shape.with(axis, 1)
                && p.kind() == first.kind()
        };
        if !parts.iter().all(fits) {
            let shapes = shapes(parts);
            return Err(format!(
                "the shapes {shapes} must be of one kind and agree in every axis but {axis}"
            ));
        }
        let lengths = parts.iter().map(|p| p.shape()[axis]);
        let shape = shape.with(axis, lengths.fold(0, usize::saturating_add));
        written(Op::Concat { axis }, parts, shape, first.kind())
    })
}

/// The arguments, all of one shape, side by side along a new axis, which becomes number `axis`:
/// numbers make a vector, vectors the rows (`axis` 0) or columns (1) of a matrix.
///
/// ```
/// use bayes_nn_autodiff::{Graph, Var, stack};
/// let graph = Graph::new();
/// let (mean, slope) = (graph.input("mean", []), Var::from(0.5));
/// assert_eq!(stack(&[mean, slope], 0).shape().to_string(), "[2]");
/// let rows = [graph.input("a", [5]), graph.input("b", [5])];
/// assert_eq!(stack(&rows, 0).shape().to_string(), "[2, 5]");
/// assert_eq!(stack(&rows, 1).shape().to_string(), "[5, 2]");
/// ```
#[track_caller]
#[must_use]
pub fn stack<'g>(parts: &[Var<'g>], axis: usize) -> Var<'g> {
    Operation::new("stack", parts).of_any(|| {
        let first = parts.first().ok_or("there are no parts")?;
        let shape = first.shape();
        let fits = |p: &Var<'g>| p.shape() == shape && p.kind() == first.kind();
        if axis > shape.rank() || !parts.iter().all(fits) {
            let shapes = shapes(parts);
            return Err(format!(
                "the shapes {shapes} must be equal, of one kind, and have {axis} axes or more"
            ));
        }
        let axes = shape[..axis].iter().chain(&[1]).chain(&shape[axis..]);
        let one = Shape::try_new(&axes.copied().collect::<Vec<_>>())
            .ok_or_else(|| format!("{shape} has no room for one axis more"))?;
        let raised: Result<Vec<Var<'g>>, String> = parts.iter().map(|p| p.viewed(0, one)).collect();
        let shape = one.with(axis, parts.len());
        written(Op::Concat { axis }, &raised?, shape, first.kind())
    })
}

fn shapes(parts: &[Var<'_>]) -> String {
    let shapes: Vec<String> = parts.iter().map(|p| p.shape().to_string()).collect();
    shapes.join(", ")
}
