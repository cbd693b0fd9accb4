//! Rewrites on the way into the graph: constants are folded, neutral operations vanish.
//!
//! Only rewrites that give the same number for every operand, NaN and infinity included, up to
//! the sign of a zero.

use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId};
use crate::reference::{Tensor, apply, filled};
use crate::var::Var;
use crate::{Binary, Kind, Op, Reduction, Shape, Unary};

/// Results up to this size are computed when written.
const ALWAYS_FOLDED: usize = 4096;

/// Results up to this size are, too, if they are no larger than their arguments. Beyond it the
/// plain interpreter would take longer than a program for all its steps.
const FOLDED: usize = 1 << 18;

/// Something simpler that equals `op` of `arguments`, if there is.
pub(crate) fn simplify<'g>(
    graph: &'g Graph,
    op: Op,
    arguments: &[NodeId],
    shape: Shape,
    kind: Kind,
) -> Option<Var<'g>> {
    // Where ranks meet and where draws end is for the writer of the graph to say, and stays as
    // written.
    if matches!(op, Op::AllReduceMean | Op::MeanOverDraws { .. }) {
        return None;
    }
    let nodes: Vec<Node> = arguments.iter().map(|a| graph.node(*a)).collect();
    fold_uniform(graph, op, &nodes, shape)
        .or_else(|| fold(graph, op, &nodes, shape, kind))
        .or_else(|| neutral(graph, op, arguments, &nodes, shape))
}

/// The number that all elements of a node are, if it was written as one: a constant of one
/// element, or that stretched.
fn uniform(graph: &Graph, node: &Node) -> Option<f64> {
    match node.op {
        Op::Constant(id) if node.kind == Kind::Float && node.shape.elements() == 1 => {
            Some(graph.constant_values(id)[0])
        }
        Op::Broadcast => uniform(graph, &graph.node(node.arguments[0])),
        _ => None,
    }
}

/// What is made of numbers alone stays one number, whatever its shape.
fn fold_uniform<'g>(graph: &'g Graph, op: Op, arguments: &[Node], shape: Shape) -> Option<Var<'g>> {
    let numbers: Option<Vec<f64>> = arguments.iter().map(|a| uniform(graph, a)).collect();
    let numbers = numbers?;
    let number = match (op, &numbers[..]) {
        (Op::Unary(f), [a]) => f.apply(*a),
        (Op::Binary(f), [a, b]) => f.apply(*a, *b),
        (Op::Select, [condition, a, b]) => match *condition {
            0.0 => *b,
            _ => *a,
        },
        (Op::Reduce { kind, .. }, [a]) if arguments[0].shape.elements() > 0 => match kind {
            Reduction::Sum => a * (arguments[0].shape.elements() / shape.elements()) as f64,
            Reduction::Max => *a,
        },
        (Op::Broadcast | Op::View { .. } | Op::Transpose, [a]) => *a,
        _ => return None,
    };
    Some(graph.uniform(number, shape))
}

fn fold<'g>(
    graph: &'g Graph,
    op: Op,
    arguments: &[Node],
    shape: Shape,
    kind: Kind,
) -> Option<Var<'g>> {
    let size: usize = arguments.iter().map(|a| a.shape.elements()).sum();
    let limit = size.clamp(ALWAYS_FOLDED, FOLDED);
    if arguments.is_empty() || shape.elements() > limit || size > 4 * FOLDED {
        return None;
    }
    let values: Option<Vec<Tensor>> = arguments
        .iter()
        .map(|a| match a.op {
            Op::Constant(id) => Some(Tensor::new(a.shape, graph.constant_values(id))),
            _ => uniform(graph, a).map(|number| filled(a.shape, |_| number)),
        })
        .collect();
    let values = values?;
    let result = apply(op, &values.iter().collect::<Vec<_>>(), shape).ok()?;
    if shape == Shape::SCALAR && kind == Kind::Float {
        return Some(Var::from(result.values()[0]));
    }
    Some(graph.constant_node(Arc::from(result.values()), shape, kind))
}

fn neutral<'g>(
    graph: &'g Graph,
    op: Op,
    ids: &[NodeId],
    nodes: &[Node],
    shape: Shape,
) -> Option<Var<'g>> {
    let argument = |i: usize| {
        // An operand may be narrower than the result: then it still has to be stretched.
        (nodes[i].shape == shape).then(|| Var::node(graph, ids[i]))
    };
    let number = |i: usize| match nodes[i].op {
        Op::Constant(id) if nodes[i].kind == Kind::Float => {
            let values = graph.constant_values(id);
            let first = *values.first()?;
            values.iter().all(|v| *v == first).then_some(first)
        }
        _ => uniform(graph, &nodes[i]),
    };
    match op {
        Op::Unary(Unary::Neg) => match nodes[0].op {
            Op::Unary(Unary::Neg) => Some(Var::node(graph, nodes[0].arguments[0])),
            _ => None,
        },
        Op::Binary(Binary::Add) if number(1) == Some(0.0) => argument(0),
        Op::Binary(Binary::Add) if number(0) == Some(0.0) => argument(1),
        Op::Binary(Binary::Sub) if number(1) == Some(0.0) => argument(0),
        Op::Binary(Binary::Mul) if number(1) == Some(1.0) => argument(0),
        Op::Binary(Binary::Mul) if number(0) == Some(1.0) => argument(1),
        Op::Binary(Binary::Mul) if number(1) == Some(-1.0) => argument(0).map(|x| -x),
        Op::Binary(Binary::Mul) if number(0) == Some(-1.0) => argument(1).map(|x| -x),
        Op::Binary(Binary::Div) if number(1) == Some(1.0) => argument(0),
        Op::Binary(Binary::Pow) if number(1) == Some(1.0) => argument(0),
        Op::Binary(Binary::Pow) if number(1) == Some(2.0) => argument(0).map(|x| x * x),
        Op::Broadcast => argument(0),
        // A sum of one term is a product of a column and a row, element by element.
        Op::MatMul { transpose_a, .. } if nodes[0].shape[usize::from(!transpose_a)] == 1 => {
            let [m, n] = *shape else { return None };
            let column = Var::node(graph, ids[0]).view_unchecked(0, Shape::from([m, 1]));
            Some(column * Var::node(graph, ids[1]).view_unchecked(0, Shape::from([1, n])))
        }
        // Nothing is added up: zero, in whatever shape is left.
        Op::Reduce { .. } if nodes[0].shape.elements() == 0 => Some(graph.uniform(0.0, shape)),
        Op::Reduce { from, to, .. } if nodes[0].shape[from..to].iter().all(|n| *n == 1) => {
            Some(Var::node(graph, ids[0]).view_unchecked(0, shape))
        }
        Op::Concat { .. } if ids.len() == 1 => argument(0),
        Op::Transpose => match nodes[0].op {
            Op::Transpose => Some(Var::node(graph, nodes[0].arguments[0])),
            _ => None,
        },
        Op::View { offset } => match nodes[0].op {
            _ if offset == 0 && nodes[0].shape == shape => argument(0),
            Op::View { offset: inner } => {
                let source = Var::node(graph, nodes[0].arguments[0]);
                Some(source.view_unchecked(offset + inner, shape))
            }
            _ => None,
        },
        _ => None,
    }
}
