//! What passes before the first step: models and graphs are written, differentiated, planned and
//! loaded.

use std::time::Duration;

use bayes_nn::model::{Batch, Model, Trace};
use bayes_nn::prelude::*;
use bayes_nn_autodiff::{Graph, Var, grad};
use bayes_nn_kernels::Plan;
use criterion::{Criterion, criterion_group, criterion_main};

/// Steps of the Runge-Kutta method.
const RUNGE_KUTTA: usize = 1_000;

/// Element-wise nodes of a chain, before its gradient.
const NODES: usize = 100_000;

/// Predator and prey (Lotka 1925, Volterra 1926) by the classical Runge-Kutta method, seen once at
/// the end.
fn predator_and_prey<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let rates = ["growth", "hunting", "death", "gain"]
        .map(|name| trace.sample(name, LogNormal::new(-1.0, 0.3)));
    let slope = |[prey, predator]: [Var<'g>; 2]| {
        let met = prey * predator;
        [
            rates[0] * prey - rates[1] * met,
            rates[3] * met - rates[2] * predator,
        ]
    };
    let along = |state: [Var<'g>; 2], slope: [Var<'g>; 2], time: f64| {
        [0, 1].map(|i| state[i] + time * slope[i])
    };
    let step = 10.0 / RUNGE_KUTTA as f64;
    let mut state = ["prey", "predator"].map(|name| trace.sample(name, LogNormal::new(0.0, 0.5)));
    for _ in 0..RUNGE_KUTTA {
        let first = slope(state);
        let second = slope(along(state, first, step / 2.0));
        let third = slope(along(state, second, step / 2.0));
        let fourth = slope(along(state, third, step));
        state = [0, 1].map(|i| {
            let sum = first[i] + 2.0 * second[i] + 2.0 * third[i] + fourth[i];
            state[i] + step / 6.0 * sum
        });
    }
    trace.observe("y", LogNormal::new(state[0].ln(), 0.1), data.column("y"));
}

/// The time before the first step of fits.
fn before_first_step<M: Model + Clone>(model: &M, data: &Data, advi: &Advi, fits: u64) -> Duration {
    let advi = advi.clone().steps(1).elbo_draws(2);
    let seconds = (0..fits).map(|_| {
        let fit = model::fit(model, data, &advi).expect("the model is right");
        fit.advi().expect("a variational fit").setup_seconds()
    });
    Duration::from_secs_f64(seconds.sum())
}

fn setup(c: &mut Criterion) {
    let mut group = c.benchmark_group("before the first step");
    group.sample_size(10);
    let moons = datasets::moons(500, 0.2, 0).expect("the settings are right");
    let net = Mlp::new([2, 5, 5, 1]).without_bias();
    let (bnn, moons) = (Bnn::new(net, Bernoulli), Data::from(&moons.standardized()));
    let draws = Advi::mean_field().samples(1_000);
    group.bench_function("moons, 1,000 draws a step", |b| {
        b.iter_custom(|fits| before_first_step(&bnn, &moons, &draws, fits))
    });
    let seen = Data::new().column("y", &[1.2]).expect("a column");
    group.bench_function("Runge-Kutta of two states, 1,000 steps", |b| {
        let advi = Advi::mean_field();
        b.iter_custom(|fits| before_first_step(&predator_and_prey, &seen, &advi, fits))
    });
    group.bench_function("100,000 nodes and their gradient", |b| {
        b.iter(|| {
            let graph = Graph::new();
            let x = graph.input("x", []);
            let chain = (0..NODES / 2).fold(x, |y, i| y * 0.999 + 1e-3 * (i as f64));
            let gradient = grad(chain, &[x]).expect("a scalar of the input");
            Plan::new(&graph, &[chain, gradient[0]], &[]).expect("the graph is right")
        })
    });
    group.finish();
}

criterion_group!(benches, setup);
criterion_main!(benches);
