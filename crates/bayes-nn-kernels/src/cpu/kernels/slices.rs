//! Slices of a value that an index selects: copied, or added up into.

use bayes_nn_autodiff::Kind;

use crate::cpu::memory::Frame;
use crate::data::{Column, each_type};
use crate::element::Element;
use crate::error::KernelError;
use crate::plan::layout::around;
use crate::plan::{Layout, Selection, ValueId};

/// Sums that are kept beside one another where single elements are added up: an addition to a
/// place waits for the one before.
const SUMS: usize = 4;
/// The most places for which there are so many.
const FEW: usize = 256;

/// Which slices of a value are taken: of each of `outer` blocks of `length` slices of `inner`
/// elements those that an index selects.
pub(super) struct Slices<'a> {
    pub(super) index: &'a [u32],
    length: usize,
    pub(super) inner: usize,
    outer: usize,
}

impl<'f> Slices<'f> {
    /// The slices of a value.
    pub(super) fn new<T: Element>(
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

    /// Calls `copy` with the row-major number of the first element of each slice, and the number of
    /// the slice among those that are taken.
    pub(super) fn each(&self, mut copy: impl FnMut(usize, usize)) {
        for block in 0..self.outer {
            for (k, &slice) in self.index.iter().enumerate() {
                let from = (block * self.length + slice as usize) * self.inner;
                copy(from, block * self.index.len() + k);
            }
        }
    }

    /// Where slices are single elements: the first places of each block, of the value that is
    /// indexed and of the slices; `None` where a block is no run of memory, slices are longer, or
    /// there are none.
    pub(super) fn of_elements(
        &self,
        indexed: &Layout,
        slices: &Layout,
    ) -> Option<impl Iterator<Item = (usize, usize)>> {
        let is_run = |layout: &Layout, length| layout.is_contiguous() || layout.columns == length;
        let count = self.index.len();
        let are_runs = is_run(indexed, self.length) && is_run(slices, count);
        let (indexed, slices, length) = (*indexed, *slices, self.length);
        let block = move |b| (indexed.place(b * length), slices.place(b * count));
        (self.inner == 1 && count > 0 && are_runs).then(|| (0..self.outer).map(block))
    }

    /// Copies slices of data, and makes of them numbers of the program's type on the way.
    pub(super) fn take<T: Element>(&self, frame: &Frame<'_, T>, column: &Column, out: ValueId) {
        let value = frame.value(out);
        each_type!(column, numbers => match value.kind {
            Kind::Float => {
                let convert = |number| T::from_f64(f64::from(number));
                take_as(numbers, self, frame.floats(out), &value.layout, convert);
            }
            Kind::Index => {
                let convert = |number| f64::from(number) as u32;
                take_as(numbers, self, frame.index(out), &value.layout, convert);
            }
        });
    }

    /// Adds slices of `source` up into `out`, which is zero elsewhere.
    pub(super) fn add<T: Element>(&self, frame: &Frame<'_, T>, source: ValueId, out: ValueId) {
        let (from, to) = (frame.floats(source).cast_const(), frame.floats(out));
        let (source, out) = (frame.value(source).layout, frame.value(out).layout);
        match self.of_elements(&out, &source) {
            Some(blocks) if self.length <= FEW => {
                let mut sums = [[T::ZERO; SUMS]; FEW];
                let sums = &mut sums[..self.length];
                for (place, slice) in blocks {
                    sums.fill([T::ZERO; SUMS]);
                    for (k, &i) in self.index.iter().enumerate() {
                        // SAFETY: an element of one block of the slices.
                        sums[i as usize][k % SUMS] += unsafe { *from.add(slice + k) };
                    }
                    for (i, [a, b, c, d]) in sums.iter().enumerate() {
                        // SAFETY: an element of one block of the result.
                        unsafe { *to.add(place + i) = (*a + *b) + (*c + *d) };
                    }
                }
            }
            // SAFETY: every place is inside its value; the two do not share memory.
            _ => unsafe {
                for run in out.runs() {
                    std::slice::from_raw_parts_mut(to.add(run.start), run.len()).fill(T::ZERO);
                }
                let last = self.inner.saturating_sub(1);
                self.each(|slot, number| {
                    let row = number * self.inner;
                    let (first, slice) = (out.place(slot), source.place(row));
                    let are_runs = out.place(slot + last) == first + last
                        && source.place(row + last) == slice + last;
                    for j in 0..self.inner {
                        let (place, element) = match are_runs {
                            true => (first + j, slice + j),
                            false => (out.place(slot + j), source.place(row + j)),
                        };
                        *to.add(place) += *from.add(element);
                    }
                });
            },
        }
    }
}

fn take_as<F: Copy, E>(
    numbers: &[F],
    slices: &Slices<'_>,
    out: *mut E,
    layout: &Layout,
    convert: impl Fn(F) -> E,
) {
    let inner = slices.inner;
    let copy = |from: usize, place: usize, run: usize| {
        // SAFETY: these elements lie inside the value, and data lie apart from it.
        let target = unsafe { std::slice::from_raw_parts_mut(out.add(place), run) };
        for (target, number) in target.iter_mut().zip(&numbers[from..from + run]) {
            *target = convert(*number);
        }
    };
    // A slice is a run of memory, one as far behind the other as the next.
    let apart = match layout.is_contiguous() {
        true => Some(inner),
        false => (layout.columns == inner).then_some(layout.stride),
    };
    if let Some(apart) = apart {
        return slices.each(|from, number| copy(from, number * apart, inner));
    }
    slices.each(|from, number| {
        let mut done = 0;
        while done < inner {
            let to = number * inner + done;
            let run = (layout.columns - to % layout.columns).min(inner - done);
            copy(from + done, layout.place(to), run);
            done += run;
        }
    });
}
