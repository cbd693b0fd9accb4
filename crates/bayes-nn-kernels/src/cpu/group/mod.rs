//! Fused groups: a straight line of instructions over tiles that stay in the first-level cache.
//!
//! The columns of a row are walked in tiles. For each tile every instruction runs over all its
//! elements before the next, so that the price of choosing it is paid once a tile and its loop
//! is a plain vector loop. Registers are tiles of scratch memory; operands and results are read
//! and written where they lie.

mod assemble;
mod elements;
mod tile;

use std::ops::Range;

use bayes_nn_autodiff::{Binary, Reduction, Unary};
use rayon::prelude::*;

use super::isa::{Level, multiversion};
use super::program::{Frame, WORTH_A_THREAD};
use crate::Element;
use crate::plan::{Access, Group, Instruction, Plan, RowStarts, ValueId};
use assemble::{Assembler, Code, Output, Reduce, RowScalar, Stream};
use elements::SUM_LANES;
pub(super) use elements::{LANES, maximum, tree_sum};
pub(super) use tile::Scratch;
use tile::tile;

/// Elements of a tile. A multiple of 64, where blocks of noise begin.
const TILE: usize = 256;

/// Columns of a piece: the unit of work for threads and of partial sums. Fixed, so that
/// neither depends on how many threads there are.
const PIECE: usize = 16 * TILE;

/// A group made ready to run.
pub(super) struct GroupKernel<T> {
    rows: usize,
    columns: usize,
    code: Vec<Code>,
    scalars: Vec<RowScalar<T>>,
    /// Scalars that an instruction needs as a run of elements: the scalar, and the slot.
    splats: Vec<(usize, usize)>,
    streams: Vec<Stream>,
    outputs: Vec<Output>,
    reductions: Vec<Reduce>,
    /// How many scratch tiles registers need.
    slots: usize,
    partials: Vec<f64>,
    cost: usize,
}

impl<T: Element> GroupKernel<T> {
    pub fn new(group: &Group, plan: &Plan) -> GroupKernel<T> {
        let collapsed = is_one_run(group, plan);
        let (rows, columns) = match collapsed {
            true => (1, group.rows * group.columns),
            false => (group.rows, group.columns),
        };
        let mut assembler = Assembler::new(group, plan, collapsed);
        assembler.assemble();
        let pieces = columns.div_ceil(PIECE);
        let weight: usize = group.instructions.iter().map(instruction_weight).sum();
        GroupKernel {
            rows,
            columns,
            partials: vec![0.0; assembler.reductions.len() * rows * pieces],
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

    pub fn run(&mut self, frame: &Frame<'_, T>) {
        let pieces = self.rows * self.columns.div_ceil(PIECE);
        let mut partials = std::mem::take(&mut self.partials);
        let count = self.reductions.len();
        if frame.parallel && self.cost > WORTH_A_THREAD && pieces > 1 {
            // Pieces are dealt in runs, so that a thread's share is worth its while.
            let run = (pieces * WORTH_A_THREAD / (4 * self.cost)).clamp(1, pieces);
            let this = &*self;
            let sums = Shared(partials.as_mut_ptr());
            (0..pieces.div_ceil(run)).into_par_iter().for_each(|i| {
                let range = i * run..((i + 1) * run).min(pieces);
                // SAFETY: each piece has its own partial sums.
                let sums = unsafe {
                    std::slice::from_raw_parts_mut(
                        sums.at(range.start * count),
                        range.len() * count,
                    )
                };
                run_pieces(frame.isa, this, frame, range, sums, frame.scratch());
            });
        } else {
            run_pieces(
                frame.isa,
                self,
                frame,
                0..pieces,
                &mut partials,
                frame.scratch(),
            );
        }
        let per_row = self.columns.div_ceil(PIECE);
        for (number, reduction) in self.reductions.iter().enumerate() {
            let run = (reduction.rows * per_row).max(1);
            for result in 0..(self.rows / reduction.rows.max(1)).max(1) {
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
        self.partials = partials;
    }
}

/// A pointer that threads may share, each to use its own part.
struct Shared<T>(*mut T);

impl<T> Shared<T> {
    fn at(&self, index: usize) -> *mut T {
        // SAFETY: callers stay inside the allocation.
        unsafe { self.0.add(index) }
    }
}

// SAFETY: every user takes a part of its own.
unsafe impl<T: Send> Sync for Shared<T> {}

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
fn is_one_run(group: &Group, plan: &Plan) -> bool {
    let noise = |i: &Instruction| matches!(i, Instruction::Noise { .. });
    let follows = |access: &Access| {
        access.is_single() || access.advances && access.rows == RowStarts::Every(group.columns)
    };
    let gapless = |id: ValueId| plan.values[id.index()].layout.is_contiguous();
    group.rows > 1
        && !group.instructions.iter().any(noise)
        && group.operands.iter().all(|o| follows(&o.access))
        && group.stores.iter().all(|s| gapless(s.value))
        && group.reductions.iter().all(|r| r.rows == group.rows)
}

multiversion! {
    /// Runs the pieces of a group; `partials` takes what they reduce.
    fn run_pieces<T: Element>(
        kernel: &GroupKernel<T>,
        frame: &Frame<'_, T>,
        pieces: Range<usize>,
        partials: &mut [f64],
        scratch: &mut Scratch<T>,
    ) = pieces_body;
}

#[inline(always)]
fn pieces_body<L: Level, T: Element>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    pieces: Range<usize>,
    partials: &mut [f64],
    scratch: &mut Scratch<T>,
) {
    scratch.prepare(kernel);
    let per_row = kernel.columns.div_ceil(PIECE);
    let count = kernel.reductions.len();
    let mut present = usize::MAX;
    for (number, piece) in pieces.enumerate() {
        let (row, part) = (piece / per_row, piece % per_row);
        if row != present {
            present = row;
            scratch.enter_row(kernel, frame, row);
        }
        for (sum, reduction) in scratch.sums.iter_mut().zip(&kernel.reductions) {
            *sum = match reduction.kind {
                Reduction::Sum => [T::ZERO; SUM_LANES],
                Reduction::Max => [T::NEG_INFINITY; SUM_LANES],
            };
        }
        let columns = part * PIECE..((part + 1) * PIECE).min(kernel.columns);
        let mut column = columns.start;
        while column < columns.end {
            let length = TILE.min(columns.end - column);
            tile::<L, T>(kernel, frame, scratch, row, column, length);
            column += length;
        }
        for (i, reduction) in kernel.reductions.iter().enumerate() {
            let lanes = &scratch.sums[i];
            partials[number * count + i] = match reduction.kind {
                Reduction::Sum => tree_sum(lanes).to_f64(),
                Reduction::Max => lanes
                    .iter()
                    .fold(f64::NEG_INFINITY, |a, b| maximum(a, b.to_f64())),
            };
        }
    }
}
