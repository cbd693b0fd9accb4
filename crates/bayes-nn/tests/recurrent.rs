//! Layers over sequences in networks that are fitted, and dropout and embeddings with them.

use std::time::{Duration, Instant};

use bayes_nn::nn::{Concat, Dropout, Embedding, Gru, Lstm, Residual, layer};
use bayes_nn::prelude::*;

const TIME: usize = 8;

/// Series of two numbers a step, of which the first is noise and the second holds 1 at one step:
/// the class is whether that is in the first half.
fn series(rows: usize) -> Dataset {
    let mut x = Vec::new();
    let mut y = Vec::new();
    for row in 0..rows {
        let marked = (row * 5) % TIME;
        for time in 0..TIME {
            x.push((0.7 * (row * TIME + time) as f64).sin() * 0.3);
            x.push(f64::from(time == marked));
        }
        y.push(f64::from(marked < TIME / 2));
    }
    Dataset::new(&x, 2 * TIME, &y).unwrap()
}

#[test]
fn a_recurrent_network_learns_what_was_long_ago() {
    let data = series(400);
    let fitted = |net: Sequential| {
        let advi = Advi::mean_field()
            .steps(2_000)
            .batch(50)
            .learning_rate(0.02);
        let advi = advi.initial_sd(0.05).seed(1);
        let fit = Bnn::new(net, Bernoulli).fit(&data, &advi).unwrap();
        let score = fit.score(&data, Predict::draws(50)).unwrap();
        score.classification().unwrap().accuracy
    };
    let input = || Sequential::new().input([TIME, 2]);
    let prior = || Normal::new(0.0, 1.0);
    let gru = input().layer(Gru::new(6)).layer(Dense::new(1));
    assert!(fitted(gru.prior(prior())) > 0.95);
    let lstm = input()
        .layer(Lstm::new(6).all_states())
        .layer(Lstm::new(4))
        .layer(Dense::new(1));
    assert!(fitted(lstm.prior(prior())) > 0.95);
}

#[test]
fn weights_that_are_shared_in_time_are_drawn_themselves() {
    // Drawing products row by row and step by step would be another model; then nothing of a
    // recurrent layer may be drawn so, and the setting changes no bit.
    let data = series(16);
    let sum = layer::from_fn("sum", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(x.sum_axis(0).reshape([1, x.shape().columns()]))
    });
    for recurrent in [true, false] {
        let net = Sequential::new().input([TIME, 2]);
        let net = match recurrent {
            true => net.layer(Gru::new(3)),
            false => net.layer(Lstm::new(3)),
        };
        let bnn = Bnn::new(net.layer(sum.clone()), Bernoulli);
        let curve = |local: bool| {
            let advi = Advi::mean_field().steps(30).local_reparameterization(local);
            let fit = bnn.fit(&data, &advi).unwrap();
            fit.advi().unwrap().curve().elbos().to_vec()
        };
        assert_eq!(curve(true), curve(false));
    }
}

#[test]
fn a_sequence_of_28_steps_is_set_up_quickly() {
    let data = Dataset::new(vec![0_u8; 784 * 40], 784, vec![0_u8; 40]).unwrap();
    for lstm in [true, false] {
        let net = Sequential::new().input([28, 28]);
        let net = match lstm {
            true => net.layer(Lstm::new(64)),
            false => net.layer(Gru::new(64)),
        };
        let bnn = Bnn::new(net.layer(Dense::new(10)), Categorical);
        let start = Instant::now();
        let advi = Advi::mean_field().steps(1).batch(32).elbo_draws(2);
        bnn.fit(&data, &advi).unwrap();
        let time = start.elapsed();
        assert!(time < Duration::from_secs(10), "{time:?}");
    }
}

#[test]
fn embeddings_dropout_and_residual_blocks_are_fitted_together() {
    let rows = 90;
    let store: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    let x: Vec<f64> = (0..rows).map(|row| (row as f64 * 0.37).sin()).collect();
    let y: Vec<f64> = store
        .iter()
        .zip(&x)
        .map(|(s, x)| [2.0, -1.0, 0.5][*s] + x)
        .collect();
    let data = Data::new().column("x", &x).unwrap();
    let data = data.index("store", &store).unwrap();
    let data = data.column("y", &y).unwrap();
    let block = Sequential::new()
        .layer(Dense::new(6))
        .layer(Tanh)
        .layer(Dense::new(6));
    let network = |levels| {
        Network::new()
            .open_input("x")
            .index_input("store")
            .add("embedding", Embedding::new(levels, 2), ["store"])
            .add("both", Concat, ["x", "embedding"])
            .add("wide", Dense::new(6), ["both"])
            .add("block", Residual::new(block.clone()), ["wide"])
            .add("some", Dropout::new(0.05), ["block"])
            .add("out", Dense::new(1), ["some"])
    };
    let advi = Advi::mean_field().steps(3_000).learning_rate(0.02).seed(3);
    let bnn = Bnn::new(network(3), Gaussian::new());
    let fit = bnn.fit(&data, &advi).unwrap();
    let score = fit.predict(&data, 50).unwrap().score(&y).unwrap();
    assert!(score.regression().unwrap().rmse < 0.3, "{score}");
    let error = Bnn::new(network(2), Gaussian::new()).fit(&data, &advi);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`store`") && error.contains('2'), "{error}");
}
