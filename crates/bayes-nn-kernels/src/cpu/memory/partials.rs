//! Memory that the pieces of a kernel fill, each on a thread of its own.

use std::cell::UnsafeCell;
use std::ops::Range;

/// Partial results of pieces of a kernel, each piece run by one thread.
pub(crate) struct Partials<T>(Box<[UnsafeCell<T>]>);

// SAFETY: `part` makes its caller promise that no two threads take the same elements.
unsafe impl<T: Send> Sync for Partials<T> {}

impl<T: Copy> Partials<T> {
    pub fn new(count: usize, value: T) -> Partials<T> {
        Partials((0..count).map(|_| UnsafeCell::new(value)).collect())
    }

    /// Where the first element lies.
    pub fn start(&self) -> *const T {
        self.0.as_ptr().cast()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// # Safety
    /// While the result lives, nothing else reads or writes these elements.
    #[expect(clippy::mut_from_ref, reason = "the caller's promise")]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        let cells = &self.0[range];
        // SAFETY: a cell lies in memory as what it holds; the caller promises to be alone.
        unsafe { std::slice::from_raw_parts_mut(cells.as_ptr().cast_mut().cast(), cells.len()) }
    }
}
