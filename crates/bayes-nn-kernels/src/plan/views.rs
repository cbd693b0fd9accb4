//! Views: what a walk over the elements of a shape reads, through broadcasts and views.
//!
//! A broadcast, and a view that changes only axes of length 1, are ways of reading a node: they
//! need neither a pass nor memory.

use bayes_nn_autodiff::{Graph, Nodes, Op, Shape};

use super::Instruction;
use super::layout::squeezed;

/// A graph, asked how its nodes are read.
#[derive(Clone, Copy)]
pub(super) struct Views<'a> {
    pub graph: &'a Graph,
    pub nodes: Nodes<'a>,
}

/// The node that an operand really reads, and which of its squeezed axes follows each axis of
/// the walk.
#[derive(Debug, PartialEq)]
pub(super) struct Source {
    pub node: usize,
    pub axes: Vec<Option<usize>>,
}

impl Views<'_> {
    pub fn shape(&self, node: usize) -> Shape {
        self.nodes[node].shape
    }

    pub fn argument(&self, node: usize, i: usize) -> usize {
        self.nodes[node].arguments[i].index()
    }

    /// Whether a view changes only axes of length 1.
    pub fn is_unit_view(&self, node: usize) -> bool {
        matches!(self.nodes[node].op, Op::View { .. })
            && squeezed(&self.shape(node)) == squeezed(&self.shape(self.argument(node, 0)))
    }

    /// The node that a chain of views looks into, and at which element it starts.
    pub fn viewed(&self, node: usize) -> (usize, usize) {
        let (mut root, mut start) = (node, 0);
        while let Op::View { offset } = self.nodes[root].op {
            root = self.argument(root, 0);
            start += offset;
        }
        (root, start)
    }

    /// What an operand reads when `walk` is walked.
    pub fn source(&self, operand: usize, walk: &Shape) -> Source {
        let mut node = operand;
        let mut axes = stretched_axes(&self.shape(node), walk);
        loop {
            if self.is_unit_view(node) {
                node = self.argument(node, 0);
            } else if self.nodes[node].op == Op::Broadcast {
                let argument = self.argument(node, 0);
                let inner = stretched_axes(&self.shape(argument), &self.shape(node));
                for axis in &mut axes {
                    *axis = axis.and_then(|a| inner[a]);
                }
                node = argument;
            } else {
                return Source { node, axes };
            }
        }
    }

    /// The operands of an element-wise node or reduction, and the shape that it walks.
    pub fn walked(&self, node: usize) -> (Vec<usize>, Shape) {
        if self.nodes[node].op == Op::Step {
            return (vec![node], Shape::SCALAR);
        }
        let arguments = self.nodes[node].arguments.iter();
        let operands: Vec<usize> = arguments.map(|a| a.index()).collect();
        let reduces = matches!(self.nodes[node].op, Op::Reduce { .. });
        let walked = if reduces { operands[0] } else { node };
        (operands, self.shape(walked))
    }

    /// A number that a group can hold in its instructions.
    pub fn immediate(&self, node: usize) -> Option<Instruction> {
        match self.nodes[node].op == Op::Step {
            true => Some(Instruction::Step),
            false => self.number(node).map(Instruction::Constant),
        }
    }

    /// The one element of a constant.
    pub fn number(&self, node: usize) -> Option<f64> {
        let Op::Constant(id) = self.nodes[node].op else {
            return None;
        };
        (self.shape(node).elements() == 1).then(|| self.graph.constant_values(id)[0])
    }

    /// Whether a source is walked element by element and computed by a group, not reduced.
    pub fn is_register(&self, source: &Source, dims: &[usize]) -> bool {
        self.is_element_wise(source.node) && self.is_aligned(source, dims)
    }

    /// Whether a source is walked element by element.
    pub fn is_aligned(&self, source: &Source, dims: &[usize]) -> bool {
        let identity = source.axes.iter().enumerate().all(|(i, a)| *a == Some(i));
        identity && squeezed(&self.shape(source.node)) == dims
    }

    /// Whether a node is computed element by element.
    pub fn is_element_wise(&self, node: usize) -> bool {
        matches!(
            self.nodes[node].op,
            Op::Noise { .. } | Op::Unary(_) | Op::Binary(_) | Op::Select
        )
    }

    /// Which nodes are only ever read without regard to rows, so that padded rows would only force
    /// a copy.
    pub fn flat_uses(&self, live: &[bool]) -> Vec<bool> {
        let mut used = vec![false; self.nodes.len()];
        let mut flat = vec![true; self.nodes.len()];
        for index in (0..self.nodes.len()).rev().filter(|i| live[*i]) {
            let node = &self.nodes[index];
            let reads_runs = match self.is_unit_view(index) {
                true => flat[index] && used[index],
                false => matches!(node.op, Op::View { .. } | Op::Concat { .. }),
            };
            for argument in &node.arguments {
                used[argument.index()] = true;
                flat[argument.index()] &= reads_runs;
            }
        }
        (0..used.len()).map(|i| used[i] && flat[i]).collect()
    }
}

/// For each squeezed axis of `walk`, the squeezed axis of `own` that follows it when `own` is
/// broadcast to `walk`.
fn stretched_axes(own: &Shape, walk: &Shape) -> Vec<Option<usize>> {
    let mut next = 0;
    let mut axes = Vec::new();
    for axis in 0..walk.rank() {
        let follows = own.aligned(axis, walk.rank()) != 1;
        if walk[axis] != 1 {
            axes.push(follows.then_some(next));
        }
        next += usize::from(follows);
    }
    axes
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, Var};

    use super::*;

    /// What `operand` reads when its own shape is walked.
    fn source(graph: &Graph, operand: Var<'_>) -> Source {
        let nodes = graph.nodes();
        let views = Views { graph, nodes };
        views.source(graph.node_of(operand).index(), &operand.shape())
    }

    #[test]
    fn a_broadcast_is_read_from_what_it_repeats() {
        let graph = Graph::new();
        let row = graph.input("row", [3, 1]);
        let node = graph.node_of(row).index();
        let repeated = row.broadcast_to([3, 5]);
        let axes = vec![Some(0), None];
        assert_eq!(source(&graph, repeated), Source { node, axes });
        let squeezed = repeated.reshape([3, 1, 5]);
        let axes = vec![Some(0), None];
        assert_eq!(source(&graph, squeezed), Source { node, axes });
    }

    #[test]
    fn a_view_of_some_elements_is_read_as_it_is() {
        let graph = Graph::new();
        let part = graph.input("x", [10]).view(2, [5]);
        let node = graph.node_of(part).index();
        let axes = vec![Some(0)];
        assert_eq!(source(&graph, part), Source { node, axes });
    }

    #[test]
    fn chains_of_views_add_up() {
        let graph = Graph::new();
        let x = graph.input("x", [20]);
        let part = x.view(4, [10]).view(3, [2]);
        let nodes = graph.nodes();
        let views = Views {
            graph: &graph,
            nodes,
        };
        let (root, start) = views.viewed(graph.node_of(part).index());
        assert_eq!((root, start), (graph.node_of(x).index(), 7));
    }

    #[test]
    fn what_only_views_read_needs_no_padding() {
        let graph = Graph::new();
        let x = graph.input("x", [4, 50]) + 1.0;
        let y = graph.input("y", [4, 50]) + 1.0;
        let parts = [x.view(0, [100]).sum(), y.view(0, [100]).sum(), y.sum()];
        let nodes = graph.nodes();
        let views = Views {
            graph: &graph,
            nodes,
        };
        let flat = views.flat_uses(&vec![true; nodes.len()]);
        let is_flat = |var| flat[graph.node_of(var).index()];
        assert_eq!((is_flat(x), is_flat(y)), (true, false));
        assert_eq!(parts.len(), 3);
    }
}
