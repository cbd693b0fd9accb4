//! Strips: runs of passes over long columns, one strip of columns through all of them at a time.
//!
//! What is written and read within such a run only never needs all its columns at once: every
//! thread keeps the columns of the strip that it works on, in memory that the caches hold.

use std::cell::UnsafeCell;
use std::ops::Range;

use bayes_nn_autodiff::Kind;
use rayon::prelude::*;

use super::kernel::Kernel;
use super::program::{Frame, WORTH_A_THREAD};
use super::watch::Watch;
use crate::Element;
use crate::plan::{Pass, Passing, Plan, RowStarts, Strips, Value, ValueId, pack};

/// Where a value starts: in the arena, or in the memory of the strip at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub offset: usize,
    pub of_strip: bool,
}

/// A plan as the CPU lays it out: which of its strips are used, and which values exist for a
/// strip at a time.
pub(super) struct Memory {
    /// The plan, with the strides of a strip where a value is one of a strip.
    pub plan: Plan,
    of_strip: Vec<bool>,
    /// Elements of a strip's memory.
    pub strip: usize,
}

impl Memory {
    /// `stripped` says whether a step has a kernel that runs on strips.
    pub fn new(plan: &Plan, stripped: impl Fn(&Pass) -> bool) -> Memory {
        let mut memory = Memory {
            of_strip: vec![false; plan.values.len()],
            plan: plan.clone(),
            strip: 0,
        };
        let strips = std::mem::take(&mut memory.plan.strips);
        for run in strips.iter().flat_map(|s| usable(s, plan, &stripped)) {
            memory.keep_in_strips(&run);
            memory.plan.strips.push(run);
        }
        memory
    }

    /// Gives the values that only the steps of `run` touch their places in a strip's memory.
    fn keep_in_strips(&mut self, run: &Strips) {
        let touched: Vec<Option<Passing>> = self.passing(run);
        let kept: Vec<usize> = (0..touched.len())
            .filter(|i| touched[*i].is_some())
            .collect();
        let items: Vec<Passing> = touched.into_iter().flatten().collect();
        let (offsets, size) = pack(&items);
        self.strip = self.strip.max(size);
        let mut strides = vec![None; self.plan.values.len()];
        for (&value, offset) in kept.iter().zip(offsets) {
            let Value {
                layout,
                offset: place,
                ..
            } = &mut self.plan.values[value];
            strides[value] = Some(layout.stride);
            self.of_strip[value] = true;
            *place = offset;
            layout.stride = run.stride();
            (layout.row_padding, layout.end_padding) = (true, true);
        }
        for step in &mut self.plan.passes[run.steps.clone()] {
            let Pass::Fused(group) = step else { continue };
            for operand in &mut group.operands {
                let Some(stride) = strides[operand.value.index()] else {
                    continue;
                };
                match &mut operand.access.rows {
                    RowStarts::Every(step) => *step = *step / stride * run.stride(),
                    RowStarts::Listed(starts) => {
                        for start in starts {
                            *start = (*start as usize / stride * run.stride()) as u32;
                        }
                    }
                }
            }
        }
    }

    /// For each value that lives in a strip: how much memory, and from which step to which.
    fn passing(&self, run: &Strips) -> Vec<Option<Passing>> {
        let values = &self.plan.values;
        let mut lives: Vec<Option<Passing>> = vec![None; values.len()];
        let mut others = vec![false; values.len()];
        for (index, value) in values.iter().enumerate() {
            // A view, and what has views.
            if value.home.index() != index {
                others[index] = true;
                others[value.home.index()] = true;
            }
            others[index] |= value.kind != Kind::Float || value.layout.columns != run.columns;
        }
        let given = self.plan.inputs.iter().map(|input| input.value);
        let known = self.plan.constants.iter().map(|(value, _)| *value);
        for value in given.chain(known).chain(self.plan.outputs.iter().copied()) {
            others[value.index()] = true;
        }
        for (index, step) in self.plan.passes.iter().enumerate() {
            step.each_value(|value, _| {
                let life = &mut lives[value.index()];
                if !run.steps.contains(&index) {
                    others[value.index()] = true;
                    return;
                }
                let size = match values[value.index()].layout.rows {
                    0 | 1 => run.width(),
                    rows => rows * run.stride(),
                };
                let from = life.map_or(index, |l| l.from);
                *life = Some(Passing {
                    size,
                    from,
                    to: index,
                });
            });
        }
        let alone = |(life, other): (Option<Passing>, bool)| life.filter(|_| !other);
        lives.into_iter().zip(others).map(alone).collect()
    }

    pub fn value(&self, id: ValueId) -> &Value {
        &self.plan.values[id.index()]
    }

    pub fn place(&self, id: ValueId) -> Place {
        Place {
            offset: self.value(id).offset,
            of_strip: self.of_strip[id.index()],
        }
    }
}

/// The parts of `strips` whose steps all run on strips; alone a step gains nothing.
fn usable(strips: &Strips, plan: &Plan, stripped: impl Fn(&Pass) -> bool) -> Vec<Strips> {
    let mut runs = Vec::new();
    let mut start = strips.steps.start;
    for end in strips.steps.start..=strips.steps.end {
        if end < strips.steps.end && stripped(&plan.passes[end]) {
            continue;
        }
        if end - start > 1 {
            let columns = strips.columns;
            runs.push(Strips {
                steps: start..end,
                columns,
            });
        }
        start = end + 1;
    }
    runs
}

/// Runs kernels over strips, on all threads if they are worth it, then lets each add up what
/// its strips gave.
pub(super) fn run<T: Element, W: Watch>(
    kernels: &[Kernel<T>],
    strips: &Strips,
    frame: &Frame<'_, T>,
    watch: &mut W,
) {
    let strip = |i: usize, done: &mut dyn FnMut(usize)| {
        let columns = strips.range(i);
        let frame = frame.at_strip(columns.start);
        for (kernel, number) in kernels.iter().zip(strips.steps.clone()) {
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

/// Partial results of pieces of a kernel, each piece run by one thread.
pub(super) struct Partials<T>(Box<[UnsafeCell<T>]>);

// SAFETY: `part` makes its caller promise that no two threads take the same elements.
unsafe impl<T: Send> Sync for Partials<T> {}

impl<T: Copy> Partials<T> {
    pub fn new(count: usize, value: T) -> Partials<T> {
        Partials((0..count).map(|_| UnsafeCell::new(value)).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// # Safety
    /// While the result lives, nothing else reads or writes these elements.
    #[expect(clippy::mut_from_ref, reason = "the caller's promise")]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        let cells = &self.0[range];
        // SAFETY: a cell lies in memory as what it holds; the caller promises to be alone.
        unsafe { std::slice::from_raw_parts_mut(cells.as_ptr().cast_mut().cast(), cells.len()) }
    }
}
