//! Strips: runs of passes over long columns, one strip of columns through all of them at a time.
//!
//! What is written and read within such a run only never needs all its columns at once: every
//! thread keeps the columns of the strip that it works on, in memory that the caches hold.

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
