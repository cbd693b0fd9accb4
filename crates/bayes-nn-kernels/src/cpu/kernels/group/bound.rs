//! Bound groups: where a group has few tiles, the addresses of all operands are found once and not
//! in every step. All groups of a small network are bound. Their tiles are run by the code that runs
//! all others. To find the addresses in every step would make a step of two moons 20 % longer in
//! single precision and 6 % in double.

use bayes_nn_autodiff::Reduction;

use super::assemble::Assembly;
use crate::cpu::isa::{Level, multiversion};
use crate::cpu::math::Real;
use crate::cpu::math::sums;
use crate::cpu::memory::{Addresses, Base, Bases, Frame, Part, Scratch, TILE};

/// Tiles of a group at the most.
const MOST: usize = 32;

/// Where the numbers of a tile lie, and where they are read into.
type Tile<T> = (Addresses<T>, Vec<(usize, *mut T)>);

/// What a bound group needs beside its code.
pub(super) struct Bound<T> {
    /// Each with the numbers that are read at the start of its row.
    tiles: Vec<Tile<T>>,
    scalars: Vec<T>,
    totals: Vec<T>,
    bases: Bases<T>,
}

// SAFETY: pointers are followed by `run` alone, which borrows the kernel for itself.
unsafe impl<T: Send> Send for Bound<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Bound<T> {}

impl<T: Real> Bound<T> {
    /// Finds everything, if the group has few tiles, and one only where it reduces something.
    /// `bases` and `scratch` are those of every step.
    pub fn new(group: &Assembly<T>, bases: Bases<T>, scratch: &mut Scratch<T>) -> Option<Bound<T>> {
        let streams = group.streams.iter().map(|stream| stream.place);
        let mut accessed = streams.chain(group.outputs.iter().map(|output| output.place));
        let count = group.rows * group.columns.div_ceil(TILE);
        let most = match group.reductions.is_empty() {
            true => MOST,
            false => 1,
        };
        let of_strips = accessed.any(|place| place.base == Base::Strip);
        if !(1..=most).contains(&count) || of_strips {
            return None;
        }
        let start = scratch.prepare(group.places);
        let columns = || (0..group.columns).step_by(TILE);
        let tiles = (0..group.rows).flat_map(|row| columns().map(move |column| (row, column)));
        let tiles = tiles.map(|(row, column)| {
            let part = Part {
                row,
                column,
                length: TILE.min(group.columns - column),
            };
            let mut tile = scratch.tile.clone();
            tile.places.truncate(group.places);
            group.point(&mut tile, part, bases, start);
            (tile, group.reads(row, bases).collect())
        });
        Some(Bound {
            tiles: tiles.collect(),
            scalars: group.scalars.clone(),
            totals: vec![T::ZERO; group.reductions.len()],
            bases,
        })
    }

    pub fn run(&mut self, group: &Assembly<T>, frame: &Frame<'_, T>) {
        debug_assert_eq!(self.bases, frame.bases, "the memory has moved");
        for (tile, reads) in &self.tiles {
            // SAFETY: the tile points into this program's memory, and nothing else runs.
            unsafe {
                // Scalars of a row stay the same until the next row.
                if tile.part.column == 0 {
                    let reads = reads.iter().copied();
                    group.enter_row(frame.step, reads, &tile.places, &mut self.scalars);
                }
                group.compute(tile, frame, &self.scalars);
                for (total, reduction) in self.totals.iter_mut().zip(&group.reductions) {
                    let elements = group.reduced(tile, reduction);
                    *total = T::from_f64(reduce(frame.isa, reduction.kind, elements));
                }
                tile.copy();
            }
        }
        // After all copies, for results may lie where something else was read.
        for (total, reduction) in self.totals.iter().zip(&group.reductions) {
            // SAFETY: the plan placed the result inside its memory.
            unsafe { *frame.at(reduction.to) = *total };
        }
    }
}

multiversion! {
    /// The sum or the largest of elements.
    fn reduce<T: Real>(kind: Reduction, elements: &[T]) -> f64 = reduce_body;
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "sums are compiled for a level by being inlined here"
)]
#[inline(always)]
fn reduce_body<L: Level, T: Real>(kind: Reduction, elements: &[T]) -> f64 {
    let mut lanes = sums::start(kind);
    sums::accumulate(kind, &mut lanes, elements);
    sums::reduced(kind, &lanes)
}
