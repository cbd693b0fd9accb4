//! Nodes without arguments: inputs, constants, noise, the number of the step, row numbers.

use std::panic::Location;
use std::sync::Arc;

use super::Graph;
use super::node::{InputId, InputInfo, Kind, Node, NodeId};
use crate::var::Var;
use crate::{NoiseKind, Op, Shape};

impl Graph {
    /// A tensor of real numbers given from outside.
    #[track_caller]
    pub fn input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        self.new_input(name, shape.into(), Kind::Float)
    }

    /// A tensor of whole numbers given from outside, for [`Var::gather`].
    #[track_caller]
    pub fn index_input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        self.new_input(name, shape.into(), Kind::Index)
    }

    #[track_caller]
    fn new_input(&self, name: &str, shape: Shape, kind: Kind) -> Var<'_> {
        if let Err(problem) = shape.check() {
            let problem = format!("`{name}`: {problem}");
            return self.fail("input", problem, Location::caller());
        }
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
        if let Some(large) = values.iter().find(|v| u32::try_from(**v).is_err()) {
            let problem = format!("the index {large}: up to 2^32 - 1 are possible");
            return self.fail("index_constant", problem, Location::caller());
        }
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
        if let Err(problem) = shape.check() {
            return self.fail("constant", problem, location);
        }
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

    /// Fresh random numbers at every step; nodes of different `stream` are independent.
    #[track_caller]
    pub fn noise(&self, kind: NoiseKind, stream: u32, shape: impl Into<Shape>) -> Var<'_> {
        let shape = shape.into();
        // Noise is a function of the numbers of its row and column, which have 32 bits.
        let columns = shape.iter().rfind(|length| **length != 1);
        let columns = columns.copied().unwrap_or(1);
        let numbered = columns.max(shape.elements() / columns.max(1));
        if shape.check().is_err() || u32::try_from(numbered).is_err() {
            let problem = format!(
                "noise of the shape {shape}; up to 2^32 - 1 rows and as many columns are possible"
            );
            return self.fail("noise", problem, Location::caller());
        }
        self.leaf(Op::Noise { kind, stream }, shape, Kind::Float)
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
        if u32::try_from(batch).is_err() {
            let problem = format!("a batch of {batch} rows: up to 2^32 - 1 are possible");
            return self.fail("batch", problem, Location::caller());
        }
        self.leaf(Op::Batch { rows, stream }, Shape::from(batch), Kind::Index)
    }

    fn leaf(&self, op: Op, shape: Shape, kind: Kind) -> Var<'_> {
        self.find_or_append(op, Vec::new(), shape, kind)
    }
}
