//! The computation graph: nodes in the order in which they were written, each distinct one once.
//!
//! # The life of `x * x`
//!
//! ```
//! # use bayes_nn_autodiff::{Binary, Bindings, Graph, Op, grad};
//! let graph = Graph::new();
//! let x = graph.input("x", [3]); // %0 = Input : [3]
//!
//! // Writing. A variable is a copyable handle, a graph and the place of a node in it, so a
//! // product computes nothing. It finds the shape by the operation's rule and appends a node.
//! let square = x * x; // %1 = Mul[%0, %0] : [3]
//! let y = square.sum(); // %2 = Sum[%1] : []
//! assert_eq!(graph.nodes()[1].op, Op::Binary(Binary::Mul));
//!
//! // Interning. Before a node is appended the graph looks for something that equals it and is
//! // simpler (`simplify.rs`), then for a node with the same operation and arguments. Whatever is
//! // written twice is computed once.
//! assert_eq!((x * 1.0).id(), x.id());
//! assert_eq!((x * x).id(), square.id());
//! let constant = graph.constant(&[3.0, 4.0], [2]) * 2.0;
//! assert_eq!(constant.constant_values(), Some(vec![6.0, 8.0]));
//!
//! // Differentiating (`grad/`). Arguments stand before the nodes that use them, so one walk
//! // from the last node to the first meets each node after all its uses. By then its adjoint,
//! // the derivative of `y` by it, is complete, and the node hands each argument its share by the
//! // chain rule. The walk starts with 1 at `y`. The sum hands 1 to all three squares, and the
//! // square hands `2 * 1 * x` to `x`. Shares are variables: the gradient is more nodes.
//! let gradient = grad(y, &[x])?[0]; // Mul[%0, 2] : [3]
//! assert_eq!(graph.node(gradient.id().unwrap()).op, Op::Binary(Binary::Mul));
//!
//! // Evaluating (`reference.rs`). The same order, forwards: each node that the outputs need is
//! // computed once, from arguments that are there already. A faster executor makes a plan of the
//! // same list.
//! let at = Bindings::new().bind(x, &[1.0, -2.0, 3.0]);
//! let values = graph.evaluate(&[y, gradient], &at)?;
//! assert_eq!(values[0].values(), [14.0]);
//! assert_eq!(values[1].values(), [2.0, -4.0, 6.0]);
//! # Ok::<(), bayes_nn_autodiff::GraphError>(())
//! ```
//!
//! Operands that do not fit leave an error in the graph, of which the first is kept, and a number
//! stands in for the result, so that formulas need no `?`.

mod arena;
mod draws;
mod leaves;
mod node;

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::simplify::simplify;
use crate::var::{Failure, Var};
use crate::{GraphError, Op, Shape};
use arena::Arena;
use node::Slot;
pub use node::{InputId, InputInfo, Kind, Node, NodeId, Nodes};

/// A growing list of nodes, and the first error made while writing it.
///
/// A graph is shared by reference: every [`Var`] of it is a `Copy` handle, and formulas over
/// them append nodes. A node that is already there is found again instead of written twice;
/// operations on constants are done at once.
#[derive(Default)]
pub struct Graph {
    nodes: Arena<Slot>,
    constants: Arena<Constant>,
    inner: Mutex<Inner>,
}

/// The values of a constant.
pub(crate) struct Constant {
    pub(crate) values: Arc<[f64]>,
    /// The number that all of them are equal to.
    pub(crate) uniform: Option<f64>,
}

/// What changes while a graph is written.
#[derive(Default)]
struct Inner {
    /// How many nodes there are, and how many constants.
    nodes: usize,
    constants: usize,
    /// Nodes by their hash; of two nodes with one hash the second is at the next free number.
    known: HashMap<u64, NodeId>,
    known_numbers: HashMap<u64, NodeId>,
    known_constants: HashMap<(Shape, Vec<u64>), usize>,
    inputs: Vec<InputInfo>,
    scope: Vec<String>,
    error: Option<GraphError>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Poison is ignored: nothing that can panic happens between two writes to the lists.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node of a plain number.
    pub(crate) fn number_node(&self, number: f64) -> NodeId {
        let mut inner = self.lock();
        if let Some(&known) = inner.known_numbers.get(&number.to_bits()) {
            return known;
        }
        let node = Node {
            op: Op::Constant(inner.constants),
            arguments: Vec::new(),
            shape: Shape::SCALAR,
            kind: Kind::Float,
        };
        self.append_constant(&mut inner, Arc::new([number]));
        let node = self.append(&mut inner, node, false);
        inner.known_numbers.insert(number.to_bits(), node);
        node
    }

    fn append_constant(&self, inner: &mut Inner, values: Arc<[f64]>) {
        let first = values.first().copied();
        let uniform = first.filter(|first| values.iter().all(|v| v == first));
        let constant = Constant { values, uniform };
        self.constants.append(inner.constants, constant);
        inner.constants += 1;
    }

    /// One number for all elements of `shape`.
    pub(crate) fn uniform(&self, number: f64, shape: Shape) -> Var<'_> {
        if shape == Shape::SCALAR {
            return Var::number_of(self, number);
        }
        let arguments = vec![self.number_node(number)];
        self.find_or_append(Op::Broadcast, arguments, shape, Kind::Float)
    }

    /// Appends an operation whose shape has been checked, or finds something equal and simpler.
    pub(crate) fn push(&self, op: Op, arguments: &[Var<'_>], shape: Shape, kind: Kind) -> Var<'_> {
        let arguments: Vec<NodeId> = arguments.iter().map(|a| self.node_of(*a)).collect();
        if let Some(simpler) = simplify(self, op, &arguments, shape, kind) {
            return simpler;
        }
        self.find_or_append(op, arguments, shape, kind)
    }

    fn find_or_append(&self, op: Op, arguments: Vec<NodeId>, shape: Shape, kind: Kind) -> Var<'_> {
        let node = Node {
            op,
            arguments,
            shape,
            kind,
        };
        let id = self.intern(&mut self.lock(), node);
        Var::node(self, id)
    }

    /// The place of a node that is there already, or that of this one, appended.
    fn intern(&self, inner: &mut Inner, node: Node) -> NodeId {
        let mut hasher = DefaultHasher::new();
        node.hash(&mut hasher);
        let mut key = hasher.finish();
        let next = NodeId(inner.nodes as u32);
        loop {
            match inner.known.entry(key) {
                Entry::Occupied(known) if *self.node(*known.get()) == node => return *known.get(),
                Entry::Occupied(_) => key = key.wrapping_add(1),
                Entry::Vacant(free) => {
                    free.insert(next);
                    break;
                }
            }
        }
        let is_row_number = matches!(node.op, Op::Batch { .. });
        let of_rows = is_row_number || node.arguments.iter().any(|a| self.is_of_rows(*a));
        self.append(inner, node, of_rows)
    }

    fn append(&self, inner: &mut Inner, node: Node, of_rows: bool) -> NodeId {
        let id = NodeId(inner.nodes as u32);
        let of_noise = match node.op {
            Op::Noise { .. } => true,
            Op::MeanOverDraws { .. }
            | Op::Input(_)
            | Op::Constant(_)
            | Op::Step
            | Op::Batch { .. } => false,
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Select
            | Op::MatMul { .. }
            | Op::ProductByGroup { .. }
            | Op::Cholesky
            | Op::TriangularSolve { .. }
            | Op::Convolution { .. }
            | Op::Pool { .. }
            | Op::Unpool { .. }
            | Op::Reduce { .. }
            | Op::Broadcast
            | Op::View { .. }
            | Op::Transpose
            | Op::Concat { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::AllReduceMean => node.arguments.iter().any(|a| self.is_of_noise(*a)),
        };
        let slot = Slot {
            node,
            of_rows: AtomicBool::new(of_rows),
            of_noise,
        };
        self.nodes.append(id.index(), slot);
        inner.nodes += 1;
        id
    }

    /// The node of a variable of this graph; numbers become a constant.
    pub fn node_of(&self, var: Var<'_>) -> NodeId {
        if let Some(id) = var.id() {
            return id;
        }
        if let Some(failure) = var.failure() {
            self.report(failure);
        }
        let made = match (var.uniform_number(), var.literal()) {
            (Some(number), _) if var.shape() == Shape::SCALAR => return self.number_node(number),
            (Some(number), _) => self.uniform(number, var.shape()),
            (None, Some(values)) => {
                self.constant_node(values.values().into(), values.shape(), Kind::Float)
            }
            (None, None) => unreachable!("a variable is a node, an error, or numbers"),
        };
        made.id().expect("numbers in a shape become a node")
    }

    /// Notes an error, unless there is one already, and gives a stand-in for the result.
    pub(crate) fn fail<'g>(
        &'g self,
        operator: &'static str,
        problem: String,
        location: &'static Location<'static>,
    ) -> Var<'g> {
        let mut inner = self.lock();
        if inner.error.is_none() {
            inner.error = Some(GraphError::Operator {
                operator,
                problem,
                scope: inner.scope.clone(),
                location,
            });
        }
        Var::number_of(self, f64::NAN)
    }

    /// Notes the error of an operation on numbers that this graph meets.
    pub(crate) fn report(&self, failure: &'static Failure) -> Var<'_> {
        self.fail(failure.operator, failure.problem.clone(), failure.location)
    }

    /// The first error that was made in writing this graph.
    pub fn check(&self) -> Result<(), GraphError> {
        self.lock().error.clone().map_or(Ok(()), Err)
    }

    /// Checks that variables belong to this graph; a plain number belongs to every graph.
    ///
    /// # Errors
    /// [`GraphError::Foreign`], with `role` for what the variables were given as; the error of an
    /// operation on numbers that failed.
    pub fn check_own(&self, role: &'static str, vars: &[Var<'_>]) -> Result<(), GraphError> {
        for var in vars {
            if let Some(failure) = var.failure() {
                return Err(failure.error());
            }
            if var.graph().is_some_and(|graph| !std::ptr::eq(graph, self)) {
                return Err(GraphError::Foreign { role });
            }
        }
        Ok(())
    }

    /// Runs `write` with `name` (of a layer, of a random variable) added to the names that an
    /// error of an operator carries.
    pub fn scope<R>(&self, name: &str, write: impl FnOnce() -> R) -> R {
        self.lock().scope.push(name.to_owned());
        let result = write();
        self.lock().scope.pop();
        result
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.lock().nodes
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A node by its place.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes.get(id.index()).node
    }

    /// All nodes that are there now, arguments before users.
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes {
            slots: &self.nodes,
            len: self.len(),
        }
    }

    /// All inputs, in the order they were made.
    pub fn inputs(&self) -> Vec<InputInfo> {
        self.lock().inputs.clone()
    }

    /// The values of a constant, by the number in [`Op::Constant`].
    pub fn constant_values(&self, id: usize) -> Arc<[f64]> {
        self.constant_of(id).values.clone()
    }

    pub(crate) fn constant_of(&self, id: usize) -> &Constant {
        self.constants.get(id)
    }

    /// Says that an input holds a value for each row of the data: what is computed from it
    /// afterwards [comes from rows](Var::comes_from_rows), as what is computed from the row
    /// numbers of [`Graph::batch`] does.
    pub fn mark_rows(&self, input: Var<'_>) {
        if let Some(id) = input.id() {
            let slot = self.nodes.get(id.index());
            slot.of_rows.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_of_rows(&self, id: NodeId) -> bool {
        self.nodes.get(id.index()).of_rows.load(Ordering::Relaxed)
    }

    /// Whether a node differs from draw to draw.
    pub(crate) fn is_of_noise(&self, id: NodeId) -> bool {
        self.nodes.get(id.index()).of_noise
    }

    /// Whether `var` is computed from `source`, directly or through others.
    pub fn depends_on(&self, var: Var<'_>, source: Var<'_>) -> bool {
        let (Some(var), Some(source)) = (var.id(), source.id()) else {
            return false;
        };
        if var < source {
            return false;
        }
        // What was written before the source cannot depend on it.
        let mut depends = vec![false; var.index() - source.index() + 1];
        depends[0] = true;
        for at in 1..depends.len() {
            let node = &self.nodes.get(source.index() + at).node;
            depends[at] = node.arguments.iter().any(|argument| {
                let distance = argument.index().checked_sub(source.index());
                distance.is_some_and(|distance| depends[distance])
            });
        }
        depends[var.index() - source.index()]
    }
}

impl std::fmt::Debug for Graph {
    /// The nodes, one a line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.nodes().fmt(f)
    }
}
