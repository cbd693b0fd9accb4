//! The oracle: a plain double-precision interpreter, one loop per operation.

use std::collections::HashMap;
use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId};
use crate::noise::{self, NoiseKey, Permutation};
use crate::tensor::{Tensor, apply, filled, reservable};
use crate::var::Var;
use crate::{GraphError, NoiseKind, Op};

/// What a graph needs to be evaluated: values of its inputs, a seed, a step number.
#[derive(Clone, Debug, Default)]
#[must_use = "values do nothing until a graph is evaluated with them"]
pub struct Bindings {
    values: HashMap<NodeId, Arc<[f64]>>,
    seed: u64,
    step: u64,
}

impl Bindings {
    /// No values, seed 0, step 0.
    pub fn new() -> Bindings {
        Bindings::default()
    }

    /// Binds the values of an input, in row-major order. Indices are given as whole numbers.
    pub fn bind(self, input: Var<'_>, values: &[f64]) -> Bindings {
        self.bind_shared(input, values.into())
    }

    /// As [`Bindings::bind`], without a copy.
    pub fn bind_shared(mut self, input: Var<'_>, values: Arc<[f64]>) -> Bindings {
        if let Some(id) = input.id() {
            self.values.insert(id, values);
        }
        self
    }

    /// The seed of noise and minibatches.
    pub fn seed(mut self, seed: u64) -> Bindings {
        self.seed = seed;
        self
    }

    /// The number of the step that is evaluated.
    pub fn step(mut self, step: u64) -> Bindings {
        self.step = step;
        self
    }
}

impl Graph {
    /// The values of `outputs`, in double precision, one plain loop an operation.
    ///
    /// # Errors
    /// The graph's own error; an output of another graph; an input that is not bound, or bound
    /// to the wrong number of values; an index outside its axis.
    pub fn evaluate(
        &self,
        outputs: &[Var<'_>],
        bindings: &Bindings,
    ) -> Result<Vec<Tensor>, GraphError> {
        self.check()?;
        self.check_own("an output", outputs)?;
        let mut interpreter = Interpreter::new(self, bindings.clone());
        outputs
            .iter()
            .map(|output| match interpreter.value(*output)? {
                Evaluated::Value(value) => Ok(value),
                Evaluated::Unbound(input) => Err(interpreter.unbound(input)),
            })
            .collect()
    }
}

/// The values of a graph that is still being written: each node is computed once, when it or a
/// node after it is first asked for.
///
/// ```
/// use bayes_nn_autodiff::{Bindings, Evaluated, Graph, Interpreter};
/// let graph = Graph::new();
/// let (x, y) = (graph.input("x", []), graph.input("y", []));
/// let mut interpreter = Interpreter::new(&graph, Bindings::new().bind(x, &[3.0]));
/// assert!(matches!(interpreter.value(x * x)?, Evaluated::Value(nine) if nine.values() == [9.0]));
/// // Nothing is known of what depends on `y`, until it is bound.
/// let unbound = y.id().unwrap();
/// assert!(matches!(interpreter.value(x * y)?, Evaluated::Unbound(input) if input == unbound));
/// interpreter.bind(y, vec![2.0]);
/// assert!(matches!(interpreter.value(x * y)?, Evaluated::Value(six) if six.values() == [6.0]));
/// # Ok::<(), bayes_nn_autodiff::GraphError>(())
/// ```
#[derive(Debug)]
pub struct Interpreter<'g> {
    graph: &'g Graph,
    bindings: Bindings,
    known: Vec<Option<Evaluated>>,
    /// Whether some nodes are known to depend on an input that is not bound.
    some_unbound: bool,
}

/// What an [`Interpreter`] knows of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// Its value.
    Value(Tensor),
    /// It depends on this input, which is not bound.
    Unbound(NodeId),
}

impl<'g> Interpreter<'g> {
    /// An interpreter with some inputs bound.
    pub fn new(graph: &'g Graph, bindings: Bindings) -> Interpreter<'g> {
        Interpreter {
            graph,
            bindings,
            known: Vec::new(),
            some_unbound: false,
        }
    }

    /// Binds the values of one more input, in row-major order.
    pub fn bind(&mut self, input: Var<'_>, values: impl Into<Arc<[f64]>>) {
        let bindings = std::mem::take(&mut self.bindings);
        self.bindings = bindings.bind_shared(input, values.into());
        if std::mem::take(&mut self.some_unbound) {
            for known in &mut self.known {
                if let Some(Evaluated::Unbound(_)) = known {
                    *known = None;
                }
            }
        }
    }

    fn unbound(&self, input: NodeId) -> GraphError {
        GraphError::Binding {
            name: self.graph.input_name(input),
            shape: self.graph.node(input).shape,
            got: 0,
        }
    }

    /// The value of a node or number.
    ///
    /// # Errors
    /// An input that is bound to the wrong number of values; an index outside its axis.
    pub fn value(&mut self, var: Var<'_>) -> Result<Evaluated, GraphError> {
        if let Some(failure) = var.failure() {
            return Err(failure.error());
        }
        let target = match (var.id(), var.literal()) {
            (Some(id), _) => id,
            (None, Some(values)) => return Ok(Evaluated::Value(values)),
            (None, None) => return Err(GraphError::Memory { shape: var.shape() }),
        };
        if self.known.len() <= target.index() {
            self.known.resize(target.index() + 1, None);
        }
        // A stack instead of recursion: the depth of a graph is the length of the recurrences in
        // it.
        let mut waiting = vec![target];
        while let Some(&id) = waiting.last() {
            if self.known[id.index()].is_some() {
                waiting.pop();
                continue;
            }
            let node = self.graph.node(id);
            if let Op::MeanOverDraws { .. } = node.op {
                let unrolled = self.graph.unroll_draws(&[Var::node(self.graph, id)])[0];
                self.graph.check()?;
                let unrolled = self.graph.node_of(unrolled);
                self.known.resize(self.graph.len(), None);
                match self.known[unrolled.index()].clone() {
                    None => waiting.push(unrolled),
                    value => self.known[id.index()] = value,
                }
                continue;
            }
            let before = waiting.len();
            let open = node.arguments.iter().copied();
            waiting.extend(open.filter(|a| self.known[a.index()].is_none()));
            if waiting.len() == before {
                let value = self.compute(id, node)?;
                self.some_unbound |= matches!(value, Evaluated::Unbound(_));
                self.known[id.index()] = Some(value);
                waiting.pop();
            }
        }
        Ok(self.known[target.index()]
            .clone()
            .expect("it was just computed"))
    }

    fn compute(&self, id: NodeId, node: &Node) -> Result<Evaluated, GraphError> {
        let bindings = &self.bindings;
        let shape = node.shape;
        if !reservable(shape.elements()) {
            return Err(GraphError::Memory { shape });
        }
        let key = |stream| NoiseKey {
            seed: bindings.seed,
            step: bindings.step,
            stream,
        };
        let value = match node.op {
            Op::Input(_) => match bindings.values.get(&id) {
                Some(v) if v.len() == shape.elements() => Tensor::new(shape, v.clone()),
                Some(v) => {
                    let GraphError::Binding { name, shape, .. } = self.unbound(id) else {
                        unreachable!("that is what it makes")
                    };
                    return Err(GraphError::Binding {
                        name,
                        shape,
                        got: v.len(),
                    });
                }
                None => return Ok(Evaluated::Unbound(id)),
            },
            Op::Constant(id) => Tensor::new(shape, self.graph.constant_values(id)),
            Op::Step => Tensor::new(shape, Arc::new([bindings.step as f64])),
            Op::Noise { kind, stream } => {
                // Axes of length 1 say nothing about where an element stands: the noise
                // of `[n]`, `[1, n]` and `[n, 1]` is the same.
                let columns = shape.iter().rfind(|n| **n != 1).map_or(1, |n| *n).max(1);
                let draw = match kind {
                    NoiseKind::Normal => noise::normal,
                    NoiseKind::Uniform => noise::uniform,
                };
                filled(shape, |i| {
                    draw(&key(stream), (i / columns) as u32, (i % columns) as u32)
                })
            }
            Op::Batch { rows, stream } => {
                let start = bindings.step.wrapping_mul(shape.elements() as u64);
                filled(shape, |i| {
                    let position = start.wrapping_add(i as u64);
                    let (epoch, at) = (position / rows as u64, position % rows as u64);
                    let permutation = Permutation::new(bindings.seed, stream, epoch, rows as u64);
                    permutation.at(at) as f64
                })
            }
            op => {
                let mut arguments = Vec::with_capacity(node.arguments.len());
                for argument in &node.arguments {
                    match &self.known[argument.index()] {
                        Some(Evaluated::Value(value)) => arguments.push(value),
                        Some(Evaluated::Unbound(input)) => return Ok(Evaluated::Unbound(*input)),
                        None => unreachable!("arguments come first"),
                    }
                }
                apply(op, &arguments, shape)?
            }
        };
        Ok(Evaluated::Value(value))
    }
}
