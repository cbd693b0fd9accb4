//! What a fit gives besides its sites, for any model: generated quantities, predictions and
//! leave-one-out scores of each observed variable.

use bayes_nn::distributions::{Distribution, Exponential, MultivariateNormal, Normal, Poisson};
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::{Advi, Nuts};

const X: [f64; 6] = [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5];
const Y: [f64; 6] = [-0.9, 0.1, 0.4, 0.6, 1.9, 1.6];
const COUNT: [f64; 6] = [0.0, 1.0, 1.0, 2.0, 5.0, 3.0];

/// Two outcomes of the same rows, a quantity of each row, and one of the slope alone.
fn outcomes<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let mean = trace.deterministic("mean", slope * data.column("x"));
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    trace.observe("count", Poisson::new(mean.exp()), data.column("count"));
    trace.scope("rate", || trace.deterministic("double", 2.0 * slope.exp()));
}

fn data() -> Data {
    let data = Data::new().column("x", &X).unwrap();
    let data = data.column("y", &Y).unwrap();
    data.column("count", &COUNT).unwrap()
}

fn ln_poisson(rate: f64, count: f64) -> f64 {
    let factorial: f64 = (1..=count as u32).map(f64::from).product();
    count * rate.ln() - rate - factorial.ln()
}

#[test]
fn each_observed_variable_has_predictions_and_log_likelihoods_of_the_same_draws() {
    let samples = model::fit(&outcomes, data(), &Nuts::new().draws(1_000).seed(5)).unwrap();
    let fit = model::fit(&outcomes, data(), &Advi::full_rank().steps(4_000)).unwrap();
    let cases = [
        (
            samples.all_draws().unwrap(),
            samples.predictive(data(), 4_000, 1).unwrap(),
            samples.log_likelihood(data()).unwrap(),
            1e-12,
        ),
        (
            fit.draws(4_000, 1).unwrap(),
            fit.predictive(data(), 4_000, 1).unwrap(),
            fit.take(4_000, 1).unwrap().log_likelihood(data()).unwrap(),
            // Draws of a fit in single precision.
            1e-3,
        ),
    ];
    for (draws, replicated, pointwise, tolerance) in cases {
        let slopes = draws.variable("slope").unwrap().values();
        let mean = draws.variable("mean").unwrap();
        let double = draws.variable("rate.double").unwrap().values();
        let y = pointwise.variable("y").unwrap();
        let count = pointwise.variable("count").unwrap();
        for (draw, slope) in slopes.iter().enumerate().step_by(61) {
            assert!((double[draw] / (2.0 * slope.exp()) - 1.0).abs() < 1e-12);
            for row in 0..6 {
                let expected = slope * X[row];
                assert!((mean.draw(draw).unwrap()[row] - expected).abs() < 1e-12);
                let error = (Y[row] - expected) / 0.5;
                let normal = -0.5 * error * error - 0.5 * (std::f64::consts::TAU * 0.25).ln();
                let poisson = ln_poisson(expected.exp(), COUNT[row]);
                assert!((y.draw(draw).unwrap()[row] - normal).abs() < tolerance);
                assert!((count.draw(draw).unwrap()[row] - poisson).abs() < tolerance);
            }
        }
        // What is predicted has the mean and variance that the draws of its parameters imply.
        let rates = mean.values().chunks(6).map(|m| m[4].exp());
        let rate = rates.clone().sum::<f64>() / 4_000.0;
        let spread = rates.map(|r| (r - rate) * (r - rate)).sum::<f64>() / 4_000.0;
        let count = replicated.variable("count").unwrap();
        let sd = (rate + spread).sqrt();
        // Five standard errors of 4,000 draws.
        assert!((count.mean()[4] - rate).abs() < 5.0 * sd / 4_000f64.sqrt());
        let y = replicated.variable("y").unwrap();
        let error = 5.0 * y.sd()[1] / 4_000f64.sqrt();
        assert!((y.mean()[1] - mean.mean()[1]).abs() < error);
    }
}

#[test]
fn the_prior_predicts_every_observed_variable() {
    let draws = model::prior_predictive(&outcomes, data(), 2_000, 3).unwrap();
    let names: Vec<&str> = draws.variables().iter().map(|v| v.name()).collect();
    assert_eq!(names, ["slope", "mean", "rate.double", "y", "count"]);
    let y = draws.variable("y").unwrap();
    for (x, sd) in X.iter().zip(y.sd()) {
        let expected = (4.0 * x * x + 0.25f64).sqrt();
        assert!(
            (sd / expected - 1.0).abs() < 5.0 / 4_000f64.sqrt(),
            "{x}: {sd}"
        );
    }
    // A row with x = 0 has the rate 1.
    let count = draws.variable("count").unwrap().mean()[2];
    assert!((count - 1.0).abs() < 5.0 / 2_000f64.sqrt(), "{count}");
}

#[test]
fn leave_one_out_scores_are_those_of_the_exact_posteriors_without_a_row() {
    fn normal_mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let mean = trace.sample("mean", Normal::new(1.0, 2.0));
        trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    }
    let data = Data::new().column("y", &Y).unwrap();
    let samples = model::fit(&normal_mean, &data, &Nuts::new().draws(32_000).seed(1)).unwrap();
    let loo = samples.loo("y").unwrap();
    assert_eq!(loo.unreliable().count(), 0);
    let sum: f64 = Y.iter().sum();
    for (y, found) in Y.iter().zip(&loo.pointwise) {
        let precision = 0.25 + 5.0 / 0.25;
        let mean = (0.25 + (sum - y) / 0.25) / precision;
        let variance = 0.25 + 1.0 / precision;
        let exact = -0.5 * (y - mean) * (y - mean) / variance
            - 0.5 * (std::f64::consts::TAU * variance).ln();
        assert!((found - exact).abs() < 0.04, "{found} for {exact}");
    }
    let error = samples.loo("z").unwrap_err().to_string();
    assert_eq!(
        error,
        "`z` is not observed, so there is no log density of its values one by one; the model observes y (a `factor` is one number and has none)"
    );
}

#[test]
fn the_score_of_a_model_with_two_outcomes_is_one_for_each() {
    let samples = model::fit(&outcomes, data(), &Nuts::new().draws(500).seed(5)).unwrap();
    let (y, count) = (samples.loo("y").unwrap(), samples.loo("count").unwrap());
    assert_eq!((y.pointwise.len(), count.pointwise.len()), (6, 6));
    // Leaving out cannot predict better than having seen.
    assert!(y.p_loo > 0.0 && count.p_loo > 0.0);
    assert!(y.elpd_loo != count.elpd_loo);
}

#[test]
fn an_observed_vector_has_one_log_likelihood() {
    let model = model::from_fn(|trace, data| {
        let rate = trace.sample("rate", Exponential::new(1.0));
        let graph = trace.graph();
        let factor = graph.constant(&[1.0, 0.0, 0.5, 1.0], [2, 2]);
        let loc = rate * graph.constant(&[1.0, 1.0], [2]);
        trace.observe(
            "pair",
            MultivariateNormal::new(loc, factor),
            data.column("pair"),
        );
        trace.observe(
            "wait",
            Exponential::new(rate).expand([2]),
            data.column("pair"),
        );
    });
    let data = Data::new().column("pair", &[0.7, 1.1]).unwrap();
    let samples = model::fit(&model, &data, &Nuts::new().chains(2).draws(50)).unwrap();
    let pointwise = samples.log_likelihood(&data).unwrap();
    assert_eq!(pointwise.variable("pair").unwrap().shape().rank(), 0);
    assert_eq!(pointwise.variable("wait").unwrap().shape().elements(), 2);
    assert_eq!(samples.loo("pair").unwrap().pointwise.len(), 1);
}
