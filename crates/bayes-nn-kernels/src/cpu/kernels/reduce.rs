//! Reductions across rows.

use std::ops::Range;

use bayes_nn_autodiff::Reduction;

use crate::cpu::isa::{Level, multiversion};
use crate::cpu::math::sums::maximum;
use crate::cpu::memory::{Frame, Memory, Place};
use crate::element::Element;
use crate::plan::ReduceMiddle;

/// A reduction of the middle of three axes, made ready to run.
pub(crate) struct ReduceKernel {
    kind: Reduction,
    from: Place,
    from_stride: usize,
    to: Place,
    to_stride: usize,
    outer: usize,
    length: usize,
    /// Rows and columns of the last axes.
    rows: usize,
    columns: usize,
}

impl ReduceKernel {
    pub fn new(reduce: &ReduceMiddle, memory: &Memory) -> ReduceKernel {
        let result = memory.value(reduce.out);
        let columns = result.layout.columns;
        ReduceKernel {
            kind: reduce.kind,
            from: memory.place(reduce.source),
            from_stride: memory.value(reduce.source).layout.stride,
            to: memory.place(reduce.out),
            to_stride: result.layout.stride,
            outer: reduce.outer,
            length: reduce.length,
            rows: result.shape.elements() / reduce.outer.max(1) / columns.max(1),
            columns,
        }
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        self.outer * self.length * self.rows * self.columns
    }

    pub fn run<T: Element>(&self, frame: &Frame<'_, T>) {
        self.run_strip(frame, 0..self.columns);
    }

    /// These columns of the result.
    pub fn run_strip<T: Element>(&self, frame: &Frame<'_, T>, columns: Range<usize>) {
        reduce(frame.isa, self, frame, columns);
    }
}

multiversion! {
    fn reduce<T: Element>(
        kernel: &ReduceKernel,
        frame: &Frame<'_, T>,
        columns: Range<usize>,
    ) = reduce_body;
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "bodies are generic over the level"
)]
#[inline(always)]
fn reduce_body<L: Level, T: Element>(
    kernel: &ReduceKernel,
    frame: &Frame<'_, T>,
    columns: Range<usize>,
) {
    let zero = match kernel.kind {
        Reduction::Sum => T::ZERO,
        Reduction::Max => T::NEG_INFINITY,
    };
    for row in 0..kernel.outer * kernel.rows {
        let (block, row_of_block) = (row / kernel.rows, row % kernel.rows);
        // SAFETY: rows of the result and of the source lie inside their values, which do not
        // share memory.
        unsafe {
            let to = row * kernel.to_stride + columns.start;
            let to = frame.at(kernel.to).wrapping_add(to);
            let sums = std::slice::from_raw_parts_mut(to, columns.len());
            sums.fill(zero);
            for k in 0..kernel.length {
                let from = (block * kernel.length + k) * kernel.rows + row_of_block;
                let from = from * kernel.from_stride + columns.start;
                let from = frame.at(kernel.from).wrapping_add(from).cast_const();
                let terms = std::slice::from_raw_parts(from, columns.len());
                for (sum, x) in sums.iter_mut().zip(terms) {
                    *sum = match kernel.kind {
                        Reduction::Sum => *sum + *x,
                        Reduction::Max => maximum(*sum, *x),
                    };
                }
            }
        }
    }
}
