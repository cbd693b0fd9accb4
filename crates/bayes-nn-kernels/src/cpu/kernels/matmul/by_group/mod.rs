//! Products by the weights of groups: for each group the forms of a single product, over the columns
//! of its rows.
//!
//! Rows of a group that lie side by side are read and written where they are. Where an index mixes
//! them, the columns are copied in the order of their groups, and the results back; the order stays
//! as long as the index does.

mod order;

use bayes_nn_autodiff::Side;
use faer::MatMut;

use super::{PIECE, Product, TILE, dots, rows};
use crate::cpu::isa::Runnable;
use crate::cpu::memory::{Frame, Memory, Partials, Place, WORTH_A_THREAD};
use crate::element::Element;
use crate::error::KernelError;
use crate::plan::{Layout, ProductByGroup, ValueId, is_large};
use order::{Order, Piece};

/// From group to group, from row to row of a matrix, and from column to column.
#[derive(Clone, Copy)]
struct Strides {
    group: usize,
    row: usize,
    column: usize,
}

/// The start of a side, and how far apart its elements are.
#[derive(Clone, Copy)]
struct At<T> {
    start: *mut T,
    strides: Strides,
}

// SAFETY: pieces write disjoint parts.
unsafe impl<T: Sync> Sync for At<T> {}

impl<T> At<T> {
    fn of(self, group: usize) -> *mut T {
        self.start.wrapping_add(group * self.strides.group)
    }
}

enum Form<T> {
    Rows(Vec<rows::Block<T>>),
    Dots(Vec<dots::Block<T>>),
}

/// Products by groups made ready to run.
pub(crate) struct GroupsKernel<T> {
    result: Side,
    sides: [(Place, Strides); 3],
    index: Option<ValueId>,
    groups: usize,
    outputs: usize,
    inputs: usize,
    rows: usize,
    /// How many times there are so many rows.
    blocks: usize,
    form: Form<T>,
    order: Order,
    /// Inputs and outputs in the order of groups.
    packed: [Vec<T>; 2],
    partials: Partials<T>,
}

impl<T: Product + Element> GroupsKernel<T> {
    pub fn new(product: &ProductByGroup, memory: &Memory, isa: Runnable) -> GroupsKernel<T> {
        let [groups, outputs, inputs, rows] = product.sizes(&memory.plan);
        let side = |side: Side| {
            let id = product.value(side);
            let (shape, layout) = (memory.value(id).shape, memory.value(id).layout);
            let step = |axis: usize| stride(&layout, shape[axis + 1..].iter().product());
            let last = shape.rank() - 1;
            let strides = Strides {
                group: if last > 1 { step(0) } else { 0 },
                row: step(last - 1),
                column: step(last),
            };
            (memory.place(id), strides)
        };
        let form = match product.result {
            Side::Input => Form::Rows(rows::blocks(inputs, isa)),
            Side::Weight => Form::Dots(dots::blocks(outputs, inputs, isa)),
            Side::Output => Form::Rows(rows::blocks(outputs, isa)),
        };
        let mut order = Order::default();
        if product.index.is_none() {
            for group in 0..groups {
                order.push(group, rows);
            }
            // Each group has columns of its own.
            for piece in &mut order.pieces {
                piece.start -= piece.group * rows;
            }
        }
        let blocks = product.index.map_or(groups, |_| 1);
        let partials = match product.result {
            Side::Weight => blocks * (rows / PIECE) * outputs * inputs,
            Side::Input | Side::Output => 0,
        };
        GroupsKernel {
            result: product.result,
            sides: [Side::Input, Side::Weight, Side::Output].map(side),
            index: product.index,
            groups,
            outputs,
            inputs,
            rows,
            blocks,
            form,
            order,
            packed: [Vec::new(), Vec::new()],
            partials: Partials::new(partials, T::ZERO),
        }
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        (self.outputs * self.inputs).saturating_mul(self.rows * self.blocks) / 2
    }

    pub fn run(&mut self, frame: &Frame<'_, T>) -> Result<(), KernelError> {
        if let Some(index) = self.index {
            // SAFETY: the plan placed the index inside its memory, as one row.
            let index =
                unsafe { std::slice::from_raw_parts(frame.index(index).cast_const(), self.rows) };
            self.order.update(index, self.groups)?;
        }
        let [input, weight, output] = self.sides.map(|(place, strides)| At {
            start: frame.at(place),
            strides,
        });
        let sizes = [self.inputs, self.outputs].map(|length| length * self.rows);
        let is_mixed = !self.order.columns.is_empty();
        let sorted = [(input, 0), (output, 1)].map(|(side, i)| match is_mixed {
            false => side,
            true => {
                self.packed[i].resize(sizes[i], T::ZERO);
                let (row, column) = (self.rows, 1);
                At {
                    start: self.packed[i].as_mut_ptr(),
                    strides: Strides {
                        group: 0,
                        row,
                        column,
                    },
                }
            }
        });
        let parallel = frame.parallel && self.cost() > WORTH_A_THREAD;
        let run = |piece: &Piece| {
            let columns = match is_mixed {
                true => &self.order.columns[piece.start..][..piece.columns],
                false => &[],
            };
            let start = piece.start;
            // SAFETY: the columns of a piece are those of no other, and all of them lie inside
            // their sides.
            unsafe {
                if self.result != Side::Input {
                    gather(input, sorted[0], self.inputs, start, columns);
                }
                if self.result != Side::Output {
                    gather(output, sorted[1], self.outputs, start, columns);
                }
                self.product(piece, sorted[0], weight, sorted[1]);
                match self.result {
                    Side::Input => scatter(sorted[0], input, self.inputs, start, columns),
                    Side::Weight => {}
                    Side::Output => scatter(sorted[1], output, self.outputs, start, columns),
                }
            }
        };
        super::for_each(parallel, self.order.pieces.len(), |i| {
            run(&self.order.pieces[i])
        });
        if self.result == Side::Weight {
            self.add_partials(weight);
        }
        Ok(())
    }

    /// The product of the columns of a piece and the weights of their group.
    ///
    /// # Safety
    /// The columns lie inside both sides, and what is written is written by nothing else.
    unsafe fn product(&self, piece: &Piece, input: At<T>, weight: At<T>, output: At<T>) {
        let [input_at, output_at] =
            [input, output].map(|side| side.of(piece.group).wrapping_add(piece.start));
        let own = weight.of(piece.group);
        let (inputs, outputs, n) = (self.inputs, self.outputs, piece.columns);
        let [by_output, by_input] = [weight.strides.row, weight.strides.column];
        let is_large = is_large(inputs, outputs, n);
        // SAFETY: as promised.
        unsafe {
            let blocks = match &self.form {
                Form::Rows(blocks) => blocks,
                Form::Dots(blocks) => {
                    let (sums, sums_stride) = match piece.partial {
                        Some(number) => {
                            let elements = outputs * inputs;
                            let own = number * elements..(number + 1) * elements;
                            (self.partials.part(own).as_mut_ptr(), inputs)
                        }
                        None => (own, by_output),
                    };
                    let [a_stride, b_stride] = [output.strides.row, input.strides.row];
                    if is_large {
                        let a = matrix(output_at, [outputs, n], [a_stride, 1]);
                        let b = matrix(input_at, [n, inputs], [1, b_stride]);
                        let c = matrix(sums, [outputs, inputs], [sums_stride, 1]);
                        return T::product(c, a.as_ref(), b.as_ref());
                    }
                    for block in blocks {
                        let operands = dots::Operands {
                            a: output_at.add(block.row * a_stride).cast_const(),
                            a_stride,
                            b: input_at.add(block.column * b_stride).cast_const(),
                            b_stride,
                            terms: n,
                            sums: sums.add(block.row * sums_stride + block.column),
                            sums_stride,
                        };
                        (block.routine)(&operands);
                    }
                    return;
                }
            };
            // From the other side to the result, by the matrix or its transpose.
            let (from, to, [a_stride, a_step], [terms, m]) = match self.result {
                Side::Input => {
                    let sides = ((output_at, output), (input_at, input));
                    (sides.0, sides.1, [by_input, by_output], [outputs, inputs])
                }
                _ => {
                    let sides = ((input_at, input), (output_at, output));
                    (sides.0, sides.1, [by_output, by_input], [inputs, outputs])
                }
            };
            let [(b, b_stride), (c, c_stride)] =
                [from, to].map(|(at, side)| (at, side.strides.row));
            if is_large {
                let a = matrix(own, [m, terms], [a_stride, a_step]);
                let b = matrix(b, [terms, n], [b_stride, 1]);
                let c = matrix(c, [m, n], [c_stride, 1]);
                return T::product(c, a.as_ref(), b.as_ref());
            }
            for start in (0..n).step_by(TILE) {
                for block in blocks {
                    let operands = rows::Operands {
                        a: own.add(block.row * a_stride).cast_const(),
                        a_stride,
                        a_step,
                        b: b.add(start).cast_const(),
                        b_stride,
                        terms,
                        c: c.add(block.row * c_stride + start),
                        c_stride,
                        columns: TILE.min(n - start),
                    };
                    (block.routine)(&operands);
                }
            }
        }
    }

    /// Adds to the weights of each group the sums of the pieces after its first.
    fn add_partials(&self, weight: At<T>) {
        let (pieces, elements) = (&self.order.pieces, self.outputs * self.inputs);
        for (number, first) in pieces.iter().enumerate() {
            let more = pieces[number + 1..].iter().map_while(|piece| piece.partial);
            let (count, Some(start)) = (more.clone().count(), more.clone().next()) else {
                continue;
            };
            if first.partial.is_some() {
                continue;
            }
            // SAFETY: no piece is being run.
            let terms = unsafe {
                self.partials
                    .part(start * elements..(start + count) * elements)
            };
            for i in 0..elements {
                let (row, column) = (i / self.inputs, i % self.inputs);
                let place = row * weight.strides.row + column * weight.strides.column;
                let more = terms[i..].iter().step_by(elements);
                // SAFETY: an element of the weights of the group.
                unsafe {
                    let sum = weight.of(first.group).add(place);
                    *sum = T::from_f64((*sum).to_f64() + more.map(|x| x.to_f64()).sum::<f64>());
                }
            }
        }
    }
}

/// A matrix from `start` on.
///
/// # Safety
/// It lies in memory, and is written by nobody else.
unsafe fn matrix<'a, T>(start: *mut T, size: [usize; 2], strides: [usize; 2]) -> MatMut<'a, T> {
    let [rows, columns] = size;
    // SAFETY: as promised.
    unsafe {
        MatMut::from_raw_parts_mut(
            start,
            rows,
            columns,
            strides[0] as isize,
            strides[1] as isize,
        )
    }
}

/// Copies these columns to where they stand in the order of groups, from `start` on.
///
/// # Safety
/// Both sides have so many rows, and these columns.
unsafe fn gather<T: Copy>(from: At<T>, to: At<T>, rows: usize, start: usize, columns: &[u32]) {
    for row in 0..rows {
        // SAFETY: as promised.
        unsafe {
            let from = from.start.add(row * from.strides.row);
            let to = to.start.add(row * to.strides.row + start);
            for (place, column) in columns.iter().enumerate() {
                *to.add(place) = *from.add(*column as usize);
            }
        }
    }
}

/// Copies columns back that stand in the order of groups, from `start` on.
///
/// # Safety
/// As of [`gather`].
unsafe fn scatter<T: Copy>(from: At<T>, to: At<T>, rows: usize, start: usize, columns: &[u32]) {
    for row in 0..rows {
        // SAFETY: as promised.
        unsafe {
            let from = from.start.add(row * from.strides.row + start);
            let to = to.start.add(row * to.strides.row);
            for (place, column) in columns.iter().enumerate() {
                *to.add(*column as usize) = *from.add(place);
            }
        }
    }
}

/// How far apart elements are whose row-major numbers are so far apart.
fn stride(layout: &Layout, step: usize) -> usize {
    match layout.columns {
        0 => 0,
        columns if step.is_multiple_of(columns) => step / columns * layout.stride,
        _ => step,
    }
}
