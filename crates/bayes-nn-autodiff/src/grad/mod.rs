//! Reverse mode: the derivative of each operation as more nodes of the same graph.

mod adjoint;

use std::panic::Location;

use crate::graph::{Graph, NodeId, Nodes};
use crate::tensor::AT_ONCE;
use crate::var::{Var, by_group, convolved};
use crate::{Binary, GraphError, Kind, Op, Reduction, Shape, Side};
use adjoint::{Adjoint, Contribution, reshaped, stretched, unbroadcast, zeros};

/// The gradient of the scalar `output` with respect to each of `wrt`, in their shapes.
///
/// The results are nodes like any other: they can be used in formulas and differentiated again.
/// A variable that `output` does not depend on has the gradient zero.
///
/// # Errors
/// When the graph holds an error, `output` is not a scalar, a variable of `wrt` is not a node of
/// the graph of `output`, or the way to it leads through a mean over draws.
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
    // Nodes before the first variable cannot depend on any, and the output needs none after it.
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
        if matches!(node.op, Op::MeanOverDraws { .. }) {
            return Err(GraphError::MeanOverDraws);
        }
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
                // An adjoint may be one number for all elements; the gradient has the shape of the
                // variable.
                Some(total) => stretched(graph, total, shape),
                None => zeros(graph, shape),
            }
        })
        .collect())
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
        if let (Op::Constant(constant), Shape::SCALAR) = (argument.op, argument.shape) {
            return Var::from(graph.constant_of(constant).values[0]);
        }
        Var::node(graph, id)
    };
    let shape = |i: usize| nodes[node.arguments[i].index()].shape;
    let mut whole = |i: usize, value: Var<'g>| {
        add(node.arguments[i], Contribution::Whole(value));
    };
    match node.op {
        Op::Input(_)
        | Op::Constant(_)
        | Op::Noise { .. }
        | Op::Step
        | Op::Batch { .. }
        | Op::MeanOverDraws { .. } => {}
        Op::Unary(f) => {
            if let Some(share) = f.pull_back(adjoint, argument(0), result) {
                whole(0, share);
            }
        }
        // A square: one term, not two that are equal.
        Op::Binary(Binary::Mul) if node.arguments[0] == node.arguments[1] => {
            whole(0, 2.0 * adjoint * argument(0));
        }
        Op::Binary(f) => {
            let (a, b) = f.pull_back(adjoint, argument(0), argument(1), result);
            for (i, share) in [a, b].into_iter().enumerate() {
                if let Some(share) = share {
                    whole(i, unbroadcast(share, node.shape, shape(i)));
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
        Op::Convolution {
            result: side,
            window,
            groups,
        } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            // The sum of the products of all three sides, differentiated by two of them.
            for (i, wanted) in side.others().into_iter().enumerate() {
                let given = others(wanted, side, adjoint, argument(1 - i));
                whole(
                    i,
                    convolved(wanted, window, groups, given, shape(i)).unwrap_or(adjoint),
                );
            }
        }
        // As of a convolution.
        Op::ProductByGroup { result: side } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            for (i, wanted) in side.others().into_iter().enumerate() {
                let mut given = others(wanted, side, adjoint, argument(1 - i)).to_vec();
                given.extend((2..node.arguments.len()).map(argument));
                whole(i, by_group(wanted, &given, shape(i)).unwrap_or(adjoint));
            }
        }
        // Where the first argument is largest does not change with it.
        Op::Pool { window } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            whole(1, argument(0).unpooled(adjoint, window));
        }
        Op::Unpool { window } => {
            let adjoint = stretched(graph, adjoint, node.shape);
            let pooled = argument(0).pooled(adjoint, window, shape(1));
            whole(1, pooled.unwrap_or(adjoint));
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
        // The mean over ranks is linear and symmetric, so its adjoint is the mean of adjoints. The
        // mean over ranks of what each rank gets is the gradient of the mean of their outputs.
        Op::AllReduceMean => whole(0, adjoint.all_reduce_mean()),
    }
}

/// The two sides beside `wanted`, in their order: the adjoint of `side`, and the value of the third.
fn others<'g>(wanted: Side, side: Side, adjoint: Var<'g>, third: Var<'g>) -> [Var<'g>; 2] {
    wanted
        .others()
        .map(|other| if other == side { adjoint } else { third })
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
    } else if length > AT_ONCE {
        let problem = format!(
            "a part of the length {length} of a concatenation along axis {axis}; at most \
             {AT_ONCE} can be differentiated, or any length along axis 0"
        );
        graph.fail("grad", problem, Location::caller())
    } else {
        let index: Vec<usize> = (start..start + length).collect();
        value.gather(graph.index_constant(&index), axis)
    }
}
