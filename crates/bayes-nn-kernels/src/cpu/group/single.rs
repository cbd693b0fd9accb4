//! Groups of one tile: where everything lies is found once, not in every run. Of a small network
//! most passes are such.

use bayes_nn_autodiff::Reduction;

use super::assemble::RowScalar;
use super::routine::{Code, Tile};
use super::sums;
use super::tile::{Scratch, rounded};
use super::{GroupKernel, TILE};
use crate::Element;
use crate::cpu::isa::{Level, Runnable, multiversion};
use crate::cpu::program::Frame;

/// What a run of a group of one tile needs beside its code.
pub(super) struct Single<T> {
    places: Vec<*mut T>,
    scalars: Vec<T>,
    /// Scalars that are read in every run, from where.
    read: Vec<(usize, *const T)>,
    /// Scalars that are the number of the step.
    steps: Vec<usize>,
    /// Scalars that fill a tile.
    splats: Vec<(usize, *mut T)>,
    /// What is copied before the code runs, and after it: from where to where.
    staged: Vec<(*const T, *mut T)>,
    copied: Vec<(*const T, *mut T)>,
    /// What is reduced, and where the result goes.
    reductions: Vec<(Reduction, *const T, *mut T)>,
    length: usize,
    isa: Runnable,
}

// SAFETY: pointers are followed by `run` alone, which borrows the kernel for itself.
unsafe impl<T: Send> Send for Single<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Single<T> {}

impl<T: Element> Single<T> {
    /// Finds everything, if the group is of one tile. `arena` and `scratch` are those of all
    /// runs.
    pub fn bind(
        kernel: &GroupKernel<T>,
        arena: *mut T,
        scratch: &mut Scratch<T>,
        isa: Runnable,
    ) -> Option<Single<T>> {
        let streams = kernel.streams.iter().map(|stream| stream.place);
        let mut accessed = streams.chain(kernel.outputs.iter().map(|output| output.place));
        let of_strips = accessed.any(|place| place.of_strip);
        let length = kernel.columns;
        let whole = rounded(length) == length;
        if kernel.rows != 1 || !(1..=TILE).contains(&length) || of_strips {
            return None;
        }
        let mut places = scratch.tiles_of(kernel);
        let tiles = places.clone();
        let (mut staged, mut copied) = (Vec::new(), Vec::new());
        for (i, stream) in kernel.streams.iter().enumerate() {
            let place = kernel.slots + i;
            let from = arena.wrapping_add(stream.place.offset + stream.access.start(0));
            match whole || stream.padded {
                true => places[place] = from,
                false => staged.push((from.cast_const(), tiles[place])),
            }
        }
        let first_output = kernel.slots + kernel.streams.len();
        for (i, output) in kernel.outputs.iter().enumerate() {
            let place = first_output + i;
            let to = arena.wrapping_add(output.place.offset);
            let direct = whole || output.padded;
            if direct {
                places[place] = to;
            }
            match output.copied_from {
                Some(from) => copied.push((from, to)),
                None if !direct => copied.push((place, to)),
                None => {}
            }
        }
        let (mut read, mut steps) = (Vec::new(), Vec::new());
        let scalars = kernel.scalars.iter().enumerate().map(|(i, scalar)| {
            match scalar {
                RowScalar::Constant(number) => return *number,
                RowScalar::Step => steps.push(i),
                RowScalar::Read { offset, access } => {
                    read.push((i, arena.wrapping_add(offset + access.start(0)).cast_const()));
                }
            }
            T::ZERO
        });
        let scalars = scalars.collect();
        let splats = kernel.splats.iter();
        let reductions = kernel.reductions.iter();
        Some(Single {
            splats: splats
                .map(|&(scalar, slot)| (scalar, tiles[slot]))
                .collect(),
            staged,
            copied: (copied.into_iter())
                .map(|(from, to)| (places[from].cast_const(), to))
                .collect(),
            reductions: reductions
                .map(|r| {
                    let to = arena.wrapping_add(r.offset + r.layout.place(0));
                    (r.kind, places[r.place].cast_const(), to)
                })
                .collect(),
            places,
            scalars,
            read,
            steps,
            length,
            isa,
        })
    }

    pub fn run(&mut self, code: &[Code<T>], frame: &Frame<'_, T>) {
        let rounded = rounded(self.length);
        for &scalar in &self.steps {
            self.scalars[scalar] = T::from_f64(frame.step as f64);
        }
        // SAFETY: the plan keeps what is read and written inside the arena, and nothing else runs;
        // a tile holds `rounded` elements, and neither copies nor code write a place that they
        // read.
        unsafe {
            for &(scalar, from) in &self.read {
                self.scalars[scalar] = *from;
            }
            for &(scalar, tile) in &self.splats {
                std::slice::from_raw_parts_mut(tile, rounded).fill(self.scalars[scalar]);
            }
            for &(from, to) in &self.staged {
                std::ptr::copy_nonoverlapping(from, to, self.length);
            }
            let tile = Tile {
                places: &self.places,
                scalars: &self.scalars,
                length: rounded,
                row: 0,
                column: 0,
                seed: frame.seed,
                step: frame.step,
            };
            for code in code {
                (code.routine)(code, &tile);
            }
            for &(kind, from, to) in &self.reductions {
                let run = std::slice::from_raw_parts(from, self.length);
                *to = T::from_f64(reduce(self.isa, kind, run));
            }
            for &(from, to) in &self.copied {
                std::ptr::copy(from, to, self.length);
            }
        }
    }
}

multiversion! {
    /// The sum or the largest of a run.
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
