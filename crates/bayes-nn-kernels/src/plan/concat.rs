//! Concatenations: a part is computed where it will stand, or copied there.

use super::layout::around;
use super::lower::Lowering;
use super::{Pass, ValueId};

impl Lowering<'_> {
    /// Says how a concatenation is computed; its arguments have been visited.
    pub fn concat(&mut self, node: usize, axis: usize) {
        let shape = self.views.shape(node);
        let out = self.memory(node);
        let layout = self.values[out.index()].layout;
        let [outer, _, inner] = around(&shape, axis);
        let one_run = outer == 1 && layout.is_contiguous();
        let mut start = 0;
        let mut parts = Vec::new();
        for i in 0..self.views.nodes[node].arguments.len() {
            let part = self.argument(node, i);
            let value = self.memory(part);
            if !(one_run && self.computed_in_place(value, out, start * inner)) {
                parts.push((start, value));
            }
            start += self.views.shape(part)[axis];
        }
        self.push(node, Pass::Concat { parts, out, axis });
    }

    /// Lets a part of a concatenation be computed where it will stand, if nothing has decided
    /// its place yet.
    fn computed_in_place(&mut self, part: ValueId, out: ValueId, start: usize) -> bool {
        let mut root = part;
        while let Some((within, offset)) = self.values[root.index()].within {
            let (inner, outer) = (&self.values[root.index()], &self.values[within.index()]);
            if offset != 0 || inner.shape.elements() != outer.shape.elements() {
                return false;
            }
            root = within;
        }
        let value = &self.values[root.index()];
        if self.given[root.index()] || root == out || !value.layout.is_contiguous() {
            return false;
        }
        self.values[root.index()].within = Some((out, start));
        true
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, concat};

    use crate::plan::{Pass, Plan};

    #[test]
    fn parts_of_a_concatenation_are_computed_where_they_stand() {
        let graph = Graph::new();
        let x = graph.input("x", [40]);
        let joined = concat(&[x.exp(), x.sin()], 0);
        let plan = Plan::new(&graph, &[joined], &[]).unwrap();
        let copies = |pass: &Pass| matches!(pass, Pass::Concat { parts, .. } if !parts.is_empty());
        assert!(!plan.passes.iter().any(copies));
    }
}
