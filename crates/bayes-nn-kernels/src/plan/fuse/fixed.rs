//! What depends on the data alone: computed when they are written, not in every step.
//!
//! The logarithm of the factorial of every observed count is the same in all steps. Of long columns,
//! what is as cheap to compute as to read stays where it is needed, unless something dear is made
//! of it.

use bayes_nn_autodiff::{Binary, Node, Op, Unary};

/// Elements that the caches hold beside whatever else a step needs: reading them costs nothing.
const CACHED: usize = 4096;

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
        ahead[index] = constant[index] && (is_dear(node) || arguments().any(|a| ahead[a]));
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
fn is_dear(node: &Node) -> bool {
    let short = node.shape.elements() <= CACHED;
    match &node.op {
        Op::Unary(f) => {
            short
                || !matches!(
                    f,
                    Unary::Neg
                        | Unary::Abs
                        | Unary::Sign
                        | Unary::Floor
                        | Unary::Reciprocal
                        | Unary::Sqrt
                        | Unary::Relu
                        | Unary::StopGradient
                )
        }
        Op::Binary(f) => short || *f == Binary::Pow,
        Op::Select => short,
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
        | Op::Broadcast
        | Op::View { .. } => false,
    }
}
