//! The dots form of small products: every element is a dot product of two rows along memory.
//!
//! The product is cut into blocks. The loop of each size of block is a function of its own,
//! chosen once: in one large function the compiler would keep in memory what fits into registers.

use super::pieces::pieces;
use crate::cpu::isa::{InRegisters, Isa, LANES, Level, Register, RegisterOf, Runnable, compiled};

/// Rows of any block at the most,
const MOST_ROWS: usize = 5;
/// and columns.
const MOST_COLUMNS: usize = 4;

/// A block of the product.
pub(super) struct Block<T> {
    pub row: usize,
    pub column: usize,
    pub routine: Routine<T>,
}

/// Computes a block. Safe where what the operands promise is true.
pub(super) type Routine<T> = unsafe fn(&Operands<T>);

/// What a block is computed from: its element `(i, j)` is the sum of the products of the terms
/// from `a + i * a_stride` and from `b + j * b_stride` on. They can be read.
pub(super) struct Operands<T> {
    pub a: *const T,
    pub a_stride: usize,
    pub b: *const T,
    pub b_stride: usize,
    /// How many terms there are.
    pub terms: usize,
    /// Where element `(i, j)` goes, at `i * sums_stride + j`; nothing else touches these.
    pub sums: *mut T,
    pub sums_stride: usize,
}

/// Blocks that cover a product of `m` by `n` elements.
pub(super) fn blocks<T: InRegisters>(m: usize, n: usize, isa: Runnable) -> Vec<Block<T>> {
    let (rows, columns) = largest::<T>(isa.isa());
    pieces(m, rows)
        .flat_map(|(row, rows)| {
            pieces(n, columns).map(move |(column, columns)| Block {
                row,
                column,
                routine: routine(rows, columns, isa),
            })
        })
        .collect()
}

/// Rows and columns of a block whose sums, with the terms at hand, are held in registers.
pub(in crate::cpu::kernels) fn largest<T>(isa: Isa) -> (usize, usize) {
    match (isa, size_of::<T>()) {
        (Isa::Avx512, 4) => (MOST_ROWS, MOST_COLUMNS),
        (Isa::Avx512, _) => (3, 3),
        (Isa::Avx2, 4) => (3, 2),
        (Isa::Avx2, _) | (Isa::Baseline, 4) => (3, 1),
        (Isa::Baseline, _) => (1, 1),
    }
}

compiled! {
    fn of_size<T: InRegisters; M, N>(operands: &Operands<T>) = block;
}

fn routine<T: InRegisters>(rows: usize, columns: usize, isa: Runnable) -> Routine<T> {
    macro_rules! choose {
        ($($m:literal $n:literal)*) => {
            match (rows, columns) {
                $(($m, $n) => of_size::<T, $m, $n>(isa),)*
                _ => unreachable!("no block has {rows} rows and {columns} columns"),
            }
        };
    }
    choose! { 1 1 1 2 1 3 1 4 2 1 2 2 2 3 2 4 3 1 3 2 3 3 3 4 4 1 4 2 4 3 4 4 5 1 5 2 5 3 5 4 }
}

/// # Safety
/// As for [`Routine`].
#[inline(always)]
unsafe fn block<L: Level, T: InRegisters, const M: usize, const N: usize>(operands: &Operands<T>) {
    // By columns.
    let mut sums = [[RegisterOf::<L, T>::splat(T::ZERO); M]; N];
    let rest = operands.terms % LANES;
    let whole = operands.terms - rest;
    // SAFETY: as promised.
    unsafe {
        let mut at = 0;
        while at < whole {
            add_terms::<L, T, M, N>(&mut sums, operands, at, |from| {
                RegisterOf::<L, T>::load(from)
            });
            at += LANES;
        }
        if rest > 0 {
            let load = |from| RegisterOf::<L, T>::load_first(from, rest);
            add_terms::<L, T, M, N>(&mut sums, operands, whole, load);
        }
        // All at once to memory: a loop that picks registers by number would keep them there.
        let mut lanes = [[[T::ZERO; LANES]; M]; N];
        for (sums, lanes) in sums.iter().zip(&mut lanes) {
            for (sum, lanes) in sums.iter().zip(lanes) {
                sum.store(lanes.as_mut_ptr());
            }
        }
        for (j, lanes) in lanes.iter().enumerate() {
            for (i, lanes) in lanes.iter().enumerate() {
                *operands.sums.add(i * operands.sums_stride + j) =
                    RegisterOf::<L, T>::load(lanes.as_ptr()).sum();
            }
        }
    }
}

/// Adds the terms of each dot product that are loaded from number `at` on.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn add_terms<L: Level, T: InRegisters, const M: usize, const N: usize>(
    sums: &mut [[RegisterOf<L, T>; M]; N],
    operands: &Operands<T>,
    at: usize,
    load: impl Fn(*const T) -> RegisterOf<L, T>,
) {
    let mut left = [RegisterOf::<L, T>::splat(T::ZERO); M];
    for (i, left) in left.iter_mut().enumerate() {
        *left = load(operands.a.wrapping_add(i * operands.a_stride + at));
    }
    for (j, sums) in sums.iter_mut().enumerate() {
        let right = load(operands.b.wrapping_add(j * operands.b_stride + at));
        for (sum, left) in sums.iter_mut().zip(&left) {
            *sum = sum.add_product(*left, right);
        }
    }
}
