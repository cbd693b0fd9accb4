//! Densities that fail, and settings that are none.

use bayes_nn_inference::nuts::{EvalError, LowRank, Metric};
use bayes_nn_inference::{InferenceError, Nuts, Start};
use bayes_nn_kernels::Precision;

use crate::targets::{By, Standard};

fn normal(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient[0] = -x[0];
    -0.5 * x[0] * x[0]
}

#[test]
fn a_density_that_is_nowhere_finite_is_an_error_with_its_value() {
    let nuts = Nuts::new().seed(1);
    let no_density = |_| By(2, |_: &[f64], _: &mut [f64]| Ok(f64::NAN));
    let error = nuts.sample_with(no_density).unwrap_err().to_string();
    assert!(
        error.starts_with("chain 0 found no start in 100 tries: the log density is NaN"),
        "{error}"
    );
    let no_gradient = |_| {
        By(2, |_: &[f64], gradient: &mut [f64]| {
            gradient.copy_from_slice(&[0.0, f64::INFINITY]);
            Ok(0.0)
        })
    };
    let error = nuts.sample_with(no_gradient).unwrap_err().to_string();
    assert!(
        error.contains("the gradient of coordinate 1 is inf"),
        "{error}"
    );
    let rejected = |_| By(2, |_: &[f64], _: &mut [f64]| Err(EvalError::Reject));
    let error = nuts.sample_with(rejected).unwrap_err().to_string();
    assert!(error.contains("the log density is -inf"), "{error}");
}

#[test]
fn regions_without_density_are_divergences() {
    // The half-line: NaN, minus infinity or a rejection beyond its end.
    for kind in 0..3 {
        let half = move |_| {
            By(1, move |x: &[f64], gradient: &mut [f64]| {
                let value = normal(x, gradient);
                match (x[0] > -1.0, kind) {
                    (true, _) => Ok(value),
                    (_, 0) => Ok(f64::NAN),
                    (_, 1) => Ok(f64::NEG_INFINITY),
                    _ => Err(EvalError::Reject),
                }
            })
        };
        let fit = Nuts::new()
            .chains(2)
            .draws(500)
            .seed(2)
            .sample_with(half)
            .unwrap();
        assert!(fit.divergences() > 10);
        for chain in fit.chains() {
            assert_eq!(chain.draws().len(), 500);
            assert!(chain.draws().positions().iter().all(|x| *x > -1.0));
        }
    }
}

#[test]
fn a_chain_that_fails_leaves_the_others_and_its_own_draws() {
    for panics in [false, true] {
        let failing = move |chain: usize| {
            let mut evaluations = 0;
            By(1, move |x: &[f64], gradient: &mut [f64]| {
                evaluations += 1;
                match chain == 1 && evaluations > 2_000 {
                    true if panics => panic!("a density that panics"),
                    true => Err(EvalError::Fatal("the machine is on fire".into())),
                    false => Ok(normal(x, gradient)),
                }
            })
        };
        let nuts = Nuts::new().chains(3).warmup(200).draws(2_000).seed(3);
        let fit = nuts.sample_with(failing).unwrap();
        let whole = nuts.sample_with(|_| Standard(1)).unwrap();
        for (chain, whole) in fit.chains().iter().zip(whole.chains()) {
            let drawn = chain.draws().len();
            let expected = &whole.draws().positions()[..drawn];
            assert_eq!(chain.draws().positions(), expected);
            assert_eq!(drawn == 2_000, chain.error().is_none());
        }
        let error = fit.chains()[1].error().unwrap();
        let InferenceError::Chain { chain, draws, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((*chain, *draws), (1, fit.chains()[1].draws().len()));
        assert!(*draws > 100);
        let message = if panics { "panicked" } else { "on fire" };
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn a_run_without_any_draw_is_the_error_of_its_first_chain() {
    let failing = |_| {
        let mut evaluations = 0;
        By(1, move |x: &[f64], gradient: &mut [f64]| {
            evaluations += 1;
            match evaluations > 50 {
                true => Err(EvalError::Fatal("gone".into())),
                false => Ok(normal(x, gradient)),
            }
        })
    };
    let error = Nuts::new().sample_with(failing).unwrap_err().to_string();
    assert_eq!(error, "chain 0 failed after 0 draws: gone");
}

#[test]
fn settings_outside_their_range_are_named() {
    let error = |nuts: Nuts| nuts.sample_with(|_| Standard(1)).unwrap_err().to_string();
    for (nuts, message) in [
        (Nuts::new().draws(0), "`draws` is 0; it must be 1 or more"),
        (Nuts::new().chains(0), "`chains` is 0; it must be 1 or more"),
        (
            Nuts::new().threads(0),
            "`threads` is 0; it must be 1 or more",
        ),
        (
            Nuts::new().target_accept(1.0),
            "`target_accept` is 1; it must be above 0 and below 1",
        ),
        (
            Nuts::new().max_depth(0),
            "`max_depth` is 0; it must be between 1 and 20",
        ),
        (
            Nuts::new().max_leapfrog(0),
            "`max_leapfrog` is 0; it must be between 1 and 2^32 - 1",
        ),
        (
            Nuts::new().initial_step(f64::NAN),
            "`initial_step` is NaN; it must be finite and above 0",
        ),
        (
            Nuts::new().metric(Metric::LowRank(LowRank::new().rank(0))),
            "`metric.rank` is 0; it must be 1 or more",
        ),
        (
            Nuts::new().metric(Metric::LowRank(LowRank::new().cutoff(1.0))),
            "`metric.cutoff` is 1; it must be finite and above 1",
        ),
        (
            Nuts::new().metric(Metric::LowRank(LowRank::new().shrinkage(f64::NAN))),
            "`metric.shrinkage` is NaN; it must be finite and above 0",
        ),
        (
            Nuts::new().precision(Precision::F32),
            "`precision` is F32; it must be F64 for a bare log density, which has its own precision",
        ),
        (
            Nuts::new().start_at(Start::Prior),
            "`start_at` is Prior; it must be Uniform or Approximation: this density gives no starts",
        ),
    ] {
        assert_eq!(error(nuts), message);
    }
    let nothing = Nuts::new().sample_with(|_| Standard(0)).unwrap_err();
    assert!(matches!(nothing, InferenceError::NothingToFit));
}
