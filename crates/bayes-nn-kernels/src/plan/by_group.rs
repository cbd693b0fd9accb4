//! Products by the weights of groups as passes.

use bayes_nn_autodiff::Side;

use super::lower::Lowering;
use super::{Pass, Plan, ValueId};

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
