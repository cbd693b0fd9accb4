//! What passes before the first step: models and graphs are written, differentiated, planned and
//! loaded. And how that grows with the sizes of a model, of a file and of a fit.

use std::time::Duration;

use bayes_nn::Table;
use bayes_nn::distributions::{Dirichlet, LkjCholesky};
use bayes_nn::model::{Batch, Model, Trace, from_fn};
use bayes_nn::prelude::*;
use bayes_nn_autodiff::{Graph, Var, grad};
use bayes_nn_kernels::Plan;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

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
    let net = Mlp::new([2, 5, 5, 1])
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
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

/// Cholesky factors of correlation matrices, and shares, before the first step.
fn sizes_of_supports(c: &mut Criterion) {
    let advi = Advi::mean_field();
    let mut group = c.benchmark_group("growth, correlation matrix");
    group.sample_size(10);
    for size in [10, 30, 100] {
        let model = from_fn(move |trace: &Trace<'_>, _: &Batch<'_>| {
            trace.sample("factor", LkjCholesky::new(size, 1.0));
        });
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter_custom(|fits| before_first_step(&model, &Data::new(), &advi, fits))
        });
    }
    group.finish();
    let mut group = c.benchmark_group("growth, simplex");
    group.sample_size(10);
    for size in [100, 1_000, 10_000] {
        let model = from_fn(move |trace: &Trace<'_>, _: &Batch<'_>| {
            let even = trace.graph().constant(&vec![1.0; size], [size]);
            trace.sample("shares", Dirichlet::new(even));
        });
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter_custom(|fits| before_first_step(&model, &Data::new(), &advi, fits))
        });
    }
    group.finish();
}

/// All columns of a file of ten rows, by their names.
fn columns(c: &mut Criterion) {
    let mut group = c.benchmark_group("growth, columns of a file");
    group.sample_size(10);
    for count in [100, 1_000, 10_000] {
        let names: Vec<String> = (0..count).map(|i| format!("column{i}")).collect();
        let row = vec!["0.5"; count].join(",") + "\n";
        let text = names.join(",") + "\n" + &row.repeat(10);
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                let table = Table::read_from(text.as_bytes()).expect("all is there");
                table
                    .only(&names[1..])
                    .and_then(|table| table.target(&names[0]))
            })
        });
    }
    group.finish();
}

/// A whole fit with looks at it so many steps apart.
fn every(c: &mut Criterion) {
    let moons = datasets::moons(500, 0.2, 0).expect("the settings are right");
    let moons = moons.standardized();
    let bnn = Bnn::new(
        Mlp::new([2, 5, 5, 1])
            .without_bias()
            .prior(Normal::new(0.0, 1.0)),
        Bernoulli,
    );
    let mut group = c.benchmark_group("growth, steps between two looks");
    group.sample_size(10);
    for steps in [16, 256, 4_096, 100_000] {
        let advi = Advi::mean_field().steps(10_000).elbo_draws(2).every(steps);
        group.bench_function(BenchmarkId::from_parameter(steps), |b| {
            b.iter(|| bnn.fit(&moons, &advi).expect("the fit is finite"))
        });
    }
    group.finish();
}

criterion_group!(benches, setup, sizes_of_supports, columns, every);
criterion_main!(benches);
