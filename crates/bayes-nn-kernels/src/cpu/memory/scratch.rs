//! Scratch memory: the tiles and numbers that a thread needs while it runs a fused group.

use super::arena::Arena;
use crate::cpu::math::sums::SUM_LANES;
use crate::element::Element;
use crate::plan::layout::PADDING;

/// Elements of a tile: large enough that choosing its instructions costs little, small enough
/// that a dozen of them stay in the first-level cache. A multiple of 64, where blocks of noise
/// begin.
pub(crate) const TILE: usize = 512;

/// From tile to tile of scratch memory: not a power of two, or all tiles would compete for the
/// same places of the cache.
pub(crate) const TILE_STRIDE: usize = TILE + PADDING;

/// How many elements are computed where so many are wanted: whole vectors, unless it is a single
/// number.
#[inline(always)]
pub(crate) fn rounded(length: usize) -> usize {
    if length == 1 {
        1
    } else {
        length.next_multiple_of(PADDING)
    }
}

/// Columns of a row that are computed together, from `column` on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Part {
    pub row: usize,
    pub column: usize,
    pub length: usize,
}

/// A tile made ready to be computed: where its places are, and what is copied before the code runs
/// and after it, from where to where.
#[derive(Clone)]
pub(crate) struct Addresses<T> {
    pub part: Part,
    pub places: Vec<*mut T>,
    pub staged: Vec<(*mut T, *mut T)>,
    pub copied: Vec<(*mut T, *mut T)>,
}

/// Memory of a thread that runs groups.
pub(crate) struct Scratch<T> {
    tiles: Arena<T>,
    pub tile: Addresses<T>,
    pub scalars: Vec<T>,
    pub sums: Vec<[T; SUM_LANES]>,
}

// SAFETY: the tile is pointed anew at the start of every run, on the thread that runs.
unsafe impl<T: Send> Send for Scratch<T> {}

impl<T: Element> Scratch<T> {
    /// Memory of so many tiles, numbers and running sums.
    pub fn new(tiles: usize, scalars: usize, sums: usize) -> Scratch<T> {
        Scratch {
            tiles: Arena::new(tiles * TILE_STRIDE),
            tile: Addresses {
                part: Part::default(),
                places: vec![std::ptr::null_mut(); tiles],
                staged: Vec::new(),
                copied: Vec::new(),
            },
            scalars: vec![T::ZERO; scalars],
            sums: vec![[T::ZERO; SUM_LANES]; sums],
        }
    }

    /// Points the first `count` places to a scratch tile each; the first of these is where the
    /// result says, the next is [`TILE_STRIDE`] elements on.
    pub fn prepare(&mut self, count: usize) -> *mut T {
        let start = self.tiles.start();
        for (i, place) in self.tile.places[..count].iter_mut().enumerate() {
            *place = start.wrapping_add(i * TILE_STRIDE);
        }
        start
    }
}
