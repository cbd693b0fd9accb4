//! Products of matrices and of groups of them as passes.

use bayes_nn_autodiff::Side;

use super::lower::Lowering;
use super::{Pass, Plan, ValueId};

/// A matrix product.
#[derive(Clone, Debug)]
pub struct MatMul {
    /// The left matrix.
    pub left: ValueId,
    /// The right matrix.
    pub right: ValueId,
    /// The product, `[m, n]`.
    pub out: ValueId,
    /// The left matrix is transposed first.
    pub transpose_left: bool,
    /// The right matrix is transposed first.
    pub transpose_right: bool,
    /// Rows of the product.
    pub m: usize,
    /// Columns of the product.
    pub n: usize,
    /// The length that is summed over.
    pub k: usize,
}

impl MatMul {
    /// Whether it is left to a library. That reads matrices in whatever order they lie, while
    /// plain loops need the columns of the product or the sum along memory.
    pub fn is_large(&self) -> bool {
        is_large(self.m, self.n, self.k)
    }
}

/// Whether a product of `[m, k]` and `[k, n]` is large enough for a library.
pub(crate) fn is_large(m: usize, n: usize, k: usize) -> bool {
    /// Products with fewer multiplications than this are done by plain loops.
    const LIBRARY_FROM: usize = 1 << 17;
    (m * n).saturating_mul(k) >= LIBRARY_FROM && m.min(n).min(k) >= 8
}

/// Products by the weights of groups, of which one side is computed from the two others: row `r` of
/// group `g` has the outputs `[o]` that are the product of the weights `[o, i]` of `g` and the inputs
/// `[i]` of `r`.
#[derive(Clone, Debug)]
pub struct ProductByGroup {
    /// The side that is computed.
    pub result: Side,
    /// Inputs `[i, n]`, weights `[g, o, i]`, outputs `[o, n]`; without an index inputs `[g, i, n]`
    /// and outputs `[g, o, n]`.
    pub sides: [ValueId; 3],
    /// The group of each row.
    pub index: Option<ValueId>,
}

impl ProductByGroup {
    /// The value of a side.
    pub fn value(&self, side: Side) -> ValueId {
        self.sides[side as usize]
    }

    /// How many groups, outputs, inputs and rows there are; rows of a group where there is no index.
    pub fn sizes(&self, plan: &Plan) -> [usize; 4] {
        let shape = |side| plan.values[self.value(side).index()].shape;
        let weights = shape(Side::Weight);
        let rows = shape(Side::Output).columns();
        [weights[0], weights[1], weights[2], rows]
    }
}

impl Lowering<'_> {
    pub fn product_by_group(&mut self, node: usize, result: Side) {
        let sides = self.sides(node, result);
        let has_index = self.views.nodes[node].arguments.len() > 2;
        let index = has_index.then(|| self.memory(self.argument(node, 2)));
        let product = ProductByGroup {
            result,
            sides,
            index,
        };
        self.push(node, Pass::ProductByGroup(product));
    }
}
