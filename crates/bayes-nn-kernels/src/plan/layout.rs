//! Where the elements of a value lie: rows of columns, padded to whole vectors.

use std::ops::Range;

use bayes_nn_autodiff::Shape;

/// Memory of a value is padded to a multiple of this many elements, so that a loop over it
/// needs no tail: four vectors of sixteen, as far as compilers unroll.
pub const PADDING: usize = 64;

/// Rows up to this length are not padded: they would mostly be padding.
const SHORT_ROW: usize = 32;

/// `n` rounded up to whole vectors.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(PADDING)
}

/// The lengths of the axes that are not 1. Axes of length 1 say nothing about where elements
/// lie, so `[500]`, `[1, 500]` and `[500, 1]` share a layout.
pub fn squeezed(shape: &Shape) -> Vec<usize> {
    shape.iter().copied().filter(|n| *n != 1).collect()
}

/// A shape around an axis: the product of the lengths before it, its length, and the product of those
/// behind it.
pub fn around(shape: &Shape, axis: usize) -> [usize; 3] {
    let outer = shape[..axis].iter().product();
    [outer, shape[axis], shape[axis + 1..].iter().product()]
}

/// A value's elements as `rows` of `columns`, each row starting `stride` after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many rows: the product of the squeezed lengths but the last.
    pub rows: usize,
    /// How many columns: the last squeezed length.
    pub columns: usize,
    /// From the start of a row to that of the next.
    pub stride: usize,
    /// Whether each row may be read and written up to whole vectors. What lies there beyond
    /// `columns` is arbitrary.
    pub row_padding: bool,
    /// Whether the end of the last row may be read and written up to whole vectors.
    pub end_padding: bool,
}

impl Layout {
    /// Rows directly after one another.
    pub fn contiguous(shape: &Shape) -> Layout {
        let dims = squeezed(shape);
        let columns = dims.last().copied().unwrap_or(1);
        Layout {
            rows: dims[..dims.len().saturating_sub(1)].iter().product(),
            columns,
            stride: columns,
            row_padding: false,
            end_padding: false,
        }
    }

    /// Every row padded to whole vectors, unless rows are short.
    pub fn padded(shape: &Shape) -> Layout {
        let mut layout = Layout::contiguous(shape);
        if layout.rows > 1 && layout.columns > SHORT_ROW {
            layout.stride = padded(layout.columns);
        }
        layout
    }

    /// This layout with the paddings that memory allows when what follows the last row up to
    /// whole vectors is the value's own (`end`).
    #[must_use]
    pub fn with_paddings(self, end: bool) -> Layout {
        let end = end || (self.rows * self.stride).is_multiple_of(PADDING);
        let between = self.stride >= padded(self.columns);
        Layout {
            row_padding: between || (self.rows <= 1 && end),
            end_padding: end,
            ..self
        }
    }

    /// From the start of the first row to the end of the last, its padding included.
    pub fn span(&self) -> usize {
        self.rows * self.stride
    }

    /// Whether the elements follow one another without gaps.
    pub fn is_contiguous(&self) -> bool {
        self.rows <= 1 || self.stride == self.columns
    }

    /// Where the element with this row-major number lies.
    pub fn place(&self, index: usize) -> usize {
        if index < self.columns {
            return index;
        }
        index / self.columns * self.stride + index % self.columns
    }

    /// Where the elements lie, in their order: one range if they follow one another without gaps,
    /// else one for each row.
    pub fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        let (count, length) = match self.is_contiguous() {
            true => (1, self.rows * self.columns),
            false => (self.rows, self.columns),
        };
        let stride = self.stride;
        (0..count).map(move |run| run * stride..run * stride + length)
    }

    /// The layout of `shape` as a view of this from element `offset` on, and where it starts;
    /// `None` when no layout does it and the elements must be copied.
    pub fn view(&self, offset: usize, shape: &Shape) -> Option<(usize, Layout)> {
        let layout = Layout::contiguous(shape);
        let elements = layout.rows * layout.columns;
        if elements == 0 || self.is_contiguous() {
            return Some((offset, layout));
        }
        let start = self.place(offset);
        if layout.columns == self.columns && offset.is_multiple_of(self.columns) {
            let stride = self.stride;
            return Some((start, Layout { stride, ..layout }));
        }
        (offset % self.columns + elements <= self.columns).then_some((start, layout))
    }
}

/// How a value is read while another shape is walked: where each row starts, and whether the
/// columns advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where in the value the reading of a row starts.
    pub rows: RowStarts,
    /// Whether the columns advance; else the row's first element stands for all.
    pub advances: bool,
}

/// Where in a value the reading of row `r` starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowStarts {
    /// At `r * stride`.
    Every(usize),
    /// At the `r`-th of these.
    Listed(Vec<u32>),
}

impl Access {
    /// The walk over `dims` (squeezed) of a value whose squeezed axis `axes[i]` follows axis
    /// `i` of the walk; where there is none the value is repeated.
    pub fn new(
        dims: &[usize],
        source: &[usize],
        axes: &[Option<usize>],
        layout: &Layout,
    ) -> Access {
        let stride_of = |axis: usize| match axis + 1 == source.len() {
            true => 1,
            false => {
                let between: usize = source[axis + 1..source.len() - 1].iter().product();
                between * layout.stride
            }
        };
        let strides: Vec<usize> = axes.iter().map(|a| a.map_or(0, stride_of)).collect();
        let Some((&last, leading)) = strides.split_last() else {
            return Access {
                rows: RowStarts::Every(0),
                advances: false,
            };
        };
        let lengths = &dims[..dims.len() - 1];
        let rows: usize = lengths.iter().product();
        let start = |row: usize| {
            let mut rest = row;
            let mut start = 0;
            for (length, stride) in lengths.iter().zip(leading).rev() {
                start += rest % length * stride;
                rest /= length;
            }
            start
        };
        let step = if rows > 1 { start(1) } else { 0 };
        let rows = if (0..rows).all(|r| start(r) == r * step) {
            RowStarts::Every(step)
        } else {
            RowStarts::Listed((0..rows).map(|r| start(r) as u32).collect())
        };
        Access {
            rows,
            advances: last != 0,
        }
    }

    /// One element that stands for all.
    pub fn is_single(&self) -> bool {
        !self.advances && self.rows == RowStarts::Every(0)
    }

    /// Where the reading of row `r` starts.
    pub fn start(&self, r: usize) -> usize {
        match &self.rows {
            RowStarts::Every(stride) => r * stride,
            RowStarts::Listed(starts) => starts[r] as usize,
        }
    }
}
