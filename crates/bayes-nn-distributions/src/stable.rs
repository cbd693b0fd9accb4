//! Numerically stable formulas, with which densities are written.

use std::f64::consts::FRAC_1_SQRT_2;

use bayes_nn_autodiff::Var;

/// Euler's constant, the mean of the standard Gumbel distribution.
pub(crate) const EULER: f64 = 0.577_215_664_901_532_9;

/// `ln(2)`
pub(crate) const LN_2: f64 = std::f64::consts::LN_2;

/// `ln(sqrt(2 pi))`, of the normal density and of Stirling's formula
pub(crate) const LN_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// From here on asymptotic series in `1 / x` reach full precision with eight terms.
const LARGE: f64 = 10.0;

/// `B_2k / (2k (2k - 1))`, the coefficients of Stirling's series.
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// `-2 B_2k (1 - 2^-2k) / (2k (2k - 1))`, the coefficients of [`half_step`].
const HALF_STEP: [f64; 8] = [
    -1.0 / 8.0,
    1.0 / 192.0,
    -1.0 / 640.0,
    17.0 / 14_336.0,
    -31.0 / 18_432.0,
    691.0 / 180_224.0,
    -5461.0 / 425_984.0,
    929_569.0 / 15_728_640.0,
];

/// The 19th convergent of Mills' ratio, divided by its leading term.
const MILLS_NUMERATOR: [f64; 10] = [
    1.0,
    170.0,
    11_460.0,
    395_850.0,
    7_561_554.0,
    80_424_630.0,
    455_259_420.0,
    1_223_803_350.0,
    1_203_216_525.0,
    185_794_560.0,
];
const MILLS_DENOMINATOR: [f64; 10] = [
    1.0,
    171.0,
    11_628.0,
    406_980.0,
    7_936_110.0,
    87_297_210.0,
    523_783_260.0,
    1_571_349_780.0,
    1_964_187_225.0,
    654_729_075.0,
];

/// `c[0] / x + c[1] / x^3 + c[2] / x^5 + ...`
fn odd_series<'g>(x: Var<'g>, coefficients: &[f64]) -> Var<'g> {
    let r = x.reciprocal();
    let square = r * r;
    r * polynomial(square, coefficients)
}

/// The error of Stirling's formula, `ln(x!) - (x + 1/2) ln(x) + x - ln(sqrt(2 pi))`, for `x > 0`.
///
/// It is about `1 / (12 x)`, so forming the difference for large `x` would leave no digit.
pub(crate) fn stirling_error(x: Var<'_>) -> Var<'_> {
    let large = x.ge(LARGE);
    let series = odd_series(large.select(x, LARGE), &STIRLING);
    let x = large.select(1.0, x);
    let direct = (x + 1.0).lgamma() - (x + 0.5) * x.ln() + x - LN_SQRT_2_PI;
    large.select(series, direct)
}

/// `ln(gamma(x + 1/2) / gamma(x)) - ln(x) / 2` for `x > 0`: about `-1 / (8 x)`.
pub(crate) fn half_step(x: Var<'_>) -> Var<'_> {
    let large = x.ge(LARGE);
    let series = odd_series(large.select(x, LARGE), &HALF_STEP);
    let x = large.select(1.0, x);
    let direct = (x + 0.5).lgamma() - x.lgamma() - 0.5 * x.ln();
    large.select(series, direct)
}

/// The deviance term `x ln(x / m) + m - x` for `x > 0`, `m >= 0`.
///
/// Near `x = m`, where it is about `(x - m)^2 / (2 m)`, it is `-x log1pmx((m - x) / x)`.
///
/// C. Loader, *Fast and Accurate Computation of Binomial Probabilities*, 2000, eq. 2.3.
pub(crate) fn deviance<'g>(x: Var<'g>, m: Var<'g>) -> Var<'g> {
    deviance_by(x, m - x, m.ln() - x.ln())
}

/// [`deviance`] by the difference `m - x` and `ln(m / x)`, where these are known better than `m`
/// can say.
pub(crate) fn deviance_by<'g>(x: Var<'g>, difference: Var<'g>, ln_ratio: Var<'g>) -> Var<'g> {
    deviance_of(x, difference, excess(difference, x), ln_ratio)
}

/// [`deviance_by`], given the [`excess`] too.
pub(crate) fn deviance_of<'g>(
    x: Var<'g>,
    difference: Var<'g>,
    (near, excess): (Var<'g>, Var<'g>),
    ln_ratio: Var<'g>,
) -> Var<'g> {
    near.select(-(x * excess.log1pmx()), difference - x * ln_ratio)
}

/// Where `difference / x` is from -1/2 to 1, and what it is there, else 0.
pub(crate) fn excess<'g>(difference: Var<'g>, x: Var<'g>) -> (Var<'g>, Var<'g>) {
    let near = difference.ge(x * -0.5) * difference.le(x);
    (near, near.select(difference, 0.0) / x)
}

/// `x / y` for `y > 0`, at most 1e300 and a constant there: an infinite quotient would have NaN as
/// its derivative wherever a branch with it is not taken.
pub(crate) fn quotient<'g>(x: Var<'g>, y: Var<'g>) -> Var<'g> {
    let most = (y * 1e300).minimum(f64::MAX).stop_gradient();
    x.maximum(-most).minimum(most) / y
}

/// `ln(1 - Phi(x)) - ln(phi(x))` for `x >= 0`, of the normal distribution function and density:
/// the logarithm of Mills' ratio.
///
/// From 6 on it is the 19th convergent of Laplace's continued fraction `1 / (x + 1 / (x + 2 / (x +
/// 3 / ...)))`, within 3e-16, as a fraction of polynomials in `1 / x^2`.
pub(crate) fn log_mills(x: Var<'_>) -> Var<'_> {
    let large = x.ge(6.0);
    let inverse = large.select(x, 6.0).reciprocal();
    let square = inverse * inverse;
    let quotient = polynomial(square, &MILLS_NUMERATOR) / polynomial(square, &MILLS_DENOMINATOR);
    let far = (inverse * quotient).ln();
    let x = large.select(0.0, x);
    let near = (x * FRAC_1_SQRT_2).erfc().ln() + x * x * 0.5 + (LN_SQRT_2_PI - LN_2);
    large.select(far, near)
}

/// `ln(Phi(z))` of the normal distribution function, with its digits in both tails.
pub(crate) fn log_normal_cdf(z: Var<'_>) -> Var<'_> {
    let negative = z.lt(0.0);
    let lower = (negative.select(z, 0.0) * -FRAC_1_SQRT_2).log_erfc() - LN_2;
    negative.select(lower, log_upper_half(negative.select(0.0, z)))
}

/// `ln(Phi(z))` for `z >= 0`.
pub(crate) fn log_upper_half(z: Var<'_>) -> Var<'_> {
    ((z * FRAC_1_SQRT_2).erfc() * -0.5).log1p()
}

/// `c[0] + c[1] x + c[2] x^2 + ...`
pub(crate) fn polynomial<'g>(x: Var<'g>, coefficients: &[f64]) -> Var<'g> {
    let terms = coefficients.iter().rev().copied().map(Var::from);
    let sum = terms.reduce(|sum, c| sum * x + c);
    sum.unwrap_or(Var::from(0.0))
}

/// `ln(scale + deviation^2 / scale)` for `scale > 0`, also where the square or the quotient would
/// overflow.
pub(crate) fn log_cauchy<'g>(deviation: Var<'g>, scale: Var<'g>) -> Var<'g> {
    let size = deviation.abs();
    // Of two that are equal both functions take the same one, and so do their derivatives.
    let large = size.maximum(scale);
    let ratio = scale.minimum(size) / large;
    large.ln() * 2.0 - scale.ln() + (ratio * ratio).log1p()
}

/// `ln(x / y)` for positive numbers, also where the quotient is near 1 or not a normal number.
pub(crate) fn log_ratio<'g>(x: Var<'g>, y: Var<'g>) -> Var<'g> {
    let near = x.lt(2.0 * y) * y.lt(2.0 * x);
    let excess = (near.select(x, y) - y) / y;
    near.select(excess.log1p(), x.ln() - y.ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, value_and_slope};

    #[test]
    fn stirling_error_and_its_slope_match_high_precision_values() {
        // x, error, derivative; mpmath at 60 digits.
        for [x, value, slope] in STIRLING_VALUES {
            let (got, got_slope) = value_and_slope(x, stirling_error);
            // The direct formula below x = 10 is right in absolute terms, as densities need it.
            assert!((got - value).abs() < 1e-14 && (x < LARGE || close(got, value)));
            assert!((got_slope - slope).abs() < 1e-14 * slope.abs().max(1.0));
        }
    }

    #[test]
    fn half_step_and_its_slope_match_high_precision_values() {
        for [x, value, slope] in HALF_STEP_VALUES {
            let (got, got_slope) = value_and_slope(x, half_step);
            assert!((got - value).abs() < 1e-14 && (x < LARGE || close(got, value)));
            assert!((got_slope - slope).abs() < 1e-14 * slope.abs().max(1.0));
        }
    }

    #[test]
    fn deviance_keeps_its_digits_next_to_its_zero() {
        for (x, m, expected) in [
            (1e10, 1e10 + 1.0, 4.999_999_999_666_667e-11),
            (1e15, 1e15, 0.0),
            (3.0, 0.0, f64::INFINITY),
        ] {
            let got = deviance(Var::from(x), Var::from(m)).number().unwrap();
            assert_close(got, expected, 1e-15, &format!("deviance({x}, {m})"));
        }
    }

    #[test]
    fn tails_of_the_normal_distribution_do_not_end() {
        // z, ln(P(Z > -z)) and its derivative; mpmath at 50 digits.
        for [z, value, slope] in [
            [-39.0, -765.0831565643775, 39.02560741993011],
            [-1e4, -50_000_010.129_278_91, 10_000.000_099_999_997],
            [-1e150, -5e299, 1e150],
            [-0.5, -1.1759117615936185, 1.1410777703680646],
            [0.5, -0.3689464152886564, 0.5091604338370335],
            [9.0, -1.1285884059538405e-19, 1.0279773571668915e-18],
        ] {
            let (got, got_slope) = value_and_slope(z, log_normal_cdf);
            assert_close(got, value, 1e-14, &format!("log_normal_cdf({z})"));
            assert_close(got_slope, slope, 1e-12, &format!("slope at {z}"));
        }
    }

    #[test]
    fn log_mills_and_its_slope_match_high_precision_values() {
        for [x, value, slope] in MILLS_VALUES {
            let (got, got_slope) = value_and_slope(x, log_mills);
            assert_close(got, value, 1e-14, &format!("log_mills({x})"));
            assert_close(got_slope, slope, 1e-12, &format!("slope at {x}"));
        }
    }

    /// x, value, derivative; mpmath at 50 digits.
    const MILLS_VALUES: [[f64; 3]; 8] = [
        [0.0, 0.22579135264472744, -0.7978845608028654],
        [0.5, -0.13197322838894587, -0.6410777703680645],
        [3.0, -1.1887876883056767, -0.2830986549304365],
        [5.75, -1.777441559015783, -0.1647046216532603],
        [6.0, -1.817830416770033, -0.15848260454459892],
        [6.25, -1.8567191028035779, -0.15269568715674978],
        [40.0, -3.6895034805491154, -0.024968847207263722],
        [1e8, -18.420680743952367, -9.999999999999999e-9],
    ];

    const STIRLING_VALUES: [[f64; 3]; 9] = [
        [0.001, 2.5422704679670947, -493.66781665282815],
        [0.5, 0.15342640972002736, -0.27036284546147815],
        [1.0, 0.08106146679532726, -0.07721566490153287],
        [7.0, 0.01189670994589177, -0.0016972425282747372],
        [9.5, 0.008768700134139386, -0.0009223432561771964],
        [10.0, 0.00833056343336287, -0.0008325039273245763],
        [31.0, 0.002688078828531143, -8.670620822351991e-05],
        [1000.0, 8.333333055555635e-05, -8.333332500000397e-08],
        [1e8, 8.333333333333334e-10, -8.333333333333334e-18],
    ];
    const HALF_STEP_VALUES: [[f64; 3]; 9] = [
        [0.001, -2.8828973483937532, 498.61698830979384],
        [0.5, -0.22579135264472744, 0.38629436111989063],
        [1.0, -0.12078223763524522, 0.11370563888010939],
        [7.0, -0.017842049779024694, 0.00254457771904822],
        [9.5, -0.013151840019046446, 0.0013831337164031535],
        [10.0, -0.01249480717472882, 0.0012484452309652677],
        [31.0, -0.004032083289963245, 0.00013005593063999775],
        [1000.0, -0.00012499999479166822, 1.249999843750078e-07],
        [1e8, -1.25e-09, 1.25e-17],
    ];

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 4e-15 * b.abs()
    }
}
