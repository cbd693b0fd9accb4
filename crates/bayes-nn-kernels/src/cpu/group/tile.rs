//! A tile of a group: where its places point, and the run of the code over it.

use super::assemble::RowScalar;
use super::routine::Tile;
use super::sums::{SUM_LANES, accumulate};
use super::{GroupKernel, TILE};
use crate::Element;
use crate::cpu::arena::Arena;
use crate::cpu::program::Frame;
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

/// Computes one tile of one row.
#[inline(always)]
pub(super) fn tile<T: Element>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    scratch: &mut Scratch<T>,
    row: usize,
    column: usize,
    length: usize,
) {
    let rounded = rounded(length);
    let base = scratch.tiles.start();
    for (i, stream) in kernel.streams.iter().enumerate() {
        let place = kernel.slots + i;
        // SAFETY: the plan keeps rows inside the arena. A tile that is no whole number of
        // vectors is copied first, unless the value says that it may be read beyond its end.
        unsafe {
            let source = frame
                .at(stream.place)
                .wrapping_add(stream.access.start(row) + column);
            scratch.places[place] = if rounded == length || stream.padded {
                source
            } else {
                let staged = base.add(place * TILE_STRIDE);
                std::ptr::copy_nonoverlapping(source, staged, length);
                staged
            };
        }
    }
    let first_output = kernel.slots + kernel.streams.len();
    for (i, output) in kernel.outputs.iter().enumerate() {
        let place = first_output + i;
        // SAFETY: as above, for writing.
        unsafe {
            scratch.places[place] = if rounded == length || output.padded {
                frame
                    .at(output.place)
                    .wrapping_add(row * output.stride + column)
            } else {
                base.add(place * TILE_STRIDE)
            };
        }
    }

    let tile = Tile {
        places: &scratch.places,
        scalars: &scratch.scalars,
        length: rounded,
        row,
        column,
        seed: frame.seed,
        step: frame.step,
    };
    for code in &kernel.code {
        // SAFETY: a place is `rounded` elements, and no instruction writes a place that it
        // reads, or writes twice: registers are freed only after their last reader, and two
        // results of one instruction are given registers of their own.
        unsafe { (code.routine)(code, &tile) };
    }

    for (sum, reduction) in scratch.sums.iter_mut().zip(&kernel.reductions) {
        // SAFETY: a place is `rounded` readable elements.
        let run = unsafe { std::slice::from_raw_parts(scratch.places[reduction.place], length) };
        accumulate(reduction.kind, sum, run);
    }
    for (i, output) in kernel.outputs.iter().enumerate() {
        // SAFETY: the plan gives the value `length` elements here, and `rounded` when padded;
        // the source is a scratch tile or an operand, never the output itself.
        unsafe {
            let target = frame
                .at(output.place)
                .wrapping_add(row * output.stride + column);
            match output.copied_from {
                Some(place) => {
                    std::ptr::copy(scratch.places[place], target, length);
                }
                None if scratch.places[first_output + i] != target => {
                    std::ptr::copy_nonoverlapping(scratch.places[first_output + i], target, length);
                }
                None => {}
            }
        }
    }
}
