//! What depends on the data alone: computed when they are written, not in every step.
//!
//! The logarithm of the factorial of every observed count is the same in all steps. What is as
//! cheap to compute as to read stays where it is needed, unless something dear is made of it.

use bayes_nn_autodiff::{Binary, Node, Op, Unary};

/// Which live nodes are computed ahead of the steps; `states` change from step to step.
pub(super) fn fixed(nodes: &[Node], live: &[bool], states: &[usize]) -> Vec<bool> {
    let mut constant = vec![false; nodes.len()];
    let mut ahead = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
        let arguments = || node.arguments.iter().map(|a| a.index());
        // Ranks meet in every step, or in none.
        let of_the_step = matches!(
            node.op,
            Op::Noise { .. } | Op::Batch { .. } | Op::Step | Op::AllReduceMean
        );
        constant[index] =
            !of_the_step && !states.contains(&index) && arguments().all(|a| constant[a]);
        ahead[index] = constant[index] && (is_dear(&node.op) || arguments().any(|a| ahead[a]));
    }
    // What is needed for them.
    for index in (0..nodes.len()).rev() {
        if ahead[index] {
            for argument in &nodes[index].arguments {
                ahead[argument.index()] = true;
            }
        }
    }
    ahead
}

/// Whether reading a result costs less than computing it again.
fn is_dear(op: &Op) -> bool {
    match op {
        Op::Unary(f) => !matches!(
            f,
            Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Floor
                | Unary::Reciprocal
                | Unary::Sqrt
                | Unary::Relu
                | Unary::StopGradient
        ),
        Op::Binary(f) => *f == Binary::Pow,
        Op::Reduce { .. }
        | Op::MatMul { .. }
        | Op::Cholesky
        | Op::TriangularSolve { .. }
        | Op::Transpose
        | Op::Concat { .. }
        | Op::Gather { .. }
        | Op::Scatter { .. } => true,
        Op::Input(_)
        | Op::Constant(_)
        | Op::Step
        | Op::Noise { .. }
        | Op::Batch { .. }
        | Op::AllReduceMean
        | Op::Select
        | Op::Broadcast
        | Op::View { .. } => false,
    }
}
