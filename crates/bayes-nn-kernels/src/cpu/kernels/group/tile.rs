//! A tile of a group: where its places point, and how the code is run over it.

use super::assemble::{Assembly, Output, Reduce};
use super::routine::Tile;
use crate::cpu::math::Real;
use crate::cpu::memory::{Addresses, Bases, Frame, Part, TILE, TILE_STRIDE, rounded};

impl<T: Real> Assembly<T> {
    /// Where the numbers of a row are read, each with the scalar that it is.
    pub(super) fn reads(
        &self,
        row: usize,
        bases: Bases<T>,
    ) -> impl Iterator<Item = (usize, *mut T)> {
        let read = self.read.iter();
        read.map(move |read| {
            let start = bases.at(read.place);
            (read.scalar, start.wrapping_add(read.access.start(row)))
        })
    }

    /// Reads the numbers of a row, and fills a tile of scratch memory with each that an instruction
    /// needs as elements.
    ///
    /// # Safety
    /// They lie where `reads` says.
    #[inline(always)]
    pub(super) unsafe fn enter_row(
        &self,
        step: u64,
        reads: impl Iterator<Item = (usize, *mut T)>,
        places: &[*mut T],
        scalars: &mut [T],
    ) {
        for &scalar in &self.steps {
            scalars[scalar] = T::from_f64(step as f64);
        }
        for (scalar, from) in reads {
            // SAFETY: as promised.
            scalars[scalar] = unsafe { *from };
        }
        let filled = rounded(self.columns.min(TILE));
        for &(scalar, slot) in &self.splats {
            // SAFETY: a slot is a scratch tile, which holds a whole tile.
            let tile = unsafe { std::slice::from_raw_parts_mut(places[slot], filled) };
            tile.fill(scalars[scalar]);
        }
    }

    /// Points the places of streams and outputs to where a part of them lies, and those of which
    /// nothing beyond the end may be touched to their tiles of `scratch`.
    #[inline(always)]
    pub(super) fn point(
        &self,
        tile: &mut Addresses<T>,
        part: Part,
        bases: Bases<T>,
        scratch: *mut T,
    ) {
        let own = |place: usize| scratch.wrapping_add(place * TILE_STRIDE);
        let is_whole = rounded(part.length) == part.length;
        tile.part = part;
        tile.staged.clear();
        tile.copied.clear();
        for (place, stream) in self.streams.iter().enumerate() {
            let start = stream.access.start(part.row) + part.column;
            let source = bases.at(stream.place).wrapping_add(start);
            tile.places[place] = if is_whole || stream.padded {
                source
            } else {
                tile.staged.push((source, own(place)));
                own(place)
            };
        }
        for (output, place) in self.outputs.iter().zip(self.streams.len()..) {
            tile.places[place] = match is_whole || output.padded {
                true => output.target(part, bases),
                false => own(place),
            };
        }
        for (output, place) in self.outputs.iter().zip(self.streams.len()..) {
            let target = output.target(part, bases);
            let source = tile.places[output.copied_from.unwrap_or(place)];
            if output.copied_from.is_some() || source != target {
                tile.copied.push((source, target));
            }
        }
    }

    /// Computes a tile. What it reduces is then to be taken ([`Assembly::reduced`]), for the copies
    /// that end a tile ([`Addresses::copy`]) may replace it.
    ///
    /// # Safety
    /// The tile points into the memory of the plan, which nothing else uses.
    #[inline(always)]
    pub(super) unsafe fn compute(&self, tile: &Addresses<T>, frame: &Frame<'_, T>, scalars: &[T]) {
        let part = &tile.part;
        for &(from, to) in &tile.staged {
            // SAFETY: the plan keeps rows inside the arena, and scratch tiles are apart from it.
            unsafe { std::ptr::copy_nonoverlapping(from, to, part.length) };
        }
        let elements = Tile {
            places: &tile.places,
            scalars,
            length: rounded(part.length),
            part,
            frame,
        };
        for code in &self.code {
            // SAFETY: a place is whole vectors of elements, and no instruction writes a place that
            // it reads, or writes twice: registers are freed only after their last reader, and two
            // results of one instruction are given registers of their own.
            unsafe { (code.routine)(code, &elements) };
        }
    }

    /// The elements of a tile that was computed which a reduction takes.
    ///
    /// # Safety
    /// As for [`Assembly::compute`].
    #[inline(always)]
    pub(super) unsafe fn reduced<'a>(&self, tile: &'a Addresses<T>, reduction: &Reduce) -> &'a [T] {
        // SAFETY: a place is as many readable elements.
        unsafe { std::slice::from_raw_parts(tile.places[reduction.place], tile.part.length) }
    }
}

impl<T: Real> Addresses<T> {
    /// Ends a tile: copies results to where they belong.
    ///
    /// # Safety
    /// As for [`Assembly::compute`].
    #[inline(always)]
    pub(super) unsafe fn copy(&self) {
        for &(from, to) in &self.copied {
            // SAFETY: the plan gives the value as many elements here.
            unsafe { std::ptr::copy(from, to, self.part.length) };
        }
    }
}

impl Output {
    /// Where a part of it goes.
    #[inline(always)]
    fn target<T>(&self, part: Part, bases: Bases<T>) -> *mut T {
        bases
            .at(self.place)
            .wrapping_add(part.row * self.stride + part.column)
    }
}
