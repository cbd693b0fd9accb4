//! Missing values of observed columns: variables of the model, with the observed ones'
//! distribution.

use bayes_nn::distributions::{
    Distribution, Exponential, GaussianRandomWalk, HalfNormal, Normal, Poisson, Uniform,
};
use bayes_nn::model::{self, Batch, Data, Model, Posterior, Trace};
use bayes_nn::{Advi, Device, Error, Nuts};
use bayes_nn_kernels::Cpu;

const NAN: f64 = f64::NAN;
const Y: [f64; 8] = [1.1, NAN, 0.7, 1.9, NAN, 1.4, 0.2, NAN];

fn normal_mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(1.0, 2.0));
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
}

fn nuts() -> Nuts {
    Nuts::new().draws(2_000).seed(3)
}

fn column(name: &str, values: &[f64]) -> Data {
    Data::new().column_with_missing(name, values).unwrap()
}

fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.to_string(),
    }
}

/// Mean and sd of a scalar, or of an element, with the errors of both.
fn check<M: Model>(samples: &Posterior<M>, name: &str, mean: f64, sd: f64) {
    let summary = samples.summary().unwrap();
    let row = summary.rows.iter().find(|row| row.name == name).unwrap();
    // Once in 10,000 right runs an error is beyond 3.9 of its standard errors.
    let (found, error) = (row.mean.unwrap(), row.mcse_mean.unwrap());
    assert!(
        (found - mean).abs() < 3.9 * error,
        "{name}: {found} for {mean}"
    );
    let (found, error) = (row.sd.unwrap(), row.mcse_sd.unwrap());
    assert!((found - sd).abs() < 3.9 * error, "{name}: {found} for {sd}");
}

/// Posterior mean and sd of the mean, of the rows that are there.
fn exact() -> (f64, f64) {
    let seen: Vec<f64> = Y.iter().copied().filter(|y| !y.is_nan()).collect();
    let precision = 0.25 + seen.len() as f64 / 0.25;
    let mean = (0.25 + seen.iter().sum::<f64>() / 0.25) / precision;
    (mean, precision.sqrt().recip())
}

#[test]
fn values_missing_at_random_leave_the_posterior_of_the_complete_rows() {
    let data = column("y", &Y);
    let samples = model::fit(&normal_mean, &data, &nuts()).unwrap();
    let (mean, sd) = exact();
    check(&samples, "mean", mean, sd);
    // Imputed values have the predictive distribution.
    for element in 0..3 {
        let name = format!("y_missing[{element}]");
        check(&samples, &name, mean, (sd * sd + 0.25).sqrt());
    }
}

#[test]
fn variational_fits_impute_too() {
    let advi = Advi::full_rank().steps(6_000).learning_rate(0.02);
    let fit = model::fit(&normal_mean, column("y", &Y), &advi).unwrap();
    let (mean, sd) = exact();
    let draws = fit.draws(2_000, 1).unwrap();
    let found = draws.variable("mean").unwrap();
    assert!((found.mean()[0] - mean).abs() < 0.05, "{:?}", found.mean());
    assert!((found.sd()[0] - sd).abs() < 0.05, "{:?}", found.sd());
    let imputed = draws.variable("y_missing").unwrap();
    for (found, element) in imputed.sd().iter().zip(0..) {
        let expected = (sd * sd + 0.25).sqrt();
        assert!((found - expected).abs() < 0.07, "{element}: {found}");
    }
}

#[test]
fn only_what_was_seen_has_a_log_likelihood_and_every_row_a_prediction() {
    let data = column("y", &Y);
    let samples = model::fit(&normal_mean, &data, &nuts().draws(50)).unwrap();
    let draws = samples.all_draws().unwrap();
    let mean = draws.variable("mean").unwrap();
    let pointwise = samples.log_likelihood(&data).unwrap();
    let pointwise = pointwise.variable("y").unwrap();
    assert_eq!(pointwise.shape().to_string(), "[5]");
    for draw in 0..200 {
        let seen = Y.iter().filter(|y| !y.is_nan());
        for (y, found) in seen.zip(pointwise.draw(draw).unwrap()) {
            let error = (y - mean.draw(draw).unwrap()[0]) / 0.5;
            let expected = -0.5 * error * error - 0.5 * (std::f64::consts::TAU * 0.25).ln();
            assert!((found - expected).abs() < 1e-12);
        }
    }
    let replicated = samples.predictive(&data, 200, 1).unwrap();
    assert_eq!(replicated.variable("y").unwrap().shape().to_string(), "[8]");
    // New rows need no values, or whole ones.
    let new = Data::new().column("other", &[0.0; 3]).unwrap();
    let new = samples.predictive(&new, 10, 1).unwrap();
    assert_eq!(new.variable("y").unwrap().shape().to_string(), "[3]");
    let whole = Data::new().column("y", &[1.0, 2.0]).unwrap();
    let whole = samples.log_likelihood(&whole).unwrap();
    assert_eq!(whole.variable("y").unwrap().shape().to_string(), "[2]");
    let prior = model::prior_predictive(&normal_mean, &data, 10, 1).unwrap();
    assert_eq!(prior.variable("y").unwrap().shape().to_string(), "[8]");
}

/// Of a covariate and an outcome that depends on it, both with gaps.
fn regression<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let x = trace.observe("x", Normal::new(1.0, 2.0), data.column("x"));
    trace.deterministic("twice", 2.0 * x);
    trace.observe("y", Normal::new(3.0 * x, 1.0), data.column("y"));
}

#[test]
fn a_covariate_is_imputed_from_what_depends_on_it() {
    let data = column("x", &[0.3, NAN, NAN]);
    let data = data.column_with_missing("y", &[1.0, 4.0, NAN]).unwrap();
    let samples = model::fit(&regression, &data, &nuts()).unwrap();
    // x ~ N(1, 2) and 4 ~ N(3 x, 1); where neither is known, the prior.
    let precision = 0.25 + 9.0;
    let mean = (0.25 + 12.0) / precision;
    check(&samples, "x_missing[0]", mean, f64::sqrt(1.0 / precision));
    check(&samples, "x_missing[1]", 1.0, 2.0);
    check(&samples, "y_missing", 3.0, 37f64.sqrt());
    let draws = samples.all_draws().unwrap();
    let (x, twice) = (draws.variable("x_missing"), draws.variable("twice"));
    let (x, twice) = (x.unwrap(), twice.unwrap());
    for draw in 0..100 {
        let (x, twice) = (x.draw(draw).unwrap(), twice.draw(draw).unwrap());
        assert_eq!(twice, [0.6, 2.0 * x[0], 2.0 * x[1]]);
    }
    // In simulations what depends on the covariate depends on the simulated one.
    let prior = model::prior_predictive(&regression, &data, 4_000, 1).unwrap();
    let y = prior.variable("y").unwrap();
    for (mean, sd) in y.mean().into_iter().zip(y.sd()) {
        // Five standard errors of 4,000 draws.
        assert!((mean - 3.0).abs() < 5.0 * (37f64 / 4_000.0).sqrt());
        assert!((sd / 37f64.sqrt() - 1.0).abs() < 5.0 / 8_000f64.sqrt());
    }
}

#[test]
fn imputed_values_stay_inside_the_support_of_their_row() {
    fn model<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let high = data.column("high");
        trace.observe("share", Uniform::new(0.0, high), data.column("share"));
        let wait = Exponential::new(2.0).expand([4]);
        trace.observe("wait", wait, data.column("wait"));
    }
    let data = column("share", &[0.5, NAN, 0.25, NAN]);
    let data = data.column("high", &[1.0, 2.0, 3.0, 40.0]).unwrap();
    let data = data.column_with_missing("wait", &[0.5, 0.2, NAN, 1.0]);
    let data = data.unwrap();
    let samples = model::fit(&model, &data, &nuts()).unwrap();
    check(&samples, "share_missing[0]", 1.0, 2.0 / 12f64.sqrt());
    check(&samples, "share_missing[1]", 20.0, 40.0 / 12f64.sqrt());
    check(&samples, "wait_missing", 0.5, 0.5);
    let pointwise = samples.log_likelihood(&data).unwrap();
    let share = pointwise.variable("share").unwrap().draw(7).unwrap();
    assert!(share[0].abs() < 1e-12 && (share[1] + 3f64.ln()).abs() < 1e-12);
}

#[test]
fn what_cannot_be_imputed_says_why_and_what_would_be_right() {
    assert_eq!(
        message(Data::new().column("y", &[1.0, NAN])),
        "row 1, column `y`: NaN is not finite; if the value is missing, add the column by \
         `Data::column_with_missing`, and a model that observes it imputes it"
    );
    let infinite = Data::new().column_with_missing("y", &[NAN, f64::INFINITY]);
    assert_eq!(message(infinite), "row 1, column `y`: inf is not finite");
    let nothing = message(Data::new().column_with_missing("y", &[NAN; 3]));
    assert!(nothing.starts_with("the column `y` has missing values in every row"));

    let data = column("y", &Y);
    let advi = || Advi::mean_field().steps(20).elbo_draws(10);
    // On several devices all rows are a minibatch, too.
    let group = Device::new("two CPUs", Cpu::detect().unwrap().group(2).unwrap());
    for advi in [advi().batch(2), advi().device(group)] {
        let error = message(model::fit(&normal_mean, &data, &advi));
        assert!(error.contains("minibatch has other rows"), "{error}");
        assert!(error.contains("on one device"), "{error}");
    }
    let counts = model::from_fn(|trace, data| {
        trace.observe("count", Poisson::new(2.0), data.column("y"));
    });
    let error = message(model::fit(&counts, &data, &advi()));
    assert!(error.contains("Poisson does not impute"), "{error}");
    let walk = model::from_fn(|trace, data| {
        let steps = GaussianRandomWalk::new(8, 0.0, 1.0);
        trace.observe("walk", steps, data.column("y"));
    });
    let error = message(model::fit(&walk, &data, &advi()));
    assert!(error.contains("depend on each other"), "{error}");

    let misused: [for<'g> fn(&Trace<'g>, &Batch<'g>); 5] = [
        |trace, data| {
            let scale = trace.sample("scale", HalfNormal::new(1.0));
            let y = data.column("y");
            trace.observe("y", Normal::new(0.0, scale), y + 1.0);
        },
        |trace, data| {
            trace.sample("local", Normal::new(data.column("y"), 1.0));
        },
        |trace, data| {
            trace.deterministic("copy", data.column("y"));
        },
        |trace, data| trace.factor("term", -data.column("y")),
        |trace, data| {
            let y = data.column("y");
            trace.observe("a", Normal::new(0.0, 1.0), y);
            trace.observe("b", Normal::new(0.0, 1.0), y);
        },
    ];
    for model in misused {
        let density = model::from_fn(move |trace, data| {
            trace.sample("x", Normal::new(0.0, 1.0));
            model(trace, data);
        });
        let error = message(model::fit(&density, &data, &advi()));
        assert!(error.contains("observe the column once"), "{error}");
    }
    let outside = column("y", &[NAN, 0.5, 3.0]);
    let share = model::from_fn(|trace, data| {
        trace.observe("share", Uniform::new(0.0, 1.0), data.column("y"));
    });
    let error = message(model::fit(&share, &outside, &advi()));
    assert!(error.starts_with("`share`, row 2: 3 cannot"), "{error}");
}

#[test]
fn other_rows_than_those_of_the_fit_have_no_imputed_values() {
    let data = column("y", &Y);
    let samples = model::fit(&normal_mean, &data, &nuts().draws(20)).unwrap();
    let other = column("y", &[NAN, 1.0, 1.0, NAN, NAN]);
    for error in [
        message(samples.predictive(&other, 10, 0)),
        message(samples.log_likelihood(&other)),
    ] {
        assert!(error.contains("leave the column out"), "{error}");
    }
}
