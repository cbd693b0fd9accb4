//! The graph: nodes in the order they were written, each distinct one once.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::simplify::simplify;
use crate::var::Var;
use crate::{GraphError, NoiseKind, Op, Shape};

/// The place of a node in its graph. Arguments stand before the nodes that use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Its index into [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The place of an input among its graph's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputId(pub(crate) u32);

impl InputId {
    /// Its index into [`Graph::inputs`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Real numbers, or whole numbers that select.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Real numbers, in the precision of the program.
    Float,
    /// Whole numbers from 0, only for selecting: [`Var::gather`].
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
    /// The name given to [`Graph::input`].
    pub name: String,
    /// The input's node.
    pub node: NodeId,
}

/// A growing list of nodes, and the first error made while writing it.
///
/// A graph is shared by reference: every [`Var`] of it is a `Copy` handle, and formulas over
/// them append nodes. A node that is already there is found again instead of written twice;
/// operations on constants are done at once.
#[derive(Default)]
pub struct Graph {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    nodes: Vec<Node>,
    known: HashMap<Node, NodeId>,
    inputs: Vec<InputInfo>,
    constants: Vec<Arc<[f64]>>,
    known_constants: HashMap<(Shape, Vec<u64>), usize>,
    scope: Vec<String>,
    error: Option<GraphError>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while the lock is held with the lists half written.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tensor of real numbers given from outside.
    pub fn input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        self.new_input(name, shape.into(), Kind::Float)
    }

    /// A tensor of whole numbers given from outside, for [`Var::gather`].
    pub fn index_input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        self.new_input(name, shape.into(), Kind::Index)
    }

    fn new_input(&self, name: &str, shape: Shape, kind: Kind) -> Var<'_> {
        let mut inner = self.lock();
        let id = InputId(inner.inputs.len() as u32);
        let node = NodeId(inner.nodes.len() as u32);
        inner.inputs.push(InputInfo {
            name: name.to_owned(),
            node,
        });
        inner.nodes.push(Node {
            op: Op::Input(id),
            arguments: Vec::new(),
            shape,
            kind,
        });
        drop(inner);
        Var::node(self, node)
    }

    /// The name of an input, by its node; empty for any other node.
    pub fn input_name(&self, node: NodeId) -> String {
        let inner = self.lock();
        match inner.nodes.get(node.index()).map(|node| &node.op) {
            Some(Op::Input(id)) => inner.inputs[id.index()].name.clone(),
            _ => String::new(),
        }
    }

    /// A constant tensor, elements in row-major order.
    #[track_caller]
    pub fn constant(&self, values: &[f64], shape: impl Into<Shape>) -> Var<'_> {
        self.new_constant(values.into(), shape.into(), Kind::Float, Location::caller())
    }

    /// A constant index vector, for [`Var::gather`].
    #[track_caller]
    pub fn index_constant(&self, values: &[usize]) -> Var<'_> {
        let values: Arc<[f64]> = values.iter().map(|&v| v as f64).collect();
        let shape = Shape::from(values.len());
        self.new_constant(values, shape, Kind::Index, Location::caller())
    }

    pub(crate) fn new_constant(
        &self,
        values: Arc<[f64]>,
        shape: Shape,
        kind: Kind,
        location: &'static Location<'static>,
    ) -> Var<'_> {
        if values.len() != shape.elements() {
            let problem = format!(
                "the shape {shape} needs {} values, got {}",
                shape.elements(),
                values.len()
            );
            return self.fail("constant", problem, location);
        }
        if shape == Shape::SCALAR && kind == Kind::Float {
            return Var::from(values[0]);
        }
        self.constant_node(values, shape, kind)
    }

    /// The node of a constant; unlike [`Graph::constant`] a scalar, too, becomes a node.
    pub(crate) fn constant_node(&self, values: Arc<[f64]>, shape: Shape, kind: Kind) -> Var<'_> {
        /// Larger ones are not worth remembering: equal ones are rare, and cost twice the memory.
        const REMEMBERED: usize = 1 << 12;
        let mut inner = self.lock();
        let next = inner.constants.len();
        let id = if values.len() <= REMEMBERED {
            let bits = values.iter().map(|v| v.to_bits()).collect();
            *inner.known_constants.entry((shape, bits)).or_insert(next)
        } else {
            next
        };
        if id == next {
            inner.constants.push(values);
        }
        let node = inner.intern(Node {
            op: Op::Constant(id),
            arguments: Vec::new(),
            shape,
            kind,
        });
        drop(inner);
        Var::node(self, node)
    }

    /// One number for all elements of `shape`.
    pub(crate) fn uniform(&self, number: f64, shape: Shape) -> Var<'_> {
        if shape == Shape::SCALAR {
            return Var::from(number);
        }
        let arguments = vec![self.node_of(Var::from(number))];
        let node = self.lock().intern(Node {
            op: Op::Broadcast,
            arguments,
            shape,
            kind: Kind::Float,
        });
        Var::node(self, node)
    }

    /// Fresh random numbers at every step; nodes of different `stream` are independent.
    pub fn noise(&self, kind: NoiseKind, stream: u32, shape: impl Into<Shape>) -> Var<'_> {
        self.leaf(Op::Noise { kind, stream }, shape.into(), Kind::Float)
    }

    /// The number of the step that is being run, counted from 0.
    pub fn step(&self) -> Var<'_> {
        self.leaf(Op::Step, Shape::SCALAR, Kind::Float)
    }

    /// The row numbers of a minibatch of `batch` out of `rows`: consecutive pieces of one random
    /// permutation after another, so that in an epoch each row occurs exactly once.
    ///
    /// Where several ranks run a graph in which they meet ([`Var::all_reduce_mean`]), each gets its
    /// own `batch` rows: side by side they are the next piece of the same permutations.
    #[track_caller]
    pub fn batch(&self, rows: usize, batch: usize, stream: u32) -> Var<'_> {
        if !(1..=u32::MAX as usize).contains(&rows) {
            let problem = format!("batches of {rows} rows: from 1 to 2^32 - 1 are possible");
            return self.fail("batch", problem, Location::caller());
        }
        self.leaf(Op::Batch { rows, stream }, Shape::from(batch), Kind::Index)
    }

    fn leaf(&self, op: Op, shape: Shape, kind: Kind) -> Var<'_> {
        let node = self.lock().intern(Node {
            op,
            arguments: Vec::new(),
            shape,
            kind,
        });
        Var::node(self, node)
    }

    /// Appends an operation whose shape has been checked, or finds something equal and simpler.
    pub(crate) fn push(&self, op: Op, arguments: &[Var<'_>], shape: Shape, kind: Kind) -> Var<'_> {
        let arguments: Vec<NodeId> = arguments.iter().map(|a| self.node_of(*a)).collect();
        if let Some(simpler) = simplify(self, op, &arguments, shape, kind) {
            return simpler;
        }
        let node = self.lock().intern(Node {
            op,
            arguments,
            shape,
            kind,
        });
        Var::node(self, node)
    }

    /// The node of a variable of this graph; a plain number becomes a constant.
    pub fn node_of(&self, var: Var<'_>) -> NodeId {
        match var.number() {
            Some(number) => self
                .constant_node(Arc::new([number]), Shape::SCALAR, Kind::Float)
                .id()
                .expect("a constant node was just made"),
            None => var.id().expect("a variable is a number or a node"),
        }
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
        Var::from(f64::NAN)
    }

    /// The first error that was made in writing this graph.
    pub fn check(&self) -> Result<(), GraphError> {
        self.lock().error.clone().map_or(Ok(()), Err)
    }

    /// Says no to a node of another graph; a plain number belongs to every graph.
    ///
    /// # Errors
    /// [`GraphError::Foreign`], with `role` for what the variables were given as.
    pub fn check_own(&self, role: &'static str, vars: &[Var<'_>]) -> Result<(), GraphError> {
        match vars
            .iter()
            .all(|v| v.graph().is_none_or(|g| std::ptr::eq(g, self)))
        {
            true => Ok(()),
            false => Err(GraphError::Foreign { role }),
        }
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
        self.lock().nodes.len()
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A node by its place.
    pub fn node(&self, id: NodeId) -> Node {
        self.lock().nodes[id.index()].clone()
    }

    pub(crate) fn shape_and_kind(&self, id: NodeId) -> (Shape, Kind) {
        let inner = self.lock();
        let node = &inner.nodes[id.index()];
        (node.shape, node.kind)
    }

    /// All nodes, arguments before users.
    pub fn nodes(&self) -> Vec<Node> {
        self.lock().nodes.clone()
    }

    /// All inputs, in the order they were made.
    pub fn inputs(&self) -> Vec<InputInfo> {
        self.lock().inputs.clone()
    }

    /// The values of a constant, by the number in [`Op::Constant`].
    pub fn constant_values(&self, id: usize) -> Arc<[f64]> {
        self.lock().constants[id].clone()
    }

    /// Whether `var` is computed from `source`, directly or through others.
    pub fn depends_on(&self, var: Var<'_>, source: Var<'_>) -> bool {
        let (Some(var), Some(source)) = (var.id(), source.id()) else {
            return false;
        };
        if var < source {
            return false;
        }
        let inner = self.lock();
        let mut depends = vec![false; var.index() + 1];
        depends[source.index()] = true;
        for index in source.index() + 1..=var.index() {
            depends[index] = inner.nodes[index]
                .arguments
                .iter()
                .any(|a| depends[a.index()]);
        }
        depends[var.index()]
    }
}

impl Inner {
    fn intern(&mut self, node: Node) -> NodeId {
        if let Some(&id) = self.known.get(&node) {
            return id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.known.insert(node, id);
        id
    }
}

impl std::fmt::Debug for Graph {
    /// One line a node: `%7 = Binary(Mul)[%3, %6] : [5, 500]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, node) in self.nodes().iter().enumerate() {
            let arguments: Vec<String> =
                node.arguments.iter().map(|a| format!("%{}", a.0)).collect();
            writeln!(
                f,
                "%{index} = {:?}[{}] : {}",
                node.op,
                arguments.join(", "),
                node.shape
            )?;
        }
        Ok(())
    }
}
