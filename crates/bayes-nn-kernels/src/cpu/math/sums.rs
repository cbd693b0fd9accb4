//! Sums and maxima of elements, in an order that is always the same.

use bayes_nn_autodiff::Reduction;

use crate::cpu::isa::{LANES, tree_sum};
use crate::element::Element;

/// Lanes of a running sum: element `i` of a row belongs to lane `i mod 64`, so that several
/// additions are under way at the same time.
pub(crate) const SUM_LANES: usize = 4 * LANES;

/// The lanes of a sum or maximum of no elements.
#[inline(always)]
pub(crate) fn start<T: Element>(kind: Reduction) -> [T; SUM_LANES] {
    match kind {
        Reduction::Sum => [T::ZERO; SUM_LANES],
        Reduction::Max => [T::NEG_INFINITY; SUM_LANES],
    }
}

/// The sum or the largest of the lanes.
#[inline(always)]
pub(crate) fn reduced<T: Element>(kind: Reduction, lanes: &[T; SUM_LANES]) -> f64 {
    match kind {
        Reduction::Sum => tree_sum(lanes).to_f64(),
        Reduction::Max => lanes
            .iter()
            .fold(f64::NEG_INFINITY, |a, b| maximum(a, b.to_f64())),
    }
}

/// Adds elements to the lanes (or takes the larger): element `i` belongs to lane `i mod 64`.
#[inline(always)]
pub(crate) fn accumulate<T: Element>(kind: Reduction, lanes: &mut [T; SUM_LANES], run: &[T]) {
    let (whole, rest) = run.as_chunks::<SUM_LANES>();
    match kind {
        Reduction::Sum => {
            for chunk in whole {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane += *x;
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane += *x;
            }
        }
        Reduction::Max => {
            for chunk in whole {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane = maximum(*lane, *x);
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane = maximum(*lane, *x);
            }
        }
    }
}

/// The larger; NaN when either is.
#[inline(always)]
pub(crate) fn maximum<T: Element>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN when either is.
#[inline(always)]
pub(crate) fn minimum<T: Element>(a: T, b: T) -> T {
    if a < b || a.is_nan() { a } else { b }
}
