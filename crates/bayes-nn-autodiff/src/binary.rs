//! Functions of two numbers: name, value and derivative stand together.

use crate::Var;

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
    /// The name of the method of [`Var`] that writes it.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
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
            Binary::Max if a > b || a.is_nan() => a,
            Binary::Max => b,
            Binary::Min if a < b || a.is_nan() => a,
            Binary::Min => b,
            Binary::Less => f64::from(a < b),
            Binary::LessEqual => f64::from(a <= b),
            Binary::Equal => f64::from(a == b),
        }
    }

    /// The two partial derivatives, given the arguments and the value; `None` where zero
    /// everywhere. Where the larger (or smaller) is not unique, the first argument gets it all.
    pub(crate) fn derivatives<'g>(
        self,
        a: Var<'g>,
        b: Var<'g>,
        y: Var<'g>,
    ) -> (Option<Var<'g>>, Option<Var<'g>>) {
        let one = Var::from(1.0);
        match self {
            Binary::Add => (Some(one), Some(one)),
            Binary::Sub => (Some(one), Some(-one)),
            Binary::Mul => (Some(b), Some(a)),
            Binary::Div => (Some(b.reciprocal()), Some(-(y / b))),
            // x^0 is 1 everywhere, though 0 x^-1 is no number at 0.
            Binary::Pow if b.number() == Some(0.0) => (None, Some(a.eq(0.0).select(0.0, a.ln()))),
            Binary::Pow => (
                // At a = 0 the factor y / a would be 0 / 0.
                Some(b * a.pow(b - 1.0)),
                Some(a.eq(0.0).select(0.0, y * a.ln())),
            ),
            Binary::Max => (Some(b.le(a)), Some(a.lt(b))),
            Binary::Min => (Some(a.le(b)), Some(b.lt(a))),
            Binary::Less | Binary::LessEqual | Binary::Equal => (None, None),
        }
    }

    /// Whether the arguments may be exchanged.
    pub(crate) fn commutes(self) -> bool {
        matches!(self, Binary::Add | Binary::Mul | Binary::Equal)
    }
}
