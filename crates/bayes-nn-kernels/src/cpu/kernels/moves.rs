//! Passes that move elements: copies, transposes, selections, and means over ranks.

use bayes_nn_autodiff::Kind;
use bayes_nn_autodiff::noise::Permutation;

use crate::cpu::memory::Frame;
use crate::data::{Column, each_type};
use crate::element::Element;
use crate::error::{DeviceError, KernelError};
use crate::plan::layout::around;
use crate::plan::{Layout, Pass, Selection, Value, ValueId};
use crate::ranks::Seat;

/// Runs a pass that moves elements.
pub(crate) fn run<T: Element>(pass: &Pass, frame: &Frame<'_, T>) -> Result<(), KernelError> {
    match pass {
        Pass::Fused(_)
        | Pass::MatMul(_)
        | Pass::ReduceMiddle { .. }
        | Pass::Cholesky { .. }
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
                Some(column) => take(frame, column, &slices, taken.out),
                None => each_kind(frame, taken.source, taken.out, |m| {
                    slices.each(|from, to| m.copy(from, to, slices.inner));
                }),
            }
        }
        Pass::Scatter(added) => scatter(frame, added, &Slices::new(frame, added.out, added)?),
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

/// Which slices of a value are taken: of each of `outer` blocks of `length` slices of `inner`
/// elements those that an index selects.
struct Slices<'a> {
    index: &'a [u32],
    length: usize,
    inner: usize,
    outer: usize,
}

impl<'f> Slices<'f> {
    /// The slices of a value.
    fn new<T: Element>(
        frame: &'f Frame<'_, T>,
        value: ValueId,
        selection: &Selection,
    ) -> Result<Slices<'f>, KernelError> {
        let [outer, length, inner] = around(&frame.value(value).shape, selection.axis);
        let index = selection.index;
        let elements = frame.value(index).shape.elements();
        // SAFETY: the plan placed the index inside the arena, as one row.
        let index =
            unsafe { std::slice::from_raw_parts(frame.index(index).cast_const(), elements) };
        match index.iter().position(|i| *i as usize >= length) {
            Some(position) => Err(KernelError::Index {
                name: "gather".to_owned(),
                value: f64::from(index[position]),
                position,
                length,
            }),
            None => Ok(Slices {
                index,
                length,
                inner,
                outer,
            }),
        }
    }

    /// Calls `copy` with the row-major numbers of the first elements of each slice: where it lies,
    /// and where it stands among those that are taken.
    fn each(&self, mut copy: impl FnMut(usize, usize)) {
        for block in 0..self.outer {
            for (k, &slice) in self.index.iter().enumerate() {
                let from = (block * self.length + slice as usize) * self.inner;
                copy(from, (block * self.index.len() + k) * self.inner);
            }
        }
    }
}

/// Copies slices of data, and makes of them numbers of the program's type on the way.
fn take<T: Element>(frame: &Frame<'_, T>, column: &Column, slices: &Slices<'_>, out: ValueId) {
    let value = frame.value(out);
    each_type!(column, numbers => match value.kind {
        Kind::Float => {
            let convert = |number| T::from_f64(f64::from(number));
            take_as(numbers, slices, frame.floats(out), &value.layout, convert);
        }
        Kind::Index => {
            let convert = |number| f64::from(number) as u32;
            take_as(numbers, slices, frame.index(out), &value.layout, convert);
        }
    });
}

fn take_as<F: Copy, E>(
    numbers: &[F],
    slices: &Slices<'_>,
    out: *mut E,
    layout: &Layout,
    convert: impl Fn(F) -> E,
) {
    slices.each(|from, to| {
        let mut done = 0;
        while done < slices.inner {
            let (from, to) = (from + done, to + done);
            let left = match layout.is_contiguous() {
                true => slices.inner,
                false => layout.columns - to % layout.columns,
            };
            let run = left.min(slices.inner - done);
            // SAFETY: these elements lie inside the value, and data lie apart from it.
            let target = unsafe { std::slice::from_raw_parts_mut(out.add(layout.place(to)), run) };
            for (target, number) in target.iter_mut().zip(&numbers[from..from + run]) {
                *target = convert(*number);
            }
            done += run;
        }
    });
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
}

fn scatter<T: Element>(frame: &Frame<'_, T>, added: &Selection, slices: &Slices<'_>) {
    let (source, out) = (added.source, added.out);
    let (from, to) = (frame.floats(source).cast_const(), frame.floats(out));
    let (source, out) = (frame.value(source), frame.value(out));
    // SAFETY: every place is inside its value; the two do not share memory.
    unsafe {
        for i in 0..out.shape.elements() {
            *to.add(out.layout.place(i)) = T::ZERO;
        }
        slices.each(|slot, row| {
            for j in 0..slices.inner {
                *to.add(out.layout.place(slot + j)) += *from.add(source.layout.place(row + j));
            }
        });
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
    let start = part * index.len() as u64;
    let mut epoch = start / rows;
    let mut permutation = Permutation::new(frame.seed, stream, epoch, rows);
    for (i, out) in index.iter_mut().enumerate() {
        let position = start + i as u64;
        if position / rows != epoch {
            epoch = position / rows;
            permutation = Permutation::new(frame.seed, stream, epoch, rows);
        }
        *out = permutation.at(position % rows) as u32;
    }
}
