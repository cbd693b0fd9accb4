//! Adjoints: the derivatives of the output by the values of nodes, gathered from their uses.

use crate::graph::Graph;
use crate::var::{Var, concat};
use crate::{Kind, Op, Reduction, Shape};

/// What a use of a node adds to its adjoint.
pub(super) enum Contribution<'g> {
    /// Of the node's shape, or a number that stands for all elements.
    Whole(Var<'g>),
    /// Only elements from `offset` on, in row-major order.
    Part { offset: usize, value: Var<'g> },
}

#[derive(Clone, Default)]
pub(super) struct Adjoint<'g> {
    pub(super) whole: Option<Var<'g>>,
    parts: Vec<(usize, Var<'g>)>,
}

impl<'g> Adjoint<'g> {
    pub(super) fn add(&mut self, contribution: Contribution<'g>) {
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
    pub(super) fn total(self, graph: &'g Graph, shape: Shape) -> Option<Var<'g>> {
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

pub(super) fn zeros(graph: &Graph, shape: Shape) -> Var<'_> {
    stretched(graph, Var::from(0.0), shape)
}

/// `value` in exactly this shape; a number of shape `[]` stays one.
pub(super) fn stretched<'g>(graph: &'g Graph, value: Var<'g>, shape: Shape) -> Var<'g> {
    match value.number() {
        Some(number) if shape == Shape::SCALAR => Var::node(graph, graph.number_node(number)),
        Some(number) => graph.uniform(number, shape),
        None => value.broadcast_to(shape),
    }
}

/// `value` in another shape of as many elements; a number still stands for all of them.
pub(super) fn reshaped(value: Var<'_>, shape: Shape) -> Var<'_> {
    match value.number() {
        Some(_) => value,
        None => value.view_unchecked(0, shape),
    }
}

/// `value` summed down to `shape`, from which broadcasting stretched it.
pub(super) fn unbroadcast<'g>(value: Var<'g>, from: Shape, to: Shape) -> Var<'g> {
    if from == to {
        return value;
    }
    let Some(graph) = value.graph() else {
        return value * (from.elements() / to.elements().max(1)) as f64;
    };
    let mut value = stretched(graph, value, from);
    // Stretched axes are summed from the last to the first, so that the numbers of earlier axes
    // stay right.
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
