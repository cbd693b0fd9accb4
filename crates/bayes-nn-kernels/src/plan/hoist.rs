//! Hoisting: what depends on data alone is computed when they are written, not in every step.
//!
//! The logarithm of the factorial of every observed count is the same in all steps. A value that is
//! as cheap to compute as to read is not hoisted, unless something expensive is computed from it,
//! or the column is short.

use bayes_nn_autodiff::{Binary, Nodes, Op, Unary};

/// Elements of a short column, which costs nothing to read: it stays in the caches of a CPU, and
/// takes little of the shared memory of a block on a GPU.
const SHORT: usize = 1024;

/// What hoisting has to know of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Price {
    /// It differs from step to step. Ranks meet in every step, or in none.
    OfTheStep,
    /// It is there without being computed.
    Given,
    /// It is as cheap to compute as to read.
    Cheap,
    /// It is a way of reading its argument, which may have to be copied for it.
    View,
    /// It is a way of reading its argument and nothing else.
    Repeats,
    /// Reading the result costs less than computing it again.
    Expensive,
}

/// Which live nodes are computed once, before the first step; states change from step to step.
pub(super) fn hoisted(nodes: Nodes<'_>, live: &[bool], is_state: &[bool]) -> Vec<bool> {
    let mut constant = vec![false; nodes.len()];
    // Whether a node is expensive or computed from such a node; and whether it is short and
    // computed from short nodes or inputs.
    let mut expensive = vec![false; nodes.len()];
    let mut short = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
        let arguments = || node.arguments.iter().map(|a| a.index());
        let price = price(&node.op);
        constant[index] =
            price != Price::OfTheStep && !is_state[index] && arguments().all(|a| constant[a]);
        expensive[index] =
            constant[index] && (price == Price::Expensive || arguments().any(|a| expensive[a]));
        let is_given = |a: usize| self::price(&nodes[a].op) == Price::Given;
        short[index] = constant[index]
            && node.shape.elements() <= SHORT
            && arguments().all(|a| short[a] || is_given(a));
    }
    let mut hoisted = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        let is_worth_it = match price(&node.op) {
            Price::Cheap => true,
            Price::View => node.arguments.iter().any(|a| hoisted[a.index()]),
            Price::OfTheStep | Price::Given | Price::Repeats | Price::Expensive => false,
        };
        hoisted[index] = expensive[index] || short[index] && is_worth_it;
    }
    // Hoisted nodes need their arguments hoisted, too.
    for index in (0..nodes.len()).rev() {
        if hoisted[index] {
            for argument in &nodes[index].arguments {
                hoisted[argument.index()] = true;
            }
        }
    }
    hoisted
}

fn price(op: &Op) -> Price {
    match op {
        Op::Noise { .. }
        | Op::Batch { .. }
        | Op::Step
        | Op::AllReduceMean
        | Op::MeanOverDraws { .. } => Price::OfTheStep,
        Op::Input(_) | Op::Constant(_) => Price::Given,
        Op::Unary(
            Unary::Neg
            | Unary::Abs
            | Unary::Sign
            | Unary::Floor
            | Unary::Reciprocal
            | Unary::Sqrt
            | Unary::Relu
            | Unary::StopGradient,
        )
        | Op::Select => Price::Cheap,
        Op::Binary(f) if !matches!(f, Binary::Pow | Binary::Atan2) => Price::Cheap,
        Op::View { .. } => Price::View,
        Op::Broadcast => Price::Repeats,
        Op::Unary(_)
        | Op::Binary(_)
        | Op::Reduce { .. }
        | Op::MatMul { .. }
        | Op::ProductByGroup { .. }
        | Op::Cholesky
        | Op::TriangularSolve { .. }
        | Op::Convolution { .. }
        | Op::Pool { .. }
        | Op::Unpool { .. }
        | Op::Transpose
        | Op::Concat { .. }
        | Op::Gather { .. }
        | Op::Scatter { .. } => Price::Expensive,
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, Var};

    use crate::plan::{Pass, Plan};

    /// How many instructions are hoisted, and how many are computed in each step, where `output`
    /// is multiplied by something that changes.
    fn instructions<'g>(graph: &'g Graph, output: Var<'g>) -> (usize, usize) {
        let state = graph.input("state", []);
        let plan = Plan::new(graph, &[(output * state).sum()], &[(state, state + 1.0)]).unwrap();
        let count = |passes: &[Pass]| {
            let groups = passes.iter().filter_map(Pass::group);
            let instructions = groups.flat_map(|group| &group.instructions);
            instructions.filter(|i| i.is_computed()).count()
        };
        let (hoisted, each) = plan.passes.split_at(plan.hoisted);
        (count(hoisted), count(each))
    }

    #[test]
    fn short_columns_and_expensive_functions_of_data_are_hoisted() {
        // In each step the product and the next state are left.
        for (length, cheap, expensive) in [(1000, (2, 2), (3, 2)), (2000, (0, 4), (3, 2))] {
            let graph = Graph::new();
            let x = graph.input("x", [length]);
            assert_eq!(instructions(&graph, 2.0 * x + x), cheap);
            let graph = Graph::new();
            let x = graph.input("x", [length]);
            assert_eq!(instructions(&graph, (2.0 * x + x).exp()), expensive);
        }
    }

    #[test]
    fn what_is_short_hoists_no_long_column() {
        let graph = Graph::new();
        let (x, scale) = (graph.input("x", [2000]), graph.input("scale", []));
        assert_eq!(instructions(&graph, x * (2.0 * scale)), (1, 3));
        let graph = Graph::new();
        let x = graph.input("x", [2000]);
        let part = (x + x * x).view(10, [500]);
        assert_eq!(instructions(&graph, 2.0 * part).0, 0);
    }
}
