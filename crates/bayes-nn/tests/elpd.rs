//! Leave-one-out cross-validation and WAIC against what is known in closed form.

use std::f64::consts::TAU;

use bayes_nn::distributions::Normal;
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::{Advi, Error, Nuts, Precision};

const Y: [f64; 8] = [1.3, 0.2, 2.4, -0.6, 1.9, 0.8, 3.1, 1.0];
const PRIOR_SD: f64 = 2.0;
const NOISE: f64 = 0.9;
/// What sums over the data may be off by: five standard errors of those by 16,000 independent
/// draws, which are 0.017 (LOO) and 0.015 (WAIC).
const OFF: f64 = 0.085;

/// A normal mean with known noise.
fn mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, PRIOR_SD));
    trace.observe("y", Normal::new(mean, NOISE), data.column("y"));
}

fn data() -> Data {
    Data::new().column("y", &Y).unwrap()
}

/// Mean and variance of the mean, given observations with this sum and count.
fn posterior(sum: f64, count: f64) -> (f64, f64) {
    let precision = PRIOR_SD.powi(-2) + count * NOISE.powi(-2);
    (sum * NOISE.powi(-2) / precision, 1.0 / precision)
}

/// ln p(y_i | all other y), for each.
fn exact_loo() -> Vec<f64> {
    let sum: f64 = Y.iter().sum();
    let each = Y.iter().map(|y| {
        let (mean, variance) = posterior(sum - y, Y.len() as f64 - 1.0);
        let variance = variance + NOISE * NOISE;
        -0.5 * (TAU * variance).ln() - 0.5 * (y - mean).powi(2) / variance
    });
    each.collect()
}

/// WAIC of infinitely many draws: of (y - mu)^2 / (2 noise^2), normal mu, the variance is
/// (v^2 / 2 + v d^2) / noise^4 with the variance v of mu and the distance d of its mean from y.
fn exact_waic() -> f64 {
    let (mean, v) = posterior(Y.iter().sum(), Y.len() as f64);
    let each = Y.iter().map(|y| {
        let distance = (y - mean).powi(2);
        let spread = v + NOISE * NOISE;
        let density = -0.5 * (TAU * spread).ln() - 0.5 * distance / spread;
        density - (0.5 * v * v + v * distance) / NOISE.powi(4)
    });
    each.sum()
}

/// A guide that is the posterior, as far as a fit finds it.
fn fit() -> Result<bayes_nn::Posterior<impl bayes_nn::Model + Clone>, Error> {
    let advi = Advi::mean_field()
        .steps(6_000)
        .learning_rate(0.01)
        .samples(8);
    model::fit(&mean, data(), &advi.precision(Precision::F64).seed(2))
}

#[test]
fn guide_and_chains_come_to_the_exact_loo_of_a_conjugate_model() {
    let exact = exact_loo();
    let samples = model::fit(&mean, data(), &Nuts::new().draws(10_000).seed(3)).unwrap();
    let by_chains = samples.loo("y").unwrap();
    let by_guide = fit().unwrap().take(16_000, 4).unwrap().loo("y").unwrap();
    for loo in [&by_chains, &by_guide] {
        assert_eq!(loo.unreliable().count(), 0);
        let total: f64 = exact.iter().sum();
        assert!((loo.elpd_loo - total).abs() < OFF, "{loo} for {total}");
        for (i, (value, exact)) in loo.pointwise.iter().zip(&exact).enumerate() {
            assert!((value - exact).abs() < OFF, "{i}: {value} for {exact}");
        }
    }
    assert!((by_chains.p_loo - by_guide.p_loo).abs() < OFF);
}

#[test]
fn guide_and_chains_come_to_the_exact_waic_of_a_conjugate_model() {
    let exact = exact_waic();
    let samples = model::fit(&mean, data(), &Nuts::new().draws(10_000).seed(3)).unwrap();
    let by_chains = samples.waic("y").unwrap();
    let by_guide = fit().unwrap().take(16_000, 4).unwrap().waic("y").unwrap();
    for waic in [by_chains, by_guide] {
        assert!((waic.elpd_waic - exact).abs() < OFF, "{waic} for {exact}");
    }
}

#[test]
fn what_is_not_observed_or_too_little_is_refused_by_name() {
    let fit = fit().unwrap();
    let message = |result: Result<_, Error>| result.unwrap_err().to_string();
    let unknown = message(fit.take(100, 0).and_then(|fit| fit.loo("mean")));
    assert_eq!(
        unknown,
        "there are no draws of `mean`; there are draws of y"
    );
    let few = message(fit.take(24, 0).and_then(|fit| fit.loo("y")));
    assert!(few.contains("25"), "{few}");
    let none = message(fit.take(0, 0).and_then(|fit| fit.loo("y")));
    assert_eq!(none, "`draws` is 0; it must be 1 or more");
    let none = fit
        .take(0, 0)
        .and_then(|fit| fit.waic("y"))
        .unwrap_err()
        .to_string();
    assert_eq!(none, "`draws` is 0; it must be 1 or more");
}
