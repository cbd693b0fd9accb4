//! Kernels by themselves: element-wise passes, noise, products of the shapes that networks have.

use std::hint::black_box;

use bayes_nn_autodiff::{Graph, NoiseKind, Shape, Var, Window, concat, grad};
use bayes_nn_benches::program;
use bayes_nn_kernels::{Precision, Replicas};
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

/// The three products of a convolution, beside one of matrices that fills the machine. An element
/// of throughput is a multiplication with its addition.
fn convolutions(c: &mut Criterion) {
    // [channels, side of the image], [outputs, side of the window, pixels added], rows: the layers
    // of LeNet's successors for MNIST, and one of a residual network.
    let layers: [([usize; 2], [usize; 3], usize); 4] = [
        ([1, 28], [20, 5, 0], 32),
        ([20, 12], [50, 5, 0], 32),
        ([20, 12], [50, 5, 0], 128),
        ([64, 16], [64, 3, 1], 32),
    ];
    let mut group = c.benchmark_group("convolutions");
    for (name, precision) in PRECISIONS {
        const N: usize = 512;
        group.throughput(Throughput::Elements((N * N * N) as u64));
        let mut product = program(precision, |g| {
            let (a, b) = (g.input("a", [N, N]), g.input("b", [N, N]));
            (a.matmul(b), vec![a, b])
        });
        group.bench_function(format!("matrices/{N}x{N}x{N}/{name}"), |b| {
            b.iter(|| black_box(product.program_mut(0).run(1)));
        });
        for ([channels, side], [outputs, size, padding], rows) in layers {
            let places = side + 2 * padding + 1 - size;
            let terms = channels * size * size * outputs * places * places * rows;
            group.throughput(Throughput::Elements(terms as u64));
            for of in ["forward", "images", "weights"] {
                let mut program = program(precision, |g| {
                    // What a derivative does not read is no input of its program.
                    let given = |name: &str, unused: &str, shape: [usize; 4]| match of == unused {
                        true => g.constant(&vec![0.0; shape.iter().product()], shape),
                        false => g.input(name, shape),
                    };
                    let x = given("x", "images", [channels, side, side, rows]);
                    let w = given("w", "weights", [channels, size, size, outputs]);
                    let y = x.convolution(w, Window::new([size; 2]).padding([padding; 2]), 1);
                    if of == "forward" {
                        return (y, vec![x, w]);
                    }
                    let dy = g.input("dy", [outputs, places, places, rows]);
                    let (by, other) = if of == "images" { (x, w) } else { (w, x) };
                    let slopes = grad((y * dy).sum(), &[by]).expect("all is differentiable");
                    (slopes[0], vec![other, dy])
                });
                let shape = format!("{channels}-{outputs}@{size}x{size}x{rows}");
                group.bench_function(format!("{of}/{shape}/{name}"), |b| {
                    b.iter(|| black_box(program.program_mut(0).run(1)));
                });
            }
        }
    }
    group.finish();
}

/// How many rows each group has.
fn rows_of_groups(uneven: bool, groups: usize, rows: usize) -> Vec<usize> {
    let of = |group: usize| match uneven {
        false => rows,
        true => rows / 4 + group * 3 * rows / 2 / (groups - 1),
    };
    (0..groups).map(of).collect()
}

/// The derivatives of a network with two hidden layers for each of several groups, by the weights of
/// all: weights gathered by row, products by group, with rows in the order of their groups and in
/// none, and a product for each group.
fn groups(c: &mut Criterion) {
    let mut group = c.benchmark_group("groups");
    let cases = [(18, 50, 5), (18, 50, 20), (18, 100, 5), (50, 40, 50)];
    for (name, precision) in PRECISIONS {
        for (groups, rows, hidden) in cases {
            let counts = rows_of_groups(groups == 50, groups, rows);
            let own = counts.iter().enumerate();
            let sorted: Vec<usize> = own.flat_map(|(g, n)| vec![g; *n]).collect();
            let all = sorted.len();
            let mixed: Vec<usize> = (0..all).map(|row| sorted[row * 7919 % all]).collect();
            let sizes = [2, hidden, hidden, 1];
            group.throughput(Throughput::Elements(all as u64));
            let case = format!("{groups}x{rows}/{hidden}/{name}");
            let mut measure = |form: &str, mut program: Box<dyn Replicas>| {
                group.bench_function(format!("{form}/{case}"), |b| {
                    b.iter(|| black_box(program.program_mut(0).run(1)));
                });
            };
            let gathered = program(precision, |g| {
                let rows = g.index_constant(&sorted);
                let shape = |inputs, outputs| Shape::from([inputs, outputs, groups]);
                let weights = weights(g, sizes, shape);
                let x = g.input("x", [2, all]);
                let y = weights.iter().fold(x, |x, weight| {
                    let columns = x.reshape([x.shape()[0], 1, all]);
                    (weight.gather(rows, 2) * columns).sum_axis(0).tanh()
                });
                (slopes(y.sum(), &weights), inputs(&weights, x))
            });
            measure("gathered", gathered);
            let shape = |inputs, outputs| Shape::from([groups, outputs, inputs]);
            for (form, index) in [("by_group", &sorted), ("mixed", &mixed)] {
                let by_group = program(precision, |g| {
                    let index = g.index_constant(index);
                    let weights = weights(g, sizes, shape);
                    let x = g.input("x", [2, all]);
                    let y = (weights.iter())
                        .fold(x, |x, weight| weight.matmul_by_group(x, index).tanh());
                    (slopes(y.sum(), &weights), inputs(&weights, x))
                });
                measure(form, by_group);
            }
            let separate = program(precision, |g| {
                let weights = weights(g, sizes, shape);
                let x = g.input("x", [2 * all]);
                let mut start = 0;
                let of_group = |(k, rows): (usize, &usize)| {
                    let own = x.view(start, [2, *rows]);
                    start += 2 * rows;
                    let y = weights.iter().fold(own, |x, w| w.row(k).matmul(x).tanh());
                    y.sum()
                };
                let sum = counts.iter().enumerate().map(of_group);
                let sum = sum.reduce(|a, b| a + b).expect("there are groups");
                (slopes(sum, &weights), inputs(&weights, x))
            });
            measure("separate", separate);
        }
    }
    group.finish();
}

/// The weights of layers of these sizes.
fn weights(
    graph: &Graph,
    sizes: [usize; 4],
    shape: impl Fn(usize, usize) -> Shape,
) -> Vec<Var<'_>> {
    let layers = sizes.windows(2).enumerate();
    layers
        .map(|(i, layer)| graph.input(&format!("w{i}"), shape(layer[0], layer[1])))
        .collect()
}

/// The derivatives of `sum`, one after the other.
fn slopes<'g>(sum: Var<'g>, weights: &[Var<'g>]) -> Var<'g> {
    let slopes = grad(sum, weights).expect("all is differentiable");
    let flat: Vec<Var> = (slopes.iter())
        .map(|slope| slope.reshape([slope.shape().elements()]))
        .collect();
    concat(&flat, 0)
}

fn inputs<'g>(weights: &[Var<'g>], x: Var<'g>) -> Vec<Var<'g>> {
    weights.iter().copied().chain([x]).collect()
}

criterion_group!(benches, element_wise, products, convolutions, groups);
criterion_main!(benches);
