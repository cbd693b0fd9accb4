//! Shapes: up to six axis lengths, row-major, the last axis contiguous.

use std::fmt;
use std::ops::Deref;

const MAX_RANK: usize = 6;

/// The lengths of a tensor's axes; `[]` is a scalar.
///
/// ```
/// use bayes_nn_autodiff::Shape;
/// let shape = Shape::from([5, 500]);
/// assert_eq!(shape.elements(), 2500);
/// assert_eq!(shape.to_string(), "[5, 500]");
/// assert_eq!(shape.broadcast(&Shape::from([5, 1])), Some(shape));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape of a scalar, `[]`.
    pub const SCALAR: Shape = Shape {
        dims: [0; MAX_RANK],
        rank: 0,
    };

    /// A shape of at most six axes; `None` when there are more.
    pub fn try_new(dims: &[usize]) -> Option<Shape> {
        let mut shape = Shape {
            rank: dims.len(),
            ..Shape::SCALAR
        };
        shape.dims.get_mut(..dims.len())?.copy_from_slice(dims);
        Some(shape)
    }

    /// How many axes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many elements: the product of the lengths, 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.iter().product()
    }

    /// The length of the last axis, 1 for a scalar.
    pub fn columns(&self) -> usize {
        self.last().copied().unwrap_or(1)
    }

    /// The product of all lengths but the last, 1 for a scalar.
    pub fn rows(&self) -> usize {
        self[..self.rank.saturating_sub(1)].iter().product()
    }

    /// The common shape under the usual broadcasting rule: axes are aligned at the end, and an
    /// axis of length 1 (or none) stretches.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank.max(other.rank);
        let mut dims = [0; MAX_RANK];
        for (i, dim) in dims[..rank].iter_mut().enumerate() {
            *dim = match (self.aligned(i, rank), other.aligned(i, rank)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some(Shape { dims, rank })
    }

    /// The length of axis `axis` once leading axes of length 1 have raised the rank to `rank`.
    pub fn aligned(&self, axis: usize, rank: usize) -> usize {
        (axis + self.rank)
            .checked_sub(rank)
            .map_or(1, |own| self[own])
    }

    /// This shape without the axes `from..to`.
    #[must_use]
    pub fn without(&self, from: usize, to: usize) -> Shape {
        let mut shape = Shape::SCALAR;
        for &dim in self[..from].iter().chain(&self[to..]) {
            shape.dims[shape.rank] = dim;
            shape.rank += 1;
        }
        shape
    }

    /// This shape with `axis` set to `length`.
    #[must_use]
    pub fn with(&self, axis: usize, length: usize) -> Shape {
        let mut shape = *self;
        shape.dims[axis] = length;
        shape
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.dims[..self.rank]
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        const { assert!(N <= MAX_RANK, "a shape has at most six axes") };
        let mut shape = Shape {
            rank: N,
            ..Shape::SCALAR
        };
        shape.dims[..N].copy_from_slice(&dims);
        shape
    }
}

impl From<usize> for Shape {
    fn from(length: usize) -> Shape {
        Shape::from([length])
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
