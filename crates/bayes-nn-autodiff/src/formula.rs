//! What derivatives are written with, so that each can stand beside its function.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::{Binary, Unary};

/// A value that formulas are written with, that is [`Var`](crate::Var).
///
/// The functions know this trait and not the graph, which is made of them.
pub(crate) trait Formula:
    Copy
    + From<f64>
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    fn unary(self, f: Unary) -> Self;
    fn binary(self, f: Binary, other: Self) -> Self;
    /// `a` where this is not zero, `b` elsewhere.
    fn select(self, a: Self, b: Self) -> Self;
    /// The number, if this is a plain one.
    fn number(self) -> Option<f64>;
}
