//! A Bayesian last layer on a deterministic network, beside points and distributions in all layers.

use std::error::Error;

use bayes_nn::nn::Network;
use bayes_nn::plots::Regression;
use bayes_nn::prelude::*;

use crate::page::{self, Part};
use crate::random::Random;

/// A wave with a gap.
fn wave(rows: usize, seed: u64) -> Result<Dataset, Box<dyn Error>> {
    let mut random = Random::seed(seed);
    let mut x = || match random.uniform() {
        u if u < 0.5 => -2.0 + 2.4 * u,
        u => 0.8 + 2.4 * (u - 0.5),
    };
    let x: Vec<f64> = (0..rows).map(|_| x()).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| (2.0 * x).sin() + 0.2 * random.normal())
        .collect();
    Ok(Dataset::new(&x, 1, &y)?)
}

fn network(is_point: bool) -> Network {
    let net = Sequential::new();
    let net = match is_point {
        true => net
            .layer(Dense::new(50).point())
            .layer(Tanh)
            .layer(Dense::new(50).point()),
        false => net.layer(Dense::new(50)).layer(Tanh).layer(Dense::new(50)),
    };
    net.layer(Tanh).layer(Dense::new(1)).into()
}

pub fn tell(seed: u64) -> Result<Part, Box<dyn Error>> {
    let mut part = Part::new("A Bayesian last layer");
    let (train, test) = (wave(80, seed)?, wave(2_000, seed + 1)?);
    let grid: Vec<f64> = (0..=100).map(|i| -3.0 + 0.06 * f64::from(i)).collect();
    let mut last = Vec::new();
    for (name, advi, is_point) in [
        ("points in all layers", Advi::map(), false),
        ("a Bayesian last layer", Advi::mean_field(), true),
        ("Bayesian layers", Advi::mean_field(), false),
    ] {
        let advi = advi.steps(6_000).learning_rate(0.01).seed(seed);
        let fit = Bnn::new(network(is_point), Gaussian::new()).fit(&train, &advi)?;
        let nll = page::nll(&fit.score(&test, Predict::draws(500))?)?;
        part.figure(&format!("NLL by {name}"), nll);
        let sd = fit.predict(&[0.3], 500)?.sd_between_draws()[0];
        part.figure(&format!("sd of the mean in the gap, {name}"), sd);
        let prediction = fit.predict(&grid, 500)?;
        let picture = Regression::new(train.x(), train.y()).prediction(&grid, &prediction);
        part.picture(
            &picture.title(name).to_svg()?,
            "Rows, the mean, and what is not known of both.",
        );
        last.push(sd);
    }
    assert!(last[0] < 1e-6 && last[1] > 1e-3);
    Ok(part)
}
