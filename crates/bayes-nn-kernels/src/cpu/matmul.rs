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

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::group::{LANES, tree_sum};
use super::isa::{Level, fma, multiversion};
use super::program::{Frame, WORTH_A_THREAD};
use super::strips::{Memory, Partials, Place};
use crate::Element;
use crate::plan::{MatMul, Strips, Value};

/// Columns of a piece in the rows form, terms of a piece in the dots form: the unit of work for
/// threads and of partial sums, whatever the number of threads.
const PIECE: usize = 4096;

/// A matrix in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix {
    place: Place,
    pub(super) row_stride: usize,
    column_stride: usize,
}

impl Matrix {
    pub(super) fn new(place: Place, value: &Value, transposed: bool) -> Matrix {
        // A row or column vector has one row in memory, whichever of its axes has length 1.
        let [rows, columns] = *value.shape else {
            unreachable!("the operands of a product are matrices")
        };
        let (row_stride, column_stride) = match (rows, columns) {
            (_, 1) => (1, 1),
            (1, _) => (value.layout.stride, 1),
            _ => (value.layout.stride, 1),
        };
        let matrix = Matrix {
            place,
            row_stride,
            column_stride,
        };
        if transposed {
            matrix.transposed()
        } else {
            matrix
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

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Rows,
    Dots,
    Faer,
}

/// A product made ready to run: `c = a b`, rows of `c` along memory.
pub(super) struct ProductKernel<T> {
    a: Matrix,
    b: Matrix,
    c: Matrix,
    m: usize,
    n: usize,
    k: usize,
    form: Form,
    /// Whether the columns of `b` and `c` (rows form), or the terms of `a` and `b` (dots
    /// form), may be touched up to whole vectors.
    padded: bool,
    /// Columns (rows form) or terms (dots form) of a piece.
    piece: usize,
    /// Of each piece the sums of its terms (dots form).
    partials: Partials<T>,
}

impl<T: Element> ProductKernel<T> {
    /// The kernel of a product, to be run whole or in `strips`.
    pub fn new(product: &MatMul, memory: &Memory, strips: Option<&Strips>) -> ProductKernel<T> {
        let (left, right, out) = (
            memory.value(product.left),
            memory.value(product.right),
            memory.value(product.out),
        );
        let place = |id| memory.place(id);
        let mut kernel = ProductKernel {
            a: Matrix::new(place(product.left), left, product.transpose_left),
            b: Matrix::new(place(product.right), right, product.transpose_right),
            c: Matrix::new(place(product.out), out, false),
            m: product.m,
            n: product.n,
            k: product.k,
            form: Form::Faer,
            padded: false,
            piece: strips.map_or(PIECE, Strips::width),
            partials: Partials::new(0, T::ZERO),
        };
        if product.is_large() {
            return kernel;
        }
        let (mut left, mut right) = (left, right);
        let along_k = |k: &Self| k.k == 1 || k.a.column_stride == 1 && k.b.row_stride == 1;
        let along_n = |k: &Self| k.n == 1 || k.b.column_stride == 1 && k.c.column_stride == 1;
        // A column is as good a row: c^T = b^T a^T.
        if kernel.n == 1 && !along_k(&kernel) {
            (kernel.a, kernel.b) = (kernel.b.transposed(), kernel.a.transposed());
            (kernel.m, kernel.n) = (1, kernel.m);
            kernel.c = kernel.c.transposed();
            (left, right) = (right, left);
        }
        if along_n(&kernel) && !(kernel.n == 1 && along_k(&kernel)) {
            kernel.form = Form::Rows;
            let rows_padded = |v: &Value| v.layout.row_padding;
            kernel.padded = kernel.n > 1 && rows_padded(right) && rows_padded(out);
            // Rows of one value that are read as rows of another stay inside their padding only
            // if both have the columns that are walked.
            kernel.padded &= right.layout.columns == kernel.n && out.layout.columns == kernel.n;
        } else if along_k(&kernel) {
            kernel.form = Form::Dots;
            kernel.padded = left.layout.row_padding
                && right.layout.row_padding
                && left.layout.columns == kernel.k
                && right.layout.columns == kernel.k;
            let pieces = kernel.k.div_ceil(kernel.piece).max(1);
            kernel.partials = Partials::new(kernel.m * kernel.n * pieces, T::ZERO);
        }
        kernel
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        self.m * self.n * self.k / 2
    }

    pub fn run(&self, frame: &Frame<'_, T>) {
        let parallel = frame.parallel && self.cost() > WORTH_A_THREAD;
        let length = match self.form {
            Form::Rows => self.n,
            Form::Dots => self.k,
            Form::Faer => return self.run_faer(frame, parallel),
        };
        let piece = |i: usize| {
            let range = i * self.piece..((i + 1) * self.piece).min(length);
            self.run_strip(frame, i, range);
        };
        // A sum of no terms has a piece all the same.
        for_each(parallel, length.div_ceil(self.piece).max(1), piece);
        self.finish(frame);
    }

    /// Piece number `i`: these columns of the product, or these terms of its elements.
    pub fn run_strip(&self, frame: &Frame<'_, T>, i: usize, range: Range<usize>) {
        match self.form {
            Form::Rows => rows(frame.isa, self, frame, range),
            Form::Dots => {
                let elements = self.m * self.n;
                // SAFETY: each piece is run by one thread.
                let sums = unsafe { self.partials.part(i * elements..(i + 1) * elements) };
                dots(frame.isa, self, frame, range, sums);
            }
            Form::Faer => unreachable!("a large product is run whole"),
        }
    }

    /// Adds up the terms that the pieces gave.
    pub fn finish(&self, frame: &Frame<'_, T>) {
        if self.form != Form::Dots {
            return;
        }
        // SAFETY: no piece is being run.
        let partials = unsafe { self.partials.part(0..self.partials.len()) };
        let elements = self.m * self.n;
        for i in 0..elements {
            let total = if partials.len() == elements {
                partials[i]
            } else {
                let terms = partials[i..].iter().step_by(elements);
                T::from_f64(terms.map(|x| x.to_f64()).sum())
            };
            let place = i / self.n * self.c.row_stride + i % self.n * self.c.column_stride;
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
            let at = |matrix: &Matrix, row: usize, column: usize| {
                let place = row * matrix.row_stride + column * matrix.column_stride;
                frame.at(matrix.place).wrapping_add(place)
            };
            let (m, n) = (rows.len(), columns.len());
            // SAFETY: the matrices lie inside the arena, the product apart from its operands;
            // pieces do not overlap.
            unsafe {
                let a = MatRef::from_raw_parts(
                    at(&self.a, rows.start, 0).cast_const(),
                    m,
                    self.k,
                    self.a.row_stride as isize,
                    self.a.column_stride as isize,
                );
                let b = MatRef::from_raw_parts(
                    at(&self.b, 0, columns.start).cast_const(),
                    self.k,
                    n,
                    self.b.row_stride as isize,
                    self.b.column_stride as isize,
                );
                let c = MatMut::from_raw_parts_mut(
                    at(&self.c, rows.start, columns.start),
                    m,
                    n,
                    self.c.row_stride as isize,
                    self.c.column_stride as isize,
                );
                T::product(c, a, b);
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

multiversion! {
    /// The columns `columns` of the product, as sums of rows of `b`.
    fn rows<T: Element>(
        product: &ProductKernel<T>,
        frame: &Frame<'_, T>,
        columns: Range<usize>,
    ) = rows_body;
}

multiversion! {
    /// The terms `terms` of every element of the product.
    fn dots<T: Element>(
        product: &ProductKernel<T>,
        frame: &Frame<'_, T>,
        terms: Range<usize>,
        sums: &mut [T],
    ) = dots_body;
}

/// How many vector registers sixteen elements take.
#[inline(always)]
const fn registers<L: Level, T>() -> usize {
    (LANES * size_of::<T>()).div_ceil(L::VECTOR_BYTES)
}

#[inline(always)]
fn rows_body<L: Level, T: Element>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    columns: Range<usize>,
) {
    match registers::<L, T>() {
        1 => rows_blocked::<L, T, 5, 4>(product, frame, columns),
        2 => rows_blocked::<L, T, 5, 2>(product, frame, columns),
        4 => rows_blocked::<L, T, 2, 1>(product, frame, columns),
        _ => rows_blocked::<L, T, 1, 1>(product, frame, columns),
    }
}

#[inline(always)]
fn rows_blocked<L: Level, T: Element, const M: usize, const V: usize>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    columns: Range<usize>,
) {
    let mut column = columns.start;
    while column < columns.end {
        let rest = columns.end - column;
        let wide = rest >= V * LANES || (product.padded && rest > (V - 1) * LANES);
        let mut row = 0;
        while row < product.m {
            let rows = M.min(product.m - row);
            let corner = (row, column);
            match (wide, rows) {
                (true, r) if r == M => rows_block::<L, T, M, V>(product, frame, corner, V * LANES),
                (true, _) => {
                    for i in 0..rows {
                        let corner = (row + i, column);
                        rows_block::<L, T, 1, V>(product, frame, corner, V * LANES);
                    }
                }
                (false, _) => {
                    let width = match product.padded {
                        true => LANES,
                        false => rest.min(LANES),
                    };
                    if rows == M {
                        rows_block::<L, T, M, 1>(product, frame, corner, width);
                    } else {
                        for i in 0..rows {
                            rows_block::<L, T, 1, 1>(product, frame, (row + i, column), width);
                        }
                    }
                }
            }
            row += rows;
        }
        column += if wide { V * LANES } else { LANES };
    }
}

/// `M` rows by `V` vectors of the product from `corner` on, of which `width` columns are real.
#[inline(always)]
fn rows_block<L: Level, T: Element, const M: usize, const V: usize>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    (row, column): (usize, usize),
    width: usize,
) {
    let mut sums = [[[T::ZERO; LANES]; V]; M];
    // SAFETY: rows `row..row + M` and columns `column..column + width` lie inside the product,
    // or in the padding of its rows and those of `b`.
    unsafe {
        let a = frame
            .at(product.a.place)
            .add(row * product.a.row_stride)
            .cast_const();
        let b = frame.at(product.b.place).wrapping_add(column).cast_const();
        for term in 0..product.k {
            let mut terms = [[T::ZERO; LANES]; V];
            let from = b.add(term * product.b.row_stride);
            if width == V * LANES {
                terms = from.cast::<[[T; LANES]; V]>().read_unaligned();
            } else {
                for (i, x) in terms[0][..width].iter_mut().enumerate() {
                    *x = *from.add(i);
                }
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let factor = *a.add(i * product.a.row_stride + term * product.a.column_stride);
                for (sums, terms) in sums.iter_mut().zip(&terms) {
                    for lane in 0..LANES {
                        sums[lane] = fma::<L, T>(factor, terms[lane], sums[lane]);
                    }
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let to = frame
                .at(product.c.place)
                .wrapping_add((row + i) * product.c.row_stride + column);
            if width == V * LANES {
                to.cast::<[[T; LANES]; V]>().write_unaligned(*sums);
            } else {
                for (i, x) in sums[0][..width].iter().enumerate() {
                    *to.add(i) = *x;
                }
            }
        }
    }
}

#[inline(always)]
fn dots_body<L: Level, T: Element>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    terms: Range<usize>,
    sums: &mut [T],
) {
    match registers::<L, T>() {
        1 => dots_blocked::<L, T, 5, 4>(product, frame, terms, sums),
        2 => dots_blocked::<L, T, 3, 3>(product, frame, terms, sums),
        4 => dots_blocked::<L, T, 2, 1>(product, frame, terms, sums),
        _ => dots_blocked::<L, T, 1, 1>(product, frame, terms, sums),
    }
}

#[inline(always)]
fn dots_blocked<L: Level, T: Element, const M: usize, const N: usize>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    terms: Range<usize>,
    sums: &mut [T],
) {
    let mut row = 0;
    while row < product.m {
        // What is left over goes by twos, then one by one.
        row += match product.m - row {
            rest if rest >= M => dots_rows::<L, T, M, N>(product, frame, row, &terms, sums),
            rest if rest >= 2 => dots_rows::<L, T, 2, N>(product, frame, row, &terms, sums),
            _ => dots_rows::<L, T, 1, N>(product, frame, row, &terms, sums),
        };
    }
}

/// `M` rows of the product; returns `M`.
#[inline(always)]
fn dots_rows<L: Level, T: Element, const M: usize, const N: usize>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    row: usize,
    terms: &Range<usize>,
    sums: &mut [T],
) -> usize {
    let mut column = 0;
    while column < product.n {
        let corner = (row, column);
        column += match product.n - column {
            rest if rest >= N => dots_block::<L, T, M, N>(product, frame, corner, terms, sums),
            rest if rest >= 2 => dots_block::<L, T, M, 2>(product, frame, corner, terms, sums),
            _ => dots_block::<L, T, M, 1>(product, frame, corner, terms, sums),
        };
    }
    M
}

/// The terms of `M` by `N` elements of the product; returns `N`.
#[inline(always)]
fn dots_block<L: Level, T: Element, const M: usize, const N: usize>(
    product: &ProductKernel<T>,
    frame: &Frame<'_, T>,
    (row, column): (usize, usize),
    terms: &Range<usize>,
    sums: &mut [T],
) -> usize {
    let mut lanes = [[[T::ZERO; LANES]; N]; M];
    let whole = terms.len() / LANES * LANES;
    // SAFETY: rows of `a` and columns of `b` have `k` terms along memory, and may be read up to
    // whole vectors when padded.
    unsafe {
        let a = frame
            .at(product.a.place)
            .wrapping_add(row * product.a.row_stride + terms.start)
            .cast_const();
        let b = frame
            .at(product.b.place)
            .wrapping_add(column * product.b.column_stride + terms.start)
            .cast_const();
        let strides = (product.a.row_stride, product.b.column_stride);
        let mut at = 0;
        while at < whole {
            let load = Load::Whole;
            dots_step::<L, T, M, N>(&mut lanes, (a.add(at), b.add(at)), strides, load);
            at += LANES;
        }
        if whole < terms.len() {
            let width = terms.len() - whole;
            let load = match product.padded {
                true => Load::Masked(width),
                false => Load::Part(width),
            };
            dots_step::<L, T, M, N>(&mut lanes, (a.add(at), b.add(at)), strides, load);
        }
    }
    for (i, lanes) in lanes.iter().enumerate() {
        for (j, lanes) in lanes.iter().enumerate() {
            sums[(row + i) * product.n + column + j] = tree_sum(lanes);
        }
    }
    N
}

/// How sixteen terms are read.
#[derive(Clone, Copy)]
enum Load {
    Whole,
    /// Only the first so many count; the others may be read.
    Masked(usize),
    /// Only the first so many may be read.
    Part(usize),
}

impl Load {
    /// # Safety
    /// As many elements as the variant says can be read.
    #[inline(always)]
    unsafe fn read<T: Element>(self, from: *const T) -> [T; LANES] {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Load::Whole => from.cast::<[T; LANES]>().read_unaligned(),
                Load::Masked(width) => {
                    let mut run = from.cast::<[T; LANES]>().read_unaligned();
                    for (lane, x) in run.iter_mut().enumerate() {
                        *x = if lane < width { *x } else { T::ZERO };
                    }
                    run
                }
                Load::Part(width) => {
                    let mut run = [T::ZERO; LANES];
                    for (i, x) in run[..width].iter_mut().enumerate() {
                        *x = *from.add(i);
                    }
                    run
                }
            }
        }
    }
}

/// Adds sixteen terms of each of `M` by `N` dot products.
///
/// # Safety
/// The rows of both matrices can be read as `load` says.
#[inline(always)]
unsafe fn dots_step<L: Level, T: Element, const M: usize, const N: usize>(
    lanes: &mut [[[T; LANES]; N]; M],
    (a, b): (*const T, *const T),
    (a_stride, b_stride): (usize, usize),
    load: Load,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut left = [[T::ZERO; LANES]; M];
        for (i, run) in left.iter_mut().enumerate() {
            *run = load.read(a.add(i * a_stride));
        }
        for j in 0..N {
            let right = load.read(b.add(j * b_stride));
            for (lanes, left) in lanes.iter_mut().zip(&left) {
                for (lane, sum) in lanes[j].iter_mut().enumerate() {
                    *sum = fma::<L, T>(left[lane], right[lane], *sum);
                }
            }
        }
    }
}

/// The product by faer, of either precision.
pub trait Product: Sized {
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
