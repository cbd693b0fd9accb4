//! Fusion: which operations become one pass over memory.
//!
//! Nodes are taken in the order they were written. An element-wise node joins the group that
//! computes its last argument if that walks the same shape, else a later such group, else it
//! opens a new one.

use std::collections::{BTreeSet, HashMap};

use super::Pass;
use super::layout::squeezed;
use super::views::Views;

/// A group longer than this would need more registers than stay in the first-level cache.
pub(super) const LONGEST_GROUP: usize = 96;

/// Nodes that are computed together, in their order, over one shape.
pub(super) struct GroupDraft {
    pub dims: Vec<usize>,
    pub members: Vec<usize>,
}

/// A pass that is written down, or what is known of a group.
pub(super) enum PassDraft<G = GroupDraft> {
    Group(G),
    Done(Pass),
}

/// The passes so far, and which of them computes each node.
pub(super) struct Fusion {
    pub passes: Vec<PassDraft>,
    /// Where stages end: hoisted passes, and of a plan with a loop over draws what comes before
    /// the loop and the loop. No node joins a stage that has ended.
    pub ends: Vec<usize>,
    /// The pass that computes a node; `None` for what is there before the first.
    pub at: Vec<Option<usize>>,
    /// Groups with room for more, by the shape that they walk.
    open: HashMap<Vec<usize>, BTreeSet<usize>>,
}

impl Fusion {
    /// No passes yet, for so many nodes.
    pub fn new(nodes: usize) -> Fusion {
        Fusion {
            passes: Vec::new(),
            ends: Vec::new(),
            at: vec![None; nodes],
            open: HashMap::new(),
        }
    }

    /// Ends a stage.
    pub fn end_stage(&mut self) {
        self.ends.push(self.passes.len());
    }

    /// Whether what one pass computes may be computed by a later one: in the same stage, or after
    /// the loop over draws instead of before it.
    pub fn may_wait(&self, pass: usize, later: usize) -> bool {
        let stage = |pass: usize| self.ends.partition_point(|end| *end <= pass);
        let (from, to) = (stage(pass), stage(later));
        from == to || (from, to) == (1, 3)
    }

    /// Appends a pass and gives its number.
    pub fn push(&mut self, pass: Pass) -> usize {
        self.passes.push(PassDraft::Done(pass));
        self.passes.len() - 1
    }

    /// Puts an element-wise node or reduction into a group.
    pub fn join(&mut self, views: &Views<'_>, node: usize) {
        let (operands, walk) = views.walked(node);
        let dims = squeezed(&walk);
        let mut earliest = self.ends.last().copied().unwrap_or(0);
        for operand in operands {
            let source = views.source(operand, &walk);
            if views.immediate(source.node).is_some() {
                continue;
            }
            let Some(pass) = self.at[source.node] else {
                continue;
            };
            let same_pass = views.is_register(&source, &dims)
                && matches!(&self.passes[pass], PassDraft::Group(group) if group.dims == dims);
            earliest = earliest.max(if same_pass { pass } else { pass + 1 });
        }
        let open = self.open.entry(dims.clone()).or_default();
        let number = match open.range(earliest..).next() {
            Some(number) => *number,
            None => {
                self.passes.push(PassDraft::Group(GroupDraft {
                    dims,
                    members: Vec::new(),
                }));
                open.insert(self.passes.len() - 1);
                self.passes.len() - 1
            }
        };
        if let PassDraft::Group(group) = &mut self.passes[number] {
            group.members.push(node);
            if group.members.len() == LONGEST_GROUP {
                open.remove(&number);
            }
        }
        self.at[node] = Some(number);
    }

    /// Whether a pass is a group with room for one more.
    pub fn has_room(&self, pass: usize) -> bool {
        match &self.passes[pass] {
            PassDraft::Group(group) => group.members.len() < LONGEST_GROUP,
            PassDraft::Done(_) => false,
        }
    }

    /// Moves a member of a group to another.
    pub fn move_to(&mut self, node: usize, to: usize) {
        let from = self.at[node].replace(to);
        if let Some(PassDraft::Group(group)) = from.map(|pass| &mut self.passes[pass]) {
            group.members.retain(|n| *n != node);
        }
        if let PassDraft::Group(group) = &mut self.passes[to] {
            // Arguments have lower numbers than their users.
            let place = group.members.partition_point(|n| *n < node);
            group.members.insert(place, node);
        }
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, Op, Var};

    use super::*;

    /// Joins all element-wise nodes and reductions, and gives the pass of each variable.
    fn passes<const N: usize>(graph: &Graph, vars: [Var<'_>; N]) -> [usize; N] {
        let nodes = graph.nodes();
        let views = Views { graph, nodes };
        let mut fusion = Fusion::new(nodes.len());
        for node in 0..nodes.len() {
            let reduces = matches!(nodes[node].op, Op::Reduce { .. });
            if reduces || views.is_element_wise(node) {
                fusion.join(&views, node);
            }
        }
        vars.map(|var| fusion.at[graph.node_of(var).index()].unwrap())
    }

    #[test]
    fn a_node_joins_the_group_of_its_argument_or_a_later_one_of_its_shape() {
        let graph = Graph::new();
        let (x, y) = (graph.input("x", [100]), graph.input("y", [7]));
        let (a, b) = (x + 1.0, y + 1.0);
        let c = a.exp();
        let total = c.sum();
        let late = y * total;
        assert_eq!(passes(&graph, [a, b, c, total, late]), [0, 1, 0, 0, 1]);
    }

    #[test]
    fn what_needs_a_whole_sum_comes_in_a_later_group() {
        let graph = Graph::new();
        let x = graph.input("x", [100]);
        let a = x + 1.0;
        let centred = a - a.mean();
        let [first, second] = passes(&graph, [a, centred]);
        assert!(second > first);
    }

    #[test]
    fn a_group_ends_when_it_is_full() {
        let graph = Graph::new();
        let mut x = graph.input("x", [5]);
        let mut chain = Vec::new();
        for _ in 0..2 * LONGEST_GROUP {
            x = x.sin();
            chain.push(x);
        }
        let ends = [0, LONGEST_GROUP - 1, LONGEST_GROUP, 2 * LONGEST_GROUP - 1];
        assert_eq!(passes(&graph, ends.map(|i| chain[i])), [0, 0, 1, 1]);
    }
}
