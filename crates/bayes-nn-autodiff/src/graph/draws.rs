//! Unrolling: a mean over draws becomes the mean of copies of the nodes that depend on noise.

use std::collections::{BTreeSet, HashMap};
use std::panic::Location;

use super::{Graph, Node, NodeId};
use crate::var::Var;
use crate::{Binary, Op};

/// The most nodes that unrolling writes: some gigabytes.
const MOST_COPIES: usize = 1 << 24;

impl Graph {
    /// The same values without a mean over draws in them: each becomes the mean of copies of what
    /// depends on noise, one copy a draw. More than 2^24 copies are an error of the graph.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph, NoiseKind};
    /// let graph = Graph::new();
    /// let sine = |stream| graph.noise(NoiseKind::Normal, stream, []).sin();
    /// let mean = graph.unroll_draws(&[sine(0).mean_over_draws(2)])[0];
    /// let values = graph.evaluate(&[mean, (sine(0) + sine(1)) * 0.5], &Bindings::new())?;
    /// assert_eq!(values[0], values[1]);
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    pub fn unroll_draws<'g>(&'g self, vars: &[Var<'g>]) -> Vec<Var<'g>> {
        let roots = vars.iter().filter_map(|var| var.id());
        let mut needed: BTreeSet<NodeId> = roots.collect();
        let mut waiting: Vec<NodeId> = needed.iter().copied().collect();
        while let Some(id) = waiting.pop() {
            let arguments = self.node(id).arguments.iter().copied();
            waiting.extend(arguments.filter(|a| needed.insert(*a)));
        }
        if needed.iter().all(|id| draws(self.node(*id)).is_none()) {
            return vars.to_vec();
        }
        let mut copies = Copies {
            graph: self,
            places: HashMap::new(),
        };
        let counts = self.counts(&needed);
        let copied = counts.values().copied().fold(0, usize::saturating_add);
        if copied > MOST_COPIES {
            let problem = format!(
                "{copied} nodes for all draws of means that are not computed in one loop; at most \
                 {MOST_COPIES} are possible"
            );
            self.fail("mean_over_draws", problem, Location::caller());
            return vars.to_vec();
        }
        for &id in &needed {
            let node = self.node(id);
            let places = match draws(node) {
                Some(draws) => vec![copies.mean(node, draws)],
                None if counts[&id] <= 1 && copies.keeps(node) => vec![id],
                None => copies.copy(node, counts[&id].max(1)),
            };
            copies.places.insert(id, places);
        }
        let unrolled = vars.iter().map(|var| match var.id() {
            Some(id) => Var::node(self, copies.of_draw(id, 0)),
            None => *var,
        });
        unrolled.collect()
    }

    /// How many copies there are of each node: as many as the draws of a mean that depends on it,
    /// and 0 where noise makes no difference.
    fn counts(&self, needed: &BTreeSet<NodeId>) -> HashMap<NodeId, usize> {
        let own = needed
            .iter()
            .map(|id| (*id, usize::from(self.is_of_noise(*id))));
        let mut counts: HashMap<NodeId, usize> = own.collect();
        for id in needed.iter().rev() {
            let node = self.node(*id);
            let wanted = draws(node).unwrap_or(counts[id]);
            for argument in node.arguments.iter().filter(|a| self.is_of_noise(**a)) {
                let count = counts.entry(*argument).or_default();
                *count = wanted.max(*count);
            }
        }
        counts
    }
}

fn draws(node: &Node) -> Option<usize> {
    let Op::MeanOverDraws { draws } = node.op else {
        return None;
    };
    Some(draws)
}

struct Copies<'g> {
    graph: &'g Graph,
    /// Of each node, its copies by draw; one where all draws have the same.
    places: HashMap<NodeId, Vec<NodeId>>,
}

impl Copies<'_> {
    fn of_draw(&self, id: NodeId, draw: usize) -> NodeId {
        let places = &self.places[&id];
        places[draw.min(places.len() - 1)]
    }

    /// Whether a node can stay as it is, because none of its arguments was copied.
    fn keeps(&self, node: &Node) -> bool {
        let mut arguments = node.arguments.iter();
        arguments.all(|a| self.of_draw(*a, 0) == *a)
    }

    fn write(&self, op: Op, arguments: Vec<NodeId>, like: &Node) -> NodeId {
        let graph = self.graph;
        let written = graph.find_or_append(op, arguments, like.shape, like.kind);
        written.id().expect("a node was just written")
    }

    fn copy(&self, node: &Node, count: usize) -> Vec<NodeId> {
        let copy = |draw: usize| {
            let op = match node.op {
                Op::Noise { kind, stream } => Op::Noise {
                    kind,
                    stream: stream.wrapping_add(draw as u32),
                },
                // All draws of a step are of the same rows: the stream of a minibatch stays.
                op @ (Op::Input(_)
                | Op::Constant(_)
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
                | Op::Broadcast
                | Op::View { .. }
                | Op::Transpose
                | Op::Concat { .. }
                | Op::Gather { .. }
                | Op::Scatter { .. }
                | Op::AllReduceMean
                | Op::MeanOverDraws { .. }) => op,
            };
            let arguments = node.arguments.iter().map(|a| self.of_draw(*a, draw));
            self.write(op, arguments.collect(), node)
        };
        (0..count).map(copy).collect()
    }

    fn mean(&self, node: &Node, draws: usize) -> NodeId {
        let argument = node.arguments[0];
        let add = |sum: NodeId, draw: usize| {
            let term = self.of_draw(argument, draw);
            self.write(Op::Binary(Binary::Add), vec![sum, term], node)
        };
        let sum = (1..draws).fold(self.of_draw(argument, 0), add);
        let share = self.graph.number_node((draws as f64).recip());
        self.write(Op::Binary(Binary::Mul), vec![sum, share], node)
    }
}
