//! Cholesky factors and triangular solves: plain loops for the small ones, faer for the large.

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{MatMut, MatRef, Par};

use super::matmul::Matrix;
use crate::cpu::isa::{LANES, Level, fma, multiversion, tree_sum};
use crate::cpu::memory::{Frame, Memory, Place};
use crate::element::Element;
use crate::plan::{TriangularSolve, ValueId};

/// Matrices of fewer rows are factored by plain loops.
const FAER_FROM_ROWS: usize = 96;

/// Solves with fewer multiplications are done by plain loops, and those for one right-hand side:
/// they read the triangle once, and blocks would gain nothing.
const FAER_FROM: usize = 1 << 12;

/// The rows of a matrix in memory, from its first element to its last.
#[derive(Clone, Copy)]
struct Rows {
    place: Place,
    stride: usize,
    rows: usize,
    columns: usize,
}

impl Rows {
    fn new(memory: &Memory, id: ValueId) -> Rows {
        let (value, place) = (memory.value(id), memory.place(id));
        Rows {
            place,
            stride: Matrix::new(place, value, false).row_stride,
            rows: value.shape.rows(),
            columns: value.shape.columns(),
        }
    }

    fn span(&self) -> usize {
        match self.rows * self.columns {
            0 => 0,
            _ => (self.rows - 1) * self.stride + self.columns,
        }
    }

    fn elements<'a, T: Element>(&self, frame: &'a Frame<'_, T>) -> &'a [T] {
        // SAFETY: the plan placed the value inside the arena, and nothing writes it while a pass
        // reads it.
        unsafe { std::slice::from_raw_parts(frame.at(self.place), self.span()) }
    }

    #[expect(clippy::mut_from_ref, reason = "the arena belongs to the running pass")]
    fn elements_mut<'a, T: Element>(&self, frame: &'a Frame<'_, T>) -> &'a mut [T] {
        // SAFETY: the plan placed the result of a pass apart from what the pass reads, with what
        // lies between its rows.
        unsafe { std::slice::from_raw_parts_mut(frame.at(self.place), self.span()) }
    }
}

/// A Cholesky factor made ready to be computed.
pub(crate) struct CholeskyKernel {
    matrix: Rows,
    out: Rows,
    /// What faer works with, if it is faer that does it.
    stack: Option<MemBuffer>,
}

impl CholeskyKernel {
    pub fn new<T: Factorization>(matrix: ValueId, out: ValueId, memory: &Memory) -> CholeskyKernel {
        let (matrix, out) = (Rows::new(memory, matrix), Rows::new(memory, out));
        let large = out.rows >= FAER_FROM_ROWS;
        CholeskyKernel {
            matrix,
            out,
            stack: large.then(|| MemBuffer::new(T::scratch(out.rows))),
        }
    }

    /// Works on the transposed factor, so that its columns run along memory.
    pub fn run<T: Factorization>(&mut self, frame: &Frame<'_, T>) {
        let (n, stride) = (self.out.rows, self.out.stride);
        let matrix = self.matrix.elements(frame);
        let out = self.out.elements_mut(frame);
        for i in 0..n {
            for j in 0..=i {
                out[j * stride + i] = matrix[i * self.matrix.stride + j];
            }
        }
        let bad = match &mut self.stack {
            Some(stack) => {
                // SAFETY: the slice holds the columns.
                let columns = unsafe {
                    MatMut::from_raw_parts_mut(out.as_mut_ptr(), n, n, 1, stride as isize)
                };
                T::factor(columns, MemStack::new(stack))
            }
            None => factor(frame.isa, out, n, stride),
        };
        let right = bad.unwrap_or(n);
        for i in 0..n {
            for j in 0..i {
                let entry = std::mem::replace(&mut out[j * stride + i], T::ZERO);
                out[i * stride + j] = if i < right { entry } else { T::NAN };
            }
            if i >= right {
                out[i * stride + i] = T::NAN;
            }
        }
    }
}

/// The solution of a triangular system made ready to be computed.
pub(crate) struct SolveKernel {
    triangle: Rows,
    right: Rows,
    out: Rows,
    transpose: bool,
}

impl SolveKernel {
    pub fn new(solve: &TriangularSolve, memory: &Memory) -> SolveKernel {
        SolveKernel {
            triangle: Rows::new(memory, solve.triangle),
            right: Rows::new(memory, solve.right),
            out: Rows::new(memory, solve.out),
            transpose: solve.transpose,
        }
    }

    pub fn run<T: Factorization>(&self, frame: &Frame<'_, T>) {
        let (n, columns) = (self.out.rows, self.out.columns);
        if n * columns == 0 {
            return;
        }
        let triangle = self.triangle.elements(frame);
        let right = self.right.elements(frame);
        let out = self.out.elements_mut(frame);
        let rows = out.chunks_mut(self.out.stride.max(1));
        for (to, from) in rows.zip(right.chunks(self.right.stride.max(1))) {
            to[..columns].copy_from_slice(&from[..columns]);
        }
        if columns > 1 && n * n * columns >= FAER_FROM {
            // SAFETY: the slices hold the rows.
            unsafe {
                let stride = self.triangle.stride as isize;
                let triangle = MatRef::from_raw_parts(triangle.as_ptr(), n, n, stride, 1);
                let stride = self.out.stride as isize;
                let out = MatMut::from_raw_parts_mut(out.as_mut_ptr(), n, columns, stride, 1);
                T::solve(triangle, out, self.transpose);
            }
        } else if self.transpose {
            solve_transposed(frame.isa, self, triangle, out);
        } else {
            solve(frame.isa, self, triangle, out);
        }
    }
}

multiversion! {
    /// Replaces the columns of a matrix, from the diagonal on, by those of its factor; the first
    /// pivot that is not positive and finite, where the factor ends.
    fn factor<T: Element>(columns: &mut [T], n: usize, stride: usize) -> Option<usize> = factor_body;
}

multiversion! {
    /// Replaces the right-hand sides by the solutions of `L X = B`.
    fn solve<T: Element>(kernel: &SolveKernel, triangle: &[T], x: &mut [T]) = solve_body;
}

multiversion! {
    /// Replaces the right-hand sides by the solutions of `L^T X = B`.
    fn solve_transposed<T: Element>(
        kernel: &SolveKernel,
        triangle: &[T],
        x: &mut [T],
    ) = solve_transposed_body;
}

#[inline(always)]
fn factor_body<L: Level, T: Element>(columns: &mut [T], n: usize, stride: usize) -> Option<usize> {
    for k in 0..n {
        let (done, rest) = columns.split_at_mut(((k + 1) * stride).min(columns.len()));
        let column = &mut done[k * stride..k * stride + n];
        let pivot = column[k];
        if !(pivot > T::ZERO && pivot.is_finite()) {
            return Some(k);
        }
        let root = pivot.sqrt();
        column[k] = root;
        for x in &mut column[k + 1..] {
            *x = *x / root;
        }
        for (i, rest) in (k + 1..n).zip(rest.chunks_mut(stride)) {
            subtract::<L, T>(&mut rest[i..n], column[i], &column[i..]);
        }
    }
    None
}

#[inline(always)]
fn solve_body<L: Level, T: Element>(kernel: &SolveKernel, triangle: &[T], x: &mut [T]) {
    let (n, columns) = (kernel.out.rows, kernel.out.columns);
    for i in 0..n {
        let row = &triangle[i * kernel.triangle.stride..][..=i];
        let (known, rest) = x.split_at_mut(i * kernel.out.stride);
        let own = &mut rest[..columns];
        if columns == 1 {
            own[0] -= dot::<L, T>(&row[..i], known);
        } else {
            for (factor, known) in row.iter().zip(known.chunks(kernel.out.stride)) {
                subtract::<L, T>(own, *factor, &known[..columns]);
            }
        }
        for x in own {
            *x = *x / row[i];
        }
    }
}

#[inline(always)]
fn solve_transposed_body<L: Level, T: Element>(kernel: &SolveKernel, triangle: &[T], x: &mut [T]) {
    let (n, columns) = (kernel.out.rows, kernel.out.columns);
    for i in (0..n).rev() {
        let row = &triangle[i * kernel.triangle.stride..][..=i];
        let (before, rest) = x.split_at_mut(i * kernel.out.stride);
        let own = &mut rest[..columns];
        for x in &mut *own {
            *x = *x / row[i];
        }
        if columns == 1 {
            subtract::<L, T>(before, own[0], &row[..i]);
        } else {
            for (factor, before) in row.iter().zip(before.chunks_mut(kernel.out.stride)) {
                subtract::<L, T>(&mut before[..columns], *factor, own);
            }
        }
    }
}

/// `y -= factor x`
#[inline(always)]
fn subtract<L: Level, T: Element>(y: &mut [T], factor: T, x: &[T]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = fma::<L, T>(-factor, *x, *y);
    }
}

/// The sum of the products of two slices of one length.
#[inline(always)]
fn dot<L: Level, T: Element>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum = fma::<L, T>(a[lane], b[lane], *sum);
        }
    }
    for ((a, b), sum) in a_rest.iter().zip(b_rest).zip(&mut sums) {
        *sum = fma::<L, T>(*a, *b, *sum);
    }
    tree_sum(&sums)
}

/// A number of whose matrices faer makes factors and solves triangles, on the calling thread.
pub trait Factorization: Element {
    /// The memory that [`Factorization::factor`] needs.
    fn scratch(n: usize) -> StackReq;
    /// Replaces the lower triangle of a matrix by that of its Cholesky factor; the first pivot
    /// that is not positive, where the factor ends.
    fn factor(matrix: MatMut<'_, Self>, stack: &mut MemStack) -> Option<usize>;
    /// Replaces the right-hand sides by the solutions for a lower triangle or its transpose.
    fn solve(triangle: MatRef<'_, Self>, x: MatMut<'_, Self>, transpose: bool);
}

macro_rules! factorization {
    ($($float:ident)*) => {$(
        impl Factorization for $float {
            fn scratch(n: usize) -> StackReq {
                cholesky_in_place_scratch::<$float>(n, Par::Seq, Default::default())
            }

            fn factor(matrix: MatMut<'_, $float>, stack: &mut MemStack) -> Option<usize> {
                let (none, settings) = (Default::default(), Default::default());
                match cholesky_in_place(matrix, none, Par::Seq, stack, settings) {
                    Ok(_) => None,
                    Err(LltError::NonPositivePivot { index }) => Some(index),
                }
            }

            fn solve(triangle: MatRef<'_, $float>, x: MatMut<'_, $float>, transpose: bool) {
                match transpose {
                    true => solve_upper_triangular_in_place(triangle.transpose(), x, Par::Seq),
                    false => solve_lower_triangular_in_place(triangle, x, Par::Seq),
                }
            }
        }
    )*};
}

factorization!(f32 f64);
