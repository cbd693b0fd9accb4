//! Convolutions, by the side that is computed.

use bayes_nn_autodiff::Side;

use super::dots::DotsKernel;
use super::sums::SumsKernel;
use crate::cpu::isa::{InRegisters, Runnable};
use crate::cpu::memory::{Frame, Memory};
use crate::plan::Convolution;

/// A convolution made ready to run.
pub(crate) enum ConvolutionKernel<T> {
    /// Outputs, or images: every row of a pixel is a sum of rows.
    Sums(SumsKernel<T>),
    /// Weights: each is a dot product of rows.
    Dots(DotsKernel<T>),
}

impl<T: InRegisters> ConvolutionKernel<T> {
    pub fn new(convolution: &Convolution, memory: &Memory, isa: Runnable) -> ConvolutionKernel<T> {
        match convolution.result {
            Side::Weight => ConvolutionKernel::Dots(DotsKernel::new(convolution, memory, isa)),
            Side::Input | Side::Output => {
                ConvolutionKernel::Sums(SumsKernel::new(convolution, memory, isa))
            }
        }
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        match self {
            ConvolutionKernel::Sums(kernel) => kernel.cost(),
            ConvolutionKernel::Dots(kernel) => kernel.cost(),
        }
    }

    pub fn run(&self, frame: &Frame<'_, T>) {
        match self {
            ConvolutionKernel::Sums(kernel) => kernel.run(frame),
            ConvolutionKernel::Dots(kernel) => kernel.run(frame),
        }
    }
}
