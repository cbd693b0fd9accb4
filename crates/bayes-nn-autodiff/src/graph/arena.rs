//! An arena: a list that only grows, and whose elements never move.
//!
//! A reference to an element lives as long as the list, so that reading needs neither a lock nor
//! a copy, while others append. Elements lie in blocks, each twice as long as the one before.

use std::sync::OnceLock;

/// The length of the first block, a power of two.
const FIRST: usize = 64;

/// Blocks for 2^32 elements.
const BLOCKS: usize = 27;

pub(super) struct Arena<T> {
    blocks: [OnceLock<Box<[OnceLock<T>]>>; BLOCKS],
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena {
            blocks: [const { OnceLock::new() }; BLOCKS],
        }
    }
}

/// The block that an element is in, and its place there.
fn place(index: usize) -> (usize, usize) {
    let shifted = index + FIRST;
    let block = (shifted.ilog2() - FIRST.ilog2()) as usize;
    (block, shifted - (FIRST << block))
}

impl<T> Arena<T> {
    /// The element at `index`, which has been appended.
    pub(super) fn get(&self, index: usize) -> &T {
        let (block, at) = place(index);
        let element = self.blocks[block].get().and_then(|block| block[at].get());
        element.expect("a place is given out when its element is there")
    }

    /// Puts the next element at `index`; only one thread appends at a time.
    pub(super) fn append(&self, index: usize, element: T) {
        let (block, at) = place(index);
        let elements = self.blocks[block].get_or_init(|| {
            let length = FIRST << block;
            (0..length).map(|_| OnceLock::new()).collect()
        });
        let taken = elements[at].set(element).is_err();
        debug_assert!(!taken, "the element {index} is appended once");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_where_they_are() {
        let arena = Arena::default();
        arena.append(0, 0);
        let first = arena.get(0);
        for index in 1..10_000 {
            arena.append(index, index);
        }
        assert!(std::ptr::eq(first, arena.get(0)));
        assert!((0..10_000).all(|index| *arena.get(index) == index));
    }
}
