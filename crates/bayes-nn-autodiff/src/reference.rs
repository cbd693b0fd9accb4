//! The oracle: a plain double-precision interpreter, one loop per operation.

use std::collections::HashMap;
use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId};
use crate::noise::{self, NoiseKey, Permutation};
use crate::var::Var;
use crate::{GraphError, NoiseKind, Op, Reduction, Shape};

/// Values in a shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Shape,
    values: Arc<[f64]>,
}

impl Tensor {
    pub(crate) fn new(shape: Shape, values: Arc<[f64]>) -> Tensor {
        debug_assert_eq!(shape.elements(), values.len());
        Tensor { shape, values }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements in row-major order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// What a graph needs to be evaluated: values of its inputs, a seed, a step number.
#[derive(Clone, Debug, Default)]
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
    /// The values of `outputs`, in double precision and without any cleverness.
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
    /// Whether some of what is known is that it depends on an input that is not bound.
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
            (None, None) => unreachable!("a variable is a node, an error, or numbers"),
        };
        if self.known.len() <= target.index() {
            self.known.resize(target.index() + 1, None);
        }
        // Arguments first, without recursion: graphs are as deep as recurrences are long.
        let mut waiting = vec![target];
        while let Some(&id) = waiting.last() {
            if self.known[id.index()].is_some() {
                waiting.pop();
                continue;
            }
            let node = self.graph.node(id);
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
                let start = bindings.step * shape.elements() as u64;
                filled(shape, |i| {
                    let position = start + i as u64;
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

pub(crate) fn filled(shape: Shape, value: impl FnMut(usize) -> f64) -> Tensor {
    Tensor::new(shape, (0..shape.elements()).map(value).collect())
}

/// Where element `index` of `shape` lies in a tensor of shape `own` that is broadcast to it.
fn source_index(index: usize, shape: Shape, own: Shape) -> usize {
    let mut rest = index;
    let mut stride = 1;
    let mut source = 0;
    for axis in (0..shape.rank()).rev() {
        let position = rest % shape[axis];
        rest /= shape[axis];
        let length = own.aligned(axis, shape.rank());
        if length != 1 {
            source += position * stride;
        }
        stride *= length;
    }
    source
}

/// The lengths before, of and after the axes `from..to`.
fn blocks(shape: Shape, from: usize, to: usize) -> (usize, usize, usize) {
    (
        shape[..from].iter().product(),
        shape[from..to].iter().product(),
        shape[to..].iter().product(),
    )
}

/// The result of an operation on known arguments.
pub(crate) fn apply(op: Op, arguments: &[&Tensor], shape: Shape) -> Result<Tensor, GraphError> {
    let element = |i: usize, index: usize| {
        let argument = arguments[i];
        argument.values[source_index(index, shape, argument.shape)]
    };
    Ok(match op {
        Op::Input(_) | Op::Constant(_) | Op::Noise { .. } | Op::Step | Op::Batch { .. } => {
            unreachable!("{op:?} has no arguments")
        }
        Op::Unary(f) => filled(shape, |i| f.apply(arguments[0].values[i])),
        Op::Binary(f) => filled(shape, |i| f.apply(element(0, i), element(1, i))),
        Op::Select => filled(shape, |i| {
            if element(0, i) != 0.0 {
                element(1, i)
            } else {
                element(2, i)
            }
        }),
        Op::MatMul {
            transpose_a,
            transpose_b,
        } => {
            let (a, b) = (arguments[0], arguments[1]);
            let inner = a.shape[usize::from(!transpose_a)];
            let columns = shape[1];
            filled(shape, |index| {
                let (i, j) = (index / columns, index % columns);
                (0..inner)
                    .map(|k| {
                        let left = if transpose_a {
                            k * a.shape[1] + i
                        } else {
                            i * a.shape[1] + k
                        };
                        let right = if transpose_b {
                            j * b.shape[1] + k
                        } else {
                            k * b.shape[1] + j
                        };
                        a.values[left] * b.values[right]
                    })
                    .sum()
            })
        }
        Op::Cholesky => cholesky(arguments[0]),
        Op::TriangularSolve { transpose } => {
            let (triangle, right) = (arguments[0], arguments[1]);
            let [n, columns] = [shape[0], shape[1]];
            let mut x = right.values.to_vec();
            for step in 0..n {
                let i = if transpose { n - 1 - step } else { step };
                let known = if transpose { i + 1..n } else { 0..i };
                for column in 0..columns {
                    let terms = known.clone().map(|k| {
                        let place = if transpose { k * n + i } else { i * n + k };
                        triangle.values[place] * x[k * columns + column]
                    });
                    let rest = x[i * columns + column] - terms.sum::<f64>();
                    x[i * columns + column] = rest / triangle.values[i * n + i];
                }
            }
            Tensor::new(shape, x.into())
        }
        Op::Reduce { kind, from, to } => {
            let source = arguments[0];
            let (_, length, after) = blocks(source.shape, from, to);
            filled(shape, |index| {
                let (outer, inner) = (index / after, index % after);
                let terms =
                    (0..length).map(|k| source.values[(outer * length + k) * after + inner]);
                match kind {
                    Reduction::Sum => terms.sum(),
                    Reduction::Max => {
                        terms.fold(
                            f64::NEG_INFINITY,
                            |a, b| {
                                if a > b || a.is_nan() { a } else { b }
                            },
                        )
                    }
                }
            })
        }
        Op::Broadcast => filled(shape, |i| element(0, i)),
        Op::View { offset } => filled(shape, |i| arguments[0].values[offset + i]),
        Op::Transpose => filled(shape, |i| {
            arguments[0].values[(i % shape[1]) * shape[0] + i / shape[1]]
        }),
        Op::Concat { axis } => {
            let mut values = Vec::with_capacity(shape.elements());
            let (outer, ..) = blocks(shape, axis, axis + 1);
            for block in 0..outer {
                for argument in arguments {
                    let size = argument.values.len() / outer;
                    values.extend_from_slice(&argument.values[block * size..(block + 1) * size]);
                }
            }
            Tensor::new(shape, values.into())
        }
        Op::Gather { axis } => {
            let (source, index) = (arguments[0], arguments[1]);
            let (_, length, inner) = blocks(source.shape, axis, axis + 1);
            check_index(&index.values, length)?;
            let count = index.values.len();
            filled(shape, |i| {
                let (outer, k, j) = (i / inner / count, i / inner % count, i % inner);
                source.values[(outer * length + index.values[k] as usize) * inner + j]
            })
        }
        Op::Scatter { axis } => {
            let (source, index) = (arguments[0], arguments[1]);
            let (outer, length, inner) = blocks(shape, axis, axis + 1);
            check_index(&index.values, length)?;
            let count = index.values.len();
            let mut values = vec![0.0; shape.elements()];
            for block in 0..outer {
                for (k, &place) in index.values.iter().enumerate() {
                    for j in 0..inner {
                        values[(block * length + place as usize) * inner + j] +=
                            source.values[(block * count + k) * inner + j];
                    }
                }
            }
            Tensor::new(shape, values.into())
        }
        // The interpreter is the only rank.
        Op::AllReduceMean => arguments[0].clone(),
    })
}

/// The factor; NaN in the rows of its triangle from the first pivot on that is not positive and
/// finite.
fn cholesky(matrix: &Tensor) -> Tensor {
    let n = matrix.shape[0];
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let products = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]);
            let rest = matrix.values[i * n + j] - products.sum::<f64>();
            if i > j {
                factor[i * n + j] = rest / factor[j * n + j];
            } else if rest > 0.0 && rest < f64::INFINITY {
                factor[i * n + i] = rest.sqrt();
            } else {
                for row in i..n {
                    factor[row * n..][..=row].fill(f64::NAN);
                }
                return Tensor::new(matrix.shape, factor.into());
            }
        }
    }
    Tensor::new(matrix.shape, factor.into())
}

fn check_index(index: &[f64], length: usize) -> Result<(), GraphError> {
    let outside = |v: &f64| !(*v >= 0.0 && *v < length as f64 && v.fract() == 0.0);
    match index.iter().position(outside) {
        Some(position) => Err(GraphError::Index {
            index: index[position],
            position,
            length,
        }),
        None => Ok(()),
    }
}
