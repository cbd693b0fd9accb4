//! What a user waits for: fits and predictions of the two-moons network.

use bayes_nn::prelude::*;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const STEPS: u64 = 2_000;

fn moons() -> (Bnn, Dataset, Dataset) {
    let data = datasets::moons(1000, 0.2, 0).expect("the settings are right");
    let (train, test) = data
        .standardized()
        .split(0.5, 0)
        .expect("both halves have rows");
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    (Bnn::new(net, Bernoulli), train, test)
}

fn fits(c: &mut Criterion) {
    let (bnn, train, _) = moons();
    let mut group = c.benchmark_group("moons fit");
    group.throughput(Throughput::Elements(STEPS));
    group.sample_size(20);
    // Weights drawn, not products with them: what the peers do.
    let mean_field = Advi::mean_field()
        .steps(STEPS)
        .full_batch()
        .local_reparameterization(false)
        .closed_form_priors(false)
        .elbo_draws(2);
    let full_rank = Advi::full_rank().steps(STEPS).full_batch().elbo_draws(2);
    for (name, advi) in [
        ("full batch/f32", mean_field.clone()),
        (
            "full batch/f64",
            mean_field.clone().precision(Precision::F64),
        ),
        ("minibatch 50/f32", mean_field.batch(50)),
        ("full rank/f32", full_rank),
    ] {
        group.bench_function(name, |b| b.iter(|| bnn.fit(&train, &advi)));
    }
    group.finish();
}

fn predictions(c: &mut Criterion) {
    let (bnn, train, test) = moons();
    let fit = bnn
        .fit(&train, &Advi::mean_field().steps(STEPS))
        .expect("the fit converges");
    let grid = datasets::grid(-3.0, 3.0, 100).expect("the settings are right");
    let mut group = c.benchmark_group("moons prediction");
    group.sample_size(20);
    group.bench_function("500 rows, 500 draws", |b| {
        b.iter(|| fit.predict(&test, 500))
    });
    group.bench_function("10,000 rows, 200 draws", |b| {
        b.iter(|| fit.predict(&grid, 200))
    });
    group.finish();
}

criterion_group!(benches, fits, predictions);
criterion_main!(benches);
