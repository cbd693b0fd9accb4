//! Strips: parts of long rows, each of which goes through several passes before the next does.

use std::ops::Range;

use super::layout::{PADDING, padded};

/// Columns of a strip, about: the values of a small network then stay in the second-level cache.
pub(super) const STRIP: usize = 1024;

/// Passes that may be run strip by strip: each computes a column of what it writes from the same
/// column of what the others write, or adds it up over the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strips {
    /// The passes, by their numbers in the plan.
    pub passes: Range<usize>,
    /// How many columns they walk.
    pub columns: usize,
}

impl Strips {
    /// How many strips the columns are cut into.
    pub fn count(&self) -> usize {
        self.columns.div_ceil(self.width())
    }

    /// The columns of a strip but the last: whole vectors, as even as these allow.
    pub fn width(&self) -> usize {
        padded(self.columns.div_ceil(self.columns.div_ceil(STRIP)))
    }

    /// The columns of strip number `i`.
    pub fn range(&self, i: usize) -> Range<usize> {
        let width = self.width();
        i * width..((i + 1) * width).min(self.columns)
    }

    /// From row to row of a value that exists only for a strip at a time. Not a power of two,
    /// or all its rows would compete for the same places of the cache.
    pub fn stride(&self) -> usize {
        self.width() + PADDING
    }
}
