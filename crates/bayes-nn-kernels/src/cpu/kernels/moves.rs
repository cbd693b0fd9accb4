//! Passes that move elements: copies, transposes, selections, and means over ranks.

use bayes_nn_autodiff::Kind;
use bayes_nn_autodiff::noise::Permutation;

use super::slices::Slices;
use crate::cpu::isa::{Level, multiversion};
use crate::cpu::memory::Frame;
use crate::element::Element;
use crate::error::{DeviceError, KernelError};
use crate::plan::layout::around;
use crate::plan::{Pass, Value, ValueId};
use crate::ranks::Seat;

/// Runs a pass that moves elements.
pub(crate) fn run<T: Element>(pass: &Pass, frame: &Frame<'_, T>) -> Result<(), KernelError> {
    match pass {
        Pass::Fused(_)
        | Pass::MatMul(_)
        | Pass::ReduceMiddle { .. }
        | Pass::Cholesky { .. }
        | Pass::ProductByGroup(_)
        | Pass::Convolution(_)
        | Pass::Pool(_)
        | Pass::Unpool(_)
        | Pass::TriangularSolve { .. } => unreachable!("these have kernels of their own"),
        Pass::Copy {
            source,
            offset,
            out,
        } => {
            let count = frame.value(*out).shape.elements();
            each_kind(frame, *source, *out, |m| m.copy(*offset, 0, count));
        }
        Pass::Transpose { source, out } => {
            each_kind(frame, *source, *out, |m| m.transpose());
        }
        Pass::Concat { parts, out, axis } => {
            let [outer, length, inner] = around(&frame.value(*out).shape, *axis);
            let row = length * inner;
            for (start, part) in parts {
                let run = frame.value(*part).shape[*axis] * inner;
                each_kind(frame, *part, *out, |m| {
                    for block in 0..outer {
                        m.copy(block * run, block * row + start * inner, run);
                    }
                });
            }
        }
        Pass::Gather(taken) => {
            let slices = Slices::new(frame, taken.source, taken)?;
            match &frame.columns[taken.source.index()] {
                Some(column) => slices.take(frame, column, taken.out),
                None => each_kind(frame, taken.source, taken.out, |m| m.gather(&slices)),
            }
        }
        Pass::Scatter(added) => {
            Slices::new(frame, added.out, added)?.add(frame, added.source, added.out);
        }
        Pass::Batch { rows, stream, out } => {
            let value = frame.value(*out);
            // SAFETY: the plan placed the value inside the arena; an index is one row.
            let index = unsafe {
                std::slice::from_raw_parts_mut(frame.index(*out), value.shape.elements())
            };
            batch(frame, *rows as u64, *stream, index);
        }
        Pass::MeanOverDraws { source, out } => mean_over_draws(frame, *source, *out),
        Pass::Record { source, rows, out } => {
            let count = frame.value(*source).shape.elements();
            let row = (frame.step % *rows as u64) as usize;
            each_kind(frame, *source, *out, |m| m.copy(0, row * count, count));
        }
        Pass::AllReduceMean { source, out } => {
            let count = frame.value(*out).shape.elements();
            match frame.seat {
                None => each_kind(frame, *source, *out, |m| m.copy(0, 0, count)),
                Some(seat) => mean_over_ranks(frame, seat, *source, *out)?,
            }
        }
    }
    Ok(())
}

/// Adds the value of this draw to the sum over the draws before; the last draw divides the sum.
fn mean_over_draws<T: Element>(frame: &Frame<'_, T>, source: ValueId, out: ValueId) {
    let (from, to) = (frame.floats(source), frame.floats(out));
    let (read, written) = (frame.value(source).layout, frame.value(out).layout);
    let draws = frame.memory.plan.draws;
    let share = match frame.draw as usize + 1 == draws {
        true => T::from_f64((draws as f64).recip()),
        false => T::ONE,
    };
    for i in 0..frame.value(out).shape.elements() {
        // SAFETY: the plan placed both values inside their memory.
        unsafe {
            let (term, mean) = (*from.add(read.place(i)), to.add(written.place(i)));
            let sum = match frame.draw {
                0 => term,
                _ => *mean + term,
            };
            *mean = sum * share;
        }
    }
}

/// A move of elements from one value to another.
struct Move<'a, E> {
    from: *const E,
    to: *mut E,
    source: &'a Value,
    out: &'a Value,
}

fn each_kind<T: Element>(
    frame: &Frame<'_, T>,
    from: ValueId,
    to: ValueId,
    run: impl Fn(&dyn Mover),
) {
    let (source, out) = (frame.value(from), frame.value(to));
    match source.kind {
        Kind::Float => run(&Move {
            from: frame.floats(from),
            to: frame.floats(to),
            source,
            out,
        }),
        Kind::Index => run(&Move {
            from: frame.index(from),
            to: frame.index(to),
            source,
            out,
        }),
    }
}

/// What can be done with either kind of elements.
trait Mover {
    /// Copies `count` elements, numbered in row-major order on both sides.
    fn copy(&self, from: usize, to: usize, count: usize);
    /// Fills `out` with the transpose of `source`.
    fn transpose(&self);
    /// Fills `out` with slices of `source`.
    fn gather(&self, slices: &Slices<'_>);
}

impl<E: Copy> Mover for Move<'_, E> {
    #[inline]
    fn copy(&self, from: usize, to: usize, count: usize) {
        let (source, out) = (&self.source.layout, &self.out.layout);
        let mut done = 0;
        while done < count {
            let (from, to) = (from + done, to + done);
            let left = |number: usize, gapless: bool, columns: usize| match gapless {
                true => count - done,
                false => columns - number % columns,
            };
            let run = (count - done)
                .min(left(from, source.is_contiguous(), source.columns))
                .min(left(to, out.is_contiguous(), out.columns));
            // SAFETY: these elements lie inside their values; values that a pass reads and writes
            // do not share memory.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    self.from.add(source.place(from)),
                    self.to.add(out.place(to)),
                    run,
                );
            }
            done += run;
        }
    }

    fn transpose(&self) {
        /// Rows and columns of a square that stays in the first-level cache.
        const BLOCK: usize = 16;
        let [rows, columns] = *self.source.shape else {
            return;
        };
        let (source, out) = (&self.source.layout, &self.out.layout);
        if rows == 1 || columns == 1 {
            return self.copy(0, 0, rows * columns);
        }
        for row in (0..rows).step_by(BLOCK) {
            for column in (0..columns).step_by(BLOCK) {
                for j in column..columns.min(column + BLOCK) {
                    for i in row..rows.min(row + BLOCK) {
                        // SAFETY: element (i, j) of the source and (j, i) of the result.
                        unsafe {
                            *self.to.add(j * out.stride + i) =
                                *self.from.add(i * source.stride + j);
                        }
                    }
                }
            }
        }
    }

    fn gather(&self, slices: &Slices<'_>) {
        let (source, out) = (&self.source.layout, &self.out.layout);
        let Some(blocks) = slices.of_elements(source, out) else {
            return slices
                .each(|from, number| self.copy(from, number * slices.inner, slices.inner));
        };
        for (from, to) in blocks {
            for (k, &slice) in slices.index.iter().enumerate() {
                // SAFETY: elements of one block of either value; indices are below its length.
                unsafe { *self.to.add(to + k) = *self.from.add(from + slice as usize) };
            }
        }
    }
}

fn mean_over_ranks<T: Element>(
    frame: &Frame<'_, T>,
    seat: &Seat,
    source: ValueId,
    out: ValueId,
) -> Result<(), DeviceError> {
    let (from, to) = (frame.floats(source).cast_const(), frame.floats(out));
    let (source, out) = (frame.value(source), frame.value(out));
    // SAFETY: every place is inside its value.
    let own = |i| unsafe { *from.add(source.layout.place(i)) }.to_f64();
    let put = |i, mean| {
        // SAFETY: as above, and the two values do not share memory.
        unsafe { *to.add(out.layout.place(i)) = T::from_f64(mean) };
    };
    seat.mean((0..out.shape.elements()).map(own), put)
}

/// Positions `step * B ..` of the endless sequence of permutations, or this rank's part of those
/// of all ranks.
fn batch<T: Element>(frame: &Frame<'_, T>, rows: u64, stream: u32, index: &mut [u32]) {
    let part = frame.seat.map_or(frame.step, |seat| seat.part(frame.step));
    let mut position = part * index.len() as u64;
    let mut rest = index;
    while !rest.is_empty() {
        let (epoch, place) = (position / rows, position % rows);
        let left = usize::try_from(rows - place).unwrap_or(usize::MAX);
        let of_epoch;
        (of_epoch, rest) = rest.split_at_mut(left.min(rest.len()));
        let permutation = Permutation::new(frame.seed, stream, epoch, rows);
        items(frame.isa, &permutation, place, of_epoch);
        position += of_epoch.len() as u64;
    }
}

multiversion! {
    /// Items at the places from `first` on.
    fn items(permutation: &Permutation, first: u64, out: &mut [u32]) = items_body;
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "the items are computed for a level by being inlined here"
)]
#[inline(always)]
fn items_body<L: Level>(permutation: &Permutation, first: u64, out: &mut [u32]) {
    permutation.fill(first, out);
}
