//! Rewrites on the way into the graph: constants are folded, neutral operations vanish.
//!
//! Only rewrites that give the same number for every operand, NaN and infinity included, up to
//! the sign of a zero.

use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId};
use crate::reference::{Tensor, apply};
use crate::var::Var;
use crate::{Binary, Kind, Op, Shape, Unary};

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
    let nodes: Vec<Node> = arguments.iter().map(|a| graph.node(*a)).collect();
    fold(graph, op, &nodes, shape, kind).or_else(|| neutral(graph, op, arguments, &nodes, shape))
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
            _ => None,
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
        _ => None,
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
        // Nothing is added up: zero, in whatever shape is left.
        Op::Reduce { .. } if nodes[0].shape.elements() == 0 => {
            let zero = graph.constant_node([0.0].into(), Shape::SCALAR, Kind::Float);
            match shape {
                Shape::SCALAR => Some(Var::from(0.0)),
                shape => Some(zero.broadcast_to(shape)),
            }
        }
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
