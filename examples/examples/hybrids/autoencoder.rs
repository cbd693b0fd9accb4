//! An autoencoder with a Bayesian decoder: how well images are drawn again from eight numbers, and how sure
//! that is.

use std::error::Error;

use bayes_nn::model::{Batch, Trace};
use bayes_nn::nn::{Layer, Parameters};
use bayes_nn::prelude::*;
use bayes_nn::scores;

use crate::page::{self, Part};

const PIXELS: usize = 784;
const CODE: usize = 8;

fn autoencoder<'g>(trace: &Trace<'g>, data: &Batch<'g>, net: &Network) {
    let images = data.matrix("pixels");
    let noise = trace.sample("noise", HalfNormal::new(0.3));
    match net.forward(&Parameters::new(trace), &[images]) {
        Ok(drawn) => drop(trace.observe("pixels", Normal::new(drawn, noise), images)),
        Err(error) => drop(trace.refuse(error, [])),
    }
}

/// So many images of numbers from 0 to 1, as they are or upside down.
fn images(of: &Dataset, rows: usize, turned: bool) -> Vec<f64> {
    let images = of.x().chunks_exact(PIXELS).take(rows);
    let place = |at: usize| if turned { PIXELS - 1 - at } else { at };
    let pixels = images.flat_map(|image| (0..PIXELS).map(move |at| image[place(at)] / 255.0));
    pixels.collect()
}

pub fn tell(train: &Dataset, test: &Dataset, seed: u64) -> Result<Part, Box<dyn Error>> {
    let mut part = Part::new("An autoencoder with a Bayesian decoder");
    let encoder = Sequential::new().layer(Dense::new(128)).layer(Relu);
    let net = Sequential::new().layer(encoder.layer(Dense::new(CODE)).point());
    let net = net.layer(Dense::new(128)).layer(Relu);
    let net: Network = net.layer(Dense::new(PIXELS)).layer(Sigmoid).into();
    let model = model::from_fn(move |trace, data| autoencoder(trace, data, &net));
    let advi = Advi::mean_field().steps(4_000).batch(64).restarts(1);
    let advi = advi.precision(Precision::F32).seed(seed);
    let data = Data::new().matrix("pixels", images(train, 5_000, false), PIXELS)?;
    let fit = model::fit(&model, data, &advi.progress(Bar::new("autoencoder")))?;
    let mut unsure = Vec::new();
    for (name, turned) in [("held out", false), ("upside down", true)] {
        let seen = images(test, 200, turned);
        let drawn = fit.predict(Data::new().matrix("pixels", &seen, PIXELS)?, 50)?;
        // Predictions are pixel after pixel, each of all images.
        let values = [drawn.mean(), drawn.sd_between_draws()];
        let [mean, sd] = values.map(|values| page::transposed(values, PIXELS));
        part.figure(
            &format!("RMSE of a pixel, {name}"),
            scores::rmse(&mean, &seen)?,
        );
        unsure.push(sd.iter().sum::<f64>() / sd.len() as f64);
        part.figure(
            &format!("sd between draws, {name}"),
            unsure[unsure.len() - 1],
        );
        part.picture(
            &page::images(name, [&seen, &mean, &sd])?,
            "Images, means, and sds.",
        );
    }
    assert!(unsure[1] > unsure[0]);
    Ok(part)
}
