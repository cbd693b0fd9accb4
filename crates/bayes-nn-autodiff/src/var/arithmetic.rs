//! Functions of each element: of one number, of two, and the choice between two.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::operation::{Operation, home, written};
use super::{Repr, Var};
use crate::formula::Formula;
use crate::{Binary, Kind, Op, Unary};

impl<'g> Var<'g> {
    #[track_caller]
    fn unary(self, f: Unary) -> Var<'g> {
        if let Repr::Number(x, home) = self.0 {
            return Var(Repr::Number(f.apply(x), home));
        }
        Operation::new(f.name(), &[self])
            .of_floats(|| written(Op::Unary(f), &[self], self.shape(), Kind::Float))
    }

    #[track_caller]
    fn binary(self, f: Binary, other: impl Into<Var<'g>>) -> Var<'g> {
        let other = other.into();
        if let (Repr::Number(a, home), Repr::Number(b, other)) = (self.0, other.0) {
            return Var(Repr::Number(f.apply(a, b), home.or(other)));
        }
        Operation::new(f.name(), &[self, other]).of_floats(|| {
            let (a, b) = (self.shape(), other.shape());
            let shape = a.broadcast(&b).ok_or_else(|| {
                format!(
                    "the shapes {a} and {b} do not broadcast: aligned at the last axis, lengths \
                     must be equal or 1"
                )
            })?;
            // `a + b` and `b + a` are written in one order, so that they are one node.
            let swap = f.commutes() && self.id() > other.id();
            let operands = if swap { [other, self] } else { [self, other] };
            written(Op::Binary(f), &operands, shape, Kind::Float)
        })
    }

    /// `a` where this is not zero, `b` elsewhere, with broadcasting.
    #[track_caller]
    #[must_use]
    pub fn select(self, a: impl Into<Var<'g>>, b: impl Into<Var<'g>>) -> Var<'g> {
        let (a, b) = (a.into(), b.into());
        Operation::new("select", &[self, a, b]).of_floats(|| {
            let shapes = [self.shape(), a.shape(), b.shape()];
            let common = shapes[1].broadcast(&shapes[2]);
            let shape = common.and_then(|s| s.broadcast(&shapes[0]));
            let shape = shape.ok_or_else(|| {
                let [c, a, b] = shapes;
                format!("the shapes {c}, {a} and {b} do not broadcast")
            })?;
            if let Some(condition) = self.number() {
                let chosen = if condition != 0.0 { a } else { b };
                if chosen.shape() == shape {
                    // What a number was chosen by may have failed in a graph, which it belongs to.
                    let graph = home(&[self, a, b]);
                    let number = chosen.number().zip(graph);
                    return Ok(number.map_or(chosen, |(x, graph)| Var::number_of(graph, x)));
                }
            }
            written(Op::Select, &[self, a, b], shape, Kind::Float)
        })
    }
}

impl Formula for Var<'_> {
    fn unary(self, f: Unary) -> Self {
        Var::unary(self, f)
    }

    fn binary(self, f: Binary, other: Self) -> Self {
        Var::binary(self, f, other)
    }

    fn select(self, a: Self, b: Self) -> Self {
        Var::select(self, a, b)
    }

    fn number(self) -> Option<f64> {
        Var::number(self)
    }
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        impl<'g> Var<'g> {
            $($(#[$doc])* #[track_caller]
            #[must_use]
            pub fn $name(self) -> Var<'g> { self.unary($op) })*

            /// The polygamma function of an order up to 170: 0 is digamma, 1 trigamma.
            #[track_caller]
            #[must_use]
            pub fn polygamma(self, order: u32) -> Var<'g> {
                if order > 170 {
                    return Operation::new("polygamma", &[self]).of_floats(|| {
                        Err(format!(
                            "the order {order}; from 0 to 170 are possible, as the factorial of \
                             171 is beyond double precision"
                        ))
                    });
                }
                self.unary(Unary::Polygamma(order))
            }
        }
    };
}

unary_methods! {
    /// The absolute value.
    abs => Unary::Abs;
    /// -1, 0 or 1.
    sign => Unary::Sign;
    /// The largest whole number not above.
    floor => Unary::Floor;
    /// `1 / x`.
    reciprocal => Unary::Reciprocal;
    /// The square root.
    sqrt => Unary::Sqrt;
    /// `e^x`.
    exp => Unary::Exp;
    /// The natural logarithm.
    ln => Unary::Ln;
    /// `ln(1 + x)`, accurate near 0.
    log1p => Unary::Log1p;
    /// `e^x - 1`, accurate near 0.
    expm1 => Unary::Expm1;
    /// `ln(1 + x) - x`, accurate near 0.
    log1pmx => Unary::Log1pmx;
    /// The sine.
    sin => Unary::Sin;
    /// The cosine.
    cos => Unary::Cos;
    /// The hyperbolic tangent.
    tanh => Unary::Tanh;
    /// `1 / (1 + e^-x)`.
    sigmoid => Unary::Sigmoid;
    /// `ln(1 + e^x)`.
    softplus => Unary::Softplus;
    /// `ln(sigmoid(x))`.
    log_sigmoid => Unary::LogSigmoid;
    /// `max(x, 0)`.
    relu => Unary::Relu;
    /// The logarithm of the absolute gamma function.
    lgamma => Unary::Lgamma;
    /// The derivative of `lgamma`.
    digamma => Unary::Polygamma(0);
    /// The error function.
    erf => Unary::Erf;
    /// `1 - erf(x)`, accurate for large `x`.
    erfc => Unary::Erfc;
    /// `ln(1 - erf(x))`, finite also where `erfc(x)` underflows: the logarithm of a tail of the
    /// normal distribution, `ln(P(Z > z))`, is `(z / sqrt(2)).log_erfc() - ln(2)`.
    log_erfc => Unary::LogErfc;
    /// The same value, a constant for differentiation.
    stop_gradient => Unary::StopGradient;
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        impl<'g> Var<'g> {
            $($(#[$doc])* #[track_caller]
            #[must_use]
            pub fn $name(self, other: impl Into<Var<'g>>) -> Var<'g> { self.binary($op, other) })*

            /// 1 where greater, 0 elsewhere.
            #[track_caller]
            #[must_use]
            pub fn gt(self, other: impl Into<Var<'g>>) -> Var<'g> { other.into().lt(self) }

            /// 1 where greater or equal, 0 elsewhere.
            #[track_caller]
            #[must_use]
            pub fn ge(self, other: impl Into<Var<'g>>) -> Var<'g> { other.into().le(self) }
        }
    };
}

binary_methods! {
    /// `x^y`.
    pow => Binary::Pow;
    /// The angle of the point `(x, self)`, from -pi to pi; both derivatives at the point 0 are zero.
    atan2 => Binary::Atan2;
    /// The larger of two, element by element; NaN when either is.
    maximum => Binary::Max;
    /// The smaller of two, element by element; NaN when either is.
    minimum => Binary::Min;
    /// 1 where less, 0 elsewhere.
    lt => Binary::Less;
    /// 1 where less or equal, 0 elsewhere.
    le => Binary::LessEqual;
    /// 1 where equal, 0 elsewhere.
    eq => Binary::Equal;
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:expr;)*) => {$(
        impl<'g, R: Into<Var<'g>>> $trait<R> for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: R) -> Var<'g> { self.binary($op, other) }
        }
        impl<'g> $trait<Var<'g>> for f64 {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> { Var::from(self).binary($op, other) }
        }
    )*};
}

operators! {
    Add add Binary::Add;
    Sub sub Binary::Sub;
    Mul mul Binary::Mul;
    Div div Binary::Div;
}

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    #[track_caller]
    fn neg(self) -> Var<'g> {
        self.unary(Unary::Neg)
    }
}
