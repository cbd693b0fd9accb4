//! Models and networks sampled by NUTS, from the model function to predictions.

use bayes_nn::distributions::{Distribution, HalfNormal, Normal, Uniform};
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::prelude::{Bernoulli, Gaussian, Mlp, Tanh};
use bayes_nn::{Advi, Bnn, Nuts, Precision, Predict, Start, datasets};

/// Normal mean with known noise: everything is known exactly.
fn normal_mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(1.0, 2.0));
    trace.deterministic("double", 2.0 * mean);
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
}

const Y: [f64; 5] = [1.1, 0.7, 1.9, 1.4, 0.2];

#[test]
fn a_conjugate_model_gets_its_exact_posterior_and_predictive() {
    let precision: f64 = 0.25 + 5.0 / 0.25;
    let mean = (0.25 + Y.iter().sum::<f64>() / 0.25) / precision;
    let sd = precision.sqrt().recip();
    let data = Data::new().column("y", &Y).unwrap();
    let samples = model::fit(&normal_mean, &data, &Nuts::new().draws(2_000).seed(2)).unwrap();

    let row = &samples.summary().unwrap().rows[0];
    assert_eq!(row.name, "mean");
    assert!(row.r_hat.unwrap() < 1.01 && row.ess_bulk.unwrap() > 1_000.0);
    // Once in 10,000 right runs an error is beyond 3.9 of its standard errors.
    assert!((row.mean.unwrap() - mean).abs() < 3.9 * row.mcse_mean.unwrap());
    assert!((row.sd.unwrap() - sd).abs() < 3.9 * row.mcse_sd.unwrap());

    assert_eq!(samples.chains().len(), 4);
    let all = samples.all_draws().unwrap();
    let values = all.variable("mean").unwrap().values();
    let doubles = all.variable("double").unwrap().values();
    assert_eq!(values.len(), 8_000);
    assert!(values.iter().zip(doubles).all(|(a, b)| 2.0 * a == *b));
    let second = samples.chains()[1].variable("mean").unwrap().values();
    assert_eq!(second, &values[2_000..4_000]);

    let error = samples.predictive(Data::new(), 0, 0).unwrap_err();
    assert!(error.to_string().contains("`draws` is 0"));
    let pointwise = samples.log_likelihood(&data).unwrap();
    let pointwise = pointwise.variable("y").unwrap();
    for (draw, mean) in values.iter().enumerate().step_by(97) {
        for (y, found) in Y.iter().zip(pointwise.draw(draw).unwrap()) {
            let error = (y - mean) / 0.5;
            let expected = -0.5 * error * error - 0.5 * (std::f64::consts::TAU * 0.25).ln();
            assert!((found - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn predictions_come_from_the_draws_of_all_chains() {
    fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let slope = trace.sample("slope", Normal::new(0.0, 5.0));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        let mean = slope * data.column("x");
        trace.observe("y", Normal::new(mean, noise), data.column("y"));
    }
    let x: Vec<f64> = (1..20).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 3.0 * x + 0.2 * (7.0 * x).sin()).collect();
    let data = Data::new()
        .column("x", &x)
        .unwrap()
        .column("y", &y)
        .unwrap();
    let samples = model::fit(&line, &data, &Nuts::new().draws(500).seed(2)).unwrap();
    let new = Data::new().column("x", &[100.0, -2.0]).unwrap();
    let draws = samples.predictive(&new, 800, 1).unwrap();
    let y = draws.variable("y").unwrap();
    assert_eq!(y.values().len(), 1_600);
    for (mean, expected) in y.mean().into_iter().zip([300.0, -6.0]) {
        assert!((mean - expected).abs() < 1.0, "{mean}");
    }
    assert_eq!(samples.predictive(&new, 800, 1).unwrap(), draws);
}

#[test]
fn constrained_sites_stay_inside_their_supports() {
    let model = model::from_fn(|trace, _| {
        let low = trace.sample("low", HalfNormal::new(1.0));
        trace.sample("above", Uniform::new(low, low + 1.0).expand([2, 1]));
    });
    let nuts = Nuts::new().draws(300).chains(2).start_at(Start::Prior);
    let samples = model::fit(&model, Data::new(), &nuts).unwrap();
    for chain in samples.chains() {
        let low = chain.variable("low").unwrap().values();
        let above = chain.variable("above").unwrap();
        assert_eq!(above.shape().to_string(), "[2, 1]");
        for (low, above) in low.iter().zip(above.values().chunks(2)) {
            assert!(above.iter().all(|a| low <= a && *a <= low + 1.0));
        }
    }
    let names: Vec<String> = samples
        .summary()
        .unwrap()
        .rows
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(names, ["low", "above[0, 0]", "above[1, 0]"]);
}

#[test]
fn the_table_warns_without_being_asked() {
    // A funnel, which NUTS cannot draw from.
    let funnel = model::from_fn(|trace, _| {
        let v = trace.sample("v", Normal::new(0.0, 3.0));
        trace.sample("x", Normal::new(0.0, (0.5 * v).exp()).expand([9]));
    });
    let samples = model::fit(&funnel, Data::new(), &Nuts::new().seed(1)).unwrap();
    let shown = samples.to_string();
    assert!(shown.contains("the chains do not agree"), "{shown}");
    assert!(shown.contains("E-BFMI"), "{shown}");
    assert!(shown.contains("are worth"), "{shown}");
    // A density with an edge.
    let edge = model::from_fn(|trace, _| {
        let x = trace.sample("x", Normal::new(0.0, 1.0));
        trace.factor("edge", 0.01 * (x + 0.5).ln());
    });
    let samples = model::fit(&edge, Data::new(), &Nuts::new().seed(1)).unwrap();
    let divergences = format!(
        "{} of 4000 trajectories diverged",
        samples.nuts().unwrap().divergences()
    );
    assert!(samples.nuts().unwrap().divergences() > 0);
    assert!(samples.to_string().contains(&divergences), "{samples}");
    let easy = model::from_fn(|trace, _| {
        trace.sample("x", Normal::new(0.0, 1.0).expand([3]));
    });
    let samples = model::fit(&easy, Data::new(), &Nuts::new().seed(1)).unwrap();
    assert!(samples.warnings().is_empty(), "{:?}", samples.warnings());
    assert!(
        samples
            .to_string()
            .contains("4 chains of 1000, 1000, 1000, 1000 draws")
    );
}

#[test]
fn single_precision_is_warned_of_where_it_is_too_coarse() {
    for (constant, warned) in [(0.0, false), (3e6, true)] {
        let normal = model::from_fn(move |trace, _| {
            let x = trace.sample("x", Normal::new(0.0, 1.0).expand([3]));
            trace.factor("constant", constant + 0.0 * x.sum());
        });
        let nuts = Nuts::new().seed(1).precision(Precision::F32);
        let samples = model::fit(&normal, Data::new(), &nuts).unwrap();
        let warning = format!(
            "double precision rejected {} of 4000 draws",
            samples.nuts().unwrap().rejected()
        );
        assert_eq!(samples.to_string().contains(&warning), warned, "{samples}");
        assert_eq!(samples.nuts().unwrap().rejected() > 80, warned);
    }
}

#[test]
fn a_network_predicts_from_its_chains_as_from_a_guide() {
    let data = datasets::moons(200, 0.2, 0).unwrap().standardized();
    let (train, test) = data.split(0.5, 0).unwrap();
    let net = Mlp::new([2, 5, 1]).activation(Tanh);
    let bnn = Bnn::new(net, Bernoulli);
    let nuts = Nuts::new().draws(200).warmup(300).chains(2).seed(4);
    let samples = bnn.fit(&train, &nuts).unwrap();
    let prediction = samples.predict(&test, 400).unwrap();
    let score = prediction.score(test.y()).unwrap();
    assert!(score.classification().unwrap().accuracy > 0.85, "{score}");
    let again = samples.score(&test, Predict::draws(400)).unwrap();
    assert_eq!(again, score);

    // The mean of the probabilities of single draws is the prediction.
    let draws = samples.predict_draws(&test, Predict::draws(400)).unwrap();
    for (row, p) in prediction.mean().iter().enumerate() {
        let share = draws.row(row).iter().sum::<f64>() / 400.0;
        // 4.5 standard errors of 400 coins: of all rows, one in a thousand right runs is beyond.
        assert!((share - p).abs() < 4.5 * (0.25f64 / 400.0).sqrt());
    }
    let advi = bnn.fit(&train, &Advi::mean_field().steps(3_000)).unwrap();
    let advi = advi.predict(&test, 400).unwrap();
    let distance = advi.mean().iter().zip(prediction.mean());
    let distance = distance.map(|(a, b)| (a - b).abs()).sum::<f64>() / test.rows() as f64;
    assert!(distance < 0.15, "{distance}");
}

#[test]
fn a_regression_scores_on_the_original_scale() {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0).collect();
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| 100.0 + 20.0 * x + f64::from(i as u8 % 3))
        .collect();
    let data = bayes_nn::Dataset::new(&x, 1, &y);
    let data = data.unwrap().standardized().standardize_target();
    let bnn = Bnn::new(Mlp::new([1, 4, 1]).activation(Tanh), Gaussian::default());
    let nuts = Nuts::new().draws(200).warmup(300).chains(2).seed(4);
    let samples = bnn.fit(&data, &nuts).unwrap();
    let score = samples.score(&data, Predict::draws(200)).unwrap();
    let score = score.regression().unwrap();
    assert!(score.rmse < 5.0 && score.coverage > 0.8, "{score:?}");
}

#[test]
fn errors_of_the_model_come_through() {
    let error = model::fit(&normal_mean, Data::new(), &Nuts::new())
        .err()
        .unwrap();
    assert!(error.to_string().contains("column `y`"), "{error}");
    let data = Data::new().column("y", &Y).unwrap();
    let error = model::fit(&normal_mean, &data, &Nuts::new().draws(0))
        .err()
        .unwrap();
    assert!(error.to_string().contains("`draws` is 0"), "{error}");
    let nowhere = model::from_fn(|trace, _| {
        let x = trace.sample("x", Normal::new(0.0, 1.0));
        trace.factor("hole", (-1.0 - x * x).ln());
    });
    let error = model::fit(&nowhere, Data::new(), &Nuts::new())
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("the log density is NaN at the last, first in the term `hole`"),
        "{error}"
    );
}

#[test]
fn a_run_that_is_stopped_before_any_draw_has_none_to_give() {
    let data = Data::new().column("y", &Y).unwrap();
    let nuts = Nuts::new().warmup(u64::MAX / 2).chains(2);
    let sampling = model::start(&normal_mean, &data, &nuts).unwrap();
    sampling.stop();
    let samples = sampling.wait().unwrap();
    assert!(samples.nuts().unwrap().stopped());
    assert!(samples.summary().unwrap().rows.is_empty());
    assert!(samples.to_string().contains("2 chains of 0, 0 draws"));
    for error in [
        samples.all_draws().err(),
        samples.predictive(&data, 10, 0).err(),
    ] {
        assert!(error.unwrap().to_string().contains("there are no draws"));
    }
}
