//! A mixture density network: a curve that has several values (Bishop 1994, "Mixture density networks",
//! section 5, has it).

use std::error::Error;
use std::f64::consts::TAU;

use bayes_nn::nn::{GaussianMixture, HeteroscedasticGaussian};
use bayes_nn::prelude::*;

use crate::page::{self, Part};
use crate::random::Random;

const ROWS: usize = 1_000;
const COMPONENTS: usize = 4;

/// `x` is a function of `y` that rises, falls and rises again, so that `y` is none of `x`.
fn curve(seed: u64) -> Result<Dataset, Box<dyn Error>> {
    let mut random = Random::seed(seed);
    let y: Vec<f64> = (0..ROWS).map(|_| random.uniform()).collect();
    let x: Vec<f64> = y
        .iter()
        .map(|y| y + 0.3 * (TAU * y).sin() + 0.2 * random.uniform() - 0.1)
        .collect();
    let y: Vec<f64> = y.iter().map(|y| (y - 0.5) / 0.29).collect();
    Ok(Dataset::new(&x, 1, &y)?.standardized())
}

pub fn tell(seed: u64) -> Result<Part, Box<dyn Error>> {
    let (train, test) = curve(seed)?.split(0.5, seed)?;
    let advi = Advi::mean_field()
        .steps(8_000)
        .learning_rate(0.01)
        .seed(seed);
    let net = |outputs| Mlp::new([1, 30, outputs]).activation(Tanh);
    let one = Bnn::new(net(1), Gaussian::new()).fit(&train, &advi)?;
    let wide = Bnn::new(net(2), HeteroscedasticGaussian::new()).fit(&train, &advi)?;
    let head = GaussianMixture::new(COMPONENTS);
    let several = Bnn::new(net(3 * COMPONENTS), head).fit(&train, &advi)?;

    let mut part = Part::new("A mixture density network");
    let mut scores = Vec::new();
    for (name, fit) in [
        ("one normal", &one),
        ("a normal that depends on the row", &wide),
        ("a mixture of four", &several),
    ] {
        let nll = page::nll(&fit.score(&test, Predict::draws(200))?)?;
        part.figure(&format!("NLL by {name}"), nll);
        scores.push(nll);
    }
    assert!(scores[2] < scores[0] - 0.5 && scores[2] < scores[1] - 0.5);
    // Where new rows would lie: a draw for each of those held out.
    let drawn = several.predict_draws(&test, Predict::draws(1))?;
    let picture = page::both(test.x(), [test.y(), drawn.values()])?;
    part.picture(&picture, "Rows held out, and draws of the mixture.");
    Ok(part)
}
