//! Promises over the whole range of arguments: never NaN, numbers and graphs agree, draws lie in
//! the support.

mod common;

use bayes_nn_autodiff::{Bindings, Graph, NoiseKind, Var, grad};
use bayes_nn_distributions::{Categorical, Distribution, sample};
use common::FAMILIES;
use proptest::prelude::*;

fn real(largest_exponent: f64) -> impl Strategy<Value = f64> {
    let size = (-largest_exponent..largest_exponent).prop_map(|e: f64| 10f64.powf(e));
    let signed = (size, any::<bool>()).prop_map(|(s, negative)| if negative { -s } else { s });
    prop_oneof![
        Just(0.0),
        Just(1.0),
        (-30i32..30).prop_map(f64::from),
        signed
    ]
}

fn positive() -> impl Strategy<Value = f64> {
    (-30.0..30.0).prop_map(|e: f64| 10f64.powf(e))
}

fn probability() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1e-300), Just(1.0 - 1e-16), 0.001..0.999]
}

#[test]
fn the_density_at_nan_is_never_finite() {
    for build in FAMILIES {
        let distribution = build([-0.5, 1.5, 0.25].map(Var::from));
        let log_prob = distribution.log_prob(Var::from(f64::NAN)).number().unwrap();
        assert!(
            log_prob.is_nan() || log_prob == f64::NEG_INFINITY,
            "{distribution:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn densities_and_derivatives_are_never_nan(
        x in real(100.0), loc in real(30.0), scale in positive(), p in probability(),
    ) {
        for build in FAMILIES {
            let numbers = [loc, scale, p];
            let distribution = build(numbers.map(Var::from));
            if distribution.check().is_err() {
                // `low + width` may be `low`.
                continue;
            }
            let folded = distribution.log_prob(Var::from(x)).number().unwrap();
            prop_assert!(!folded.is_nan(), "{distribution:?} at {x:e}");
            prop_assert!(
                folded == f64::NEG_INFINITY || distribution.support().contains(x),
                "{distribution:?} at {x:e}"
            );

            let graph = Graph::new();
            let names = ["a", "b", "c"].map(|name| graph.input(name, []));
            let at = graph.input("x", []);
            let log_prob = build(names).log_prob(at);
            let [a, b, c] = names;
            let mut outputs = grad(log_prob, &[at, a, b, c]).unwrap();
            outputs.push(log_prob);
            let mut bindings = Bindings::new().bind(at, &[x]);
            for (name, number) in names.iter().zip(numbers) {
                bindings = bindings.bind(*name, &[number]);
            }
            let values = graph.evaluate(&outputs, &bindings).unwrap();
            prop_assert_eq!(values[4].values()[0], folded);
            for slope in &values[..4] {
                prop_assert!(!slope.values()[0].is_nan(), "{distribution:?} at {x:e}");
            }
        }
    }

    #[test]
    fn categorical_densities_are_never_nan(
        logits in prop::collection::vec(real(6.0), 1..6), class in 0usize..6,
    ) {
        let graph = Graph::new();
        let input = graph.input("logits", logits.len());
        let log_prob = Categorical::new(input).log_prob(Var::from(class as f64));
        let slope = grad(log_prob, &[input]).unwrap()[0];
        let bindings = Bindings::new().bind(input, &logits);
        let values = graph.evaluate(&[log_prob, slope], &bindings).unwrap();
        let log_prob = values[0].values()[0];
        prop_assert!(log_prob <= 0.0);
        prop_assert_eq!(log_prob > f64::NEG_INFINITY, class < logits.len());
        let total: f64 = values[1].values().iter().sum();
        prop_assert!(total.abs() < 1e-12, "the slopes sum to {total}");
    }

    #[test]
    fn draws_lie_in_the_support(
        loc in real(2.0), scale in 0.3f64..100.0, p in probability(), seed in any::<u64>(),
    ) {
        for build in FAMILIES {
            let distribution = build([loc, scale, p].map(Var::from));
            let support = distribution.support();
            for draw in sample(&*distribution, 20, seed).unwrap() {
                prop_assert!(support.contains(draw), "{distribution:?} drew {draw}");
            }
            let graph = Graph::new();
            let mut stream = 0;
            let mut noise = |kind: NoiseKind| {
                stream += 1;
                graph.noise(kind, stream, [20])
            };
            let reparameterised = build([loc, scale, p].map(Var::from)).rsample(&mut noise);
            if let Some(draws) = reparameterised {
                let values = graph.evaluate(&[draws], &Bindings::new().seed(seed)).unwrap();
                for &draw in values[0].values() {
                    prop_assert!(support.contains(draw), "{distribution:?} drew {draw}");
                }
            }
        }
    }
}

#[test]
fn extreme_arguments_and_parameters_give_no_nan() {
    let sizes = [1e-300, 1e-160, 1e-3, 1.0, 1e3, 1e160, f64::INFINITY];
    let points: Vec<f64> = sizes.iter().flat_map(|x| [-x, *x]).chain([0.0]).collect();
    let scales = [1e-100, 1e-20, 1.0, 1e20, 1e100];
    let probabilities = [1e-100, 0.3, 1.0 - 1e-16, 1.0];
    for build in FAMILIES {
        let graph = Graph::new();
        let at = graph.input("x", points.len());
        let names = ["a", "b", "c"].map(|name| graph.input(name, points.len()));
        let log_prob = build(names).log_prob(at).broadcast_to(points.len());
        let mut outputs = vec![log_prob];
        outputs.extend(grad(log_prob.sum(), &[at, names[0], names[1], names[2]]).unwrap());
        for loc in [-1e100, -1.0, 0.0, 1e-100, 1e20] {
            let pairs = scales.iter().flat_map(|s| probabilities.map(|p| (*s, p)));
            for (scale, p) in pairs {
                let numbers = [loc, scale, p];
                let distribution = build(numbers.map(Var::from));
                if distribution.check().is_err() {
                    continue;
                }
                let mut bindings = Bindings::new().bind(at, &points);
                for (name, number) in names.iter().zip(numbers) {
                    bindings = bindings.bind(*name, &vec![number; points.len()]);
                }
                let values = graph.evaluate(&outputs, &bindings).unwrap();
                let each = |place: usize| values.iter().map(move |v| v.values()[place]);
                for (place, &x) in points.iter().enumerate() {
                    let of_x: Vec<f64> = each(place).collect();
                    let what = format!("{distribution:?} at {x:e}: {of_x:?}");
                    assert!(!of_x[0].is_nan(), "{what}");
                    // Where a possible number is so far out that its density is numerically zero,
                    // slopes overflow, and no sampler asks for them.
                    let outside = x.is_finite() && !distribution.support().contains(x);
                    if outside || of_x[0].abs() < 1e100 {
                        assert!(!of_x.iter().any(|v| v.is_nan()), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn draws_of_extreme_parameters_end_and_are_numbers_of_the_support() {
    let scales = [5e-324, 1e-300, 1e-100, 1e-3, 1.0, 1e100, 1e300, 1e308];
    for build in FAMILIES {
        for loc in [-1e308, -1e100, 0.0, 1.0, 1e308] {
            for (scale, p) in scales
                .iter()
                .flat_map(|s| [5e-324, 1e-300, 0.3, 1.0].map(|p| (*s, p)))
            {
                let distribution = build([loc, scale, p].map(Var::from));
                if distribution.check().is_err() {
                    continue;
                }
                let support = distribution.support();
                for draw in sample(&*distribution, 5, 1).unwrap() {
                    assert!(support.contains(draw), "{distribution:?} drew {draw:e}");
                }
            }
        }
    }
}
