//! The rows form of small products: every row is a sum of rows of the right operand.
//!
//! As in the dots form, the loop of each number of rows is a function of its own.

use super::pieces::pieces;
use crate::cpu::isa::{InRegisters, Isa, LANES, Level, Register, RegisterOf, Runnable, compiled};

/// Rows of a block at the most.
const MOST_ROWS: usize = 5;

/// Some rows of the product.
pub(super) struct Block<T> {
    pub row: usize,
    pub routine: Routine<T>,
}

/// Computes the rows of a block. Safe where what the operands promise is true.
pub(super) type Routine<T> = unsafe fn(&Operands<T>);

/// What rows are computed from: row `i` of them is the sum over `t` of the number at
/// `a + i * a_stride + t * a_step` times the row at `b + t * b_stride`. All can be read.
pub(super) struct Operands<T> {
    pub a: *const T,
    pub a_stride: usize,
    pub a_step: usize,
    pub b: *const T,
    pub b_stride: usize,
    /// How many terms there are.
    pub terms: usize,
    /// Where row `i` goes, at `i * c_stride`; nothing else touches these.
    pub c: *mut T,
    pub c_stride: usize,
    /// How long rows of `b` and `c` are.
    pub columns: usize,
}

/// Blocks that cover `m` rows.
pub(super) fn blocks<T: InRegisters>(m: usize, isa: Runnable) -> Vec<Block<T>> {
    let rows = match (isa.isa(), size_of::<T>()) {
        (Isa::Avx512, _) | (Isa::Avx2, 4) => MOST_ROWS,
        (Isa::Avx2, _) | (Isa::Baseline, 4) => 2,
        (Isa::Baseline, _) => 1,
    };
    pieces(m, rows)
        .map(|(row, rows)| Block {
            row,
            routine: routine(rows, isa),
        })
        .collect()
}

compiled! {
    fn of_rows<T: InRegisters; M>(operands: &Operands<T>) = rows;
}

fn routine<T: InRegisters>(rows: usize, isa: Runnable) -> Routine<T> {
    match rows {
        1 => of_rows::<T, 1>(isa),
        2 => of_rows::<T, 2>(isa),
        3 => of_rows::<T, 3>(isa),
        4 => of_rows::<T, 4>(isa),
        5 => of_rows::<T, 5>(isa),
        _ => unreachable!("no block has {rows} rows"),
    }
}

/// # Safety
/// As for [`Routine`].
#[inline(always)]
unsafe fn rows<L: Level, T: InRegisters, const M: usize>(operands: &Operands<T>) {
    // SAFETY: as promised.
    unsafe {
        // As many columns at a time as have room in registers.
        match L::VECTOR_BYTES / size_of::<T>() {
            16 => block::<L, T, M, 4>(operands),
            8 if L::VECTOR_BYTES == 64 => block::<L, T, M, 2>(operands),
            _ => block::<L, T, M, 1>(operands),
        }
    }
}

/// `M` rows, `V` registers of columns at a time.
#[inline(always)]
unsafe fn block<L: Level, T: InRegisters, const M: usize, const V: usize>(operands: &Operands<T>) {
    let mut column = 0;
    // SAFETY: as promised.
    unsafe {
        while column + V * LANES <= operands.columns {
            registers::<L, T, M, V, true>(operands, column, V * LANES);
            column += V * LANES;
        }
        while column < operands.columns {
            let rest = operands.columns - column;
            if V > 1 && rest > LANES {
                registers::<L, T, M, V, false>(operands, column, rest);
                break;
            }
            registers::<L, T, M, 1, false>(operands, column, rest);
            column += LANES;
        }
    }
}

/// `M` rows of all columns of `V` registers from `column` on, or only of the first `count`.
///
/// # Safety
/// As for [`Routine`].
#[inline(always)]
unsafe fn registers<L: Level, T: InRegisters, const M: usize, const V: usize, const WHOLE: bool>(
    operands: &Operands<T>,
    column: usize,
    count: usize,
) {
    let left = |v: usize| count.saturating_sub(v * LANES);
    let mut sums = [[RegisterOf::<L, T>::splat(T::ZERO); V]; M];
    // SAFETY: as promised.
    unsafe {
        for term in 0..operands.terms {
            let from = operands.b.wrapping_add(term * operands.b_stride + column);
            let factors = operands.a.wrapping_add(term * operands.a_step);
            let mut terms = [RegisterOf::<L, T>::splat(T::ZERO); V];
            for (v, terms) in terms.iter_mut().enumerate() {
                let from = from.wrapping_add(v * LANES);
                *terms = match WHOLE {
                    true => RegisterOf::<L, T>::load(from),
                    false => RegisterOf::<L, T>::load_first(from, left(v)),
                };
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let factor =
                    RegisterOf::<L, T>::splat(*factors.wrapping_add(i * operands.a_stride));
                for (sum, terms) in sums.iter_mut().zip(&terms) {
                    *sum = sum.add_product(factor, *terms);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let to = operands.c.wrapping_add(i * operands.c_stride + column);
            for (v, sum) in sums.iter().enumerate() {
                let to = to.wrapping_add(v * LANES);
                match WHOLE {
                    true => sum.store(to),
                    false => sum.store_first(to, left(v)),
                }
            }
        }
    }
}
