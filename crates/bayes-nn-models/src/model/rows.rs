//! Whether a minibatch may stand for all rows: only what is a sum over rows of what each says by
//! itself may be scaled by `N / B`.

use bayes_nn_autodiff::{Binary, Graph, NodeId, Nodes, Op, Reduction, Shape, Side, Unary, Var};

/// What a node has to do with the rows of the minibatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// Nothing.
    Apart,
    /// Along this axis lie rows, and each place depends on its own row alone.
    Along(usize),
    /// It is a sum over rows of what each says by itself.
    Summed,
    /// It is none of these: its value changes with the other rows of the minibatch.
    Mixed,
}

/// What each node of a graph has to do with the rows of its minibatch.
pub(super) struct RowTable {
    rows: Vec<Rows>,
}

impl RowTable {
    pub(super) fn of(graph: &Graph) -> RowTable {
        let nodes = graph.nodes();
        let mut rows: Vec<Rows> = Vec::with_capacity(nodes.len());
        for node in nodes.iter() {
            let own = match node.op {
                Op::Batch { .. } => Rows::Along(0),
                _ => {
                    let arguments = node.arguments.iter();
                    let arguments: Vec<Argument> = arguments
                        .map(|id| Argument {
                            id: *id,
                            shape: nodes[id.index()].shape,
                            rows: rows[id.index()],
                        })
                        .collect();
                    let walk = Walk {
                        graph,
                        nodes: &nodes,
                    };
                    walk.rows(node.op, node.shape, &arguments)
                }
            };
            rows.push(own);
        }
        RowTable { rows }
    }

    /// Whether a term of the log density may be scaled for the rows that are not there.
    pub(super) fn is_a_sum_over_rows(&self, term: Var<'_>) -> bool {
        let rows = term.id().map_or(Rows::Apart, |id| self.rows[id.index()]);
        matches!(rows, Rows::Apart | Rows::Summed)
    }
}

struct Argument {
    id: NodeId,
    shape: Shape,
    rows: Rows,
}

impl Argument {
    /// Where rows lie, counted from the last axis.
    fn axis_from_end(&self) -> Option<usize> {
        match self.rows {
            Rows::Along(axis) => Some(self.shape.rank() - 1 - axis),
            _ => None,
        }
    }
}

struct Walk<'a, 'g> {
    graph: &'g Graph,
    nodes: &'a Nodes<'g>,
}

impl Walk<'_, '_> {
    fn rows(&self, op: Op, shape: Shape, arguments: &[Argument]) -> Rows {
        if arguments.iter().all(|a| a.rows == Rows::Apart) {
            return Rows::Apart;
        }
        if arguments.iter().any(|a| a.rows == Rows::Mixed) {
            return Rows::Mixed;
        }
        let first = &arguments[0];
        match (op, first.rows) {
            (Op::Unary(Unary::Neg), Rows::Summed) => Rows::Summed,
            (Op::Unary(_), Rows::Summed) => Rows::Mixed,
            (Op::Binary(Binary::Add | Binary::Sub), _) if sums(arguments) => Rows::Summed,
            (Op::Binary(Binary::Mul), _) if sums_scaled(arguments) => Rows::Summed,
            (Op::Binary(Binary::Div), Rows::Summed) if arguments[1].rows == Rows::Apart => {
                Rows::Summed
            }
            (Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Broadcast, _) => {
                self.side_by_side(shape, arguments)
            }
            (Op::Concat { axis }, _) => match self.side_by_side(shape, arguments) {
                Rows::Along(rows) if rows != axis => Rows::Along(rows),
                _ => Rows::Mixed,
            },
            (Op::Reduce { kind, from, to }, rows) => match rows {
                Rows::Along(axis) if axis < from => Rows::Along(axis),
                Rows::Along(axis) if axis >= to => Rows::Along(axis - (to - from)),
                Rows::Along(_) | Rows::Summed if kind == Reduction::Sum => Rows::Summed,
                _ => Rows::Mixed,
            },
            (Op::Transpose, Rows::Along(axis)) => Rows::Along(1 - axis),
            (Op::View { offset }, Rows::Along(axis)) => viewed(first.shape, axis, offset, shape),
            (
                Op::Transpose | Op::View { .. } | Op::AllReduceMean | Op::MeanOverDraws { .. },
                rows,
            ) => rows,
            (
                Op::MatMul {
                    transpose_a,
                    transpose_b,
                },
                _,
            ) => product(transpose_a, transpose_b, arguments),
            // The columns of the right side are solved for one by one.
            (Op::TriangularSolve { .. }, Rows::Apart) if arguments[1].rows == Rows::Along(1) => {
                Rows::Along(1)
            }
            (
                Op::Convolution {
                    result: Side::Weight,
                    ..
                },
                rows,
            ) => match (rows, arguments[1].rows) {
                (Rows::Along(3), Rows::Along(3)) => Rows::Summed,
                _ => Rows::Mixed,
            },
            // Weights have nothing to do with rows.
            (Op::Convolution { result, .. }, _) => {
                let weights = usize::from(result == Side::Output);
                match (arguments[weights].rows, arguments[1 - weights].rows) {
                    (Rows::Apart, Rows::Along(3)) => Rows::Along(3),
                    _ => Rows::Mixed,
                }
            }
            (Op::ProductByGroup { result }, _) => self.by_group(result, arguments),
            (Op::Pool { .. } | Op::Unpool { .. }, rows) => match (rows, arguments[1].rows) {
                (Rows::Along(3), Rows::Along(3)) => Rows::Along(3),
                _ => Rows::Mixed,
            },
            (Op::Gather { axis }, rows) => match (rows, arguments[1].rows) {
                (Rows::Apart, Rows::Along(_)) => Rows::Along(axis),
                (Rows::Along(own), Rows::Apart) if own != axis => Rows::Along(own),
                _ => Rows::Mixed,
            },
            (Op::Scatter { axis }, rows) => match (rows, arguments[1].rows) {
                (Rows::Along(own), Rows::Apart) if own != axis => Rows::Along(own),
                (Rows::Along(own), Rows::Along(_)) if own == axis => Rows::Summed,
                _ => Rows::Mixed,
            },
            (
                Op::Input(_)
                | Op::Constant(_)
                | Op::Noise { .. }
                | Op::Step
                | Op::Batch { .. }
                | Op::Cholesky
                | Op::TriangularSolve { .. },
                _,
            ) => Rows::Mixed,
        }
    }

    /// Element by element, with broadcasting: rows must lie along one axis, and what else there is
    /// must be the same for all of them.
    fn side_by_side(&self, shape: Shape, arguments: &[Argument]) -> Rows {
        let mut axes = arguments.iter().filter_map(Argument::axis_from_end);
        let Some(axis) = axes.next() else {
            return Rows::Mixed;
        };
        let fits = |a: &Argument| match a.rows {
            Rows::Apart => self.is_even(a.id, axis),
            _ => a.axis_from_end() == Some(axis),
        };
        match arguments.iter().all(fits) {
            true => Rows::Along(shape.rank() - 1 - axis),
            false => Rows::Mixed,
        }
    }

    /// Rows after a product by groups: with an index of groups they lie along the last axis of what
    /// it tells apart, and of their groups.
    fn by_group(&self, result: Side, arguments: &[Argument]) -> Rows {
        let last = |a: &Argument| a.axis_from_end() == Some(0);
        let even = |a: &Argument| a.rows == Rows::Apart && self.is_even(a.id, 0);
        let (sides, index) = arguments.split_at(2);
        let known = index.iter().all(last);
        let weights = match result {
            Side::Weight if known && sides.iter().all(|a| last(a) || even(a)) => {
                return Rows::Summed;
            }
            Side::Weight => return Rows::Mixed,
            Side::Input => 0,
            Side::Output => 1,
        };
        let of_rows = &sides[1 - weights];
        let fits = last(of_rows) || even(of_rows) && !index.is_empty();
        match sides[weights].rows == Rows::Apart && known && fits {
            true => Rows::Along(of_rows.shape.rank() - 1),
            false => Rows::Mixed,
        }
    }

    /// Whether a value apart from rows is the same, or as random, at all places of an axis, counted
    /// from the last.
    fn is_even(&self, id: NodeId, axis: usize) -> bool {
        let node = &self.nodes[id.index()];
        let rank = node.shape.rank();
        if axis >= rank || node.shape[rank - 1 - axis] == 1 {
            return true;
        }
        match node.op {
            Op::Noise { .. } => true,
            Op::Constant(index) => {
                let values = self.graph.constant_values(index);
                values
                    .iter()
                    .all(|value| value.to_bits() == values[0].to_bits())
            }
            Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Broadcast => {
                node.arguments.iter().all(|id| self.is_even(*id, axis))
            }
            _ => false,
        }
    }
}

/// Sums over rows and what has nothing to do with them.
fn sums(arguments: &[Argument]) -> bool {
    let mut arguments = arguments.iter();
    arguments.all(|a| matches!(a.rows, Rows::Apart | Rows::Summed))
}

/// One of them, and a factor that has nothing to do with rows.
fn sums_scaled(arguments: &[Argument]) -> bool {
    let summed = arguments.iter().filter(|a| a.rows == Rows::Summed);
    sums(arguments) && summed.count() == 1
}

/// Rows after a view, if it takes all of them: as many places, as far from each other as before.
fn viewed(from: Shape, axis: usize, offset: usize, to: Shape) -> Rows {
    let after = |shape: Shape, axis: usize| shape[axis + 1..].iter().product::<usize>();
    let (rows, stride) = (from[axis], after(from, axis));
    let kept = (0..to.rank()).find(|at| to[*at] == rows && after(to, *at) == stride);
    match kept {
        Some(kept) if offset.is_multiple_of(rows * stride) => Rows::Along(kept),
        _ => Rows::Mixed,
    }
}

/// Rows after a matrix product.
fn product(transpose_a: bool, transpose_b: bool, arguments: &[Argument]) -> Rows {
    let axis = |argument: &Argument, transposed: bool| match argument.rows {
        Rows::Along(axis) if transposed => Some(1 - axis),
        Rows::Along(axis) => Some(axis),
        _ => None,
    };
    let (a, b) = (&arguments[0], &arguments[1]);
    match (a.rows, b.rows, axis(a, transpose_a), axis(b, transpose_b)) {
        (_, Rows::Apart, Some(0), _) => Rows::Along(0),
        (Rows::Apart, _, _, Some(1)) => Rows::Along(1),
        (_, _, Some(1), Some(0)) => Rows::Summed,
        (Rows::Summed, Rows::Apart, ..) | (Rows::Apart, Rows::Summed, ..) => Rows::Summed,
        _ => Rows::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::grad;

    use super::*;

    fn slope<'g>(y: Var<'g>, by: Var<'g>) -> Var<'g> {
        grad(y.sum(), &[by]).unwrap()[0].sum()
    }

    #[test]
    fn products_by_group_belong_to_rows_whose_groups_are_those_of_the_minibatch() {
        let graph = Graph::new();
        let rows = graph.batch(9, 3, 0);
        let x = graph.input("x", [9, 2]).gather(rows, 0).t();
        let groups = graph.index_input("groups", 9).gather(rows, 0);
        let weights = graph.input("weights", [4, 1, 2]);
        let own = weights.matmul_by_group(x, groups);
        let positions = graph.index_constant(&[0, 1, 2]);
        let of_places = weights.matmul_by_group(x, positions);
        let of_rows = x.sum() * weights;
        let of_all = of_rows.matmul_by_group(x, groups);
        let ones = graph.constant(&[1.0; 6], [2, 3]);
        let even = weights.matmul_by_group(ones, groups);
        let sums = [own, even]
            .map(Var::sum)
            .into_iter()
            .chain([slope(own, weights)]);
        let mixed = [of_places, of_all].map(Var::sum).into_iter();
        let mixed = mixed.chain([slope(of_places, weights)]);
        let (sums, mixed): (Vec<Var<'_>>, Vec<Var<'_>>) = (sums.collect(), mixed.collect());
        let table = RowTable::of(&graph);
        assert!(sums.iter().all(|term| table.is_a_sum_over_rows(*term)));
        assert!(mixed.iter().all(|term| !table.is_a_sum_over_rows(*term)));
    }
}
