//! Nodes, and the numbers by which nodes and inputs are named.

use super::arena::Arena;
use crate::{Op, Shape};

/// The place of a node in its graph. Arguments stand before the nodes that use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Its index into [`Nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The place of an input among its graph's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputId(pub(crate) u32);

impl InputId {
    /// Its index into [`Graph::inputs`](super::Graph::inputs).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The kind of a value: real numbers, or an index of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Real numbers, in the precision of the program.
    Float,
    /// Whole numbers from 0, only for selecting: [`Var::gather`](crate::Var::gather).
    Index,
}

/// One operation on the results of others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From which nodes.
    pub arguments: Vec<NodeId>,
    /// The result's shape.
    pub shape: Shape,
    /// The result's kind.
    pub kind: Kind,
}

/// The name of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputInfo {
    /// The name given to [`Graph::input`](super::Graph::input).
    pub name: String,
    /// The input's node.
    pub node: NodeId,
}

/// A node in the graph's list, with a property that is no part of its identity.
pub(super) struct Slot {
    pub(super) node: Node,
    /// Whether its value comes from the rows of the data.
    pub(super) of_rows: std::sync::atomic::AtomicBool,
    /// Whether its value differs from draw to draw of noise.
    pub(super) of_noise: bool,
}

/// The nodes that a graph had when they were asked for, arguments before users. Nodes that are
/// written later are not among them.
///
/// Looking costs no copy: `nodes[index]` is a reference to the node itself.
#[derive(Clone, Copy)]
pub struct Nodes<'g> {
    pub(super) slots: &'g Arena<Slot>,
    pub(super) len: usize,
}

impl<'g> Nodes<'g> {
    /// How many there are.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// All of them in their order.
    pub fn iter(
        self,
    ) -> impl DoubleEndedIterator<Item = &'g Node> + ExactSizeIterator<Item = &'g Node> {
        (0..self.len).map(move |index| &self.slots.get(index).node)
    }
}

impl std::ops::Index<usize> for Nodes<'_> {
    type Output = Node;
    fn index(&self, index: usize) -> &Node {
        assert!(index < self.len, "node {index} of {}", self.len);
        &self.slots.get(index).node
    }
}

impl std::fmt::Debug for Nodes<'_> {
    /// One line a node: `%7 = Binary(Mul)[%3, %6] : [5, 500]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, node) in self.iter().enumerate() {
            let arguments: Vec<String> =
                node.arguments.iter().map(|a| format!("%{}", a.0)).collect();
            let (op, arguments, shape) = (node.op, arguments.join(", "), node.shape);
            writeln!(f, "%{index} = {op:?}[{arguments}] : {shape}")?;
        }
        Ok(())
    }
}
