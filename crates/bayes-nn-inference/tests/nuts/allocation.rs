//! Leapfrog steps allocate nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::{Arc, Mutex};

use bayes_nn_inference::Nuts;
use bayes_nn_inference::nuts::{CompiledDensity, LogDensity, LowRank, Metric};

use crate::regression::Regression;
use crate::targets::{By, Chained};

thread_local! {
    /// Allocations on this thread.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all work is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
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

/// Trajectories of 63 steps of a density, after a warm-up; how often anything was allocated from
/// one evaluation to the end of the next. The first trajectory after the warm-up may allocate,
/// and what is between two trajectories.
fn allocations_within_trajectories(nuts: Nuts, density: impl LogDensity + Send + 'static) -> usize {
    const DRAWS: usize = 20;
    const STEPS: usize = 63;
    let counts: Arc<Mutex<Vec<usize>>> = Arc::new(Mutex::new(Vec::with_capacity(1 << 20)));
    let (seen, mut density) = (counts.clone(), Some(density));
    // Steps so short that only the limit of depth ends a trajectory.
    let nuts = nuts
        .max_depth(6)
        .target_accept(1.0 - 1e-9)
        .chains(1)
        .seed(1);
    let fit = nuts.draws(DRAWS as u64).sample_with(move |_| {
        let (seen, mut density) = (seen.clone(), density.take().expect("there is one chain"));
        By(density.dim(), move |x: &[f64], gradient: &mut [f64]| {
            let value = density.logp_grad(x, gradient);
            seen.lock().unwrap().push(COUNT.get());
            value
        })
    });
    let fit = fit.unwrap();
    let statistics = fit.chains()[0].draws().statistics();
    assert!(
        statistics
            .iter()
            .all(|s| s.leapfrog_steps as usize == STEPS)
    );
    let counts = counts.lock().unwrap();
    let trajectories = counts[counts.len() - DRAWS * STEPS..].chunks_exact(STEPS);
    let within = |counts: &[usize]| counts[STEPS - 1] - counts[0];
    trajectories.skip(1).map(within).sum()
}

#[test]
fn leapfrog_steps_allocate_nothing_with_any_metric() {
    for metric in [
        Metric::Identity,
        Metric::Fisher,
        Metric::LowRank(LowRank::new()),
    ] {
        let nuts = Nuts::new().warmup(60).metric(metric);
        let count = allocations_within_trajectories(nuts, Chained { dim: 30, r: 0.95 });
        assert_eq!(count, 0, "{metric:?}");
    }
}

#[test]
fn nor_does_a_compiled_density_in_them() {
    let density = CompiledDensity::new(&Regression::line()).unwrap();
    let nuts = Nuts::new().warmup(60);
    assert_eq!(allocations_within_trajectories(nuts, density), 0);
}
