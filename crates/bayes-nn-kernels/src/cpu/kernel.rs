//! The passes of a plan, each made ready to run.

use std::ops::Range;

use super::isa::Runnable;
use super::kernels::group::GroupKernel;
use super::kernels::linalg::{CholeskyKernel, Factorization, SolveKernel};
use super::kernels::matmul::{GroupsKernel, Product, ProductKernel};
use super::kernels::moves;
use super::kernels::reduce::ReduceKernel;
use super::kernels::windows::{ConvolutionKernel, PoolKernel};
use super::math::Real;
use super::memory::{Frame, Memory, Scratch};
use crate::error::KernelError;
use crate::plan::{Pass, Strips};

/// A number that every kernel can compute with.
pub(super) trait Number: Real + Product + Factorization {}

impl<T: Real + Product + Factorization> Number for T {}

/// The kernel of a pass: the code that runs it.
pub(super) enum Kernel<T> {
    Fused(GroupKernel<T>),
    Product(ProductKernel<T>),
    ByGroup(GroupsKernel<T>),
    Convolution(ConvolutionKernel<T>),
    Pool(PoolKernel),
    Reduce(ReduceKernel),
    Cholesky(CholeskyKernel),
    Solve(SolveKernel),
    Move(Pass),
}

impl<T: Number> Kernel<T> {
    pub fn new(pass: &Pass, memory: &Memory, strips: Option<&Strips>, isa: Runnable) -> Kernel<T> {
        match pass {
            Pass::Fused(group) => Kernel::Fused(GroupKernel::new(group, memory, strips, isa)),
            Pass::MatMul(product) => {
                Kernel::Product(ProductKernel::new(product, memory, strips, isa))
            }
            Pass::ProductByGroup(product) => {
                Kernel::ByGroup(GroupsKernel::new(product, memory, isa))
            }
            Pass::Convolution(convolution) => {
                Kernel::Convolution(ConvolutionKernel::new(convolution, memory, isa))
            }
            Pass::Pool(pool) => Kernel::Pool(PoolKernel::new(pool, memory, false)),
            Pass::Unpool(pool) => Kernel::Pool(PoolKernel::new(pool, memory, true)),
            Pass::ReduceMiddle(reduce) => Kernel::Reduce(ReduceKernel::new(reduce, memory)),
            Pass::Cholesky { matrix, out } => {
                Kernel::Cholesky(CholeskyKernel::new::<T>(*matrix, *out, memory))
            }
            Pass::TriangularSolve(solve) => Kernel::Solve(SolveKernel::new(solve, memory)),
            Pass::Copy { .. }
            | Pass::Transpose { .. }
            | Pass::Concat { .. }
            | Pass::Gather { .. }
            | Pass::Scatter { .. }
            | Pass::Batch { .. }
            | Pass::AllReduceMean { .. }
            | Pass::MeanOverDraws { .. }
            | Pass::Record { .. } => Kernel::Move(pass.clone()),
        }
    }

    /// Scratch memory of a thread that is large enough for each of these kernels.
    pub fn scratch(kernels: &[Kernel<T>]) -> Result<Scratch<T>, KernelError> {
        GroupKernel::scratch(kernels.iter().filter_map(Kernel::group))
    }

    fn group(&self) -> Option<&GroupKernel<T>> {
        if let Kernel::Fused(group) = self {
            return Some(group);
        }
        None
    }

    /// What one run costs, in simple operations on elements; 0 for what one thread always does.
    pub fn cost(&self) -> usize {
        match self {
            Kernel::Fused(group) => group.cost(),
            Kernel::Product(product) => product.cost(),
            Kernel::ByGroup(product) => product.cost(),
            Kernel::Convolution(convolution) => convolution.cost(),
            Kernel::Pool(pool) => pool.cost(),
            Kernel::Reduce(reduce) => reduce.cost(),
            Kernel::Cholesky(_) | Kernel::Solve(_) | Kernel::Move(_) => 0,
        }
    }

    pub fn run(&mut self, frame: &Frame<'_, T>) -> Result<(), KernelError> {
        match self {
            Kernel::Fused(group) => group.run(frame),
            Kernel::Product(product) => product.run(frame),
            Kernel::ByGroup(product) => return product.run(frame),
            Kernel::Convolution(convolution) => convolution.run(frame),
            Kernel::Pool(pool) => pool.run(frame),
            Kernel::Reduce(reduce) => reduce.run(frame),
            Kernel::Cholesky(cholesky) => cholesky.run(frame),
            Kernel::Solve(solve) => solve.run(frame),
            Kernel::Move(pass) => return moves::run(pass, frame),
        }
        Ok(())
    }

    /// The columns of strip number `strip`.
    pub fn run_strip(&self, frame: &Frame<'_, T>, strip: usize, columns: Range<usize>) {
        match self {
            Kernel::Fused(group) => group.run_strip(frame, strip),
            Kernel::Product(product) => product.run_strip(frame, strip, columns),
            Kernel::Reduce(reduce) => reduce.run_strip(frame, columns),
            Kernel::ByGroup(_)
            | Kernel::Convolution(_)
            | Kernel::Pool(_)
            | Kernel::Cholesky(_)
            | Kernel::Solve(_)
            | Kernel::Move(_) => {
                unreachable!("these need whole values")
            }
        }
    }

    /// What is left to do after the last strip.
    pub fn finish(&self, frame: &Frame<'_, T>) {
        match self {
            Kernel::Fused(group) => group.finish(frame),
            Kernel::Product(product) => product.finish(frame),
            Kernel::ByGroup(_)
            | Kernel::Convolution(_)
            | Kernel::Pool(_)
            | Kernel::Reduce(_)
            | Kernel::Cholesky(_)
            | Kernel::Solve(_)
            | Kernel::Move(_) => {}
        }
    }
}
