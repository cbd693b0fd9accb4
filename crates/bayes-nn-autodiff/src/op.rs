//! The closed set of operations.
//!
//! A new operation has a place in each of: the shape rule (`var/`), the derivative (`grad/`),
//! the f64 reference (`tensor.rs`), the plan and the executors of `bayes-nn-kernels`, and the
//! generator of the property tests. Each is an exhaustive `match`, so the compiler lists what is
//! missing. A new function of one number is a line in `unary.rs`.

use crate::{Binary, InputId, Side, Unary, Window};

/// What a node computes from its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A tensor given from outside.
    Input(InputId),
    /// A tensor known when the graph is written; the number indexes the graph's constants.
    Constant(usize),
    /// Fresh random numbers at every step, see [`crate::noise`].
    Noise {
        /// Their distribution.
        kind: NoiseKind,
        /// Which of the independent streams of a seed.
        stream: u32,
    },
    /// The number of the step that is being run, counted from 0.
    Step,
    /// Row numbers of a minibatch: positions `step * B .. (step + 1) * B` of an endless
    /// sequence of random permutations of `0..rows`, see [`crate::noise::Permutation`].
    ///
    /// Where `R` ranks run a graph with [`Op::AllReduceMean`], rank `r` gets `B` positions from
    /// `(step * R + r) * B` on: its part of a minibatch of `R * B` rows.
    Batch {
        /// How many rows the data set has.
        rows: usize,
        /// Which of the independent streams of a seed.
        stream: u32,
    },
    /// A function of each element.
    Unary(Unary),
    /// A function of two elements, with broadcasting.
    Binary(Binary),
    /// `if condition != 0 { a } else { b }`, with broadcasting.
    Select,
    /// Matrix product of two matrices, either of them transposed first.
    MatMul {
        /// The left matrix is transposed.
        transpose_a: bool,
        /// The right matrix is transposed.
        transpose_b: bool,
    },
    /// One side of products by the weights of groups, of which the other two are the first
    /// arguments, in the order of [`Side`]: inputs, weights `[g, o, i]` or outputs. The third
    /// argument is an index vector, the group of each row; where there is none, each group has as
    /// many rows, which the first axis of inputs and outputs tells apart. Each side is the derivative
    /// of the sum of all products of the three by it.
    ProductByGroup {
        /// The side that is computed.
        result: Side,
    },
    /// The lower triangular factor `L` of a symmetric positive definite matrix `L L^T`, of which
    /// only the lower triangle is read.
    Cholesky,
    /// The solution `X` of `op(L) X = B` for the arguments `L` and `B`, two matrices. Of `L` only
    /// the lower triangle is read.
    TriangularSolve {
        /// `op` transposes.
        transpose: bool,
    },
    /// One side of a convolution, of which the other two are the arguments, in the order of
    /// [`Side`]: images, weights or outputs. Each is the derivative of the sum of all products of
    /// the three by this side.
    Convolution {
        /// The side that is computed.
        result: Side,
        /// What moves over the images.
        window: Window,
        /// Into how many groups channels and outputs are cut.
        groups: usize,
    },
    /// At each place of a window over images `[channels, height, width, rows]`, the element of the
    /// second argument where the first one is largest; of several the first. One that is NaN is
    /// the largest.
    Pool {
        /// What moves over the images.
        window: Window,
    },
    /// Adjoint of `Pool`: elements of the second argument, one a place of the window, added up
    /// where the first argument is largest under it; zero elsewhere.
    Unpool {
        /// What moves over the images.
        window: Window,
    },
    /// Sum or maximum over the axes `from..to`, which disappear.
    Reduce {
        /// What is done with the elements.
        kind: Reduction,
        /// The first axis.
        from: usize,
        /// One past the last axis.
        to: usize,
    },
    /// The argument stretched to the node's shape.
    Broadcast,
    /// The argument's elements from `offset` on, in row-major order, in the node's shape.
    View {
        /// The first element.
        offset: usize,
    },
    /// A matrix's transpose.
    Transpose,
    /// The arguments one after the other along `axis`.
    Concat {
        /// The axis along which they are laid.
        axis: usize,
    },
    /// Slices of the first argument along `axis`, selected by the second, an index vector.
    Gather {
        /// The axis from which slices are taken.
        axis: usize,
    },
    /// Adjoint of `Gather`: slices of the first argument added up into the places along `axis`
    /// that the second, an index vector, names; zero elsewhere.
    Scatter {
        /// The axis into which slices are added.
        axis: usize,
    },
    /// The mean of the argument over the ranks that run the graph together, element by element,
    /// and the same on all of them; of one rank the argument itself.
    AllReduceMean,
    /// The mean of the argument over several evaluations of it, in which noise of stream `s` is
    /// that of `s`, `s + 1`, .. up to `s + draws - 1`, element by element. Noise behind another
    /// mean over draws stays as it is.
    MeanOverDraws {
        /// How many evaluations.
        draws: usize,
    },
}

/// The distribution of a noise node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoiseKind {
    /// Independent standard normals.
    Normal,
    /// Independent uniforms on the open interval (0, 1).
    Uniform,
}

/// What a reduction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Adds up.
    Sum,
    /// Takes the largest.
    Max,
}
