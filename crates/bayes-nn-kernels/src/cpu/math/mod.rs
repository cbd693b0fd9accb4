//! Elementary functions as scalar, branch-free generic code that loops over slices vectorise.
//!
//! Every function of `exp_log`, `logistic` and `trig` is a straight line of arithmetic, integer operations on the
//! bits, and selects: inside a loop under `#[target_feature]` the compiler turns it into full vectors. Rounding to
//! integers adds and subtracts a magic number, since float-to-integer conversions of 64 bits have no AVX2 instruction.
//! Polynomials are fitted by `coefficients.py`. Inputs that are not numbers, infinities and signed zeros give what IEEE
//! 754-2019, section 9.2.1, asks for; subnormal numbers are computed, but for results of exp in single precision, which
//! are 0.
//!
//! The functions of `special` are scalar.

mod coefficients;
mod exp_log;
mod logistic;
pub mod noise;
mod real;
mod special;
pub(crate) mod sums;
#[cfg(test)]
mod tests;
mod trig;

pub use exp_log::{exp, exp_block, expm1, ln, log1p, log1pmx};
pub use logistic::{
    log_sigmoid, log_sigmoid_block, log_sigmoid_with_slope, log_sigmoid_with_slope_block, sigmoid,
    sigmoid_block, softplus, softplus_block, softplus_with_slope, softplus_with_slope_block, tanh,
    tanh_block,
};
pub use real::{BLOCK, Real, abs, floor, sqrt};
pub use special::{erf, erfc, lgamma, log_erfc, polygamma};
pub use trig::{cos, sin};
