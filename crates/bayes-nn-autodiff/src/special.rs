//! Special functions of the reference interpreter: `f64`, scalar, accurate before fast.

use std::f64::consts::PI;

/// ln |Gamma(x)|, by fdlibm's algorithm: within a few ulp for x > 0 and away from the zeros on the negative axis.
///
/// Infinite at the poles 0, -1, -2, ... and at both infinities.
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Error function 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x, within 1 ulp.
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// 1 - erf(x) without cancellation, within 1 ulp as far as it is a normal number (x < 26.5).
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// From here on [`log_erfc`] uses the asymptotic series of erfc.
pub(crate) const ERFC_FAR: f64 = 16.0;

/// The coefficients of erfc(x) exp(x^2) x sqrt(pi) by powers of 1 / (2 x^2) (DLMF 7.12.1).
pub(crate) const ERFC_SERIES: [f64; 8] =
    [1.0, -1.0, 3.0, -15.0, 105.0, -945.0, 10_395.0, -135_135.0];

/// ln(1 - erf(x)), finite as long as x^2 is: within 2e-16 of itself for x above 1, and of 1 near
/// its limit ln(2) for x below 0.
pub fn log_erfc(x: f64) -> f64 {
    if x < 0.5 {
        return libm::log1p(-libm::erf(x));
    }
    if x < ERFC_FAR {
        return libm::log(libm::erfc(x));
    }
    let t = 0.5 / (x * x);
    let series = ERFC_SERIES.iter().rev().fold(0.0, |sum, c| sum * t + c);
    -(x * x) - libm::log(x * PI.sqrt() / series)
}

/// ln(1 + x) - x without cancellation near zero, where it is about -x^2/2; relative error below 1e-15.
///
/// With s = x/(2 + x), ln(1 + x) = 2 atanh(s) and x = s (2 + x), hence the difference is
/// -s x + 2 s (s^2/3 + s^4/5 + ...).
pub fn log1pmx(x: f64) -> f64 {
    if !(-0.55..=1.0).contains(&x) {
        // Infinity is the only argument at which the difference itself would be undefined.
        return if x == f64::INFINITY {
            -x
        } else {
            libm::log1p(x) - x
        };
    }
    let s = x / (2.0 + x);
    let z = s * s;
    let tail = (1..20)
        .rev()
        .fold(0.0, |sum, k| z * (sum + 1.0 / f64::from(2 * k + 1)));
    2.0 * s * tail - s * x
}

/// Logistic function 1 / (1 + exp(-x)), with full relative accuracy on both sides.
pub fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// ln(1 + exp(x)), with full relative accuracy on both sides.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// ln of the logistic function, -softplus(-x).
pub fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}

/// Bernoulli numbers B_2, B_4, ..., B_20.
const BERNOULLI: [f64; 10] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43_867.0 / 798.0,
    -174_611.0 / 330.0,
];

/// Polygamma function: the derivative of order `n` + 1 of ln Gamma. `n` = 0 is digamma, `n` = 1 trigamma.
///
/// Relative error below 1e-13 for orders up to 100, except near zeros, which all lie below 1.5 and where the absolute
/// error is that of the terms that cancel. Negative arguments go by the reflection formula (DLMF 5.15.6).
///
/// At the pole 0 the value is the limit from the side of the zero's sign: `polygamma(0, 0.0)` is negative infinity,
/// `polygamma(0, -0.0)` positive. At -1, -2, ... it is infinity where both sides agree (odd `n`), else NaN. It is NaN at
/// negative infinity.
pub fn polygamma(n: u32, x: f64) -> f64 {
    let odd = n % 2 == 1;
    if x.is_nan() || x == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if x == 0.0 {
        let positive = odd || x.is_sign_negative();
        return if positive {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        };
    }
    if x < 0.0 {
        if x == x.floor() {
            return if odd { f64::INFINITY } else { f64::NAN };
        }
        let mirrored = positive_polygamma(n, 1.0 - x);
        let cotangent = PI * cotangent_derivative(n, x);
        return if odd {
            -mirrored - cotangent
        } else {
            mirrored - cotangent
        };
    }
    positive_polygamma(n, x)
}

fn positive_polygamma(n: u32, x: f64) -> f64 {
    match n {
        0 => digamma(x),
        _ if n % 2 == 1 => zeta_sum(n, x),
        _ => -zeta_sum(n, x),
    }
}

/// Digamma for x > 0: recurrence up to 12 (DLMF 5.5.2), then the asymptotic series (DLMF 5.11.2).
fn digamma(x: f64) -> f64 {
    let mut shifted = x;
    let mut sum = 0.0;
    while shifted < 12.0 {
        sum -= 1.0 / shifted;
        shifted += 1.0;
    }
    let inverse_square = 1.0 / (shifted * shifted);
    let tail = BERNOULLI
        .iter()
        .enumerate()
        .rev()
        .fold(0.0, |tail, (i, b)| {
            inverse_square * (tail + b / (2 * i + 2) as f64)
        });
    sum + (libm::log(shifted) - 0.5 / shifted - tail)
}

/// n! zeta(n + 1, x) for x > 0 and n >= 1, the Hurwitz zeta function by the Euler-Maclaurin formula (DLMF 25.11.5).
///
/// All terms are relative to the first, n! / x^(n + 1), which alone is very large or very small.
fn zeta_sum(n: u32, x: f64) -> f64 {
    if x == f64::INFINITY {
        return 0.0;
    }
    let order = f64::from(n);
    let s = order + 1.0;
    let mut shifted = x;
    let mut sum = 0.0;
    while shifted < s + 12.0 {
        sum += (x / shifted).powf(s);
        shifted += 1.0;
    }
    // Term j is B_2j / (2j)! s (s + 1) ... (s + 2j - 2) / shifted^(2j - 1).
    let mut rising = s / shifted / 2.0;
    let mut tail = 0.5;
    for (j, b) in (1..).zip(BERNOULLI) {
        tail += b * rising;
        let k = f64::from(2 * j);
        rising *= (s + k - 1.0) / shifted / (k + 1.0) * ((s + k) / shifted / (k + 2.0));
    }
    let rest = (x / shifted).powf(s);
    // The sum divided by x, so that it stays of order one where x is large.
    let relative = sum / x + rest * (shifted / x / order + tail / x);
    (1..=n).fold(relative, |product, i| product * (f64::from(i) / x))
}

/// Derivative of order n of cot(pi x), as a polynomial in the cotangent: each derivative of c is -pi (1 + c^2).
///
/// All coefficients have one sign and all powers one parity, so nothing cancels.
fn cotangent_derivative(n: u32, x: f64) -> f64 {
    let angle = PI * (x - x.round());
    let c = libm::cos(angle) / libm::sin(angle);
    let mut coefficients = vec![0.0, 1.0];
    for _ in 0..n {
        let mut next = vec![0.0; coefficients.len() + 1];
        for (power, a) in coefficients.iter().enumerate().skip(1) {
            let slope = -PI * power as f64 * a;
            next[power - 1] += slope;
            next[power + 1] += slope;
        }
        coefficients = next;
    }
    coefficients.iter().rev().fold(0.0, |sum, a| sum * c + a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(actual: f64, expected: f64, relative: f64, what: &str) {
        let error = (actual - expected).abs() / expected.abs();
        assert!(
            error <= relative,
            "{what}: {actual:e} for {expected:e}, error {error:e}"
        );
    }

    /// Order, argument, value by mpmath 1.4 with 50 digits.
    #[rustfmt::skip]
    const POLYGAMMA: &[(u32, f64, f64)] = &[
        (0, 1e-08, -100000000.57721564),
        (0, 0.3, -3.502524222200133),
        (0, 1.0, -0.5772156649015329),
        (0, 2.5, 0.7031566406452432),
        (0, 11.9, 2.4339335368825377),
        (0, 12.1, 2.4513143481743374),
        (0, 1000.0, 6.907255195648812),
        (0, 1e+18, 41.44653167389282),
        (0, -0.25, 2.9141391202135276),
        (0, -7.75, -1.0307688328309315),
        (1, 1e-08, 1.0000000000000002e+16),
        (1, 0.3, 12.245364546107732),
        (1, 2.5, 0.49035775610023485),
        (1, 14.5, 0.07139825615164695),
        (1, 1000000.0, 1.0000005000001667e-06),
        (1, 1e+200, 1e-200),
        (1, -0.25, 18.541879647671607),
        (1, -7.75, 19.61814433435229),
        (2, 0.01, -2000002.340398677),
        (2, 0.3, -75.27253658872604),
        (2, 2.5, -0.2362040516417274),
        (2, 40.0, -0.0006408202718352986),
        (2, 1000000.0, -1.0000010000005e-12),
        (2, -0.25, 122.69736678366236),
        (2, -7.75, -124.03974558822776),
        (3, 0.3, 743.1417646550498),
        (3, 2.5, 0.22390584881725206),
        (3, 1000.0, 2.003001999999e-09),
        (3, -3.4, 283.56963406994595),
        (7, 0.3, 76818182.99849322),
        (7, 2.5, 3.565236352523131),
        (7, 30.0, 3.693311077871013e-08),
        (7, -3.4, 7990964.619024114),
        (30, 0.3, -4.2943869917015745e+48),
        (30, 2.5, -1.2232990235199246e+20),
        (30, 100.0, -1.0236429687189539e-29),
        (30, -3.4, 5.751734540029702e+44),
        (100, 0.5, -2.366100660490897e+188),
        (100, 5.0, -2.3661006842991455e+87),
        (100, 60.0, -2.9377271655593164e-22),
    ];

    #[test]
    fn polygamma_agrees_with_fifty_digits() {
        for &(n, x, expected) in POLYGAMMA {
            assert_close(polygamma(n, x), expected, 1e-13, &format!("psi({n}, {x})"));
        }
    }

    #[test]
    fn polygamma_satisfies_its_recurrence_on_both_sides_of_zero() {
        for n in 0..6 {
            for i in -120..120 {
                let x = f64::from(i) * 0.171 + 0.0503;
                let factorial: f64 = (1..=n).map(f64::from).product();
                let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
                let step = sign * factorial / x.powi(n as i32 + 1);
                let (a, b) = (polygamma(n, x), polygamma(n, x + 1.0));
                let scale = a.abs() + b.abs() + step.abs();
                assert!((b - a - step).abs() < 3e-14 * scale, "psi({n}, {x})");
            }
        }
    }

    #[test]
    fn polygamma_has_its_conventions_at_the_edges() {
        assert_eq!(polygamma(0, 0.0), f64::NEG_INFINITY);
        assert_eq!(polygamma(0, -0.0), f64::INFINITY);
        assert_eq!(polygamma(1, 0.0), f64::INFINITY);
        assert_eq!(polygamma(1, -3.0), f64::INFINITY);
        assert_eq!(polygamma(2, 0.0), f64::NEG_INFINITY);
        assert_eq!(polygamma(2, -0.0), f64::INFINITY);
        assert_eq!(polygamma(0, f64::INFINITY), f64::INFINITY);
        for n in 1..5 {
            assert_eq!(polygamma(n, f64::INFINITY), 0.0);
        }
        for n in [0, 2] {
            assert!(polygamma(n, -3.0).is_nan());
            assert!(polygamma(n, f64::NAN).is_nan());
            assert!(polygamma(n, f64::NEG_INFINITY).is_nan());
        }
    }

    /// Argument, ln(erfc(x)) by mpmath 1.3 with 50 digits.
    #[rustfmt::skip]
    const LOG_ERFC: &[(f64, f64)] = &[
        (-0.4, 0.3565495846142485),
        (1e-12, -1.1283791670961491e-12),
        (0.49, -0.7167603114368805),
        (0.51, -0.7534145583581111),
        (1.0, -1.8496055099332482),
        (15.9, -256.1506521371704),
        (30.0, -903.9741171106439),
        (100000000.0, -1.0000000000000018e+16),
        (1e+150, -9.999999999999999e+299),
    ];

    #[test]
    fn log_erfc_agrees_with_fifty_digits_beyond_where_erfc_underflows() {
        for &(x, expected) in LOG_ERFC {
            assert_close(log_erfc(x), expected, 1e-15, &format!("log_erfc({x})"));
        }
        assert_eq!(log_erfc(0.0), 0.0);
        assert_eq!(log_erfc(f64::INFINITY), f64::NEG_INFINITY);
        assert_eq!(log_erfc(f64::NEG_INFINITY), 2f64.ln());
        assert!(log_erfc(f64::NAN).is_nan());
    }

    /// Argument, ln(1 + x) - x by mpmath 1.4 with 50 digits.
    #[rustfmt::skip]
    const LOG1PMX: &[(f64, f64)] = &[
        (-0.999, -5.908755278982136),
        (-0.41, -0.1176327420823719),
        (-0.39, -0.10429632181478013),
        (-0.1, -0.005360515657826302),
        (-1e-05, -5.0000333335833364e-11),
        (1e-09, -4.999999996666667e-19),
        (0.01, -4.966914683191715e-05),
        (0.5, -0.09453489189183562),
        (0.69, -0.16527147106501788),
        (0.71, -0.17350662948543152),
        (3.0, -1.6137056388801094),
        (10000000000.0, -9999999976.97415),
    ];

    #[test]
    fn log1pmx_agrees_with_fifty_digits() {
        for &(x, expected) in LOG1PMX {
            assert_close(log1pmx(x), expected, 1e-15, &format!("log1pmx({x})"));
        }
        assert_eq!(log1pmx(0.0), 0.0);
        assert_eq!(log1pmx(-1.0), f64::NEG_INFINITY);
        assert_eq!(log1pmx(f64::INFINITY), f64::NEG_INFINITY);
        assert!(log1pmx(-1.5).is_nan());
        assert!(log1pmx(f64::NAN).is_nan());
    }

    #[test]
    fn the_logistic_family_keeps_its_digits_on_both_sides() {
        assert_close(softplus(-700.0), libm::exp(-700.0), 1e-15, "softplus");
        assert_eq!(softplus(800.0), 800.0);
        assert_eq!(softplus(f64::INFINITY), f64::INFINITY);
        assert_eq!(softplus(f64::NEG_INFINITY), 0.0);
        assert_eq!(log_sigmoid(-800.0), -800.0);
        assert_close(log_sigmoid(700.0), -libm::exp(-700.0), 1e-15, "log_sigmoid");
        assert_close(sigmoid(-700.0), libm::exp(-700.0), 1e-15, "sigmoid");
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(800.0), 1.0);
        assert_eq!(sigmoid(-800.0), 0.0);
        for f in [sigmoid, softplus, log_sigmoid] {
            assert!(f(f64::NAN).is_nan());
        }
    }

    #[test]
    fn lgamma_is_right_at_the_extremes() {
        assert_eq!(lgamma(1.0), 0.0);
        assert_eq!(lgamma(2.0), 0.0);
        assert_close(lgamma(0.5), 0.5 * PI.ln(), 1e-15, "half");
        assert_close(lgamma(1e-300), 300.0 * 10f64.ln(), 1e-15, "small");
        assert_close(
            lgamma(1e300),
            1e300 * (300.0 * 10f64.ln() - 1.0),
            1e-15,
            "large",
        );
        assert_close(lgamma(-0.5), (4.0 * PI).ln() / 2.0, 1e-15, "negative");
        // Euler's constant is the slope at 1.
        assert_close(
            lgamma(1.0 + 2f64.powi(-40)),
            -0.577_215_664_901_037 * 2f64.powi(-40),
            1e-12,
            "near 1",
        );
        assert_eq!(lgamma(0.0), f64::INFINITY);
        assert_eq!(lgamma(-4.0), f64::INFINITY);
        assert!(lgamma(f64::NAN).is_nan());
    }
}
