//! The steps of a plan, each made ready to run.

use std::ops::Range;

use super::group::GroupKernel;
use super::isa::Runnable;
use super::linalg::{CholeskyKernel, SolveKernel};
use super::matmul::ProductKernel;
use super::moves;
use super::program::Frame;
use super::reduce::ReduceKernel;
use super::strips::Memory;
use crate::plan::{Step, Strips};
use crate::{Element, KernelError};

/// What runs a step.
pub(super) enum Kernel<T> {
    Group(GroupKernel<T>),
    Product(ProductKernel<T>),
    Reduce(ReduceKernel),
    Cholesky(CholeskyKernel),
    Solve(SolveKernel),
    Move(Step),
}

impl<T: Element> Kernel<T> {
    pub fn new(step: &Step, memory: &Memory, strips: Option<&Strips>, isa: Runnable) -> Kernel<T> {
        match step {
            Step::Group(group) => Kernel::Group(GroupKernel::new(group, memory, strips, isa)),
            Step::MatMul(product) => {
                Kernel::Product(ProductKernel::new(product, memory, strips, isa))
            }
            Step::ReduceMiddle {
                kind,
                source,
                out,
                outer,
                length,
            } => Kernel::Reduce(ReduceKernel::new(
                *kind,
                (*source, *out),
                (*outer, *length),
                memory,
            )),
            Step::Cholesky { matrix, out } => {
                Kernel::Cholesky(CholeskyKernel::new::<T>(*matrix, *out, memory))
            }
            Step::TriangularSolve {
                triangle,
                right,
                out,
                transpose,
            } => Kernel::Solve(SolveKernel::new(
                (*triangle, *right),
                *out,
                *transpose,
                memory,
            )),
            step => Kernel::Move(step.clone()),
        }
    }

    /// Whether a step's kernel can be run strip by strip.
    pub fn runs_on_strips(step: &Step) -> bool {
        match step {
            Step::Group(_) | Step::ReduceMiddle { .. } => true,
            Step::MatMul(product) => !product.is_large(),
            _ => false,
        }
    }

    /// What one run costs, in simple operations on elements; 0 for what one thread always does.
    pub fn cost(&self) -> usize {
        match self {
            Kernel::Group(group) => group.cost(),
            Kernel::Product(product) => product.cost(),
            Kernel::Reduce(reduce) => reduce.cost(),
            Kernel::Cholesky(_) | Kernel::Solve(_) | Kernel::Move(_) => 0,
        }
    }

    pub fn run(&mut self, frame: &Frame<'_, T>) -> Result<(), KernelError> {
        match self {
            Kernel::Group(group) => group.run(frame),
            Kernel::Product(product) => product.run(frame),
            Kernel::Reduce(reduce) => reduce.run(frame),
            Kernel::Cholesky(cholesky) => cholesky.run(frame),
            Kernel::Solve(solve) => solve.run(frame),
            Kernel::Move(step) => return moves::run(step, frame),
        }
        Ok(())
    }

    /// The columns of strip number `strip`.
    pub fn run_strip(&self, frame: &Frame<'_, T>, strip: usize, columns: Range<usize>) {
        match self {
            Kernel::Group(group) => group.run_strip(frame, strip),
            Kernel::Product(product) => product.run_strip(frame, strip, columns),
            Kernel::Reduce(reduce) => reduce.run_strip(frame, columns),
            Kernel::Cholesky(_) | Kernel::Solve(_) | Kernel::Move(_) => {
                unreachable!("these need whole values")
            }
        }
    }

    /// What is left to do after the last strip.
    pub fn finish(&self, frame: &Frame<'_, T>) {
        match self {
            Kernel::Group(group) => group.finish(frame),
            Kernel::Product(product) => product.finish(frame),
            _ => {}
        }
    }
}
