//! Held-out rows: they score a fit while it runs, change nothing of it, and end it where asked to.

use bayes_nn::prelude::*;
use bayes_nn::{Curve, Stop};

fn moons(rows: usize) -> (Dataset, Dataset) {
    let data = datasets::moons(rows, 0.3, 3).unwrap().standardized();
    data.split(0.5, 0).unwrap()
}

fn waves() -> (Dataset, Dataset) {
    let x: Vec<f64> = (0..240).map(|i| f64::from(i) / 40.0 - 3.0).collect();
    let noise = |i: usize| 0.2 * (17.0 * i as f64).sin();
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| 500.0 + 30.0 * (x.sin() + noise(i)))
        .collect();
    let data = Dataset::new(&x, 1, &y).unwrap().standardize_target();
    data.split(0.5, 0).unwrap()
}

fn net() -> Bnn {
    Bnn::new(Mlp::new([2, 10, 1]), Bernoulli)
}

#[test]
fn held_out_rows_change_no_bit_of_a_fit() {
    let (train, valid) = moons(400);
    for advi in [
        Advi::mean_field().steps(300).seed(4),
        Advi::mean_field().steps(300).batch(32).seed(4).restarts(2),
        Advi::mean_field()
            .steps(300)
            .batch(50)
            .averaging(0.3)
            .every(7),
    ] {
        let alone = net().fit(&train, &advi).unwrap();
        let validated = net().fit_validated(&train, &valid, &advi).unwrap();
        assert_eq!(alone.approximation(), validated.approximation());
        let [alone, validated] = [&alone, &validated].map(|fit| fit.advi().unwrap());
        assert_eq!(alone.curve().elbos(), validated.curve().elbos());
        assert_eq!(alone.elbo(), validated.elbo());
        assert!(alone.curve().scores().is_empty());
        assert!(!validated.curve().scores().is_empty());
    }
}

#[test]
fn scores_come_after_each_epoch_and_at_the_end() {
    let (train, valid) = moons(400);
    let advi = Advi::mean_field().steps(100).batch(32);
    let fit = net().fit_validated(&train, &valid, &advi).unwrap();
    let scores = fit.advi().unwrap().curve().scores();
    let steps: Vec<u64> = scores.iter().map(|scored| scored.step).collect();
    // Two hundred rows are seven batches.
    assert_eq!(steps[..2], [7, 14]);
    assert_eq!(steps[steps.len() - 2..], [98, 100]);
    // Without minibatches no more than a hundred.
    let advi = Advi::mean_field().steps(1_000).full_batch();
    let fit = net().fit_validated(&train, &valid, &advi).unwrap();
    assert_eq!(fit.advi().unwrap().curve().scores().len(), 100);
}

/// Five draws of a guide that 200 draws average: the log likelihood of a row differs by less than
/// 0.03, the largest difference of 20 seeds.
#[test]
fn the_last_score_is_that_of_the_fit_on_the_original_scale() {
    let (train, valid) = moons(400);
    let advi = Advi::mean_field().steps(8_000).seed(1);
    let fit = net().fit_validated(&train, &valid, &advi).unwrap();
    let last = fit.advi().unwrap().curve().scores().last().unwrap().score;
    let score = fit.score(&valid, Predict::draws(200)).unwrap();
    let score = score.classification().unwrap();
    assert_eq!(last.rows, 200);
    assert!(
        (last.log_likelihood + score.log_loss).abs() < 0.03,
        "{last} {score}"
    );
    assert!((last.accuracy.unwrap() - score.accuracy).abs() < 0.03);
    assert_eq!(last.rmse, None);

    let (train, valid) = waves();
    let bnn = Bnn::new(Mlp::new([1, 20, 1]).activation(Tanh), Gaussian::new());
    let fit = bnn.fit_validated(&train, &valid, &advi).unwrap();
    let last = fit.advi().unwrap().curve().scores().last().unwrap().score;
    let score = fit.score(&valid, Predict::draws(200)).unwrap();
    let score = score.regression().unwrap();
    assert!(
        (last.log_likelihood - score.log_likelihood).abs() < 0.03,
        "{last} {score}"
    );
    assert!((last.rmse.unwrap() / score.rmse - 1.0).abs() < 0.05);
    assert_eq!(last.accuracy, None);
    assert!(fit.to_string().contains("validation log likelihood"));
}

#[test]
fn a_fit_that_predicts_no_better_ends_and_keeps_its_best_guide() {
    // Wide, without noise of the weights and with half of the labels wrong, a network learns labels
    // by heart.
    let data = datasets::moons(120, 0.9, 3).unwrap().standardized();
    let (train, valid) = data.split(0.5, 0).unwrap();
    let net = Mlp::new([2, 100, 1]).prior(Normal::new(0.0, 3.0));
    let bnn = Bnn::new(net, Bernoulli);
    let advi = Advi::map().learning_rate(0.02).schedule(Schedule::Constant);
    let advi = advi.averaging(0.0).full_batch().seed(2).every(100);
    let early = advi.clone().steps(4_000).patience(10);
    let fit = bnn.fit_validated(&train, &valid, &early).unwrap();
    let ended = fit.advi().unwrap();
    let best = ended.curve().best_score().unwrap();
    assert_eq!(ended.stop(), Stop::Validation);
    assert_eq!(ended.steps(), best.step + 10 * 40);
    let again = bnn.fit(&train, &advi.steps(best.step)).unwrap();
    assert_eq!(fit.approximation(), again.approximation());
    let report = fit.to_string();
    assert!(
        report.contains("whose guide is kept: none of 10 scores since"),
        "{report}"
    );
}

#[test]
fn each_restart_has_the_scores_that_it_has_alone() {
    let (train, valid) = moons(200);
    let advi = Advi::mean_field().steps(150).batch(25).seed(3);
    let two = advi.clone().restarts(2).threads(1);
    let two = net().fit_validated(&train, &valid, &two).unwrap();
    let two = two.advi().unwrap();
    let alone = net().fit_validated(&train, &valid, &advi.seed(two.seed()));
    let alone = alone.unwrap();
    assert_eq!(two.curve().scores(), alone.advi().unwrap().curve().scores());
}

#[test]
fn several_targets_are_scored_by_their_joint_density() {
    let x = [0.1, 0.4, 0.7, 1.0];
    let data = Data::new().column("x", &x).unwrap();
    let data = data.column("size", &x).unwrap();
    let data = data.column("kind", &[0.0, 0.0, 1.0, 1.0]).unwrap();
    let bnn = Bnn::several(Mlp::new([1, 5, 2]))
        .target("size", 1, Gaussian::new())
        .target("kind", 1, Bernoulli);
    let advi = Advi::mean_field().steps(60);
    let fit = bnn.fit_validated(&data, &data, &advi).unwrap();
    let score = fit.advi().unwrap().curve().scores()[0].score;
    assert!(score.log_likelihood.is_finite());
    assert_eq!((score.rows, score.accuracy, score.rmse), (4, None, None));
}

#[test]
fn rows_that_cannot_be_scored_are_refused_before_the_fit() {
    let (train, valid) = moons(100);
    let advi = Advi::mean_field().steps(20);
    let message = |train: &Dataset, valid: &Dataset, advi: &Advi| {
        let fit = net().fit_validated(train, valid, advi);
        fit.unwrap_err().to_string()
    };
    let raw = datasets::moons(20, 0.3, 3).unwrap();
    assert!(message(&train, &raw, &advi).starts_with("the rows to predict are not standardised"));
    let wide = Dataset::new(&[0.5; 8], 4, &[0.0, 1.0]).unwrap();
    let expected = "`x` has 4 numbers a row; in the data of the fit it has 2";
    assert_eq!(message(&train, &wide, &advi), expected);
    // The row is one of all, also where few of them are scored.
    let mut labels = vec![0.0; 300];
    labels[287] = 2.0;
    let wrong = Dataset::new(&[0.5; 600], 2, &labels).unwrap();
    let wrong = wrong
        .standardized_by(train.standardization().unwrap())
        .unwrap();
    assert_eq!(
        message(&train, &wrong, &advi),
        "`y`, row 287: 2 cannot come from Bernoulli, whose values are 0 or 1"
    );
    let exact = Advi::mean_field().precision(Precision::F64);
    let refused = message(&train, &valid, &exact);
    assert!(
        refused.contains("natural gradients") && refused.contains("`steps`"),
        "{refused}"
    );
    let refused = message(&train, &valid, &advi.clone().patience(0));
    assert_eq!(refused, "`patience` is 0; it must be 1 or more");
    let alone = net().fit(&train, &advi.clone().patience(3)).unwrap_err();
    assert!(
        alone
            .to_string()
            .contains("`patience` is 3; it must be left out"),
        "{alone}"
    );

    let (train, valid) = waves();
    let other = valid.standardize_target();
    let bnn = Bnn::new(Mlp::new([1, 5, 1]), Gaussian::new());
    let refused = bnn
        .fit_validated(&train, &other, &advi)
        .unwrap_err()
        .to_string();
    assert!(refused.starts_with("the targets of the held-out rows are standardised by other"));
    let no_target = Data::new().matrix("x", valid.x(), 1).unwrap();
    let refused = bnn
        .fit_validated(&train, &no_target, &advi)
        .unwrap_err()
        .to_string();
    assert!(
        refused.starts_with("the model reads the column `y`"),
        "{refused}"
    );
}

#[test]
fn a_curve_put_together_from_its_parts_has_its_scores() {
    let (train, valid) = moons(200);
    let advi = Advi::mean_field().steps(200).batch(25);
    let fit = net().fit_validated(&train, &valid, &advi).unwrap();
    let curve = fit.advi().unwrap().curve();
    let parts = Curve::new(curve.elbos().to_vec(), curve.clock().to_vec()).unwrap();
    assert_eq!(parts.best_score(), None);
    let again = parts.clone().with_scores(curve.scores().to_vec());
    assert_eq!(again.unwrap(), *curve);
    let mut late = curve.scores().to_vec();
    late.last_mut().unwrap().step = 201;
    let refused = parts.with_scores(late).unwrap_err().to_string();
    assert!(
        refused.contains("has a score after 201 of 200 steps"),
        "{refused}"
    );
}
