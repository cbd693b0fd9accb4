//! A variational fit beside NUTS, on posteriors that are known.

use bayes_nn::diagnostics::k_hat_threshold;
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::prelude::{Bernoulli, Categorical, Gaussian, Mlp, Normal, Tanh};
use bayes_nn::report::Report;
use bayes_nn::{
    Advi, Bnn, Dataset, Error, Estimator, Nuts, Predict, Schedule, Task, compare, compare_on,
    datasets,
};

/// A line with known noise: the posterior is a normal.
fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 3.0));
    let offset = trace.sample("offset", Normal::new(0.0, 3.0));
    let mean = trace.deterministic("mean", slope * data.column("x") + offset);
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
}

fn line_data() -> Data {
    let x: Vec<f64> = (0..12).map(|i| 1.0 + 0.2 * f64::from(i)).collect();
    let y: Vec<f64> = x.iter().map(|x| 0.7 * x + 0.4 * (5.0 * x).sin()).collect();
    let data = Data::new().column("x", &x).unwrap();
    data.column("y", &y).unwrap()
}

fn settled(advi: Advi) -> Advi {
    advi.steps(8_000)
        .learning_rate(0.02)
        .schedule(Schedule::Cosine { last: 0.02 })
        .estimator(Estimator::StickingTheLanding)
        .samples(4)
        .averaging(0.5)
        .seed(3)
}

#[test]
fn a_full_rank_fit_of_a_normal_agrees_with_nuts() {
    let data = line_data();
    let advi = model::fit(&line, &data, &settled(Advi::full_rank())).unwrap();
    let nuts = model::fit(&line, &data, &Nuts::new().draws(2_000).seed(2)).unwrap();
    let comparison = compare_on(&advi, &nuts, &data, Predict::draws(4_000)).unwrap();
    assert_eq!(comparison.sites.len(), 2 + 12);
    for site in &comparison.sites {
        assert!(!site.differs(), "{site:?}");
        // Once in 10,000 right runs beyond 3.9 errors; the fit itself is within 2 %.
        let (difference, ratio) = (site.difference().unwrap(), site.sd_ratio().unwrap());
        assert!(difference.value.abs() < 3.9 * difference.error + 0.02);
        assert!((ratio.value - 1.0).abs() < 3.9 * ratio.error + 0.02);
    }
    assert!(comparison.k_hat.unwrap() < 0.5, "{:?}", comparison.k_hat);
    let y = &comparison.predictions[0];
    assert_eq!(
        (y.name.as_str(), y.task, y.rows()),
        ("y", Task::Regression, 12)
    );
    assert!(
        y.agrees() && y.distance() < 2.0 * y.chance + 0.02,
        "{comparison}"
    );
    assert!(y.log_score_difference().unwrap().value.abs() < 0.01);
    let shown = comparison.to_string();
    for part in [
        "ADVI predicts `y` much as NUTS does",
        "No variable of 14 differs",
        "the fit is near the posterior",
        "coverage of 95 % intervals",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn a_mean_field_of_correlated_normals_has_the_known_sds() {
    // Unit variances and correlation r: each independent normal has the conditional sd.
    let r: f64 = 0.9;
    let rest = (1.0 - r * r).sqrt();
    let pair = model::from_fn(move |trace, _| {
        let a = trace.sample("a", Normal::new(0.0, 1.0));
        trace.sample("b", Normal::new(r * a, rest));
    });
    let advi = model::fit(&pair, Data::new(), &settled(Advi::mean_field())).unwrap();
    let nuts = model::fit(&pair, Data::new(), &Nuts::new().draws(2_000).seed(1)).unwrap();
    let comparison = compare(&advi, &nuts).unwrap();
    for site in &comparison.sites {
        let ratio = site.sd_ratio().unwrap();
        assert!(
            (ratio.value - rest).abs() < 3.9 * ratio.error + 0.01,
            "{ratio}"
        );
        assert!(site.differs());
    }
    // The tail of the importance ratios has the shape r; 1000 draws tell it by 0.1 or so.
    let k_hat = comparison.k_hat.unwrap();
    assert!(
        k_hat > k_hat_threshold(1_000) && (k_hat - r).abs() < 0.35,
        "{k_hat}"
    );
    assert!(comparison.predictions.is_empty());
    assert!(comparison.to_string().contains("2 of 2 variables differ"));
}

#[test]
fn a_network_is_judged_by_its_predictions() {
    let data = datasets::moons(200, 0.2, 0).unwrap().standardized();
    let (train, test) = data.split(0.5, 0).unwrap();
    let net = Mlp::new([2, 4, 1]).activation(Tanh);
    let bnn = Bnn::new(net.prior(Normal::new(0.0, 1.0)), Bernoulli);
    let advi = bnn.fit(&train, &Advi::mean_field().steps(4_000)).unwrap();
    let nuts = Nuts::new().draws(200).warmup(300).chains(2).seed(4);
    let nuts = bnn.fit(&train, &nuts).unwrap();
    let how = Predict::draws(400).seed(5);
    let comparison = compare_on(&advi, &nuts, &test, how).unwrap();
    let y = &comparison.predictions[0];
    assert_eq!(y.task, Task::Binary);
    // What `predict` streams over rows is the same.
    let [own, chains] = [
        advi.predict_with(&test, how).unwrap(),
        nuts.predict_with(&test, how).unwrap(),
    ];
    for (row, distance) in y.distances.iter().enumerate() {
        assert!((own.mean()[row] - y.fit.mean[row]).abs() < 1e-4);
        assert!((chains.mean()[row] - y.reference.mean[row]).abs() < 1e-9);
        let expected = (own.mean()[row] - chains.mean()[row]).abs();
        assert!((distance - expected).abs() < 1e-4);
        let sd = chains.sd_between_draws()[row];
        assert!((sd - y.reference.sd[row]).abs() < 0.01 * sd + 1e-9);
    }
    let score = chains.score(test.y()).unwrap();
    let log_loss = score.classification().unwrap().log_loss;
    assert!((y.log_scores().unwrap()[1] + log_loss).abs() < 1e-9);
    assert!(y.agrees(), "{comparison}");
    assert!(comparison.k_hat.unwrap() > 0.7);
    let shown = comparison.to_string();
    assert!(
        shown.contains("models with many equal modes fail this"),
        "{shown}"
    );
    assert!(
        shown.contains("NUTS warns: the chains do not agree"),
        "{shown}"
    );
    assert!(
        shown.contains("only predictions can be compared"),
        "{shown}"
    );
    let html = Report::new("t").comparison(&comparison).to_html();
    assert!(html.contains("calibration error") && html.contains("layer0.weight[0, 0]"));

    // Without labels predictions are compared, not scored.
    let rows = Data::new().matrix("x", test.x(), 2).unwrap();
    let unseen = compare_on(&advi, &nuts, rows, how).unwrap();
    assert_eq!(unseen.predictions[0].distances, y.distances);
    assert!(unseen.predictions[0].log_scores().is_none());
    assert!(unseen.predictions[0].reference.score.is_none());
}

#[test]
fn classes_and_numbers_have_their_own_distances() {
    let x: Vec<f64> = (0..30).map(|i| f64::from(i) / 10.0 - 1.5).collect();
    let classes: Vec<f64> = x.iter().map(|x| (x + 1.5).floor()).collect();
    let how = Predict::draws(200);
    let nuts = Nuts::new().draws(100).warmup(200).chains(2).seed(1);

    let data = Dataset::new(&x, 1, &classes).unwrap();
    let bnn = Bnn::new(Mlp::new([1, 3, 3]).activation(Tanh), Categorical);
    let advi = bnn.fit(&data, &Advi::mean_field().steps(2_000)).unwrap();
    let chains = bnn.fit(&data, &nuts).unwrap();
    let comparison = compare_on(&advi, &chains, &data, how).unwrap();
    let y = &comparison.predictions[0];
    assert_eq!(
        (y.task, y.rows(), y.reference.mean.len()),
        (Task::Classes(3), 30, 90)
    );
    let expected = chains.predict_with(&x, how).unwrap();
    for (p, expected) in y.reference.mean.iter().zip(expected.mean()) {
        assert!((p - expected).abs() < 1e-9);
    }
    let pairs = y.fit.mean.chunks(3).zip(y.reference.mean.chunks(3));
    for ((a, b), distance) in pairs.zip(&y.distances) {
        let above = a.iter().zip(b).map(|(a, b)| (a - b).max(0.0)).sum::<f64>();
        assert!(
            (distance - above).abs() < 1e-9,
            "half of the sum is one side of it"
        );
    }

    let targets: Vec<f64> = x.iter().map(|x| 3.0 * x + 10.0).collect();
    let data = Dataset::new(&x, 1, &targets).unwrap();
    let bnn = Bnn::new(Mlp::new([1, 3, 1]).activation(Tanh), Gaussian::default());
    let advi = bnn.fit(&data, &Advi::mean_field().steps(500)).unwrap();
    let chains = bnn.fit(&data, &nuts).unwrap();
    let comparison = compare_on(&advi, &chains, &data, how).unwrap();
    let y = &comparison.predictions[0];
    let score = chains.score(&data, how).unwrap();
    let expected = score.regression().unwrap().log_likelihood;
    assert!((y.log_scores().unwrap()[1] - expected).abs() < 1e-9);
    // So few steps leave the fit far from everything.
    assert!(!y.agrees(), "{comparison}");
    assert!(comparison.to_string().contains("ADVI does not predict `y`"));
}

#[test]
fn what_does_not_belong_together_is_not_compared() {
    let data = line_data();
    let fit = |data: &Data| model::fit(&line, data, &Advi::mean_field().steps(100)).unwrap();
    let short = || Nuts::new().draws(50).warmup(100).chains(1);
    let nuts = model::fit(&line, &data, &short()).unwrap();

    let few = compare_on(&fit(&data), &nuts, &data, Predict::draws(10));
    let message = few.unwrap_err().to_string();
    assert!(message.contains("10 draws; at least 25"), "{message}");

    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let other = Data::new().column("x", &x).unwrap();
    let message = compare_on(&fit(&data), &nuts, Data::new(), Predict::draws(100));
    assert!(matches!(message, Err(Error::UnknownColumn { .. })));
    let other = other.column("y", &x).unwrap();
    let error = compare(&fit(&other), &nuts).unwrap_err();
    assert!(matches!(error, Error::OtherPosterior { .. }), "{error}");

    let scaled = |sd: f64, name: &'static str| {
        model::from_fn(move |trace, _| {
            trace.sample(name, Normal::new(0.0, sd));
        })
    };
    let nuts = model::fit(&scaled(1.0, "x"), Data::new(), &short()).unwrap();
    for (sd, name) in [(2.0, "x"), (1.0, "z")] {
        let advi = model::fit(
            &scaled(sd, name),
            Data::new(),
            &Advi::mean_field().steps(10),
        );
        let error = compare(&advi.unwrap(), &nuts).unwrap_err();
        match name {
            "x" => assert!(matches!(error, Error::OtherPosterior { .. }), "{error}"),
            _ => assert!(error.to_string().contains("the approximation is of `z`")),
        }
    }
}
