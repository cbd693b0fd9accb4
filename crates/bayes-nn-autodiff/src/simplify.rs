//! Rewrites on the way into the graph: constants are folded, neutral operations vanish.
//!
//! Only rewrites that give the same number for every operand, NaN and infinity included, up to
//! the sign of a zero, and of a sum up to the order of its terms.

use std::sync::Arc;

use crate::graph::{Graph, NodeId};
use crate::tensor::{Tensor, apply, filled, of_numbers};
use crate::var::{Var, by_group};
use crate::{Binary, Kind, Op, Reduction, Shape, Side, Unary};

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
    fold_uniform(graph, op, arguments, shape)
        .or_else(|| fold(graph, op, arguments, shape, kind))
        .or_else(|| neutral(graph, op, arguments, shape))
}

/// The number that all elements of a node are, if it was written as one: a constant of one
/// element, or that stretched.
fn uniform(graph: &Graph, node: NodeId) -> Option<f64> {
    let node = graph.node(node);
    if let Op::Constant(id) = node.op {
        let is_number = node.kind == Kind::Float && node.shape.elements() == 1;
        return is_number.then(|| graph.constant_of(id).values[0]);
    }
    let is_stretched = node.op == Op::Broadcast;
    is_stretched.then(|| uniform(graph, node.arguments[0]))?
}

/// What is made of numbers alone stays one number, whatever its shape.
fn fold_uniform<'g>(
    graph: &'g Graph,
    op: Op,
    arguments: &[NodeId],
    shape: Shape,
) -> Option<Var<'g>> {
    let first = graph.node(*arguments.first()?).shape;
    let number = of_numbers(op, |i| uniform(graph, arguments[i]), first, shape)?;
    Some(graph.uniform(number, shape))
}

fn fold<'g>(
    graph: &'g Graph,
    op: Op,
    arguments: &[NodeId],
    shape: Shape,
    kind: Kind,
) -> Option<Var<'g>> {
    let is_known =
        |a: &NodeId| matches!(graph.node(*a).op, Op::Constant(_)) || uniform(graph, *a).is_some();
    if arguments.is_empty() || !arguments.iter().all(is_known) {
        return None;
    }
    let elements = |a: &NodeId| graph.node(*a).shape.elements();
    let size = arguments
        .iter()
        .map(elements)
        .fold(0, usize::saturating_add);
    let limit = size.clamp(ALWAYS_FOLDED, FOLDED);
    if shape.elements() > limit || size > 4 * FOLDED {
        return None;
    }
    let values: Option<Vec<Tensor>> = arguments
        .iter()
        .map(|a| {
            let shape = graph.node(*a).shape;
            if let Op::Constant(id) = graph.node(*a).op {
                return Some(Tensor::new(shape, graph.constant_values(id)));
            }
            uniform(graph, *a).map(|number| filled(shape, |_| number))
        })
        .collect();
    let values = values?;
    let result = apply(op, &values.iter().collect::<Vec<_>>(), shape).ok()?;
    if shape == Shape::SCALAR && kind == Kind::Float {
        return Some(Var::number_of(graph, result.values()[0]));
    }
    Some(graph.constant_node(Arc::from(result.values()), shape, kind))
}

fn neutral<'g>(graph: &'g Graph, op: Op, ids: &[NodeId], shape: Shape) -> Option<Var<'g>> {
    let node = |i: usize| graph.node(ids[i]);
    let argument = |i: usize| {
        // An operand may be narrower than the result: then it still has to be stretched.
        (node(i).shape == shape).then(|| Var::node(graph, ids[i]))
    };
    let number = |i: usize| {
        if let (Op::Constant(id), Kind::Float) = (node(i).op, node(i).kind) {
            return graph.constant_of(id).uniform;
        }
        uniform(graph, ids[i])
    };
    // Applied twice, these give their argument back.
    let undone = || (node(0).op == op).then(|| Var::node(graph, node(0).arguments[0]));
    match op {
        Op::Unary(Unary::Neg) | Op::Transpose => undone(),
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
        Op::MatMul { transpose_a, .. } if node(0).shape[usize::from(!transpose_a)] == 1 => {
            let [m, n] = *shape else { return None };
            let column = Var::node(graph, ids[0]).view_unchecked(0, Shape::from([m, 1]));
            Some(column * Var::node(graph, ids[1]).view_unchecked(0, Shape::from([1, n])))
        }
        // The rows of a single group.
        Op::ProductByGroup { result }
            if ids.len() == 2 && (0..2).all(|i| node(i).shape[0] == 1) =>
        {
            let matrix = |i: usize| {
                let of_group = node(i).shape.without(0, 1);
                Var::node(graph, ids[i]).view_unchecked(0, of_group)
            };
            let (first, second) = (matrix(0), matrix(1));
            let product = match result {
                Side::Input => first.t().matmul(second),
                Side::Weight => second.matmul(first.t()),
                Side::Output => second.matmul(first),
            };
            Some(product.view_unchecked(0, shape))
        }
        // Nothing is added up: zero, in whatever shape is left.
        Op::Reduce { .. } if node(0).shape.elements() == 0 => Some(graph.uniform(0.0, shape)),
        Op::Reduce { from, to, .. } if node(0).shape[from..to].iter().all(|n| *n == 1) => {
            Some(Var::node(graph, ids[0]).view_unchecked(0, shape))
        }
        Op::Reduce {
            kind: Reduction::Sum,
            from,
            to,
        } if to == from + 1 => gathered_product(graph, ids[0], from, shape),
        Op::Concat { .. } if ids.len() == 1 => argument(0),
        Op::View { offset: 0 } if node(0).shape == shape => argument(0),
        Op::View { offset } => {
            let Op::View { offset: inner } = node(0).op else {
                return None;
            };
            let source = Var::node(graph, node(0).arguments[0]);
            Some(source.view_unchecked(offset + inner, shape))
        }
        Op::Input(_)
        | Op::Constant(_)
        | Op::Noise { .. }
        | Op::Step
        | Op::Batch { .. }
        | Op::Unary(_)
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
        | Op::Concat { .. }
        | Op::Gather { .. }
        | Op::Scatter { .. }
        | Op::AllReduceMean
        | Op::MeanOverDraws { .. } => None,
    }
}

/// A sum over the first or second axis of `node`, if that is a product of weights gathered for each
/// row, `[a, b, n]` of `[a, b, groups]`, and inputs `[a, 1, n]` or `[b, n]`: a product by groups,
/// for which no weight is copied.
fn gathered_product<'g>(
    graph: &'g Graph,
    node: NodeId,
    axis: usize,
    shape: Shape,
) -> Option<Var<'g>> {
    let product = graph.node(node);
    let [a, b, rows] = *product.shape else {
        return None;
    };
    if product.op != Op::Binary(Binary::Mul) || axis == 2 || product.shape.elements() == 0 {
        return None;
    }
    let is_weight = |id: &&NodeId| {
        let node = graph.node(**id);
        node.op == Op::Gather { axis: 2 } && node.shape == product.shape
    };
    let weight = product.arguments.iter().find(is_weight)?;
    let input = product.arguments.iter().find(|id| *id != weight)?;
    let own = graph.node(*input).shape;
    if [0, 1, 2].map(|axis| own.aligned(axis, 3)) != *product.shape.with(1 - axis, 1) {
        return None;
    }
    let [of_groups, index] = [0, 1].map(|i| Var::node(graph, graph.node(*weight).arguments[i]));
    let groups = of_groups.shape()[2];
    let matrices = of_groups.view_unchecked(0, Shape::from([a * b, groups]));
    let matrices = matrices.t().view_unchecked(0, Shape::from([groups, a, b]));
    let length = product.shape[axis];
    let given = Var::node(graph, *input).view_unchecked(0, Shape::from([length, rows]));
    // What is summed over the first axis is a product by the transposes of the matrices.
    let product = match axis {
        0 => by_group(Side::Input, &[matrices, given, index], shape),
        _ => by_group(Side::Output, &[given, matrices, index], shape),
    };
    product.ok()
}
