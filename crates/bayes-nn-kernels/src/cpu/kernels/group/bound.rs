//! Bound groups: where a group has few tiles, the addresses of all operands are found once and not
//! in every step. All groups of a small network are bound.

use bayes_nn_autodiff::Reduction;

use super::assemble::{Assembly, RowScalar};
use super::routine::{Code, Tile};
use super::tile::Part;
use crate::cpu::isa::{Level, Runnable, multiversion};
use crate::cpu::math::sums;
use crate::cpu::memory::{Base, Bases, Frame, Scratch, TILE, rounded};
use crate::element::Element;

/// Tiles of a group at the most.
const MOST: usize = 32;

/// What a bound group needs beside its code.
pub(super) struct Bound<T> {
    tiles: Vec<BoundTile<T>>,
    scalars: Vec<T>,
    /// Scalars that are the number of the step.
    steps: Vec<usize>,
    /// Scalars that fill a tile of scratch memory, and so many elements of it.
    splats: Vec<(usize, *mut T)>,
    filled: usize,
    /// What is reduced, and where the result goes; of a single tile only.
    reductions: Vec<(Reduction, *const T, *mut T)>,
    totals: Vec<T>,
    bases: Bases<T>,
    isa: Runnable,
}

struct BoundTile<T> {
    part: Part,
    places: Vec<*mut T>,
    /// Scalars that are read, from where.
    read: Vec<(usize, *const T)>,
    /// What is copied before the code runs, and after it: from where to where.
    staged: Vec<(*const T, *mut T)>,
    copied: Vec<(*const T, *mut T)>,
}

// SAFETY: pointers are followed by `run` alone, which borrows the kernel for itself.
unsafe impl<T: Send> Send for Bound<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Bound<T> {}

impl<T: Element> Bound<T> {
    /// Finds everything, if the group has few tiles. `bases` and `scratch` are those of every step.
    pub fn new(
        group: &Assembly<T>,
        bases: Bases<T>,
        scratch: &mut Scratch<T>,
        isa: Runnable,
    ) -> Option<Bound<T>> {
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
        let scratch = scratch.tiles(group.tiles());
        let starts =
            (0..group.rows).flat_map(|row| (0..group.columns).step_by(TILE).map(move |c| (row, c)));
        let tiles: Vec<BoundTile<T>> = starts
            .map(|(row, column)| BoundTile::new(group, bases, &scratch, row, column))
            .collect();
        let mut steps = Vec::new();
        let scalars = group.scalars.iter().enumerate();
        let scalars = scalars.map(|(i, scalar)| match scalar {
            RowScalar::Constant(number) => *number,
            RowScalar::Read { .. } => T::ZERO,
            RowScalar::Step => {
                steps.push(i);
                T::ZERO
            }
        });
        let scalars = scalars.collect();
        let reductions = group.reductions.iter().map(|r| {
            let to = bases.at(r.to).wrapping_add(r.layout.place(0));
            (r.kind, tiles[0].places[r.place].cast_const(), to)
        });
        let splats = group.splats.iter();
        Some(Bound {
            reductions: reductions.collect(),
            totals: vec![T::ZERO; group.reductions.len()],
            bases,
            splats: splats
                .map(|&(scalar, slot)| (scalar, scratch[slot]))
                .collect(),
            filled: rounded(group.columns.min(TILE)),
            tiles,
            scalars,
            steps,
            isa,
        })
    }

    pub fn run(&mut self, code: &[Code<T>], frame: &Frame<'_, T>) {
        debug_assert_eq!(self.bases, frame.bases, "the memory has moved");
        for &scalar in &self.steps {
            self.scalars[scalar] = T::from_f64(frame.step as f64);
        }
        // SAFETY: the plan keeps what is read and written inside the arena, and nothing else runs;
        // a tile holds as many elements as are computed of it, and neither copies nor code write a
        // place that they read.
        unsafe {
            for bound in &self.tiles {
                // Scalars of a row stay the same until the next row.
                if bound.part.column == 0 {
                    for &(scalar, from) in &bound.read {
                        self.scalars[scalar] = *from;
                    }
                    for &(scalar, tile) in &self.splats {
                        let tile = std::slice::from_raw_parts_mut(tile, self.filled);
                        tile.fill(self.scalars[scalar]);
                    }
                }
                for &(from, to) in &bound.staged {
                    std::ptr::copy_nonoverlapping(from, to, bound.part.length);
                }
                let tile = Tile {
                    places: &bound.places,
                    scalars: &self.scalars,
                    length: rounded(bound.part.length),
                    row: bound.part.row,
                    column: bound.part.column,
                    seed: frame.seed,
                    step: frame.step,
                    draw: frame.draw,
                };
                for code in code {
                    (code.routine)(code, &tile);
                }
                // Before the copies, which may replace what is reduced; results are written after
                // them, for they may lie where something else was read.
                for (total, &(kind, from, _)) in self.totals.iter_mut().zip(&self.reductions) {
                    let run = std::slice::from_raw_parts(from, bound.part.length);
                    *total = T::from_f64(reduce(self.isa, kind, run));
                }
                for &(from, to) in &bound.copied {
                    std::ptr::copy(from, to, bound.part.length);
                }
            }
            for (total, &(_, _, to)) in self.totals.iter().zip(&self.reductions) {
                *to = *total;
            }
        }
    }
}

impl<T: Element> BoundTile<T> {
    fn new(
        group: &Assembly<T>,
        bases: Bases<T>,
        scratch: &[*mut T],
        row: usize,
        column: usize,
    ) -> BoundTile<T> {
        let part = Part {
            row,
            column,
            length: TILE.min(group.columns - column),
        };
        let at = |place| bases.at(place);
        let mut places = scratch.to_vec();
        let (mut staged, mut copied) = (Vec::new(), Vec::new());
        let own = |place: usize| scratch[place];
        group.point(part, at, own, &mut places, |from, to| {
            staged.push((from, to))
        });
        group.copies(part, at, &places, |from, to| copied.push((from, to)));
        let scalars = group.scalars.iter().enumerate();
        let read = scalars.filter_map(|(i, scalar)| match scalar {
            RowScalar::Read { place, access } => {
                let from = bases.at(*place).wrapping_add(access.start(row));
                Some((i, from.cast_const()))
            }
            RowScalar::Constant(_) | RowScalar::Step => None,
        });
        BoundTile {
            part,
            read: read.collect(),
            places,
            staged,
            copied,
        }
    }
}

multiversion! {
    /// The sum or the largest of a slice.
    fn reduce<T: Element>(kind: Reduction, run: &[T]) -> f64 = reduce_body;
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "sums are compiled for a level by being inlined here"
)]
#[inline(always)]
fn reduce_body<L: Level, T: Element>(kind: Reduction, run: &[T]) -> f64 {
    let mut lanes = sums::start(kind);
    sums::accumulate(kind, &mut lanes, run);
    sums::reduced(kind, &lanes)
}
