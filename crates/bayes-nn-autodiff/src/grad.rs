//! Reverse mode: the derivative of each operation as more nodes of the same graph.

use crate::graph::{Graph, NodeId, Nodes};
use crate::var::{Var, concat};
use crate::{Binary, GraphError, Kind, Op, Reduction, Shape};

/// The gradient of the scalar `output` with respect to each of `wrt`, in their shapes.
///
/// The results are nodes like any other: they can be used in formulas and differentiated again.
/// A variable that `output` does not depend on has the gradient zero.
///
/// # Errors
/// When the graph holds an error, `output` is not a scalar, or a variable of `wrt` is not a
/// node of the graph of `output`.
///
/// ```
/// use bayes_nn_autodiff::{Bindings, Graph, grad};
/// let graph = Graph::new();
/// let x = graph.input("x", []);
/// let first = grad(x.exp() * x, &[x])?[0];
/// let second = grad(first, &[x])?[0];
/// let at = Bindings::new().bind(x, &[0.0]);
/// assert_eq!(graph.evaluate(&[second], &at)?[0].values(), [2.0]);
/// # Ok::<(), bayes_nn_autodiff::GraphError>(())
/// ```
pub fn grad<'g>(output: Var<'g>, wrt: &[Var<'g>]) -> Result<Vec<Var<'g>>, GraphError> {
    if let Some(graph) = output.graph().or_else(|| wrt.first()?.graph()) {
        graph.check()?;
    }
    if let Some(failure) = output.failure() {
        return Err(failure.error());
    }
    if output.shape() != Shape::SCALAR {
        return Err(GraphError::NotScalar {
            shape: output.shape(),
        });
    }
    let mut targets = Vec::new();
    for variable in wrt {
        let (Some(graph), Some(id)) = (variable.graph(), variable.id()) else {
            return Err(GraphError::Foreign {
                role: "a variable to differentiate by",
            });
        };
        if output.graph().is_some_and(|g| !std::ptr::eq(g, graph)) {
            return Err(GraphError::Foreign {
                role: "a variable to differentiate by",
            });
        }
        targets.push((graph, id));
    }
    let (Some(graph), Some(root)) = (output.graph(), output.id()) else {
        return Ok(targets
            .iter()
            .map(|(g, id)| zeros(g, g.node(*id).shape))
            .collect());
    };

    let nodes = graph.nodes();
    // What lies before the first variable cannot depend on any, and what lies after the output is
    // not needed for it.
    let first = targets.iter().map(|(_, id)| id.index()).min();
    let first = first.unwrap_or(nodes.len());
    let mut relevant = vec![false; nodes.len()];
    for (_, id) in &targets {
        relevant[id.index()] = true;
    }
    for index in first..=root.index() {
        let node = &nodes[index];
        relevant[index] |=
            node.kind == Kind::Float && node.arguments.iter().any(|a| relevant[a.index()]);
    }

    let mut adjoints: Vec<Adjoint<'g>> = vec![Adjoint::default(); nodes.len()];
    adjoints[root.index()].whole = Some(Var::from(1.0));
    let mut totals: Vec<Option<Var<'g>>> = vec![None; nodes.len()];
    for index in (first..=root.index()).rev() {
        let node = &nodes[index];
        if !relevant[index] {
            continue;
        }
        let Some(adjoint) = std::mem::take(&mut adjoints[index]).total(graph, node.shape) else {
            continue;
        };
        totals[index] = Some(adjoint);
        propagate(graph, nodes, index, adjoint, |argument, contribution| {
            if relevant[argument.index()] {
                adjoints[argument.index()].add(contribution);
            }
        });
    }
    graph.check()?;
    Ok(targets
        .iter()
        .map(|(_, id)| {
            let shape = nodes[id.index()].shape;
            match totals.get(id.index()).copied().flatten() {
                // A number stands for itself everywhere; here the shape was promised.
                Some(total) => stretched(graph, total, shape),
                None => zeros(graph, shape),
            }
        })
        .collect())
}

/// What a use of a node adds to its adjoint.
enum Contribution<'g> {
    /// Of the node's shape, or a number that stands for all elements.
    Whole(Var<'g>),
    /// Only elements from `offset` on, in row-major order.
    Part { offset: usize, value: Var<'g> },
}

#[derive(Clone, Default)]
struct Adjoint<'g> {
    whole: Option<Var<'g>>,
    parts: Vec<(usize, Var<'g>)>,
}

impl<'g> Adjoint<'g> {
    fn add(&mut self, contribution: Contribution<'g>) {
        match contribution {
            Contribution::Whole(value) => {
                self.whole = Some(self.whole.map_or(value, |sum| sum + value));
            }
            Contribution::Part { offset, value } => self.parts.push((offset, value)),
        }
    }

    /// The sum. Parts that do not overlap become one concatenation, so that the gradient of a
    /// vector of parameters is written once, not once for each view into it. Views of the same
    /// elements (a bias as a vector and as a column) are added up first.
    fn total(self, graph: &'g Graph, shape: Shape) -> Option<Var<'g>> {
        let mut sum = self.whole;
        let mut runs: Vec<(usize, Var<'g>)> = Vec::new();
        let mut parts = self.parts;
        parts.sort_by_key(|(offset, value)| (*offset, value.shape().elements()));
        for (offset, value) in parts {
            let run = Shape::from(value.shape().elements());
            let value = match value.number() {
                Some(_) => stretched(graph, value, run),
                None => value.view_unchecked(0, run),
            };
            match runs.last_mut() {
                Some((o, same)) if *o == offset && same.shape() == run => *same = *same + value,
                _ => runs.push((offset, value)),
            }
        }
        while !runs.is_empty() {
            let mut pieces = Vec::new();
            let mut overlapping = Vec::new();
            let mut end = 0;
            for (offset, value) in runs {
                if offset < end {
                    overlapping.push((offset, value));
                    continue;
                }
                if offset > end {
                    pieces.push(zeros(graph, Shape::from(offset - end)));
                }
                pieces.push(value);
                end = offset + value.shape().elements();
            }
            if end < shape.elements() {
                pieces.push(zeros(graph, Shape::from(shape.elements() - end)));
            }
            let layer = concat(&pieces, 0).view_unchecked(0, shape);
            sum = Some(sum.map_or(layer, |sum| sum + layer));
            runs = overlapping;
        }
        sum
    }
}

fn zeros(graph: &Graph, shape: Shape) -> Var<'_> {
    stretched(graph, Var::from(0.0), shape)
}

/// `value` in exactly this shape; a number of shape `[]` stays one.
fn stretched<'g>(graph: &'g Graph, value: Var<'g>, shape: Shape) -> Var<'g> {
    match value.number() {
        Some(number) if shape == Shape::SCALAR => Var::node(graph, graph.number_node(number)),
        Some(number) => graph.uniform(number, shape),
        None => value.broadcast_to(shape),
    }
}

/// `value` in another shape of as many elements; a number goes on standing for all of them.
fn reshaped(value: Var<'_>, shape: Shape) -> Var<'_> {
    match value.number() {
        Some(_) => value,
        None => value.view_unchecked(0, shape),
    }
}

/// `value` summed down to `shape`, from which broadcasting stretched it.
fn unbroadcast<'g>(value: Var<'g>, from: Shape, to: Shape) -> Var<'g> {
    if from == to {
        return value;
    }
    let Some(graph) = value.graph() else {
        return value * (from.elements() / to.elements().max(1)) as f64;
    };
    let mut value = stretched(graph, value, from);
    // Runs of stretched axes are summed from the back, so that earlier numbers stay true.
    let stretches = |axis: usize| to.aligned(axis, from.rank()) == 1 && from[axis] != 1;
    let mut end = from.rank();
    while end > 0 {
        if !stretches(end - 1) {
            end -= 1;
            continue;
        }
        let mut start = end - 1;
        while start > 0 && stretches(start - 1) {
            start -= 1;
        }
        let op = Op::Reduce {
            kind: Reduction::Sum,
            from: start,
            to: end,
        };
        let shape = value.shape().without(start, end);
        value = graph.push(op, &[value], shape, Kind::Float);
        end = start;
    }
    value.view_unchecked(0, to)
}

/// Hands each argument of a node its share of the node's adjoint.
fn propagate<'g>(
    graph: &'g Graph,
    nodes: Nodes<'g>,
    index: usize,
    adjoint: Var<'g>,
    mut add: impl FnMut(NodeId, Contribution<'g>),
) {
    let node = &nodes[index];
    let result = Var::node(graph, NodeId(index as u32));
    let argument = |i: usize| {
        let id = node.arguments[i];
        let argument = &nodes[id.index()];
        match argument.op {
            Op::Constant(constant) if argument.shape == Shape::SCALAR => {
                Var::from(graph.constant_of(constant).values[0])
            }
            _ => Var::node(graph, id),
        }
    };
    let shape = |i: usize| nodes[node.arguments[i].index()].shape;
    let mut whole = |i: usize, value: Var<'g>| {
        add(node.arguments[i], Contribution::Whole(value));
    };
    match node.op {
        Op::Input(_) | Op::Constant(_) | Op::Noise { .. } | Op::Step | Op::Batch { .. } => {}
        Op::Unary(f) => {
            if let Some(derivative) = f.derivative(argument(0), result) {
                whole(0, adjoint * derivative);
            }
        }
        // A square: one term, not two that are equal.
        Op::Binary(Binary::Mul) if node.arguments[0] == node.arguments[1] => {
            whole(0, 2.0 * adjoint * argument(0));
        }
        Op::Binary(f) => {
            let (a, b) = f.derivatives(argument(0), argument(1), result);
            for (i, derivative) in [a, b].into_iter().enumerate() {
                if let Some(derivative) = derivative {
                    let value = adjoint * derivative;
                    whole(i, unbroadcast(value, node.shape, shape(i)));
                }
            }
        }
        Op::Select => {
            let condition = argument(0);
            let taken = condition.select(adjoint, 0.0);
            whole(1, unbroadcast(taken, node.shape, shape(1)));
            let left = condition.select(0.0, adjoint);
            whole(2, unbroadcast(left, node.shape, shape(2)));
        }
        Op::MatMul {
            transpose_a,
            transpose_b,
        } => {
            let (a, b) = (argument(0), argument(1));
            let adjoint = stretched(graph, adjoint, node.shape);
            // C = op(A) op(B): dop(A) = dC op(B)^T, dop(B) = op(A)^T dC.
            let (op_a, op_b) = (
                if transpose_a { a.t() } else { a },
                if transpose_b { b.t() } else { b },
            );
            whole(
                0,
                if transpose_a {
                    op_b.matmul(adjoint.t())
                } else {
                    adjoint.matmul(op_b.t())
                },
            );
            whole(
                1,
                if transpose_b {
                    adjoint.t().matmul(op_a)
                } else {
                    op_a.t().matmul(adjoint)
                },
            );
        }
        Op::Cholesky => {
            // Murray 2016, "Differentiation of the Cholesky decomposition", equations 8 to 10:
            // S = L^-T P L^-1 with P the lower triangle of L^T dL, its diagonal halved.
            let adjoint = stretched(graph, adjoint, node.shape);
            let p = halved_tril(result.t().matmul(adjoint));
            let s = result.solve_lower_t(result.solve_lower_t(p).t());
            whole(0, halved_tril(s + s.t()));
        }
        Op::TriangularSolve { transpose } => {
            let (triangle, x) = (argument(0), result);
            let adjoint = stretched(graph, adjoint, node.shape);
            // op(L) X = B: dB = op(L)^-T dX, dop(L) = -dB X^T.
            let right = match transpose {
                true => triangle.solve_lower(adjoint),
                false => triangle.solve_lower_t(adjoint),
            };
            let outer = match transpose {
                true => x.matmul(right.t()),
                false => right.matmul(x.t()),
            };
            whole(0, -outer.tril(0));
            whole(1, right);
        }
        Op::Reduce { kind, from, to } => {
            let mut kept = shape(0);
            for axis in from..to {
                kept = kept.with(axis, 1);
            }
            let adjoint = reshaped(adjoint, kept);
            match kind {
                Reduction::Sum => whole(0, stretched(graph, adjoint, shape(0))),
                Reduction::Max => {
                    let is_largest = argument(0).eq(result.view_unchecked(0, kept));
                    let op = Op::Reduce {
                        kind: Reduction::Sum,
                        from,
                        to,
                    };
                    let ties = graph.push(op, &[is_largest], node.shape, Kind::Float);
                    let ties = reshaped(ties, kept);
                    whole(0, is_largest * (adjoint / ties));
                }
            }
        }
        Op::Broadcast => whole(0, unbroadcast(adjoint, node.shape, shape(0))),
        Op::View { offset } => {
            let value = stretched(graph, adjoint, node.shape);
            if node.shape.elements() == shape(0).elements() {
                whole(0, value.view_unchecked(0, shape(0)));
            } else {
                add(node.arguments[0], Contribution::Part { offset, value });
            }
        }
        Op::Transpose => whole(0, stretched(graph, adjoint, node.shape).t()),
        Op::Concat { axis } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            let mut start = 0;
            for i in 0..node.arguments.len() {
                let length = shape(i)[axis];
                whole(i, narrow(graph, adjoint, axis, start, length));
                start += length;
            }
        }
        Op::Gather { axis } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            whole(0, adjoint.scatter(argument(1), axis, shape(0)[axis]));
        }
        Op::Scatter { axis } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            whole(0, adjoint.gather(argument(1), axis));
        }
        // Linear and symmetric. What comes out is the part of this rank, of which the mean over the
        // ranks is the gradient of the mean of what they compute.
        Op::AllReduceMean => whole(0, adjoint.all_reduce_mean()),
    }
}

/// The lower triangle of a square matrix, half of its diagonal.
fn halved_tril(x: Var<'_>) -> Var<'_> {
    (x.tril(0) + x.tril(-1)) * 0.5
}

/// The slice `start..start + length` of `axis`.
fn narrow<'g>(
    graph: &'g Graph,
    value: Var<'g>,
    axis: usize,
    start: usize,
    length: usize,
) -> Var<'g> {
    let shape = value.shape();
    let narrowed = shape.with(axis, length);
    if axis == 0 {
        let stride: usize = shape[1..].iter().product();
        value.view_unchecked(start * stride, narrowed)
    } else {
        let index: Vec<usize> = (start..start + length).collect();
        value.gather(graph.index_constant(&index), axis)
    }
}
