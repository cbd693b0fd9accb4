//! A program allocates when it is made and in its first step, and not again.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use bayes_nn_autodiff::{Graph, NoiseKind, Var, concat, grad};
use bayes_nn_kernels::{Cpu, Precision};
use common::Model;

/// On all threads.
static COUNT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// On the thread that asks.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all work is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        OWN.set(OWN.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations after a first step: in `steps` steps by one call, then by a call each.
fn allocations(
    model: &Model<'_>,
    threads: usize,
    precision: Precision,
    count: impl Fn() -> usize,
) -> [usize; 2] {
    const STEPS: u64 = 50;
    let cpu = Cpu::detect().unwrap().threads(threads);
    let mut replicas = model.program(&cpu, precision);
    let program = replicas.program_mut(0);
    program.run(1).unwrap();
    let start = count();
    program.run(STEPS).unwrap();
    let middle = count();
    for _ in 0..STEPS {
        program.run(1).unwrap();
    }
    [middle - start, count() - middle]
}

/// A step of variational inference on a minibatch: every kind of kernel but faer's.
fn net<'g>(graph: &'g Graph, hidden: usize, rows: usize, batch: usize) -> Model<'g> {
    let mut m = Model::new(graph);
    let (x, y) = (m.input([rows, 2]), m.input([rows]));
    let weights = 3 * hidden + hidden * hidden;
    let (mu, rho) = (m.input([weights]), m.input([weights]));
    let index = graph.batch(rows, batch, 1);
    let (x, y) = (x.gather(index, 0).t(), y.gather(index, 0));
    let z = mu + rho.softplus() * graph.noise(NoiseKind::Normal, 0, [weights]);
    let square = hidden * hidden;
    let first = z.view(0, [hidden, 2]).matmul(x).tanh();
    let second = z.view(2 * hidden, [hidden, hidden]).matmul(first).tanh();
    let logits = z.view(2 * hidden + square, [hidden]).matmul(second);
    let elbo = (y * logits - logits.softplus()).sum() - 0.5 * (z * z).sum();
    let gradients = grad(elbo, &[mu, rho]).unwrap();
    let norms: Vec<Var<'_>> = gradients
        .iter()
        .map(|g| (*g * *g).sum().reshape([1]))
        .collect();
    m.outputs = vec![
        elbo,
        concat(&norms, 0),
        second.max_axis(1),
        second.sum_axis(0),
    ];
    m.updates = vec![
        (mu, mu + 0.01 * gradients[0]),
        (rho, rho + 0.01 * gradients[1]),
    ];
    m
}

/// A Gaussian process of `points` points: a factor, solves, and their gradients.
fn process(graph: &Graph, points: usize) -> Model<'_> {
    let mut m = Model::new(graph);
    let (noise, y) = (m.input([points]), m.input([points]));
    let place: Vec<f64> = (0..points).map(|i| i as f64 / points as f64).collect();
    let apart = graph.constant(&place, [points, 1]) - graph.constant(&place, [1, points]);
    let covariance = (apart * apart * -4.0).exp() + (noise * noise + 1.0).diagonal_matrix();
    let factor = covariance.cholesky();
    let solved = factor.solve_lower(y);
    let log_prob = (solved * solved).sum() * -0.5 - factor.diagonal().ln().sum();
    let gradient = grad(log_prob, &[noise]).unwrap()[0];
    m.outputs.push(log_prob);
    m.updates.push((noise, noise + 0.001 * gradient));
    m
}

/// Allocations of a group, on all its threads, in one call of many steps more than in one of a few.
fn allocations_of_steps(ranks: usize, precision: Precision) -> usize {
    let graph = Graph::new();
    let mut model = net(&graph, 5, 200, 50);
    let gradient = model.outputs[0].all_reduce_mean() * model.outputs[1].all_reduce_mean();
    model.outputs.push(gradient);
    let group = Cpu::detect().unwrap().threads(1).group(ranks).unwrap();
    let mut replicas = model.program(&group, precision);
    let program = replicas.program_mut(0);
    let mut count = |steps| {
        let start = COUNT.load(Ordering::Relaxed);
        program.run(steps).unwrap();
        COUNT.load(Ordering::Relaxed) - start
    };
    count(1);
    let few = count(1);
    count(50).saturating_sub(few)
}

/// One test: side by side, two would count each other's allocations.
///
/// On several threads a call enters the pool through a queue that allocates a block for every 63
/// calls, faer keeps a buffer for each thread from its first piece on, and threads of the program
/// before may still be coming to their end. Next to the hundreds of pieces that fifty steps hand
/// to threads this is nothing.
#[test]
fn nothing_is_allocated_after_the_first_step() {
    for precision in [Precision::F32, Precision::F64] {
        // A call starts a thread for each rank but one.
        let more = allocations_of_steps(3, precision);
        assert!(more <= 8, "three ranks, {precision:?}: {more}");
        let graphs = [(); 4].map(|()| Graph::new());
        for (what, model) in [
            ("loops", net(&graphs[0], 5, 200, 50)),
            ("products by faer", net(&graphs[1], 100, 200, 50)),
            ("factors by loops", process(&graphs[2], 20)),
            ("factors by faer", process(&graphs[3], 150)),
        ] {
            let counts = allocations(&model, 1, precision, || OWN.get());
            assert_eq!(counts, [0, 0], "{what}, {precision:?}");
        }
        let (small, large) = (Graph::new(), Graph::new());
        for (what, model) in [
            ("loops", net(&small, 5, 50_000, 25_000)),
            ("products by faer", net(&large, 100, 1000, 500)),
        ] {
            let counts = allocations(&model, 2, precision, || COUNT.load(Ordering::Relaxed));
            let few = counts.iter().all(|n| *n <= 8);
            assert!(few, "{what} on two threads, {precision:?}: {counts:?}");
        }
    }
}
