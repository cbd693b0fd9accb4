//! A tile of a group: where its places point, and the run of the code over it.

use super::assemble::{Output, RowScalar};
use super::routine::Tile;
use super::sums::{SUM_LANES, accumulate};
use super::{GroupKernel, TILE};
use crate::Element;
use crate::cpu::arena::Arena;
use crate::cpu::program::Frame;
use crate::cpu::strips::Place;
use crate::plan::layout::PADDING;

/// Memory of a thread that runs groups.
pub(in crate::cpu) struct Scratch<T> {
    tiles: Arena<T>,
    places: Vec<*mut T>,
    scalars: Vec<T>,
    pub(super) sums: Vec<[T; SUM_LANES]>,
}

// SAFETY: places are pointed anew at the start of every run, on the thread that runs.
unsafe impl<T: Send> Send for Scratch<T> {}

impl<T: Element> Scratch<T> {
    /// Memory that is enough for each of these kernels.
    pub fn for_kernels<'a>(kernels: impl Iterator<Item = &'a GroupKernel<T>>) -> Scratch<T> {
        let (mut tiles, mut scalars, mut sums) = (0, 0, 0);
        for kernel in kernels {
            tiles = tiles.max(kernel.tiles());
            scalars = scalars.max(kernel.scalars.len());
            sums = sums.max(kernel.reductions.len());
        }
        Scratch {
            tiles: Arena::new(tiles * TILE_STRIDE),
            places: vec![std::ptr::null_mut(); tiles],
            scalars: vec![T::ZERO; scalars],
            sums: vec![[T::ZERO; SUM_LANES]; sums],
        }
    }

    /// Points the places of a kernel to their scratch tiles.
    pub(super) fn prepare(&mut self, kernel: &GroupKernel<T>) {
        let start = self.tiles.start();
        for (i, place) in self.places[..kernel.tiles()].iter_mut().enumerate() {
            *place = start.wrapping_add(i * TILE_STRIDE);
        }
    }

    /// A scratch tile for each place of a kernel.
    pub(super) fn tiles_of(&mut self, kernel: &GroupKernel<T>) -> Vec<*mut T> {
        self.prepare(kernel);
        self.places[..kernel.tiles()].to_vec()
    }

    pub(super) fn enter_row(&mut self, kernel: &GroupKernel<T>, frame: &Frame<'_, T>, row: usize) {
        for (scalar, known) in kernel.scalars.iter().zip(&mut self.scalars) {
            *known = match scalar {
                RowScalar::Constant(number) => *number,
                RowScalar::Step => T::from_f64(frame.step as f64),
                RowScalar::Read { offset, access } => {
                    // SAFETY: the plan keeps every access inside the arena.
                    unsafe { *frame.arena.add(offset + access.start(row)) }
                }
            };
        }
        let filled = rounded(kernel.columns.min(TILE));
        for &(scalar, slot) in &kernel.splats {
            // SAFETY: a slot is a scratch tile, which holds a whole tile.
            let tile = unsafe { std::slice::from_raw_parts_mut(self.places[slot], filled) };
            tile.fill(self.scalars[scalar]);
        }
    }
}

/// From tile to tile of scratch memory: not a power of two, or all tiles would compete for the
/// same places of the cache.
const TILE_STRIDE: usize = TILE + PADDING;

/// How many elements are computed where so many are wanted: whole vectors, unless it is a single
/// number.
#[inline(always)]
pub(super) fn rounded(length: usize) -> usize {
    if length == 1 {
        1
    } else {
        length.next_multiple_of(PADDING)
    }
}

/// A tile of a group: columns from `column` on of a row.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub row: usize,
    pub column: usize,
    pub length: usize,
}

impl<T: Element> GroupKernel<T> {
    /// Points the places of streams and outputs to where a tile of them lies; those of which
    /// nothing beyond the end may be touched to their scratch tiles. `at` is where a value starts,
    /// `scratch` where the tile of a place does; `stage` is told what must be copied before.
    #[inline(always)]
    pub(super) fn point(
        &self,
        part: Part,
        at: impl Fn(Place) -> *mut T,
        scratch: impl Fn(usize) -> *mut T,
        places: &mut [*mut T],
        mut stage: impl FnMut(*const T, *mut T),
    ) {
        let is_whole = rounded(part.length) == part.length;
        for (i, stream) in self.streams.iter().enumerate() {
            let place = self.slots + i;
            let start = stream.access.start(part.row) + part.column;
            let source = at(stream.place).wrapping_add(start);
            places[place] = if is_whole || stream.padded {
                source
            } else {
                stage(source, scratch(place));
                scratch(place)
            };
        }
        let first_output = self.slots + self.streams.len();
        for (i, output) in self.outputs.iter().enumerate() {
            let place = first_output + i;
            places[place] = match is_whole || output.padded {
                true => output.target(part, &at),
                false => scratch(place),
            };
        }
    }

    /// Tells `copy` what must be copied after the code has run, where [`GroupKernel::point`] pointed
    /// the places.
    #[inline(always)]
    pub(super) fn copies(
        &self,
        part: Part,
        at: impl Fn(Place) -> *mut T,
        places: &[*mut T],
        mut copy: impl FnMut(*const T, *mut T),
    ) {
        let first_output = self.slots + self.streams.len();
        for (i, output) in self.outputs.iter().enumerate() {
            let target = output.target(part, &at);
            let source = places[output.copied_from.unwrap_or(first_output + i)];
            if output.copied_from.is_some() || source != target {
                copy(source, target);
            }
        }
    }
}

impl Output {
    /// Where a tile of it goes.
    #[inline(always)]
    fn target<T>(&self, part: Part, at: impl Fn(Place) -> *mut T) -> *mut T {
        at(self.place).wrapping_add(part.row * self.stride + part.column)
    }
}

/// Computes one tile of one row.
#[inline(always)]
pub(super) fn tile<T: Element>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    scratch: &mut Scratch<T>,
    part: Part,
) {
    let start = scratch.tiles.start();
    let at = |place| frame.at(place);
    let own = |place| start.wrapping_add(place * TILE_STRIDE);
    kernel.point(part, at, own, &mut scratch.places, |from, to| {
        // SAFETY: the plan keeps rows inside the arena, and scratch tiles are apart from it.
        unsafe { std::ptr::copy_nonoverlapping(from, to, part.length) };
    });

    let tile = Tile {
        places: &scratch.places,
        scalars: &scratch.scalars,
        length: rounded(part.length),
        row: part.row,
        column: part.column,
        seed: frame.seed,
        step: frame.step,
    };
    for code in &kernel.code {
        // SAFETY: a place is whole vectors of elements, and no instruction writes a place that it
        // reads, or writes twice: registers are freed only after their last reader, and two
        // results of one instruction are given registers of their own.
        unsafe { (code.routine)(code, &tile) };
    }

    for (sum, reduction) in scratch.sums.iter_mut().zip(&kernel.reductions) {
        let place = scratch.places[reduction.place];
        // SAFETY: a place is as many readable elements.
        let run = unsafe { std::slice::from_raw_parts(place, part.length) };
        accumulate(reduction.kind, sum, run);
    }
    kernel.copies(part, at, &scratch.places, |from, to| {
        // SAFETY: the plan gives the value as many elements here.
        unsafe { std::ptr::copy(from, to, part.length) };
    });
}
