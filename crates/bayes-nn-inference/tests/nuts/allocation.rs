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

/// How often anything was allocated within trajectories, from the first evaluation of each to the
/// last. One that is longer than all before it may: the memory of trajectories grows with them.
fn allocations_within_trajectories(nuts: Nuts, density: impl LogDensity + Send + 'static) -> usize {
    const DRAWS: usize = 100;
    let counts: Arc<Mutex<Vec<usize>>> = Arc::new(Mutex::new(Vec::with_capacity(1 << 20)));
    let (seen, mut density) = (counts.clone(), Some(density));
    let nuts = nuts.chains(1).draws(DRAWS as u64).seed(1);
    let fit = nuts.sample_with(move |_| {
        let (seen, mut density) = (seen.clone(), density.take().expect("there is one chain"));
        By(density.dim(), move |x: &[f64], gradient: &mut [f64]| {
            let value = density.log_prob_grad(x, gradient);
            seen.lock().unwrap().push(COUNT.get());
            value
        })
    });
    let fit = fit.unwrap();
    let statistics = fit.chains()[0].draws().statistics().iter();
    let steps: Vec<usize> = statistics.map(|s| s.leapfrog_steps as usize).collect();
    let counts = counts.lock().unwrap();
    let mut rest = &counts[counts.len() - steps.iter().sum::<usize>()..];
    let (mut longest, mut looked_at, mut allocations) = (0, 0, 0);
    for steps in steps {
        let (trajectory, behind) = rest.split_at(steps);
        rest = behind;
        if steps > longest {
            longest = steps;
        } else {
            allocations += trajectory[steps - 1] - trajectory[0];
            looked_at += 1;
        }
    }
    assert!(looked_at > 80 && longest >= 7, "{looked_at}, {longest}");
    allocations
}

#[test]
fn leapfrog_steps_allocate_nothing_with_any_metric() {
    for metric in [
        Metric::Identity,
        Metric::Fisher,
        Metric::LowRank(LowRank::new()),
    ] {
        let nuts = Nuts::new().warmup(100).metric(metric);
        let count = allocations_within_trajectories(nuts, Chained { dim: 30, r: 0.95 });
        assert_eq!(count, 0, "{metric:?}");
    }
}

#[test]
fn nor_does_a_compiled_density_in_them() {
    let density = CompiledDensity::new(&Regression::line()).unwrap();
    let nuts = Nuts::new().warmup(100).target_accept(0.95);
    assert_eq!(allocations_within_trajectories(nuts, density), 0);
}
