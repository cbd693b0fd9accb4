//! A network inside a statistical model: a regression whose intercept varies by shop, which is linear in one
//! column and a network of two others.

use std::error::Error;

use bayes_nn::model::{Batch, Trace};
use bayes_nn::nn::Parameters;
use bayes_nn::prelude::*;

use crate::page::{self, Part};
use crate::random::Random;

const SHOPS: usize = 12;
const SLOPE: f64 = -0.8;

fn rows(rows: usize, seed: u64) -> Result<Data, Box<dyn Error>> {
    let mut random = Random::seed(seed);
    let (mut price, mut place, mut shop, mut y) = (vec![], vec![], vec![], vec![]);
    for row in 0..rows {
        let (own, at) = (random.normal(), [random.normal(), random.normal()]);
        let shops = (1.7 * (row % SHOPS) as f64).sin();
        y.push(shops + SLOPE * own + (2.0 * at[0]).sin() * at[1] + 0.3 * random.normal());
        price.push(own);
        place.extend(at);
        shop.push(row % SHOPS);
    }
    let data = Data::new()
        .column("price", &price)?
        .matrix("place", &place, 2)?;
    Ok(data.index("shop", &shop)?.column("y", &y)?)
}

fn regression<'g>(trace: &Trace<'g>, data: &Batch<'g>, net: Option<&Network>) {
    let spread = trace.sample("spread", HalfNormal::new(1.0));
    let shops = trace.sample("shops", Normal::new(0.0, spread).expand([SHOPS]));
    let slope = trace.sample("slope", Normal::new(0.0, 1.0));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let mut mean = shops.gather(data.index("shop"), 0) + slope * data.column("price");
    if let Some(net) = net {
        match net.forward(&Parameters::new(trace), &[data.matrix("place")]) {
            Ok(outputs) => mean = mean + outputs.row(0),
            Err(error) => mean = trace.refuse(error, mean.shape()),
        }
    }
    trace.observe("y", Normal::new(mean, noise), data.column("y"));
}

pub fn tell(seed: u64) -> Result<Part, Box<dyn Error>> {
    let mut part = Part::new("A network inside a statistical model");
    let (train, test) = (rows(600, seed)?, rows(600, seed + 1)?);
    let net: Network = Mlp::new([2, 20, 1]).activation(Tanh).into();
    let linear = model::from_fn(|trace, data| regression(trace, data, None));
    let hybrid = model::from_fn(move |trace, data| regression(trace, data, Some(&net)));
    let without = model::fit(&linear, &train, &Nuts::new().seed(seed))?;
    let with = model::fit(&hybrid, &train, &Advi::mean_field().seed(seed))?;
    let draws = with.draws(1_000, 0)?;
    let slope = draws.variable("slope")?;
    let how = Predict::draws(500);
    let scores = [
        page::nll(&without.score(&test, how)?)?,
        page::nll(&with.score(&test, how)?)?,
    ];
    part.figure("NLL of rows held out, linear", scores[0]);
    part.figure("NLL with a network of two columns", scores[1]);
    part.figure("slope, which is -0.8", slope.mean()[0]);
    part.figure("its standard deviation", slope.sd()[0]);
    assert!(scores[1] < scores[0] - 0.5 && (slope.mean()[0] - SLOPE).abs() < 0.1);
    Ok(part)
}
