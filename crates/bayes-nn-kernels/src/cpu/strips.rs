//! Strips: consecutive passes over long columns are run for one strip of columns at a time.
//!
//! A value that only these passes write and read never exists as a whole: every thread keeps the
//! columns of the strip that it works on, in memory that stays in its cache.

use rayon::prelude::*;

use super::kernel::{Kernel, Number};
use super::memory::{Frame, WORTH_A_THREAD};
use super::watch::Watch;
use crate::plan::Strips;

/// Runs kernels over strips, on all threads if they are worth it, then lets each add up what
/// its strips gave.
pub(super) fn run<T: Number, W: Watch>(
    kernels: &[Kernel<T>],
    strips: &Strips,
    frame: &Frame<'_, T>,
    watch: &mut W,
) {
    let strip = |i: usize, done: &mut dyn FnMut(usize)| {
        let columns = strips.range(i);
        let frame = frame.at_strip(columns.start);
        for (kernel, number) in kernels.iter().zip(strips.passes.clone()) {
            kernel.run_strip(&frame, i, columns.clone());
            done(number);
        }
    };
    let cost: usize = kernels.iter().map(Kernel::cost).sum();
    if frame.parallel && cost > WORTH_A_THREAD && !W::EACH_PASS {
        (0..strips.count())
            .into_par_iter()
            .for_each(|i| strip(i, &mut |_| {}));
    } else {
        (0..strips.count()).for_each(|i| strip(i, &mut |number| watch.pass_ends(number)));
    }
    for kernel in kernels {
        kernel.finish(frame);
    }
}
