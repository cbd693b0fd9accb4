//! Means and variances against sums and integrals over the distribution's own density.

mod common;

use bayes_nn_autodiff::Var;
use std::f64::consts::PI;

use bayes_nn_distributions::{
    Bijector, Distribution, Flat, HalfStudentT, InverseGamma, MultivariateStudentT, Normal,
    Ordered, StudentT, Support,
};
use common::FAMILIES;

/// Total, mean and variance; of the counts below 2,000 or by the trapezoidal rule over the whole
/// support, where `x = forward(sinh(2 sinh t))` lets every tail fall off twice exponentially.
fn integrated<'g>(distribution: &dyn Distribution<'g>) -> [f64; 3] {
    let number = |x: Var<'g>| x.number().expect("plain numbers");
    let bijector = match distribution.support() {
        // An angle is one of two coordinates: here it is a number between bounds.
        Support::Circle(_) => Some(Bijector::Interval(Var::from(-PI), Var::from(PI))),
        support => support.bijector(),
    };
    let points: Vec<[f64; 2]> = match bijector {
        None => {
            let counts = (0..2_000).map(f64::from);
            let mass = |k: f64| number(distribution.log_prob(Var::from(k))).exp();
            counts.map(|k| [k, mass(k)]).collect()
        }
        Some(bijector) => {
            const STEP: f64 = 4e-3;
            let ts = (-1000..=1000).map(|i| f64::from(i) * STEP);
            ts.map(|t| {
                let inner = 2.0 * t.sinh();
                let z = Var::from(inner.sinh());
                let x = bijector.forward(z);
                let log_mass = number(distribution.log_prob(x) + bijector.log_det_jacobian(z));
                let stretch = 2.0 * t.cosh() * inner.cosh();
                [number(x), log_mass.exp() * stretch * STEP]
            })
            .collect()
        }
    };
    let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
        let some = points.iter().filter(|[_, mass]| *mass > 0.0);
        some.map(|&[x, mass]| f(x) * mass).sum()
    };
    let mean = sum(&|x| x);
    [sum(&|_| 1.0), mean, sum(&|x| (x - mean) * (x - mean))]
}

#[test]
fn moments_are_those_of_the_density() {
    for numbers in [[0.4, 6.7, 0.9], [-1.3, 4.5, 0.35]] {
        for build in FAMILIES {
            let distribution = build(numbers.map(Var::from));
            let [mean, variance] = [distribution.mean(), distribution.variance()]
                .map(|moment| moment.number().expect("plain numbers"));
            let [total, by_mean, by_variance] = integrated(&*distribution);
            let what = format!("{distribution:?}");
            match distribution.name() {
                "Cauchy" | "Horseshoe" => assert!(mean.is_nan() && variance.is_nan(), "{what}"),
                "HalfCauchy" => assert!(mean == f64::INFINITY && variance.is_nan(), "{what}"),
                // Those of angles are the mean direction and the circular variance.
                "VonMises" => assert!((total - 1.0).abs() < 1e-9, "{what}"),
                "InverseGamma" => {}
                _ => {
                    // A beta density that is infinite at 1 has 5e-6 of its mass nearer to 1 than
                    // the next double.
                    assert!((total - 1.0).abs() < 1e-5, "{what}: {total}");
                    let error = (mean - by_mean).abs() / by_variance.sqrt();
                    assert!(error < 1e-4, "{what}: mean {by_mean}");
                    let error = (variance / by_variance - 1.0).abs();
                    assert!(error < 1e-4, "{what}: variance {by_variance}");
                }
            }
        }
    }
}

#[test]
fn a_moment_that_does_not_exist_is_infinite_or_nan() {
    let moments = |d: &dyn Distribution<'_>| {
        [d.mean(), d.variance()].map(|moment| moment.constant_values().expect("plain numbers")[0])
    };
    let inf = f64::INFINITY;
    let of_t = |df: f64| moments(&StudentT::new(df, 1.0, 2.0));
    assert!(of_t(1.0).iter().all(|moment| moment.is_nan()));
    assert_eq!(of_t(2.0), [1.0, inf]);
    assert_eq!(of_t(4.0), [1.0, 8.0]);
    let of_half = |df: f64| moments(&HalfStudentT::new(df, 2.0));
    assert!(of_half(1.0)[0] == inf && of_half(1.0)[1].is_nan());
    assert!(of_half(2.0)[0] < inf && of_half(2.0)[1] == inf);
    let of_inverse = |a: f64| moments(&InverseGamma::new(a, 2.0));
    assert!(of_inverse(1.0)[0] == inf && of_inverse(1.0)[1].is_nan());
    assert_eq!(of_inverse(2.0), [2.0, inf]);
    assert_eq!(of_inverse(3.0), [1.0, 1.0]);
    let vectors = MultivariateStudentT::new(1.0, 0.0, 1.0);
    assert!(moments(&vectors).iter().all(|moment| moment.is_nan()));
    assert!(moments(&Flat::real()).iter().all(|moment| moment.is_nan()));
    let sorted = Ordered::new(Normal::new(0.0, 1.0), 3);
    assert!(moments(&sorted).iter().all(|moment| moment.is_nan()));
}
