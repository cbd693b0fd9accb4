//! Matrix products: plain loops for the small ones, faer for the large.
//!
//! The batch is the last axis of everything in a network, so two shapes of product matter. In
//! the *rows* form the columns of the product run along memory (activations: every output row
//! is a sum of input rows). In the *dots* form the sum runs along memory (gradients of
//! weights: every element is a dot product of two rows over the batch).
//!
//! faer packs what it reads, so a large product takes its operands in any order. On one Zen 4
//! core (at most 118 GFLOP/s in single precision) it does those of a 784-400-400-10 network with
//! a batch of 128 at 89 to 96 % of the peak, but the gradients of weights at 87 %: these sum over
//! the batch only, and each piece packs the other operand anew. Larger pieces would give two
//! threads 2 % and leave eight of them idle.

mod by_group;
mod dots;
mod pieces;
mod rows;

pub(crate) use by_group::GroupsKernel;
pub(super) use dots::largest as largest_dots;
pub(super) use pieces::pieces;

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::cpu::isa::{InRegisters, Runnable};
use crate::cpu::memory::{Frame, Memory, Partials, Place, WORTH_A_THREAD};
use crate::plan::{MatMul, Strips, Value};

/// Columns of a piece in the rows form, terms of a piece in the dots form: the unit of work for
/// threads and of partial sums, whatever the number of threads.
const PIECE: usize = 4096;

/// Columns of a tile in the rows form.
const TILE: usize = 512;

/// A matrix in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    place: Place,
    pub(crate) row_stride: usize,
    column_stride: usize,
}

impl Matrix {
    pub(crate) fn new(place: Place, value: &Value, transposed: bool) -> Matrix {
        // A column vector lies as one row.
        let row_stride = match value.shape.columns() {
            1 => 1,
            _ => value.layout.stride,
        };
        let matrix = Matrix {
            place,
            row_stride,
            column_stride: 1,
        };
        match transposed {
            true => matrix.transposed(),
            false => matrix,
        }
    }

    fn transposed(self) -> Matrix {
        Matrix {
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// How a product is computed.
enum Form<T> {
    Rows(Vec<rows::Block<T>>),
    /// Also of each piece the sums of its terms.
    Dots(Vec<dots::Block<T>>, Partials<T>),
    Faer,
}

/// A product made ready to run: `c = a b`, rows of `c` along memory.
pub(crate) struct ProductKernel<T> {
    a: Matrix,
    b: Matrix,
    c: Matrix,
    m: usize,
    n: usize,
    k: usize,
    form: Form<T>,
    /// Columns (rows form) or terms (dots form) of a piece.
    piece: usize,
}

impl<T: Product> ProductKernel<T> {
    /// The kernel of a product, to be run whole or in `strips`.
    pub fn new(
        product: &MatMul,
        memory: &Memory,
        strips: Option<&Strips>,
        isa: Runnable,
    ) -> ProductKernel<T> {
        let matrix = |id, transposed| Matrix::new(memory.place(id), memory.value(id), transposed);
        let mut kernel = ProductKernel {
            a: matrix(product.left, product.transpose_left),
            b: matrix(product.right, product.transpose_right),
            c: matrix(product.out, false),
            m: product.m,
            n: product.n,
            k: product.k,
            form: Form::Faer,
            piece: strips.map_or(PIECE, Strips::width),
        };
        if product.is_large() {
            return kernel;
        }
        let along_k = |k: &Self| k.k == 1 || k.a.column_stride == 1 && k.b.row_stride == 1;
        let along_n = |k: &Self| k.n == 1 || k.b.column_stride == 1 && k.c.column_stride == 1;
        // A product that is a column is computed as a row: c^T = b^T a^T.
        if kernel.n == 1 && !along_k(&kernel) {
            (kernel.a, kernel.b) = (kernel.b.transposed(), kernel.a.transposed());
            (kernel.m, kernel.n) = (1, kernel.m);
            kernel.c = kernel.c.transposed();
        }
        if along_n(&kernel) && !(kernel.n == 1 && along_k(&kernel)) {
            kernel.form = Form::Rows(rows::blocks(kernel.m, isa));
        } else if along_k(&kernel) {
            let pieces = kernel.k.div_ceil(kernel.piece).max(1);
            kernel.form = Form::Dots(
                dots::blocks(kernel.m, kernel.n, isa),
                Partials::new(kernel.m * kernel.n * pieces, T::ZERO),
            );
        }
        kernel
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        (self.m * self.n).saturating_mul(self.k) / 2
    }

    pub fn run(&self, frame: &Frame<'_, T>) {
        let parallel = frame.parallel && self.cost() > WORTH_A_THREAD;
        let length = match self.form {
            Form::Rows(_) => self.n,
            Form::Dots(..) => self.k,
            Form::Faer => return self.run_faer(frame, parallel),
        };
        let piece = |i: usize| {
            let range = i * self.piece..((i + 1) * self.piece).min(length);
            self.run_strip(frame, i, range);
        };
        if length <= self.piece {
            // A sum of no terms has a piece all the same.
            self.run_strip(frame, 0, 0..length);
        } else {
            for_each(parallel, length.div_ceil(self.piece), piece);
        }
        self.finish(frame);
    }

    /// Runs piece number `i`: some columns of the product, or some terms of all its elements.
    pub fn run_strip(&self, frame: &Frame<'_, T>, i: usize, range: Range<usize>) {
        match &self.form {
            Form::Rows(blocks) => self.rows(blocks, frame, &range),
            Form::Dots(blocks, partials) => {
                let elements = self.m * self.n;
                // SAFETY: each piece is run by one thread.
                let sums = unsafe { partials.part(i * elements..(i + 1) * elements) };
                self.dots(blocks, frame, &range, sums);
            }
            Form::Faer => unreachable!("a large product is run whole"),
        }
    }

    /// These columns of the product, a tile of them after the other: then the rows that are
    /// read stay in the cache from block to block.
    fn rows(&self, blocks: &[rows::Block<T>], frame: &Frame<'_, T>, columns: &Range<usize>) {
        for start in columns.clone().step_by(TILE) {
            for block in blocks {
                let a = frame.at(self.a.place);
                let c = frame.at(self.c.place);
                let operands = rows::Operands {
                    a: a.wrapping_add(block.row * self.a.row_stride).cast_const(),
                    a_stride: self.a.row_stride,
                    a_step: self.a.column_stride,
                    b: frame.at(self.b.place).wrapping_add(start).cast_const(),
                    b_stride: self.b.row_stride,
                    terms: self.k,
                    c: c.wrapping_add(block.row * self.c.row_stride + start),
                    c_stride: self.c.row_stride,
                    columns: TILE.min(columns.end - start),
                };
                // SAFETY: the columns lie inside the product and inside `b`, the rows of the block
                // inside the product.
                unsafe { (block.routine)(&operands) };
            }
        }
    }

    /// These terms of every element of the product.
    fn dots(
        &self,
        blocks: &[dots::Block<T>],
        frame: &Frame<'_, T>,
        terms: &Range<usize>,
        sums: &mut [T],
    ) {
        let (a, b) = (frame.at(self.a.place), frame.at(self.b.place));
        for block in blocks {
            let a = a.wrapping_add(block.row * self.a.row_stride + terms.start);
            let b = b.wrapping_add(block.column * self.b.column_stride + terms.start);
            let operands = dots::Operands {
                a: a.cast_const(),
                a_stride: self.a.row_stride,
                b: b.cast_const(),
                b_stride: self.b.column_stride,
                terms: terms.len(),
                sums: sums[block.row * self.n + block.column..].as_mut_ptr(),
                sums_stride: self.n,
            };
            // SAFETY: rows of `a` and columns of `b` have `k` terms along memory, and blocks lie
            // inside the product.
            unsafe { (block.routine)(&operands) };
        }
    }

    /// Adds up the terms that the pieces gave.
    pub fn finish(&self, frame: &Frame<'_, T>) {
        let Form::Dots(_, partials) = &self.form else {
            return;
        };
        // SAFETY: no piece is being run.
        let partials = unsafe { partials.part(0..partials.len()) };
        let elements = self.m * self.n;
        let places = (0..self.m).flat_map(|row| {
            let start = row * self.c.row_stride;
            (0..self.n).map(move |column| start + column * self.c.column_stride)
        });
        for (i, place) in places.enumerate() {
            let total = if partials.len() == elements {
                partials[i]
            } else {
                let terms = partials[i..].iter().step_by(elements);
                T::from_f64(terms.map(|x| x.to_f64()).sum())
            };
            // SAFETY: the plan placed the product inside the arena.
            unsafe { *frame.at(self.c.place).add(place) = total };
        }
    }

    /// Pieces of the product, each one call: cut along its longer side into pieces that do not
    /// depend on how many threads there are.
    fn run_faer(&self, frame: &Frame<'_, T>, parallel: bool) {
        let by_rows = self.m >= self.n;
        let length = if by_rows { self.m } else { self.n };
        let other = if by_rows { self.n } else { self.m };
        let size = (WORTH_A_THREAD * 4)
            .div_ceil((other * self.k).max(1))
            .next_multiple_of(64)
            .min(length.div_ceil(2).next_multiple_of(64));
        let piece = |i: usize| {
            let range = i * size..((i + 1) * size).min(length);
            let (rows, columns) = match by_rows {
                true => (range, 0..self.n),
                false => (0..self.m, range),
            };
            let part = |matrix: &Matrix, row: usize, column: usize| {
                let [by_row, by_column] = [matrix.row_stride, matrix.column_stride];
                let start = frame.at(matrix.place);
                let start = start.wrapping_add(row * by_row + column * by_column);
                (start, by_row as isize, by_column as isize)
            };
            let (m, n, k) = (rows.len(), columns.len(), self.k);
            let (a, a_row, a_column) = part(&self.a, rows.start, 0);
            let (b, b_row, b_column) = part(&self.b, 0, columns.start);
            let (c, c_row, c_column) = part(&self.c, rows.start, columns.start);
            // SAFETY: the matrices lie inside the arena, the product apart from its operands;
            // pieces do not overlap.
            unsafe {
                let a = MatRef::from_raw_parts(a.cast_const(), m, k, a_row, a_column);
                let b = MatRef::from_raw_parts(b.cast_const(), k, n, b_row, b_column);
                T::product(MatMut::from_raw_parts_mut(c, m, n, c_row, c_column), a, b);
            }
        };
        for_each(parallel, length.div_ceil(size), piece);
    }
}

fn for_each(parallel: bool, pieces: usize, piece: impl Fn(usize) + Sync + Send) {
    if parallel && pieces > 1 {
        (0..pieces).into_par_iter().for_each(piece);
    } else {
        (0..pieces).for_each(piece);
    }
}

/// A number of which faer multiplies matrices.
pub trait Product: InRegisters {
    /// `c = a b`, on the calling thread.
    fn product(c: MatMut<'_, Self>, a: MatRef<'_, Self>, b: MatRef<'_, Self>);
}

macro_rules! product {
    ($($float:ident)*) => {$(
        impl Product for $float {
            fn product(c: MatMut<'_, $float>, a: MatRef<'_, $float>, b: MatRef<'_, $float>) {
                matmul(c, Accum::Replace, a, b, 1.0, Par::Seq);
            }
        }
    )*};
}

product!(f32 f64);
