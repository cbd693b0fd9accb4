//! Loops over runs of elements: one for each operation.

use bayes_nn_autodiff::{Binary, Reduction, Unary};

use crate::Element;
use crate::cpu::isa::Level;
use crate::cpu::math;

/// Elements of a block: what small products and running sums take at a time.
pub(in crate::cpu) const LANES: usize = 16;

/// Lanes of a running sum: element `i` of a row belongs to lane `i mod 64`, so that several
/// additions are under way at the same time.
pub(super) const SUM_LANES: usize = 4 * LANES;

/// The sum of the lanes, always in the same order.
#[inline(always)]
pub(in crate::cpu) fn tree_sum<T: Element, const N: usize>(lanes: &[T; N]) -> T {
    let mut sums = *lanes;
    let mut width = N / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Adds (or compares) a run into lanes: element `i` into lane `i mod 64`.
#[inline(always)]
pub(super) fn accumulate<T: Element>(kind: Reduction, lanes: &mut [T; SUM_LANES], run: &[T]) {
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
pub(in crate::cpu) fn maximum<T: Element>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN when either is.
#[inline(always)]
fn minimum<T: Element>(a: T, b: T) -> T {
    if a < b || a.is_nan() { a } else { b }
}

#[derive(Clone, Copy)]
pub(super) enum Run<'a, T> {
    Elements(&'a [T]),
    Number(T),
}

/// `to[i] = f(a[i])`. The lengths are whole numbers of unrolled vectors, so the compiler's tail
/// loop is never entered.
#[inline(always)]
fn map<T: Element>(to: &mut [T], a: &[T], f: impl Fn(T) -> T) {
    for (to, a) in to.iter_mut().zip(a) {
        *to = f(*a);
    }
}

#[inline(always)]
fn map2<T: Element>(to: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T) -> T) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = f(*a, *b);
    }
}

#[inline(always)]
fn map_runs<T: Element>(to: &mut [T], a: Run<'_, T>, b: Run<'_, T>, f: impl Fn(T, T) -> T) {
    match (a, b) {
        (Run::Elements(a), Run::Elements(b)) => map2(to, a, b, f),
        (Run::Elements(a), Run::Number(b)) => map(to, a, |a| f(a, b)),
        (Run::Number(a), Run::Elements(b)) => map(to, b, |b| f(a, b)),
        (Run::Number(a), Run::Number(b)) => to.fill(f(a, b)),
    }
}

#[inline(always)]
fn indicator<T: Element>(condition: bool) -> T {
    if condition { T::ONE } else { T::ZERO }
}

#[inline(always)]
pub(super) fn binary<T: Element>(f: Binary, to: &mut [T], a: Run<'_, T>, b: Run<'_, T>) {
    match f {
        Binary::Add => map_runs(to, a, b, |a, b| a + b),
        Binary::Sub => map_runs(to, a, b, |a, b| a - b),
        Binary::Mul => map_runs(to, a, b, |a, b| a * b),
        Binary::Div => map_runs(to, a, b, |a, b| a / b),
        Binary::Max => map_runs(to, a, b, maximum),
        Binary::Min => map_runs(to, a, b, minimum),
        Binary::Less => map_runs(to, a, b, |a, b| indicator(a < b)),
        Binary::LessEqual => map_runs(to, a, b, |a, b| indicator(a <= b)),
        Binary::Equal => map_runs(to, a, b, |a, b| indicator(a == b)),
        Binary::Pow => map_runs(to, a, b, |a, b| {
            T::from_f64(f.apply(a.to_f64(), b.to_f64()))
        }),
    }
}

#[inline(always)]
pub(super) fn select<T: Element>(to: &mut [T], c: &[T], a: &[T], b: &[T]) {
    for (((to, c), a), b) in to.iter_mut().zip(c).zip(a).zip(b) {
        // Both are read first: a choice of numbers is one instruction, one of places a branch.
        let (a, b) = (*a, *b);
        *to = if *c != T::ZERO { a } else { b };
    }
}

#[inline(always)]
pub(super) fn unary<L: Level, T: Element>(f: Unary, to: &mut [T], a: &[T]) {
    match f {
        Unary::Neg => map(to, a, |x| -x),
        Unary::Abs => map(to, a, |x| x.abs()),
        Unary::Sign => map(to, a, |x| {
            if x > T::ZERO {
                T::ONE
            } else if x < T::ZERO {
                -T::ONE
            } else {
                x
            }
        }),
        Unary::Floor => map(to, a, math::floor::<L, T>),
        Unary::Reciprocal => map(to, a, |x| T::ONE / x),
        Unary::Sqrt => map(to, a, math::sqrt::<L, T>),
        Unary::Exp => map(to, a, math::exp::<L, T>),
        Unary::Ln => map(to, a, math::ln::<L, T>),
        Unary::Log1p => map(to, a, math::log1p::<L, T>),
        Unary::Expm1 => map(to, a, math::expm1::<L, T>),
        Unary::Log1pmx => map(to, a, math::log1pmx::<L, T>),
        Unary::Sin => map(to, a, math::sin::<L, T>),
        Unary::Cos => map(to, a, math::cos::<L, T>),
        Unary::Tanh => map(to, a, math::tanh::<L, T>),
        Unary::Sigmoid => map(to, a, math::sigmoid::<L, T>),
        Unary::Softplus => map(to, a, math::softplus::<L, T>),
        Unary::LogSigmoid => map(to, a, math::log_sigmoid::<L, T>),
        Unary::Relu => map(to, a, |x| if x < T::ZERO { T::ZERO } else { x }),
        Unary::StopGradient => to.copy_from_slice(a),
        Unary::Lgamma => map(to, a, math::lgamma::<L, T>),
        Unary::Polygamma(order) => map(to, a, |x| math::polygamma::<L, T>(order, x)),
        Unary::Erf => map(to, a, math::erf::<L, T>),
        Unary::Erfc => map(to, a, math::erfc::<L, T>),
    }
}
