//! The kernel of a group: its pieces, which threads share or which are run as strips, and what they
//! reduce.

use std::ops::Range;

use bayes_nn_autodiff::{Binary, Reduction, Unary};
use rayon::prelude::*;

use super::assemble::Assembly;
use super::bound::Bound;
use crate::cpu::isa::{Level, Runnable, multiversion};
use crate::cpu::math::Real;
use crate::cpu::math::sums::{self, maximum};
use crate::cpu::memory::{Bases, Frame, Memory, Part, Partials, Scratch, TILE, WORTH_A_THREAD};
use crate::error::KernelError;
use crate::plan::{Access, FusedGroup, Instruction, RowStarts, Strips, ValueId};

/// Columns of a piece: the unit of work for threads and of partial sums. Fixed, so that
/// neither depends on how many threads there are.
const PIECE: usize = 4096;

/// A group made ready to run.
pub(crate) struct GroupKernel<T> {
    group: Assembly<T>,
    /// Columns of a piece.
    piece: usize,
    /// Pieces of a row.
    per_row: usize,
    /// Of each piece its reductions; pieces are counted along rows.
    partials: Partials<f64>,
    cost: usize,
    bound: Option<Box<Bound<T>>>,
}

impl<T: Real> GroupKernel<T> {
    /// The kernel of a group, to be run whole or in `strips`.
    pub fn new(
        group: &FusedGroup,
        memory: &Memory,
        strips: Option<&Strips>,
        isa: Runnable,
    ) -> GroupKernel<T> {
        let collapsed = strips.is_none() && is_one_run(group, memory);
        let weight: usize = group.instructions.iter().map(instruction_weight).sum();
        let weight = weight + group.operands.len() + group.stores.len();
        let group = Assembly::new(group, memory, collapsed, isa);
        let piece = strips.map_or(PIECE, Strips::width);
        let per_row = group.columns.div_ceil(piece);
        GroupKernel {
            piece,
            per_row,
            bound: None,
            partials: Partials::new(group.reductions.len() * group.rows * per_row, 0.0),
            cost: (group.rows * group.columns).saturating_mul(weight),
            group,
        }
    }

    /// Memory that is enough for each of these kernels.
    ///
    /// # Errors
    /// When the system does not give it.
    pub fn scratch<'a>(
        kernels: impl Iterator<Item = &'a GroupKernel<T>>,
    ) -> Result<Scratch<T>, KernelError> {
        let (mut tiles, mut scalars, mut sums) = (0, 0, 0);
        for GroupKernel { group, .. } in kernels {
            tiles = tiles.max(group.places);
            scalars = scalars.max(group.scalars.len());
            sums = sums.max(group.reductions.len());
        }
        Scratch::new(tiles, scalars, sums)
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// Binds the group, where that pays: finds once what does not change between steps. Both
    /// memories are those of every step.
    pub fn bind(&mut self, bases: Bases<T>, scratch: &mut Scratch<T>) {
        self.bound = match self.cost > WORTH_A_THREAD {
            true => None,
            false => Bound::new(&self.group, bases, scratch).map(Box::new),
        };
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
            return bound.run(&self.group, frame);
        }
        let kernel = &*self;
        let pieces = kernel.group.rows * kernel.per_row;
        if frame.parallel && kernel.cost > WORTH_A_THREAD && pieces > 1 {
            // A thread takes several pieces at a time, so that its work is worth a thread.
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
        let pieces = strip..self.group.rows * self.per_row;
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
        let count = self.group.reductions.len();
        for (number, reduction) in self.group.reductions.iter().enumerate() {
            let run = (reduction.rows * self.per_row).max(1);
            let results = match reduction.rows == self.group.rows {
                true => 1,
                false => (self.group.rows / reduction.rows.max(1)).max(1),
            };
            for result in 0..results {
                let terms = (result * run..(result + 1) * run)
                    .filter_map(|piece| partials.get(piece * count + number).copied());
                let total = match reduction.kind {
                    Reduction::Sum => terms.sum(),
                    Reduction::Max => terms.fold(f64::NEG_INFINITY, maximum),
                };
                let to = frame.at(reduction.to);
                // SAFETY: the plan placed the result inside its memory, and nothing else runs.
                unsafe { *to.add(reduction.layout.place(result)) = T::from_f64(total) };
            }
        }
    }
}

/// About how many simple operations an instruction costs.
fn instruction_weight(instruction: &Instruction) -> usize {
    match instruction {
        Instruction::Noise { .. } => 12,
        Instruction::Unary(f, _) => match f {
            Unary::Neg | Unary::Abs | Unary::Relu | Unary::StopGradient => 1,
            Unary::Sign
            | Unary::Floor
            | Unary::Reciprocal
            | Unary::Sqrt
            | Unary::Exp
            | Unary::Ln
            | Unary::Log1p
            | Unary::Expm1
            | Unary::Log1pmx
            | Unary::Sin
            | Unary::Cos
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Softplus
            | Unary::LogSigmoid => 6,
            Unary::Lgamma | Unary::Polygamma(_) | Unary::Erf | Unary::Erfc | Unary::LogErfc => 50,
        },
        Instruction::Binary(f, ..) => match f {
            Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::Div
            | Binary::Max
            | Binary::Min
            | Binary::Less
            | Binary::LessEqual
            | Binary::Equal => 1,
            Binary::Pow | Binary::Atan2 => 20,
        },
        Instruction::Load(_)
        | Instruction::Constant(_)
        | Instruction::Step
        | Instruction::Select(..) => 1,
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
    fn run_pieces<T: Real>(
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
fn pieces_body<L: Level, T: Real>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    pieces: Range<usize>,
    stride: usize,
    scratch: &mut Scratch<T>,
) {
    let group = &kernel.group;
    let start = scratch.prepare(group.places);
    scratch.scalars[..group.scalars.len()].copy_from_slice(&group.scalars);
    let count = group.reductions.len();
    let mut present = usize::MAX;
    for piece in pieces.step_by(stride) {
        let (row, part) = match kernel.per_row {
            1 => (piece, 0),
            per_row => (piece / per_row, piece % per_row),
        };
        if row != present {
            present = row;
            let (reads, scalars) = (group.reads(row, frame.bases), &mut scratch.scalars);
            // SAFETY: the plan keeps every access inside its memory.
            unsafe { group.enter_row(frame.step, reads, &scratch.tile.places, scalars) };
        }
        for (sum, reduction) in scratch.sums.iter_mut().zip(&group.reductions) {
            *sum = sums::start(reduction.kind);
        }
        let end = ((part + 1) * kernel.piece).min(group.columns);
        for column in (part * kernel.piece..end).step_by(TILE) {
            let length = TILE.min(end - column);
            let part = Part {
                row,
                column,
                length,
            };
            group.point(&mut scratch.tile, part, frame.bases, start);
            // SAFETY: the tile points into this program's memory, and no other kernel runs.
            unsafe {
                group.compute(&scratch.tile, frame, &scratch.scalars);
                for (sum, reduction) in scratch.sums.iter_mut().zip(&group.reductions) {
                    sums::accumulate(reduction.kind, sum, group.reduced(&scratch.tile, reduction));
                }
                scratch.tile.copy();
            }
        }
        // SAFETY: each piece is run by one thread.
        let partials = unsafe { kernel.partials.part(piece * count..(piece + 1) * count) };
        let sums = scratch.sums.iter().zip(&group.reductions);
        for (partial, (sum, reduction)) in partials.iter_mut().zip(sums) {
            *partial = sums::reduced(reduction.kind, sum);
        }
    }
}
