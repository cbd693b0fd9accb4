//! Fused groups: a straight line of instructions over tiles that stay in the first-level cache.
//!
//! The columns of a row are walked in tiles. For each tile every instruction runs over all its
//! elements before the next, so that the price of choosing it is paid once a tile and its loop
//! is a plain vector loop. Registers are tiles of scratch memory; operands and results are read
//! and written where they lie.

mod assemble;
mod bound;
mod contract;
mod functions;
mod routine;
mod sums;
mod tile;

use std::ops::Range;

use bayes_nn_autodiff::{Binary, Reduction, Unary};
use rayon::prelude::*;

use super::isa::{Level, Runnable, multiversion};
use super::program::{Frame, WORTH_A_THREAD};
use super::strips::{Memory, Partials};
use crate::Element;
use crate::plan::{Access, FusedGroup, Instruction, RowStarts, Strips, ValueId};
use assemble::{Assembler, Output, Reduce, RowScalar, Stream};
use bound::Bound;
use routine::Code;
pub(super) use sums::maximum;
pub(super) use tile::Scratch;
use tile::{Part, tile};

/// Elements of a tile: large enough that choosing its instructions costs little, small enough
/// that a dozen of them stay in the first-level cache. A multiple of 64, where blocks of noise
/// begin.
const TILE: usize = 512;

/// Columns of a piece: the unit of work for threads and of partial sums. Fixed, so that
/// neither depends on how many threads there are.
const PIECE: usize = 4096;

/// A group made ready to run.
pub(super) struct GroupKernel<T> {
    rows: usize,
    columns: usize,
    code: Vec<Code<T>>,
    scalars: Vec<RowScalar<T>>,
    /// Scalars that an instruction needs as a run of elements: the scalar, and the slot.
    splats: Vec<(usize, usize)>,
    streams: Vec<Stream>,
    outputs: Vec<Output>,
    reductions: Vec<Reduce>,
    /// How many scratch tiles registers need.
    slots: usize,
    /// Columns of a piece.
    piece: usize,
    /// Pieces of a row.
    per_row: usize,
    /// Of each piece its reductions; pieces are counted along rows.
    partials: Partials<f64>,
    cost: usize,
    bound: Option<Box<Bound<T>>>,
}

impl<T: Element> GroupKernel<T> {
    /// The kernel of a group, to be run whole or in `strips`.
    pub fn new(
        group: &FusedGroup,
        memory: &Memory,
        strips: Option<&Strips>,
        isa: Runnable,
    ) -> GroupKernel<T> {
        let collapsed = strips.is_none() && is_one_run(group, memory);
        let (rows, columns) = match collapsed {
            true => (1, group.rows * group.columns),
            false => (group.rows, group.columns),
        };
        let mut assembler = Assembler::new(group, memory, collapsed);
        assembler.assemble(isa);
        let piece = strips.map_or(PIECE, Strips::width);
        let per_row = columns.div_ceil(piece);
        let weight: usize = group.instructions.iter().map(instruction_weight).sum();
        GroupKernel {
            rows,
            columns,
            piece,
            per_row,
            bound: None,
            partials: Partials::new(assembler.reductions.len() * rows * per_row, 0.0),
            cost: rows * columns * (weight + group.operands.len() + group.stores.len()),
            code: assembler.code,
            scalars: assembler.scalars,
            splats: assembler.splats,
            streams: assembler.streams,
            outputs: assembler.outputs,
            reductions: assembler.reductions,
            slots: assembler.slots,
        }
    }

    /// Scratch tiles that a run needs: registers, and one for each stream and each output, used
    /// where a last tile cannot be touched beyond its end.
    fn tiles(&self) -> usize {
        self.slots + self.streams.len() + self.outputs.len()
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// Finds once what does not change between runs, where that pays. Both memories are those of
    /// all runs.
    pub fn bind(&mut self, arena: *mut T, scratch: &mut Scratch<T>, isa: Runnable) {
        self.bound = Bound::new(self, arena, scratch, isa).map(Box::new);
    }

    /// Whether it is bound; it stays so only if it is to.
    #[cfg(test)]
    pub fn keep_bound(&mut self, keep: bool) -> usize {
        let was = usize::from(self.bound.is_some());
        self.bound = self.bound.take().filter(|_| keep);
        was
    }

    pub fn run(&mut self, frame: &Frame<'_, T>) {
        if let Some(bound) = &mut self.bound {
            return bound.run(&self.code, frame);
        }
        let kernel = &*self;
        let pieces = kernel.rows * kernel.per_row;
        if frame.parallel && kernel.cost > WORTH_A_THREAD && pieces > 1 {
            // Pieces are dealt in runs, so that a thread's share is worth its while.
            let run = (pieces * WORTH_A_THREAD / (4 * kernel.cost)).clamp(1, pieces);
            (0..pieces.div_ceil(run)).into_par_iter().for_each(|i| {
                let range = i * run..((i + 1) * run).min(pieces);
                run_pieces(frame.isa, kernel, frame, range, 1, frame.scratch());
            });
        } else {
            run_pieces(frame.isa, kernel, frame, 0..pieces, 1, frame.scratch());
        }
        self.finish(frame);
    }

    /// The columns of strip number `strip` of every row.
    pub fn run_strip(&self, frame: &Frame<'_, T>, strip: usize) {
        let pieces = strip..self.rows * self.per_row;
        run_pieces(
            frame.isa,
            self,
            frame,
            pieces,
            self.per_row,
            frame.scratch(),
        );
    }

    /// Adds up what the pieces gave.
    pub fn finish(&self, frame: &Frame<'_, T>) {
        // SAFETY: no piece is being run.
        let partials = unsafe { self.partials.part(0..self.partials.len()) };
        let count = self.reductions.len();
        for (number, reduction) in self.reductions.iter().enumerate() {
            let run = (reduction.rows * self.per_row).max(1);
            let results = match reduction.rows == self.rows {
                true => 1,
                false => (self.rows / reduction.rows.max(1)).max(1),
            };
            for result in 0..results {
                let terms = (result * run..(result + 1) * run)
                    .filter_map(|piece| partials.get(piece * count + number).copied());
                let total = match reduction.kind {
                    Reduction::Sum => terms.sum(),
                    Reduction::Max => terms.fold(f64::NEG_INFINITY, maximum),
                };
                // SAFETY: the plan placed the result inside the arena, and nothing else runs.
                unsafe {
                    *frame
                        .arena
                        .add(reduction.offset + reduction.layout.place(result)) =
                        T::from_f64(total);
                }
            }
        }
    }
}

/// About how many simple operations an instruction costs.
fn instruction_weight(instruction: &Instruction) -> usize {
    match instruction {
        Instruction::Noise { .. } => 12,
        Instruction::Unary(Unary::Neg | Unary::Abs | Unary::Relu | Unary::StopGradient, _) => 1,
        Instruction::Unary(Unary::Lgamma | Unary::Polygamma(_) | Unary::Erf | Unary::Erfc, _) => 50,
        Instruction::Unary(..) => 6,
        Instruction::Binary(Binary::Pow, ..) => 20,
        _ => 1,
    }
}

/// Whether all rows can be walked as one: everything read and written lies without gaps.
fn is_one_run(group: &FusedGroup, memory: &Memory) -> bool {
    let noise = |i: &Instruction| matches!(i, Instruction::Noise { .. });
    let follows = |access: &Access| {
        access.is_single() || access.advances && access.rows == RowStarts::Every(group.columns)
    };
    let gapless = |id: ValueId| memory.value(id).layout.is_contiguous();
    group.rows > 1
        && !group.instructions.iter().any(noise)
        && group.operands.iter().all(|o| follows(&o.access))
        && group.stores.iter().all(|s| gapless(s.value))
        && group.reductions.iter().all(|r| r.rows == group.rows)
}

multiversion! {
    /// Runs every `stride`-th of the pieces of a group and keeps what they reduce.
    fn run_pieces<T: Element>(
        kernel: &GroupKernel<T>,
        frame: &Frame<'_, T>,
        pieces: Range<usize>,
        stride: usize,
        scratch: &mut Scratch<T>,
    ) = pieces_body;
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "sums are compiled for a level by being inlined here"
)]
#[inline(always)]
fn pieces_body<L: Level, T: Element>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    pieces: Range<usize>,
    stride: usize,
    scratch: &mut Scratch<T>,
) {
    scratch.prepare(kernel);
    let count = kernel.reductions.len();
    let mut present = usize::MAX;
    for piece in pieces.step_by(stride) {
        let (row, part) = match kernel.per_row {
            1 => (piece, 0),
            per_row => (piece / per_row, piece % per_row),
        };
        if row != present {
            present = row;
            scratch.enter_row(kernel, frame, row);
        }
        for (sum, reduction) in scratch.sums.iter_mut().zip(&kernel.reductions) {
            *sum = sums::start(reduction.kind);
        }
        let columns = part * kernel.piece..((part + 1) * kernel.piece).min(kernel.columns);
        let mut column = columns.start;
        while column < columns.end {
            let length = TILE.min(columns.end - column);
            let part = Part {
                row,
                column,
                length,
            };
            tile::<T>(kernel, frame, scratch, part);
            column += length;
        }
        // SAFETY: each piece is run by one thread.
        let partials = unsafe { kernel.partials.part(piece * count..(piece + 1) * count) };
        for ((partial, sum), reduction) in partials
            .iter_mut()
            .zip(&scratch.sums)
            .zip(&kernel.reductions)
        {
            *partial = sums::reduced(reduction.kind, sum);
        }
    }
}
