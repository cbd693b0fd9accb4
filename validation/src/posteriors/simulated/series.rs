//! Series in time: counts around a Gaussian process, and an ARMA process.

use bayes_nn::distributions::{
    Cauchy, Distribution, Gamma, HalfCauchy, HalfNormal, Normal, Poisson,
};
use bayes_nn::model::{Data, concat, from_fn};

use super::Simulation;
use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Counts whose log rate is a Gaussian process with a squared exponential covariance, written as
/// its Cholesky factor times standard normals (Rasmussen and Williams 2006, section 3.3).
pub fn counts(_: &Folder, method: &Method) -> Result<Run, Error> {
    const TIMES: usize = 30;
    let mut simulation = Simulation::new(102);
    let x: Vec<f64> = (0..TIMES).map(|t| t as f64 / 3.0 - 5.0).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| simulation.poisson((0.8 + 1.2 * (0.9 * x).sin()).exp()))
        .collect();
    let data = Data::new().column("x", &x)?.column("y", &y)?;
    let jitter: Vec<f64> = (0..TIMES * TIMES)
        .map(|place| match place / TIMES == place % TIMES {
            true => 1e-8,
            false => 0.0,
        })
        .collect();
    let model = from_fn(move |trace, data| {
        let length = trace.sample("length", Gamma::new(5.0, 2.0));
        let amplitude = trace.sample("amplitude", HalfNormal::new(2.0));
        let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([TIMES]));
        let x = data.column("x");
        let distance = (x.reshape([TIMES, 1]) - x) / length;
        let smooth = (distance * distance * -0.5).exp();
        let smooth = smooth + trace.graph().constant(&jitter, [TIMES, TIMES]);
        let factor = smooth.cholesky();
        let rate = trace.deterministic("log_rate", amplitude * factor.matmul(standard));
        trace.observe("y", Poisson::new(rate.exp()), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// ARMA(1, 1) with scales of Cauchy (Hamilton 1994, chapter 5); errors are computed one after the
/// other.
pub fn arma(_: &Folder, method: &Method) -> Result<Run, Error> {
    const STEPS: usize = 200;
    let mut simulation = Simulation::new(103);
    let (mu, phi, theta, sigma) = (0.5, 0.8, 0.3, 0.4);
    let (mut y, mut error) = (vec![mu / (1.0 - phi)], 0.0);
    for t in 1..STEPS {
        let next = simulation.normal(0.0, sigma);
        y.push(mu + phi * y[t - 1] + theta * error + next);
        error = next;
    }
    let data = Data::new().column("y", &y)?;
    let model = from_fn(|trace, data| {
        let mu = trace.sample("mu", Normal::new(0.0, 10.0));
        let phi = trace.sample("phi", Cauchy::new(0.0, 1.0));
        let theta = trace.sample("theta", Cauchy::new(0.0, 1.0));
        let sigma = trace.sample("sigma", HalfCauchy::new(2.5));
        let y = data.column("y");
        let at = |t: usize| y.view(t, [1]);
        let mut error = at(0) - (mu + phi * mu);
        let mut errors = vec![error];
        for t in 1..STEPS {
            error = at(t) - (mu + phi * at(t - 1) + theta * error);
            errors.push(error);
        }
        let density = Normal::new(0.0, sigma).log_prob(concat(&errors, 0));
        trace.factor("y", density.sum());
    });
    Ok(Run::of(&model, data, method)?)
}
