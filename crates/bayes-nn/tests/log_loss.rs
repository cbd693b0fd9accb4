//! The log loss of predictions that are nearly certain.

use bayes_nn::distributions::{Bernoulli, Categorical, Normal};
use bayes_nn::model::{self, Data, Model, concat};
use bayes_nn::{Advi, Precision, Predict};

/// The log loss as the score tells it, and as the log predictive density does.
fn both(model: impl Model + Clone + Send + 'static, x: &[f64], y: &[f64]) -> [f64; 2] {
    let data = Data::new().column("x", x).unwrap().column("y", y).unwrap();
    let advi = Advi::mean_field().steps(200).precision(Precision::F32);
    let fit = model::fit(&model, &data, &advi).unwrap();
    let rows = Data::new().column("x", x).unwrap();
    let score = fit.predict(&rows, 50).unwrap().score(y).unwrap();
    let by_draws = fit.log_predictive(&rows, y, Predict::draws(50)).unwrap();
    let mean = by_draws.iter().sum::<f64>() / y.len() as f64;
    [score.classification().unwrap().log_loss, -mean]
}

#[test]
fn a_label_of_a_probability_that_underflows_has_a_finite_log_loss() {
    let coin = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(50.0, 0.01));
        trace.observe(
            "y",
            Bernoulli::logits(slope * data.column("x")),
            data.column("y"),
        );
    });
    // Logits of 200 and -200 against the label, and one that is no surprise.
    let [score, expected] = both(coin, &[4.0, -4.0, 1.0], &[0.0, 1.0, 1.0]);
    assert!(
        (score - expected).abs() < 1e-9 && (score - 400.0 / 3.0).abs() < 1.0,
        "{score}"
    );

    let classes = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(50.0, 0.01));
        let logit = (slope * data.column("x")).reshape([1, data.rows()]);
        let logits = concat(&[logit, logit * 0.0, -logit], 0);
        trace.observe("y", Categorical::new(logits), data.column("y"));
    });
    let [score, expected] = both(classes, &[4.0, 1.0], &[2.0, 0.0]);
    assert!(
        (score - expected).abs() < 1e-9 && (score - 200.0).abs() < 1.0,
        "{score}"
    );
}
