//! Shapes: up to six axis lengths, row-major, the last axis contiguous.

use std::fmt;
use std::ops::Deref;

const MAX_RANK: usize = 6;

/// A tensor of more elements cannot be addressed, whatever their type and their padding.
const MAX_ELEMENTS: usize = isize::MAX as usize / 64;

/// A tensor without elements has at most so many slices, through which loops go all the same.
const MAX_EMPTY: usize = 1 << 20;

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

    /// How many elements: the product of the lengths, 1 for a scalar; `usize::MAX` where that is
    /// more.
    pub fn elements(&self) -> usize {
        product(self.iter())
    }

    /// That memory can address a tensor of this shape, each of its slices included.
    pub(crate) fn check(&self) -> Result<(), String> {
        let slices = product(self.iter().filter(|length| **length > 0));
        match self.elements() {
            0 if slices > MAX_EMPTY => Err(format!(
                "the shape {self} has no elements in too many slices; at most {MAX_EMPTY} are \
                 possible"
            )),
            _ if slices > MAX_ELEMENTS => Err(format!(
                "the shape {self} has more elements than memory can address"
            )),
            _ => Ok(()),
        }
    }

    /// The length of the last axis, 1 for a scalar.
    pub fn columns(&self) -> usize {
        self.last().copied().unwrap_or(1)
    }

    /// The product of all lengths but the last, 1 for a scalar; `usize::MAX` where that is more.
    pub fn rows(&self) -> usize {
        product(&self[..self.rank.saturating_sub(1)])
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

    /// The length of axis `axis` once leading axes of length 1 have raised the rank to `rank`; 1
    /// beyond the last axis.
    pub fn aligned(&self, axis: usize, rank: usize) -> usize {
        let own = axis.saturating_add(self.rank).checked_sub(rank);
        own.and_then(|own| self.get(own)).copied().unwrap_or(1)
    }

    /// This shape without those of its axes that are among `from..to`.
    #[must_use]
    pub fn without(&self, from: usize, to: usize) -> Shape {
        let mut shape = Shape::SCALAR;
        for (axis, &dim) in self.iter().enumerate() {
            if !(from..to).contains(&axis) {
                shape.dims[shape.rank] = dim;
                shape.rank += 1;
            }
        }
        shape
    }

    /// This shape with `axis` set to `length`; a shape without that axis stays as it is.
    #[must_use]
    pub fn with(&self, axis: usize, length: usize) -> Shape {
        let mut shape = *self;
        if let Some(dim) = shape.dims[..self.rank].get_mut(axis) {
            *dim = length;
        }
        shape
    }
}

fn product<'a>(lengths: impl IntoIterator<Item = &'a usize>) -> usize {
    let lengths = lengths.into_iter();
    lengths.fold(1, |product: usize, length| product.saturating_mul(*length))
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
