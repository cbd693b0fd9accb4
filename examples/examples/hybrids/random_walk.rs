//! A network whose weights walk at random: two moons that turn while time goes on.
//!
//! After T. Wiecki, "Random-Walk Bayesian Deep Networks: Dealing with Non-Stationary Data" (2017).

use std::error::Error;

use bayes_nn::Var;
use bayes_nn::model::Trace;
use bayes_nn::nn::{DenseByGroup, Network, ParameterInfo, Prior};
use bayes_nn::prelude::*;

use crate::page::Part;
use crate::rotating::{Moons, right};

/// Weights of a time are those of the time before and a normal step, whose scale is learned:
/// `w[t] = w[0] + scale (e[1] + .. + e[t])`. The first axis of a parameter is time.
#[derive(Clone, Copy, Debug)]
struct Walk;

impl Prior for Walk {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        let times = parameter.shape[0];
        let rest = parameter.shape.elements() / times;
        let name = |part: &str| format!("{}.{part}", parameter.name);
        let first = trace.sample(&name("first"), Normal::new(0.0, 2.0).expand([rest]));
        let scale = trace.sample(&name("scale"), HalfNormal::new(0.5));
        let steps = Normal::new(0.0, 1.0).expand([times - 1, rest]);
        let steps = trace.sample(&name("steps"), steps);
        let before = |place: usize| f64::from(place % (times - 1) < place / (times - 1));
        let before: Vec<f64> = (0..times * (times - 1)).map(before).collect();
        let sums = trace.graph().constant(&before, [times, times - 1]);
        (first + scale * sums.matmul(steps)).reshape(parameter.shape)
    }
}

fn network(times: usize) -> Network {
    let layer = |outputs| DenseByGroup::new(times, outputs).without_bias();
    let net = Network::new().input("x", [2]).index_input("time");
    let net = net.add("layer0", layer(5), ["x", "time"]);
    let net = net.add("tanh0", Tanh, ["layer0"]);
    let net = net.add("layer1", layer(5), ["tanh0", "time"]);
    let net = net.add("tanh1", Tanh, ["layer1"]);
    net.add("layer2", layer(1), ["tanh1", "time"]).prior(Walk)
}

pub fn tell(moons: &Moons, nuts: bool, seed: u64) -> Result<Part, Box<dyn Error>> {
    let mut part = Part::new("Weights that walk at random");
    let still = Bnn::new(Mlp::new([2, 5, 5, 1]).activation(Tanh), Bernoulli);
    let walk = Bnn::new(network(moons.times), Bernoulli);
    let advi = Advi::low_rank(20).steps(10_000).learning_rate(0.02);
    let advi = advi.kl_annealing(0.8).restarts(2).seed(seed);
    let advi = advi.progress(Bar::new("random walk"));
    let (flat, _) = right(&mut part, "one network, ADVI", moons, || {
        still.fit(&moons.train, &advi)
    })?;
    let (turned, fit) = right(&mut part, "random walk, ADVI", moons, || {
        walk.fit(&moons.train, &advi)
    })?;
    assert!(turned > flat + 0.1);
    moons.pictures(&mut part, &fit)?;
    if nuts {
        let sampler = Nuts::new().warmup(500).draws(500).seed(seed);
        let sampler = sampler.progress(Bar::new("NUTS"));
        right(&mut part, "random walk, NUTS", moons, || {
            walk.fit(&moons.train, &sampler)
        })?;
    }
    Ok(part)
}
