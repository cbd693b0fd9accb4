//! Functions of one and two numbers as C++ expressions.

use bayes_nn_autodiff::{Binary, Unary};

/// The value of a function at `x`, the name of a number.
pub(super) fn unary(function: Unary, x: &str) -> String {
    match function {
        Unary::Neg => format!("-{x}"),
        Unary::Abs => format!("MATH(fabs)({x})"),
        Unary::Sign => format!("sign({x})"),
        Unary::Floor => format!("MATH(floor)({x})"),
        Unary::Reciprocal => format!("(real)1 / {x}"),
        Unary::Sqrt => format!("MATH(sqrt)({x})"),
        Unary::Exp => format!("MATH(exp)({x})"),
        Unary::Ln => format!("MATH(log)({x})"),
        Unary::Log1p => format!("MATH(log1p)({x})"),
        Unary::Expm1 => format!("MATH(expm1)({x})"),
        Unary::Log1pmx => format!("log1pmx({x})"),
        Unary::Sin => format!("MATH(sin)({x})"),
        Unary::Cos => format!("MATH(cos)({x})"),
        Unary::Tanh => format!("MATH(tanh)({x})"),
        Unary::Sigmoid => format!("sigmoid({x})"),
        Unary::Softplus => format!("softplus({x})"),
        Unary::LogSigmoid => format!("log_sigmoid({x})"),
        Unary::Relu => format!("relu({x})"),
        // In double precision for both, as on the CPU: near its zeros single has no digits left.
        Unary::Lgamma => format!("(real)lgamma((double){x})"),
        Unary::Polygamma(order) => format!("polygamma<{order}>({x})"),
        Unary::Erf => format!("MATH(erf)({x})"),
        Unary::Erfc => format!("MATH(erfc)({x})"),
        Unary::LogErfc => format!("log_erfc({x})"),
        Unary::StopGradient => x.to_owned(),
    }
}

/// The value of a function at `(a, b)`, the names of two numbers.
pub(super) fn binary(function: Binary, a: &str, b: &str) -> String {
    match function {
        Binary::Add => format!("{a} + {b}"),
        Binary::Sub => format!("{a} - {b}"),
        Binary::Mul => format!("{a} * {b}"),
        Binary::Div => format!("{a} / {b}"),
        Binary::Pow => format!("MATH(pow)({a}, {b})"),
        Binary::Atan2 => format!("MATH(atan2)({a}, {b})"),
        Binary::Max => format!("maximum({a}, {b})"),
        Binary::Min => format!("minimum({a}, {b})"),
        Binary::Less => format!("(real)({a} < {b})"),
        Binary::LessEqual => format!("(real)({a} <= {b})"),
        Binary::Equal => format!("(real)({a} == {b})"),
    }
}
