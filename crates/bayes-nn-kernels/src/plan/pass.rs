//! The passes of a plan, with what they read and write.

use bayes_nn_autodiff::{Binary, NoiseKind, Reduction, Side, Unary};

use super::{Access, Convolution, MatMul, Pool, ProductByGroup, ValueId};

/// One pass over memory.
#[derive(Clone, Debug)]
pub enum Pass {
    /// Element-wise operations over one shape, fused.
    Fused(FusedGroup),
    /// A matrix product `out = op(left) op(right)`.
    MatMul(MatMul),
    /// One side of products by the weights of groups.
    ProductByGroup(ProductByGroup),
    /// `out` gets the Cholesky factor of a matrix, by its lower triangle, with zeros above the
    /// diagonal. From the row of the first pivot that is not positive and finite on, the triangle
    /// is NaN; the rows before are right ([`first_bad_pivot`](crate::first_bad_pivot)).
    Cholesky {
        /// The matrix.
        matrix: ValueId,
        /// The factor.
        out: ValueId,
    },
    /// The solution of a triangular system.
    TriangularSolve(TriangularSolve),
    /// One side of a convolution.
    Convolution(Convolution),
    /// At each place of a window over `keys`, the element of `source` where they are largest: of
    /// several the first, and what is NaN is the largest.
    Pool(Pool),
    /// Elements of `source`, one a place of a window over `keys`, added up where these are largest
    /// under it, over zero.
    Unpool(Pool),
    /// A reduction of the middle of three axes.
    ReduceMiddle(ReduceMiddle),
    /// `out` gets the elements of `source` from number `offset` on.
    Copy {
        /// From where.
        source: ValueId,
        /// The number of the first element.
        offset: usize,
        /// To where.
        out: ValueId,
    },
    /// `out` gets the transpose of the matrix `source`.
    Transpose {
        /// From where.
        source: ValueId,
        /// To where.
        out: ValueId,
    },
    /// `out` gets the parts one after the other along `axis`.
    Concat {
        /// The parts that do not lie in `out` already, each with its position along the axis.
        parts: Vec<(usize, ValueId)>,
        /// To where.
        out: ValueId,
        /// The axis.
        axis: usize,
    },
    /// `out[.., k, ..] = source[.., index[k], ..]`.
    Gather(Selection),
    /// `out[.., index[k], ..] += source[.., k, ..]`, over zero.
    Scatter(Selection),
    /// The row numbers of this step's minibatch, or of this rank's part of it.
    Batch {
        /// How many rows there are in all.
        rows: usize,
        /// The stream of random numbers.
        stream: u32,
        /// To where.
        out: ValueId,
    },
    /// `out` gets the mean of `source` over the ranks that run the plan together. Both lie in
    /// memory in the same way.
    AllReduceMean {
        /// What is averaged.
        source: ValueId,
        /// The mean, the same on all ranks.
        out: ValueId,
    },
    /// `out` gets the mean of `source` over the draws of a step: the first draw replaces what it
    /// held, the others add to it, and the last divides by how many there are.
    MeanOverDraws {
        /// What is averaged.
        source: ValueId,
        /// The mean.
        out: ValueId,
    },
    /// Row `step` modulo `rows` of `out` gets the elements of `source`; the other rows stay as
    /// they are.
    Record {
        /// What is recorded.
        source: ValueId,
        /// How many rows there are.
        rows: usize,
        /// To where, `[rows, elements]`, one after the other in memory.
        out: ValueId,
    },
}

impl Pass {
    /// The group, if it is one.
    pub fn group(&self) -> Option<&FusedGroup> {
        if let Pass::Fused(group) = self {
            return Some(group);
        }
        None
    }

    /// The index by which slices or weights are selected, the value into which it points, and along
    /// which axis; `None` where nothing is selected.
    pub fn selection(&self) -> Option<(ValueId, ValueId, usize)> {
        if let Pass::Gather(taken) = self {
            return Some((taken.index, taken.source, taken.axis));
        }
        if let Pass::Scatter(added) = self {
            return Some((added.index, added.out, added.axis));
        }
        if let Pass::ProductByGroup(product) = self {
            return Some((product.index?, product.value(Side::Weight), 0));
        }
        None
    }

    /// How many columns are walked, and the values of which a column at a time is read or written,
    /// if the pass can do one column after the other; `columns` are those of a value.
    pub(crate) fn walk(&self, columns: impl Fn(ValueId) -> usize) -> Option<(usize, Vec<ValueId>)> {
        match self {
            Pass::Fused(group) => {
                let read = group.operands.iter().map(|operand| operand.value);
                let written = group.stores.iter().map(|store| store.value);
                Some((group.columns, read.chain(written).collect()))
            }
            Pass::MatMul(product) => {
                let (left, right) = (product.left, product.right);
                match (product.transpose_left, product.transpose_right) {
                    (_, false) if left != right => Some((product.n, vec![right, product.out])),
                    (false, true) => Some((product.k, vec![left, right])),
                    (_, false) | (true, true) => None,
                }
            }
            Pass::ReduceMiddle(reduce) => {
                Some((columns(reduce.out), vec![reduce.source, reduce.out]))
            }
            Pass::Cholesky { .. }
            | Pass::ProductByGroup(_)
            | Pass::Convolution(_)
            | Pass::Pool(_)
            | Pass::Unpool(_)
            | Pass::TriangularSolve { .. }
            | Pass::Copy { .. }
            | Pass::Transpose { .. }
            | Pass::Concat { .. }
            | Pass::Gather { .. }
            | Pass::Scatter { .. }
            | Pass::Batch { .. }
            | Pass::AllReduceMean { .. }
            | Pass::MeanOverDraws { .. }
            | Pass::Record { .. } => None,
        }
    }

    /// Calls `f` with every value that the pass reads or writes, and whether it writes it.
    pub fn each_value(&self, mut f: impl FnMut(ValueId, bool)) {
        match self {
            Pass::Fused(group) => {
                for operand in &group.operands {
                    f(operand.value, false);
                }
                for store in &group.stores {
                    f(store.value, true);
                }
                for reduction in &group.reductions {
                    f(reduction.value, true);
                }
            }
            Pass::MatMul(product) => {
                f(product.left, false);
                f(product.right, false);
                f(product.out, true);
            }
            Pass::ProductByGroup(product) => {
                for side in [Side::Input, Side::Weight, Side::Output] {
                    f(product.value(side), side == product.result);
                }
                if let Some(index) = product.index {
                    f(index, false);
                }
            }
            Pass::Convolution(convolution) => {
                for side in [Side::Input, Side::Weight, Side::Output] {
                    f(convolution.value(side), side == convolution.result);
                }
            }
            Pass::Pool(pool) | Pass::Unpool(pool) => {
                f(pool.keys, false);
                f(pool.source, false);
                f(pool.out, true);
            }
            Pass::TriangularSolve(solve) => {
                f(solve.triangle, false);
                f(solve.right, false);
                f(solve.out, true);
            }
            Pass::ReduceMiddle(ReduceMiddle { source, out, .. })
            | Pass::Cholesky {
                matrix: source,
                out,
            }
            | Pass::Copy { source, out, .. }
            | Pass::Transpose { source, out }
            | Pass::AllReduceMean { source, out }
            | Pass::MeanOverDraws { source, out }
            | Pass::Record { source, out, .. } => {
                f(*source, false);
                f(*out, true);
            }
            Pass::Concat { parts, out, .. } => {
                for (_, part) in parts {
                    f(*part, false);
                }
                f(*out, true);
            }
            Pass::Gather(selection) | Pass::Scatter(selection) => {
                f(selection.source, false);
                f(selection.index, false);
                f(selection.out, true);
            }
            Pass::Batch { out, .. } => f(*out, true),
        }
    }
}

/// `out` gets the solution `X` of `op(L) X = B`.
#[derive(Clone, Debug)]
pub struct TriangularSolve {
    /// The matrix `L`, of which only the lower triangle is read.
    pub triangle: ValueId,
    /// The right-hand sides `B`.
    pub right: ValueId,
    /// The solutions.
    pub out: ValueId,
    /// `op` transposes.
    pub transpose: bool,
}

/// A reduction of the middle of three axes, `[outer, length, inner] -> [outer, inner]`.
#[derive(Clone, Debug)]
pub struct ReduceMiddle {
    /// Sum or maximum.
    pub kind: Reduction,
    /// What is reduced.
    pub source: ValueId,
    /// The result.
    pub out: ValueId,
    /// The length of the axes before.
    pub outer: usize,
    /// The length of the reduced axes.
    pub length: usize,
}

/// Slices along an axis that are taken, or added up.
#[derive(Clone, Debug)]
pub struct Selection {
    /// From where.
    pub source: ValueId,
    /// Which slices are taken, or into which places they go.
    pub index: ValueId,
    /// To where.
    pub out: ValueId,
    /// The axis.
    pub axis: usize,
}

/// Element-wise operations over one shape: a straight line of instructions, run for every
/// element. The result of instruction `i` is register `i`.
#[derive(Clone, Debug)]
pub struct FusedGroup {
    /// How many rows are walked.
    pub rows: usize,
    /// How many columns are walked.
    pub columns: usize,
    /// The instructions, arguments before users.
    pub instructions: Vec<Instruction>,
    /// What is read.
    pub operands: Vec<Operand>,
    /// What is written: a register and the value that it fills.
    pub stores: Vec<Store>,
    /// What is reduced.
    pub reductions: Vec<GroupReduction>,
}

/// A value as a group reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The value.
    pub value: ValueId,
    /// How it is walked.
    pub access: Access,
}

/// A register that is kept.
#[derive(Clone, Debug)]
pub struct Store {
    /// The number of the instruction.
    pub register: usize,
    /// The value that it fills.
    pub value: ValueId,
}

/// A register that is reduced over runs of rows.
#[derive(Clone, Debug)]
pub struct GroupReduction {
    /// Sum or maximum.
    pub kind: Reduction,
    /// The number of the instruction.
    pub register: usize,
    /// The results, in row-major order.
    pub value: ValueId,
    /// How many rows make one result.
    pub rows: usize,
}

/// One operation of a group, on registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instruction {
    /// An operand of the group.
    Load(usize),
    /// A number.
    Constant(f64),
    /// The number of the step.
    Step,
    /// Random numbers, by row and column of the group.
    Noise {
        /// Their distribution.
        kind: NoiseKind,
        /// Their stream.
        stream: u32,
    },
    /// A function of one register.
    Unary(Unary, usize),
    /// A function of two registers.
    Binary(Binary, usize, usize),
    /// A choice between two registers.
    Select(usize, usize, usize),
}

impl Instruction {
    /// Whether it computes something, rather than names a value.
    pub fn is_computed(&self) -> bool {
        !matches!(
            self,
            Instruction::Load(_) | Instruction::Constant(_) | Instruction::Step
        )
    }

    /// The registers that it reads.
    pub fn arguments(&self) -> impl Iterator<Item = usize> {
        let (list, count) = match *self {
            Instruction::Load(_)
            | Instruction::Constant(_)
            | Instruction::Step
            | Instruction::Noise { .. } => ([0; 3], 0),
            Instruction::Unary(_, a) => ([a, 0, 0], 1),
            Instruction::Binary(_, a, b) => ([a, b, 0], 2),
            Instruction::Select(c, a, b) => ([c, a, b], 3),
        };
        list.into_iter().take(count)
    }
}
