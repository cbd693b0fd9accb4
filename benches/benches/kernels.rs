//! Kernels by themselves: element-wise passes, noise, products of the shapes that networks have.

use std::hint::black_box;

use bayes_nn_autodiff::{NoiseKind, Var};
use bayes_nn_benches::program;
use bayes_nn_kernels::Precision;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

type Function = fn(Var) -> Var;

const PRECISIONS: [(&str, Precision); 2] = [("f32", Precision::F32), ("f64", Precision::F64)];

fn element_wise(c: &mut Criterion) {
    const N: usize = 1 << 14;
    let functions: [(&str, Function); 5] = [
        ("add", |x| x + 1.0),
        ("tanh", |x| x.tanh()),
        ("softplus", |x| x.softplus()),
        ("exp", |x| x.exp()),
        ("lgamma", |x| x.lgamma()),
    ];
    let mut group = c.benchmark_group("element-wise");
    group.throughput(Throughput::Elements(N as u64));
    for (precision_name, precision) in PRECISIONS {
        for (name, function) in functions {
            let mut program = program(precision, |g| {
                let x = g.input("x", [N]);
                (function(x), vec![x])
            });
            group.bench_function(format!("{name}/{precision_name}"), |b| {
                b.iter(|| black_box(program.program_mut(0).run(1)));
            });
        }
        let mut normals = program(precision, |g| {
            (g.noise(NoiseKind::Normal, 0, [N]), Vec::new())
        });
        group.bench_function(format!("normals/{precision_name}"), |b| {
            b.iter(|| black_box(normals.program_mut(0).run(1)));
        });
        let mut sum = program(precision, |g| {
            let x = g.input("x", [N]);
            (x.sum(), vec![x])
        });
        group.bench_function(format!("sum/{precision_name}"), |b| {
            b.iter(|| black_box(sum.program_mut(0).run(1)));
        });
    }
    group.finish();
}

fn products(c: &mut Criterion) {
    // (outputs, inputs, batch): the layers of the moons network, of an MNIST-size one.
    let layers = [
        (5, 2, 500),
        (5, 5, 500),
        (1, 5, 500),
        (400, 784, 128),
        (10, 400, 128),
    ];
    let mut group = c.benchmark_group("products");
    for (outputs, inputs, batch) in layers {
        group.throughput(Throughput::Elements((outputs * inputs * batch) as u64));
        for (name, precision) in PRECISIONS {
            let shape = format!("{outputs}x{inputs}x{batch}/{name}");
            let mut forward = program(precision, |g| {
                let weights = g.input("w", [inputs, outputs]);
                let x = g.input("x", [inputs, batch]);
                (weights.t().matmul(x), vec![weights, x])
            });
            group.bench_function(format!("forward/{shape}"), |b| {
                b.iter(|| black_box(forward.program_mut(0).run(1)));
            });
            let mut weights = program(precision, |g| {
                let adjoint = g.input("dy", [outputs, batch]);
                let x = g.input("x", [inputs, batch]);
                (x.matmul(adjoint.t()), vec![adjoint, x])
            });
            group.bench_function(format!("gradient/{shape}"), |b| {
                b.iter(|| black_box(weights.program_mut(0).run(1)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, element_wise, products);
criterion_main!(benches);
