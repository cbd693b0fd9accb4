//! What a user writes is computed right, or refused with a sentence that says what to do.

use bayes_nn::distributions::{AutoRegressive, Beta, Dirichlet, Gamma, Multinomial, Poisson};
use bayes_nn::prelude::*;
use bayes_nn::{Model, Start};

fn message<T>(result: Result<T, Error>) -> String {
    result.err().expect("an error").to_string()
}

fn column(y: &[f64]) -> Data {
    Data::new().column("y", y).unwrap()
}

fn nuts() -> Nuts {
    Nuts::new().chains(2).draws(300).warmup(300)
}

fn advi() -> Advi {
    Advi::mean_field().steps(3_000)
}

/// A model that is fitted from many seeds by NUTS and, where a guide can have it, by ADVI.
fn is_fitted<M: Model + Clone>(model: &M, y: &[f64], by_guide: bool) {
    for seed in 0..5 {
        let chains = model::fit(model, column(y), &nuts().seed(seed)).unwrap();
        assert_eq!(
            chains.all_draws().unwrap().variables()[0].values().len() % 600,
            0
        );
        if by_guide {
            model::fit(model, column(y), &advi().seed(seed)).unwrap();
        }
    }
}

const COUNTS: [f64; 5] = [1.0, 2.0, 0.0, 3.0, 2.0];

#[test]
fn no_prior_draw_decides_whether_a_model_may_run() {
    let precision = model::from_fn(|trace, data| {
        let tau = trace.sample("tau", Gamma::new(0.001, 0.001));
        let mean = trace.sample("mean", Normal::new(0.0, 10.0));
        trace.observe("y", Normal::new(mean, 1.0 / tau.sqrt()), data.column("y"));
    });
    is_fitted(&precision, &COUNTS, true);
    let wide = model::from_fn(|trace, data| {
        let sd = trace.sample("log_sd", Normal::new(0.0, 1000.0)).exp();
        trace.observe("y", Normal::new(0.0, sd), data.column("y"));
    });
    is_fitted(&wide, &COUNTS, true);
    let shifted = model::from_fn(|trace, data| {
        let a = trace.sample("a", Normal::new(0.0, 50.0));
        trace.observe("y", Poisson::new(10.0 + a), data.column("y"));
    });
    is_fitted(&shifted, &COUNTS, false);
    let by_moments = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Uniform::new(0.0, 1.0));
        let sd = trace.sample("sd", HalfNormal::new(1.0));
        let size = mean * (1.0 - mean) / (sd * sd) - 1.0;
        let beta = Beta::new(mean * size, (1.0 - mean) * size);
        trace.observe("y", beta, data.column("y"));
    });
    is_fitted(&by_moments, &[0.1, 0.2, 0.3, 0.25], true);
}

#[test]
fn a_parameter_outside_its_domain_is_told_with_the_variable_to_constrain() {
    let shifted = model::from_fn(|trace, data| {
        let rate = trace.sample("rate", Normal::new(0.0, 5.0));
        trace.observe("y", Poisson::new(rate), data.column("y"));
    });
    // Where the guide's draws are below 0, there is no density, however small the steps.
    let error = message(model::fit(
        &shifted,
        column(&[0.0, 1.0]),
        &Advi::mean_field(),
    ));
    assert!(
        error.contains("there the rate of Poisson for `y` is -"),
        "{error}"
    );
    assert!(
        error.contains("it depends on `rate`; give them priors on positive"),
        "{error}"
    );
    let never = model::from_fn(|trace, data| {
        let scale = trace.sample("scale", HalfNormal::new(1.0));
        trace.observe("y", Normal::new(0.0, -1.0 - scale), data.column("y"));
    });
    let error = message(model::fit(&never, column(&COUNTS), &nuts()));
    assert!(
        error.contains("there the scale of Normal for `y` is -"),
        "{error}"
    );
}

#[test]
fn a_value_that_cannot_be_is_told_with_its_row() {
    let counts = [1.0, 2.0, 3.0, 0.0, 4.0, 1.0];
    let data = Data::new().matrix("counts", &counts, 3).unwrap();
    let error = message(model::fit(&votes(), data, &advi()));
    assert!(
        error.contains("in row 1, where [0.0, 4.0, 1.0] was seen"),
        "{error}"
    );

    let data = column(&[1.0, 2.0, 3.0]).index("group", &[0, 1, 5]).unwrap();
    let groups = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 1.0).expand([3]));
        let level = level.gather(data.index("group"), 0);
        trace.observe("y", Normal::new(level, 1.0), data.column("y"));
    });
    let expected = "`group` is 5 in row 2, and selects from 3: indices count from 0 and must be \
                    below that";
    assert_eq!(message(model::fit(&groups, &data, &advi())), expected);
    assert_eq!(
        message(model::fit(&groups, &data, &advi().batch(2))),
        expected
    );
    let known = column(&[1.0, 2.0, 3.0]).index("group", &[0, 1, 2]).unwrap();
    let fit = model::fit(&groups, known, &advi()).unwrap();
    assert_eq!(message(fit.predictive(&data, 10, 0)), expected);
}

/// Votes of rows for three parties; each row has the same shares.
fn votes() -> impl Model + Clone {
    model::from_fn(|trace, data| {
        let ones = trace.graph().constant(&[1.0; 3], [3]);
        let shares = trace.sample("shares", Dirichlet::new(ones));
        let shares = shares.reshape([3, 1]);
        trace.observe(
            "counts",
            Multinomial::probs(6.0, shares),
            data.matrix("counts"),
        );
    })
}

#[test]
fn minibatches_of_rows_that_depend_on_each_other_are_refused() {
    let y: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 13) / 3.0 - 2.0).collect();
    let batch = advi().steps(50).batch(10);
    let series = model::from_fn(|trace, data| {
        let phi = trace.sample("phi", Normal::new(0.0, 1.0));
        let series = AutoRegressive::new(data.rows(), 0.0, phi.reshape([1]), 1.0);
        trace.observe("y", series, data.column("y"));
    });
    let error = message(model::fit(&series, column(&y), &batch));
    assert!(
        error.starts_with("`y` does not treat rows one by one"),
        "{error}"
    );
    assert!(model::fit(&series, column(&y), &advi().steps(50)).is_ok());
    let centred = model::from_fn(|trace, data| {
        let sd = trace.sample("sd", HalfNormal::new(1.0));
        let y = data.column("y");
        trace.observe("y", Normal::new(y.mean(), sd), y);
    });
    assert!(message(model::fit(&centred, column(&y), &batch)).starts_with("`y` does not treat"));
    let first = model::from_fn(|trace, data| {
        let sd = trace.sample("sd", HalfNormal::new(1.0));
        trace.observe(
            "y",
            Normal::new(data.column("y").row(0), sd),
            data.column("y"),
        );
    });
    assert!(message(model::fit(&first, column(&y), &batch)).starts_with("`y` does not treat"));
    let factor = model::from_fn(|trace, data| {
        let sd = trace.sample("sd", HalfNormal::new(1.0));
        let largest = (data.column("y") * sd).max();
        trace.factor("largest", -largest);
    });
    let error = message(model::fit(&factor, column(&y), &batch));
    assert!(error.starts_with("`largest` does not treat"), "{error}");
}

#[test]
fn minibatches_of_rows_that_are_apart_are_fitted() {
    let n = 40;
    let x: Vec<f64> = (0..3 * n)
        .map(|i| f64::from(i * 5 % 17) / 8.0 - 1.0)
        .collect();
    let y: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 13) / 6.0 - 1.0).collect();
    let group: Vec<usize> = (0..n as usize).map(|i| i % 4).collect();
    let data = column(&y)
        .matrix("x", &x, 3)
        .unwrap()
        .index("group", &group)
        .unwrap();
    let model = model::from_fn(|trace, data| {
        let weights = trace.sample("weights", Normal::new(0.0, 1.0).expand([2, 4]));
        let level = trace.sample("level", Normal::new(0.0, 1.0).expand([4]));
        let sd = trace.sample("sd", HalfNormal::new(1.0));
        // An intercept as a feature, a softmax over features, a part of the features.
        let ones = data.column("y").reshape([1, data.rows()]) * 0.0 + 1.0;
        let x = model::concat(&[data.matrix("x"), ones], 0);
        let hidden = weights.matmul(x);
        let hidden = (hidden - hidden.max_axis(0)).exp();
        let shares = hidden / hidden.sum_axis(0);
        let mean = shares.row(1) + level.gather(data.index("group"), 0);
        trace.observe("y", StudentT::new(4.0, mean, sd), data.column("y"));
        trace.factor("penalty", -0.1 * (mean * mean));
    });
    model::fit(&model, &data, &advi().steps(50).batch(10)).unwrap();
}

#[test]
fn rows_to_predict_are_as_wide_as_those_of_the_fit() {
    let data = datasets::moons(60, 0.2, 0).unwrap();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let fit = bnn.fit(&data, &advi().steps(50)).unwrap();
    let flat = [0.5; 40];
    assert!(message(fit.predict(&flat, 5)).contains("does not say how wide its rows are"));
    assert!(message(fit.predict(&[[0.5; 4]; 10], 5)).contains("4 numbers a row"));
    let prediction = fit.predict(&[[0.5; 2]; 10], 5).unwrap();
    assert_eq!(
        message(prediction.score(&[0.0; 20])),
        "10 rows were predicted and there are 20 targets; each row needs one"
    );
}

#[test]
fn a_test_set_is_scaled_as_the_training_set_was() {
    let raw = datasets::moons(60, 0.2, 0).unwrap();
    let train = raw.standardized();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let fit = bnn.fit(&train, &advi().steps(50)).unwrap();
    assert!(message(fit.predict(&raw, 5)).contains("are not standardised, those of the fit are"));
    let own = raw.select(&[1, 2, 3, 4]).unwrap().standardized();
    assert!(message(fit.predict(&own, 5)).contains("standardised by other constants"));
    let right = raw
        .standardized_by(train.standardization().unwrap())
        .unwrap();
    assert_eq!(
        fit.predict(&right, 5).unwrap().mean(),
        fit.predict(&train, 5).unwrap().mean()
    );
    let unscaled = bnn.fit(&raw, &advi().steps(50)).unwrap();
    assert!(message(unscaled.predict(&train, 5)).contains("are standardised, those of the fit"));
}

#[test]
fn what_is_only_observed_need_not_be_there_to_predict() {
    let counts = [1.0, 2.0, 3.0, 0.0, 4.0, 2.0];
    let data = Data::new().column("t", &[1.0, 2.0]).unwrap();
    let data = data.matrix("counts", &counts, 3).unwrap();
    let fit = model::fit(&votes(), data, &advi()).unwrap();
    let new = Data::new().column("t", &[1.0, 2.0, 3.0]).unwrap();
    let draws = fit.predictive(new, 20, 0).unwrap();
    let counts = draws.variable("counts").unwrap();
    assert_eq!(counts.shape().to_string(), "[3, 3]");
    assert_eq!(counts.values().iter().sum::<f64>(), 20.0 * 3.0 * 6.0);
}

#[test]
fn new_rows_of_a_series_are_no_forecast() {
    let series = model::from_fn(|trace, data| {
        let phi = trace.sample("phi", Normal::new(0.0, 1.0));
        let series = AutoRegressive::new(data.rows(), 0.0, phi.reshape([1]), 1.0);
        let series = series.initial(Normal::new(0.0, 1.0));
        trace.observe("y", series, data.column("y"));
    });
    let y: Vec<f64> = (0..40).map(|i| f64::from(i).sin()).collect();
    let data = column(&y).column("t", &y).unwrap();
    let fit = model::fit(&series, &data, &advi()).unwrap();
    let new = Data::new().column("t", &[0.0; 5]).unwrap();
    assert!(message(fit.predictive(new, 10, 0)).contains("there are no forecasts yet"));
    let same = Data::new().column("t", &y).unwrap();
    assert_eq!(
        fit.predictive(same, 10, 0).unwrap().variables()[0]
            .values()
            .len(),
        400
    );
    assert!(fit.predictive(&data, 10, 0).is_ok());
}

#[test]
fn a_factor_has_no_pointwise_density() {
    let model = model::from_fn(|trace, _| {
        let x = trace.sample("x", Normal::new(0.0, 1.0));
        trace.factor("y", -0.5 * x * x);
    });
    let fit = model::fit(&model, Data::new(), &advi()).unwrap();
    let error = message(fit.loo("y"));
    assert!(error.contains("`y` is not observed"), "{error}");
    assert!(
        error.contains("the model observes nothing (a `factor` is one number"),
        "{error}"
    );
}

#[test]
fn a_column_that_is_constant_but_for_rounding_is_not_scaled() {
    let rows = [[0.1 + 0.2, 1.0], [0.3, 2.0], [0.3, 3.0], [0.1 + 0.2, 4.0]];
    let train = Dataset::from_rows(&rows, &[0.0; 4]).unwrap().standardized();
    let constants = train.standardization().unwrap();
    assert_eq!(constants.sds()[0], 1.0);
    let test = Dataset::from_rows(&[[0.9, 2.0]], &[0.0]).unwrap();
    let test = test.standardized_by(constants).unwrap();
    assert!((test.x()[0] - 0.6).abs() < 1e-15, "{}", test.x()[0]);
}

#[test]
fn a_model_declares_the_same_variables_at_every_run() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    for times in 1..4 {
        let runs = Arc::new(AtomicUsize::new(0));
        let model = model::from_fn(move |trace, data| {
            let mean = trace.sample("mean", Normal::new(0.0, 1.0));
            if runs.fetch_add(1, Ordering::Relaxed) < times {
                trace.sample("forgotten", Normal::new(0.0, 1.0));
            }
            trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
        });
        let error = message(model::fit(&model, column(&COUNTS), &advi()));
        assert_eq!(
            error,
            "`forgotten` is not declared now, but was when the model was looked at first; a model \
             must declare the same variables at every run",
            "{times}"
        );
    }
}

#[test]
fn data_without_numbers_or_whole_rows_are_named() {
    let empty = Data::new().column("weight", &[] as &[f64]);
    assert!(message(empty).starts_with("`weight` is empty"));
    assert!(message(Data::new().matrix("votes", &[1.0], 0)).starts_with("`votes` is empty"));
    assert_eq!(
        message(Data::new().matrix("votes", &[1.0, 2.0, 3.0], 2)),
        "`votes` holds 3 values, not a multiple of 2 features; it is row-major [n, features]"
    );
}

#[test]
fn a_start_gives_each_variable_once() {
    let model = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let start = Start::values([("mean", [1.0]), ("mean", [2.0])]);
    let error = message(model::fit(&model, column(&COUNTS), &nuts().start_at(start)));
    assert!(
        error.starts_with("the start has values of `mean` twice"),
        "{error}"
    );
}
