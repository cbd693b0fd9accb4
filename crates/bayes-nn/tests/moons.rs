//! The two moons of real input: a 2-5-5-1 network reaches its known ELBO and scores.
//!
//! Reads `moons/moons_1000.csv` from `BAYES_NN_DATA`, by default `../shared/data` beside the
//! workspace; without the file these tests say that they were skipped.

use std::path::PathBuf;

use bayes_nn::data::Recipe;
use bayes_nn::prelude::*;

fn moons() -> Option<(Dataset, Dataset)> {
    let folder = match std::env::var_os("BAYES_NN_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let file = folder.join("moons/moons_1000.csv");
    if !file.is_file() {
        eprintln!(
            "skipped: there is no {}; set BAYES_NN_DATA to the folder of data sets",
            file.display()
        );
        return None;
    }
    let data = Table::read(&file).and_then(|table| table.only(["x1", "x2"])?.target("y"));
    let data = data.and_then(|data| data.with_recipe(&Recipe::new().unscaled()));
    let (train, test) = data.unwrap().split_marked("is_test").unwrap();
    assert_eq!((train.rows(), test.rows()), (500, 500));
    Some((train, test))
}

fn network() -> Bnn {
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    Bnn::new(net, Bernoulli)
}

/// The ELBO after 30,000 steps; asserts accuracy and log loss on the test half.
fn elbo(train: &Dataset, test: &Dataset, advi: Advi) -> f64 {
    let fit = network().fit(train, &advi.steps(30_000)).unwrap();
    let prediction = fit.predict(test, 1_000).unwrap();
    let score = *prediction
        .score(test.y())
        .unwrap()
        .classification()
        .unwrap();
    assert!(score.accuracy >= 0.95, "{score}");
    assert!(score.log_loss <= 0.125, "{score}");
    fit.advi().unwrap().elbo().mean
}

#[test]
fn mean_field_reaches_the_known_elbo_on_all_data_and_on_minibatches() {
    let Some((train, test)) = moons() else { return };
    for precision in [Precision::F32, Precision::F64] {
        let elbos = |batch: Option<usize>| -> Vec<f64> {
            (1..=4)
                .map(|seed| {
                    let advi = Advi::mean_field().precision(precision).seed(seed);
                    let advi = match batch {
                        Some(rows) => advi.batch(rows).learning_rate(0.03),
                        None => advi,
                    };
                    elbo(&train, &test, advi)
                })
                .collect()
        };
        let best = [None, Some(50)].map(|batch| {
            let found = elbos(batch);
            let good = found.iter().filter(|e| (-114.5..=-111.0).contains(*e));
            assert!(good.count() >= 3, "{precision:?}, {batch:?}: {found:?}");
            found.into_iter().fold(f64::NEG_INFINITY, f64::max)
        });
        assert!((best[0] - best[1]).abs() < 2.0, "{precision:?}: {best:?}");
    }
}

#[test]
fn full_rank_is_at_least_two_nats_better_than_mean_field() {
    let Some((train, test)) = moons() else { return };
    let mean_field = elbo(&train, &test, Advi::mean_field().seed(3));
    let full_rank = elbo(&train, &test, Advi::full_rank().seed(3));
    assert!(full_rank > mean_field + 2.0, "{full_rank}, {mean_field}");
}
