//! Accuracy of the elementary functions, on every instruction set of this machine, and their edges.

use super::*;
use crate::Precision;
use crate::cpu::isa::{Baseline, Isa, Level, Runnable, multiversion};
use bayes_nn_autodiff::special as reference;

/// Largest error that is allowed, in units of the last place of the result.
const ULPS: f64 = 4.0;

/// A vectorised entry a function, so that the tests see the code that loops see.
macro_rules! slices {
    ($($name:ident),*) => {
        mod slices {
            use super::*;

            $(
                #[inline(always)]
                fn $name<L: Level, T: Real>(x: &[T], y: &mut [T]) {
                    for (x, y) in x.iter().zip(y) {
                        *y = super::super::$name::<L, T>(*x);
                    }
                }
            )*

            pub mod entry {
                use super::*;

                $(multiversion! {
                    pub fn $name<T: Real>(x: &[T], y: &mut [T]) = super::$name;
                })*
            }
        }
    };
}

slices!(
    exp,
    expm1,
    ln,
    log1p,
    log1pmx,
    tanh,
    sigmoid,
    softplus,
    log_sigmoid,
    sin,
    cos,
    floor,
    sqrt,
    abs
);

use slices::entry;

type Entry<T> = fn(Runnable, &[T], &mut [T]);

/// Name, vectorised function, scalar reference, largest |argument| worth testing in `f32`, and the open lower end of
/// the domain.
type Case<T> = (&'static str, Entry<T>, fn(f64) -> f64, f64, f64);

fn functions<T: Real>() -> Vec<Case<T>> {
    let all = f64::NEG_INFINITY;
    // Where the results of exp are not taken for 0.
    let normal = match T::PRECISION {
        Precision::F32 => T::EXP_ZERO.to_f64(),
        Precision::F64 => all,
    };
    vec![
        ("exp", entry::exp, libm::exp, 110.0, normal),
        ("expm1", entry::expm1, libm::expm1, 90.0, all),
        ("ln", entry::ln, libm::log, 1e38, 0.0),
        ("log1p", entry::log1p, libm::log1p, 1e38, -1.0),
        ("log1pmx", entry::log1pmx, reference::log1pmx, 1e38, -1.0),
        ("tanh", entry::tanh, libm::tanh, 1e4, all),
        ("sigmoid", entry::sigmoid, reference::sigmoid, 110.0, normal),
        (
            "softplus",
            entry::softplus,
            reference::softplus,
            110.0,
            normal,
        ),
        (
            "log_sigmoid",
            entry::log_sigmoid,
            reference::log_sigmoid,
            110.0_f64.min(-normal),
            all,
        ),
        ("sin", entry::sin, libm::sin, 1e8, all),
        ("cos", entry::cos, libm::cos, 1e8, all),
        ("floor", entry::floor, libm::floor, 1e38, all),
        ("sqrt", entry::sqrt, libm::sqrt, 1e38, 0.0),
        ("abs", entry::abs, libm::fabs, 1e38, all),
    ]
}

fn run<T: Real>(f: Entry<T>, isa: Isa, x: &[T]) -> Vec<T> {
    let mut y = vec![T::ZERO; x.len()];
    f(isa.check().unwrap(), x, &mut y);
    y
}

/// |actual - expected| in units of the last place that the precision T has at `expected`.
fn ulps<T: Real>(actual: T, expected: f64) -> f64 {
    if actual.to_f64() == expected || T::from_f64(expected).to_f64() == actual.to_f64() {
        return 0.0;
    }
    let lowest = T::MIN_POSITIVE.to_f64();
    let exponent = expected.abs().max(lowest).log2().floor() as i32;
    // In two factors: the place of a small f64 is no normal number.
    let scaled = (actual.to_f64() - expected).abs() * 2f64.powi(-exponent / 2);
    scaled * 2f64.powi(-exponent - -exponent / 2) * 2f64.powi(T::MANTISSA_BITS as i32)
}

/// Largest error of `f` in ulp over the grid, and where.
fn worst<T: Real>(f: Entry<T>, isa: Isa, x: &[T], expected: &[f64]) -> (f64, f64) {
    run(f, isa, x)
        .into_iter()
        .zip(expected)
        .zip(x)
        .map(|((y, &e), x)| (ulps(y, e), x.to_f64()))
        .fold((0.0, 0.0), |a, b| if b.0 <= a.0 { a } else { b })
}

/// Single-precision numbers at equal distances in their bits, both signs, subnormal ones included.
fn single_grid(lowest: f64, largest: f64) -> Vec<f32> {
    (0..=u32::MAX)
        .step_by(40_009)
        .map(f32::from_bits)
        .chain((-4000..4000).map(|i| i as f32 * 0.002_5))
        .filter(|&x| f64::from(x).abs() <= largest && f64::from(x) > lowest)
        .collect()
}

#[test]
fn single_precision_is_within_four_ulp() {
    for (name, f, exact, largest, lowest) in functions::<f32>() {
        let x = single_grid(lowest, largest);
        let expected: Vec<f64> = x.iter().map(|&x| exact(f64::from(x))).collect();
        for isa in Isa::available() {
            let (error, at) = worst(f, isa, &x, &expected);
            assert!(error <= ULPS, "{name} at {at:e}, {isa}: {error} ulp");
        }
    }
}

/// Function name, argument, value, by mpmath with 60 digits.
fn fixtures() -> impl Iterator<Item = (&'static str, f64, f64)> {
    include_str!("fixtures.txt").lines().map(|line| {
        let mut fields = line.split(' ');
        let mut next = || fields.next().expect("three fields a line");
        let (name, x, y) = (next(), next(), next());
        let number = |text: &str| text.parse().expect("a number");
        (name, number(x), number(y))
    })
}

#[test]
fn double_precision_is_within_four_ulp_of_sixty_digits() {
    for (name, f, ..) in functions::<f64>() {
        let (x, expected): (Vec<f64>, Vec<f64>) = fixtures()
            .filter(|fixture| fixture.0 == name)
            .map(|(_, x, y)| (x, y))
            .unzip();
        assert!(
            x.len() >= 80 || matches!(name, "floor" | "sqrt" | "abs"),
            "{name}"
        );
        for isa in Isa::available() {
            let (error, at) = worst(f, isa, &x, &expected);
            assert!(error <= ULPS, "{name} at {at:e}, {isa}: {error} ulp");
        }
    }
}

/// libm is within 1 ulp itself, except where the reference composes two of its functions.
#[test]
fn double_precision_is_within_five_ulp_of_libm_on_dense_grids() {
    for (name, f, exact, largest, lowest) in functions::<f64>() {
        let largest = if largest < 1000.0 { 708.0 } else { largest };
        let x: Vec<f64> = (0..30_000)
            .flat_map(|i| {
                let i = f64::from(i) - 15_000.0;
                let scaled = (2f64).powf(i / 230.0);
                [i * 1.7e-4, i * 0.047, scaled, -scaled]
            })
            .filter(|x| x.abs() <= largest && *x > lowest)
            .collect();
        let expected: Vec<f64> = x.iter().map(|&x| exact(x)).collect();
        for isa in Isa::available() {
            let (error, at) = worst(f, isa, &x, &expected);
            assert!(error <= ULPS + 1.0, "{name} at {at:e}, {isa}: {error} ulp");
        }
    }
}

#[test]
fn special_functions_agree_with_sixty_digits() {
    let mut count = 0;
    for (name, x, expected) in fixtures() {
        let actual = match name {
            "lgamma" => lgamma::<Baseline, f64>(x),
            "erf" => erf::<Baseline, f64>(x),
            "erfc" => erfc::<Baseline, f64>(x),
            _ => match name.strip_prefix("polygamma") {
                Some(n) => polygamma::<Baseline, f64>(n.parse().unwrap(), x),
                None => continue,
            },
        };
        count += 1;
        // Near a zero the absolute error counts.
        let tolerance = 1e-13 * expected.abs().max(0.1);
        let tolerance = if name == "erfc" {
            1e-13 * expected
        } else {
            tolerance
        };
        assert!(
            (actual - expected).abs() <= tolerance,
            "{name}({x:e}): {actual:e} for {expected:e}"
        );
    }
    assert!(count > 400);
}

fn assert_edges<T: Real>() {
    let (inf, nan, zero, one) = (T::INFINITY, T::NAN, T::ZERO, T::ONE);
    let tiny = T::MIN_POSITIVE * T::HALF;
    let big = T::from_f64(1e4);
    let cases: &[(&str, T, T)] = &[
        ("exp", inf, inf),
        ("exp", -inf, zero),
        ("exp", zero, one),
        ("exp", big, inf),
        ("exp", -big, zero),
        ("expm1", inf, inf),
        ("expm1", -inf, -one),
        ("expm1", -zero, -zero),
        ("expm1", big, inf),
        ("expm1", tiny, tiny),
        ("ln", zero, -inf),
        ("ln", -zero, -inf),
        ("ln", -one, nan),
        ("ln", -inf, nan),
        ("ln", inf, inf),
        ("ln", one, zero),
        ("log1p", -one, -inf),
        ("log1p", -T::TWO, nan),
        ("log1p", inf, inf),
        ("log1p", -inf, nan),
        ("log1p", -zero, -zero),
        ("log1p", tiny, tiny),
        ("log1pmx", zero, zero),
        ("log1pmx", -one, -inf),
        ("log1pmx", -T::TWO, nan),
        ("log1pmx", inf, -inf),
        ("tanh", inf, one),
        ("tanh", -inf, -one),
        ("tanh", -zero, -zero),
        ("tanh", tiny, tiny),
        ("tanh", big, one),
        ("sigmoid", inf, one),
        ("sigmoid", -inf, zero),
        ("sigmoid", zero, T::HALF),
        ("softplus", inf, inf),
        ("softplus", -inf, zero),
        ("softplus", -big, zero),
        ("softplus", big, big),
        ("log_sigmoid", inf, zero),
        ("log_sigmoid", -inf, -inf),
        ("log_sigmoid", -big, -big),
        ("sin", -zero, -zero),
        ("sin", inf, nan),
        ("sin", T::from_f64(1e9), nan),
        ("cos", zero, one),
        ("cos", -inf, nan),
        ("floor", -zero, -zero),
        ("floor", -T::HALF, -one),
        ("floor", T::HALF, zero),
        ("floor", inf, inf),
        ("floor", -inf, -inf),
        ("sqrt", -one, nan),
        ("abs", -inf, inf),
    ];
    let bits = |x: T| x.to_f64().to_bits();
    for (name, f, ..) in functions::<T>() {
        for isa in Isa::available() {
            for x in [nan, -nan] {
                let y = run(f, isa, &[x; 33]);
                assert!(
                    y.iter().all(|y| y.to_f64().is_nan()),
                    "{name} of NaN, {isa}"
                );
            }
            for &(_, x, expected) in cases.iter().filter(|case| case.0 == name) {
                // Long enough for the vector loop and its remainder.
                for y in run(f, isa, &[x; 33]) {
                    let same = if expected.to_f64().is_nan() {
                        y.to_f64().is_nan()
                    } else if expected == zero
                        && !matches!(name, "sin" | "tanh" | "floor" | "expm1" | "log1p")
                    {
                        y == zero
                    } else {
                        bits(y) == bits(expected)
                    };
                    assert!(same, "{name}({x}) = {y}, {isa} {:?}", T::PRECISION);
                }
            }
        }
    }
}

#[test]
fn edges_are_those_of_ieee_754() {
    assert_edges::<f32>();
    assert_edges::<f64>();
}

/// A product with subnormal factors takes several times as long.
#[test]
fn exp_in_single_precision_is_normal_or_zero() {
    let x: Vec<f32> = (0..200_000).map(|i| -80.0 - i as f32 * 1.5e-4).collect();
    for isa in Isa::available() {
        for f in [entry::exp::<f32>, entry::sigmoid, entry::softplus] {
            for (x, y) in x.iter().zip(run(f, isa, &x)) {
                let exact = libm::exp(f64::from(*x));
                if exact >= f64::from(f32::MIN_POSITIVE) * (1.0 + 1e-4) {
                    assert!(ulps(y, exact) <= 2.0, "exp({x}) = {y}, {isa}");
                } else {
                    assert!(y == 0.0 || y.is_normal(), "exp({x}) = {y}, {isa}");
                }
            }
        }
    }
}

/// Subnormal arguments of ln, subnormal results of exp in double precision.
#[test]
fn subnormal_numbers_are_computed() {
    for isa in Isa::available() {
        let y = run(entry::ln::<f64>, isa, &[5e-324, 1e-310, 2e-308]);
        for (y, x) in y.iter().zip([5e-324, 1e-310, 2e-308]) {
            assert!(ulps(*y, libm::log(x)) <= ULPS, "{isa}");
        }
        for x in [-708.5, -710.0, -720.3, -744.0, -745.1] {
            for f in [entry::exp::<f64>, entry::sigmoid, entry::softplus] {
                let y = run(f, isa, &[x])[0];
                let unit = f64::from_bits(1);
                assert!((y - libm::exp(x)).abs() <= 1.5 * unit, "exp({x}) {isa}");
            }
        }
    }
}

#[test]
fn tanh_never_leaves_its_range() {
    let x: Vec<f32> = (0..200_000).map(|i| 7.0 + i as f32 * 1.5e-5).collect();
    for isa in Isa::available() {
        assert!(run(entry::tanh, isa, &x).iter().all(|y| *y <= 1.0), "{isa}");
    }
}

#[inline(always)]
fn blocks_body<L: Level, T: Real>(x: &[T; BLOCK]) {
    let bits = |y: [T; BLOCK]| y.map(|y| y.to_f64().to_bits());
    let (mut y, mut slope) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
    tanh_block::<L, T>(x, &mut y);
    assert_eq!(bits(y), bits(x.map(|x| tanh::<L, T>(x))));
    log_sigmoid_with_slope_block::<L, T>(x, &mut y, &mut slope);
    assert_eq!(bits(y), bits(x.map(|x| log_sigmoid::<L, T>(x))));
    assert_eq!(bits(slope), bits(x.map(|x| sigmoid::<L, T>(-x))));
    softplus_with_slope_block::<L, T>(x, &mut y, &mut slope);
    assert_eq!(bits(y), bits(x.map(|x| softplus::<L, T>(x))));
    assert_eq!(bits(slope), bits(x.map(|x| sigmoid::<L, T>(x))));
    softplus_block::<L, T>(x, &mut slope);
    assert_eq!(bits(slope), bits(y));
    log_sigmoid_block::<L, T>(x, &mut y);
    assert_eq!(bits(y), bits(x.map(|x| log_sigmoid::<L, T>(x))));
    sigmoid_block::<L, T>(x, &mut y);
    assert_eq!(bits(y), bits(x.map(|x| sigmoid::<L, T>(x))));
    exp_block::<L, T>(x, &mut y);
    assert_eq!(bits(y), bits(x.map(|x| exp::<L, T>(x))));
}

multiversion! {
    fn blocks<T: Real>(x: &[T; BLOCK]) = blocks_body;
}

#[test]
fn blocks_and_slopes_have_the_bits_of_single_numbers() {
    let numbers = |scale: f64| -> [f64; BLOCK] {
        std::array::from_fn(|i| match i {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => 0.0,
            3 => -0.0,
            4 => 1e-310,
            5 => -1e-40,
            _ => scale * (i as f64 * 0.37).sin(),
        })
    };
    for isa in Isa::available() {
        let isa = isa.check().unwrap();
        for scale in [1e-3, 1.0, 30.0, 400.0, 1e5] {
            let x = numbers(scale);
            blocks(isa, &x);
            blocks(isa, &x.map(|x| x as f32));
        }
        let mut x = numbers(1.0);
        x[7] = f64::NAN;
        let (mut y, mut slope) = ([0.0; BLOCK], [0.0; BLOCK]);
        tanh_block::<Baseline, f64>(&x, &mut y);
        assert!(y[7].is_nan());
        log_sigmoid_with_slope_block::<Baseline, f64>(&x, &mut y, &mut slope);
        assert!(y[7].is_nan() && slope[7].is_nan());
        softplus_with_slope_block::<Baseline, f64>(&x, &mut y, &mut slope);
        assert!(y[7].is_nan() && slope[7].is_nan());
        sigmoid_block::<Baseline, f64>(&x, &mut y);
        exp_block::<Baseline, f64>(&x, &mut slope);
        assert!(y[7].is_nan() && slope[7].is_nan());
    }
}
