//! The graph: nodes in the order they were written, each distinct one once.

mod arena;
mod node;

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::simplify::simplify;
use crate::var::{Failure, Var};
use crate::{GraphError, NoiseKind, Op, Shape};
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
    /// Nodes by their hash; one whose place is taken is found at the next number that is free.
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
        let node = Node {
            op: Op::Input(id),
            arguments: Vec::new(),
            shape,
            kind,
        };
        let node = self.append(&mut inner, node, false);
        inner.inputs.push(InputInfo {
            name: name.to_owned(),
            node,
        });
        drop(inner);
        Var::node(self, node)
    }

    /// The name of an input, by its node; empty for any other node.
    pub fn input_name(&self, node: NodeId) -> String {
        match self.node(node).op {
            Op::Input(id) => self.lock().inputs[id.index()].name.clone(),
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
            return Var::number_of(self, values[0]);
        }
        self.constant_node(values, shape, kind)
    }

    /// The node of a constant; unlike [`Graph::constant`] a scalar, too, becomes a node.
    pub(crate) fn constant_node(&self, values: Arc<[f64]>, shape: Shape, kind: Kind) -> Var<'_> {
        /// Larger ones are not worth remembering: equal ones are rare, and cost twice the memory.
        const REMEMBERED: usize = 1 << 12;
        let mut inner = self.lock();
        let next = inner.constants;
        let id = if values.len() <= REMEMBERED {
            let bits = values.iter().map(|v| v.to_bits()).collect();
            *inner.known_constants.entry((shape, bits)).or_insert(next)
        } else {
            next
        };
        if id == next {
            self.append_constant(&mut inner, values);
        }
        let node = Node {
            op: Op::Constant(id),
            arguments: Vec::new(),
            shape,
            kind,
        };
        let node = self.intern(&mut inner, node);
        drop(inner);
        Var::node(self, node)
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
        self.find_or_append(op, Vec::new(), shape, kind)
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
        let of_rows = AtomicBool::new(of_rows);
        self.nodes.append(id.index(), Slot { node, of_rows });
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

    /// Says no to a node of another graph; a plain number belongs to every graph.
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
