//! Functions of two numbers: name, value and derivative stand together.

use crate::Unary;
use crate::formula::Formula;

/// A function of two numbers, applied element by element with broadcasting.
///
/// Comparisons give 1 or 0, and their derivative is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a^b`
    Pow,
    /// The angle of the point `(b, a)`, from -pi to pi
    Atan2,
    /// The larger; NaN when either is
    Max,
    /// The smaller; NaN when either is
    Min,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a == b`
    Equal,
}

impl Binary {
    /// The name of the method of [`Var`](crate::Var) that writes it.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::Atan2 => "atan2",
            Binary::Max => "max",
            Binary::Min => "min",
            Binary::Less => "lt",
            Binary::LessEqual => "le",
            Binary::Equal => "eq",
        }
    }

    /// The value at `(a, b)`.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Pow => libm::pow(a, b),
            Binary::Atan2 => libm::atan2(a, b),
            Binary::Max if a > b || a.is_nan() => a,
            Binary::Max => b,
            Binary::Min if a < b || a.is_nan() => a,
            Binary::Min => b,
            Binary::Less => f64::from(a < b),
            Binary::LessEqual => f64::from(a <= b),
            Binary::Equal => f64::from(a == b),
        }
    }

    /// The adjoints of the two arguments, given that of the value, the arguments and the value: the
    /// first times a derivative; `None` where that is zero everywhere. Where the larger (or
    /// smaller) is not unique, the first argument gets it all.
    pub(crate) fn pull_back<F: Formula>(
        self,
        adjoint: F,
        a: F,
        b: F,
        y: F,
    ) -> (Option<F>, Option<F>) {
        let [zero, one] = [0.0, 1.0].map(F::from);
        let is_zero = |x: F| x.binary(Binary::Equal, zero);
        let ln = |x: F| x.unary(Unary::Ln);
        match self {
            Binary::Add => (Some(adjoint), Some(adjoint)),
            Binary::Sub => (Some(adjoint), Some(-adjoint)),
            Binary::Mul => (Some(adjoint * b), Some(adjoint * a)),
            Binary::Div => {
                let inverse = b.unary(Unary::Reciprocal);
                // Not y / b first, which may overflow where this does not.
                (Some(adjoint * inverse), Some(-(adjoint * y * inverse)))
            }
            // x^0 is 1 everywhere, though 0 x^-1 is no number at 0.
            Binary::Pow if b.number() == Some(0.0) => {
                (None, Some(adjoint * is_zero(a).select(zero, ln(a))))
            }
            Binary::Pow => (
                // At a = 0 the factor y / a would be 0 / 0.
                Some(adjoint * (b * a.binary(Binary::Pow, b - one))),
                Some(adjoint * is_zero(a).select(zero, y * ln(a))),
            ),
            Binary::Atan2 => {
                let square = a * a + b * b;
                // The point 0 has no direction; its derivatives are given as zero.
                let square = is_zero(square).select(one, square);
                (Some(adjoint * (b / square)), Some(adjoint * -(a / square)))
            }
            // Selected and not multiplied, so that the argument not taken gets nothing of an
            // infinite adjoint either.
            Binary::Max => (
                Some(b.binary(Binary::LessEqual, a).select(adjoint, zero)),
                Some(a.binary(Binary::Less, b).select(adjoint, zero)),
            ),
            Binary::Min => (
                Some(a.binary(Binary::LessEqual, b).select(adjoint, zero)),
                Some(b.binary(Binary::Less, a).select(adjoint, zero)),
            ),
            Binary::Less | Binary::LessEqual | Binary::Equal => (None, None),
        }
    }

    /// Whether the arguments commute.
    pub(crate) fn commutes(self) -> bool {
        matches!(self, Binary::Add | Binary::Mul | Binary::Equal)
    }
}
