//! A tile of a group: where its places point, and how the code is run over it.

use super::assemble::{Assembly, Output, RowScalar};
use super::routine::Tile;
use crate::cpu::math::sums::accumulate;
use crate::cpu::memory::{Frame, Place, Scratch, TILE, TILE_STRIDE, rounded};
use crate::element::Element;

/// A tile of a group: columns from `column` on of a row.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub row: usize,
    pub column: usize,
    pub length: usize,
}

/// Reads the numbers of a row, and fills a tile with each that an instruction needs as elements.
pub(super) fn enter_row<T: Element>(
    group: &Assembly<T>,
    frame: &Frame<'_, T>,
    scratch: &mut Scratch<T>,
    row: usize,
) {
    for (scalar, known) in group.scalars.iter().zip(&mut scratch.scalars) {
        *known = match scalar {
            RowScalar::Constant(number) => *number,
            RowScalar::Step => T::from_f64(frame.step as f64),
            RowScalar::Read { place, access } => {
                // SAFETY: the plan keeps every access inside its memory.
                unsafe { *frame.at(*place).add(access.start(row)) }
            }
        };
    }
    let filled = rounded(group.columns.min(TILE));
    for &(scalar, slot) in &group.splats {
        // SAFETY: a slot is a scratch tile, which holds a whole tile.
        let tile = unsafe { std::slice::from_raw_parts_mut(scratch.places[slot], filled) };
        tile.fill(scratch.scalars[scalar]);
    }
}

impl<T: Element> Assembly<T> {
    /// Points the places of streams and outputs to where a tile of them lies; those of which
    /// nothing beyond the end may be touched to their scratch tiles. `at` is where a value starts,
    /// `scratch` where the tile of a place does; `stage` gets what must be copied before.
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

    /// Gives `copy` what must be copied after the code has run, where [`Assembly::point`] pointed
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
    group: &Assembly<T>,
    frame: &Frame<'_, T>,
    scratch: &mut Scratch<T>,
    part: Part,
) {
    let start = scratch.start();
    let at = |place| frame.at(place);
    let own = |place| start.wrapping_add(place * TILE_STRIDE);
    group.point(part, at, own, &mut scratch.places, |from, to| {
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
        draw: frame.draw,
    };
    for code in &group.code {
        // SAFETY: a place is whole vectors of elements, and no instruction writes a place that it
        // reads, or writes twice: registers are freed only after their last reader, and two
        // results of one instruction are given registers of their own.
        unsafe { (code.routine)(code, &tile) };
    }

    for (sum, reduction) in scratch.sums.iter_mut().zip(&group.reductions) {
        let place = scratch.places[reduction.place];
        // SAFETY: a place is as many readable elements.
        let run = unsafe { std::slice::from_raw_parts(place, part.length) };
        accumulate(reduction.kind, sum, run);
    }
    group.copies(part, at, &scratch.places, |from, to| {
        // SAFETY: the plan gives the value as many elements here.
        unsafe { std::ptr::copy(from, to, part.length) };
    });
}
