//! Draws: which nodes are computed once a draw, in a loop within each step.

use bayes_nn_autodiff::{Nodes, Op};

/// Steps that compute fewer elements than this in all of their draws are unrolled: one pass then
/// serves several draws, which saves up to a tenth where passes are short.
const UNROLLED_ELEMENTS: usize = 1 << 16;

/// Steps of more nodes than this in all of their draws are not, whatever their size.
const UNROLLED_NODES: usize = 1 << 12;

/// What the loop over the draws of a step is made of.
pub(super) struct Loop {
    pub draws: usize,
    /// The nodes that differ from draw to draw, and the means over them.
    pub repeated: Vec<bool>,
    /// The nodes that these are computed from.
    pub before: Vec<bool>,
}

/// How the means over draws that something needs are computed.
pub(super) enum Draws {
    /// There are none.
    None,
    /// By copies of what they depend on.
    Unrolled,
    /// By one loop.
    Loop(Loop),
}

impl Draws {
    /// `kept` are the nodes that are to be known after a step.
    pub fn of(nodes: Nodes<'_>, live: &[bool], kept: impl Iterator<Item = usize>) -> Draws {
        let means = || {
            let live = (0..nodes.len()).filter(|node| live[*node]);
            live.filter_map(|node| Some((node, draws(&nodes[node].op)?)))
        };
        let Some((_, draws)) = means().next() else {
            return Draws::None;
        };
        let found = Loop::new(nodes, live, draws);
        let is_one = means().all(|(_, other)| other == draws);
        match is_one && !found.is_short(nodes) && found.can_run(nodes, live, kept) {
            true => Draws::Loop(found),
            false => Draws::Unrolled,
        }
    }
}

fn draws(op: &Op) -> Option<usize> {
    match op {
        Op::MeanOverDraws { draws } => Some(*draws),
        _ => None,
    }
}

impl Loop {
    fn new(nodes: Nodes<'_>, live: &[bool], draws: usize) -> Loop {
        let is_mean = |node: usize| self::draws(&nodes[node].op).is_some();
        let mut varies = vec![false; nodes.len()];
        for node in (0..nodes.len()).filter(|node| live[*node]) {
            let mut arguments = nodes[node].arguments.iter();
            varies[node] = match nodes[node].op {
                Op::Noise { .. } => true,
                Op::MeanOverDraws { .. } => false,
                _ => arguments.any(|a| varies[a.index()]),
            };
        }
        let mut repeated = vec![false; nodes.len()];
        let mut before = vec![false; nodes.len()];
        for node in (0..nodes.len()).rev().filter(|node| live[*node]) {
            repeated[node] |= is_mean(node);
            for argument in nodes[node].arguments.iter().map(|a| a.index()) {
                if repeated[node] && varies[argument] {
                    repeated[argument] = true;
                } else if repeated[node] || before[node] {
                    before[argument] = true;
                }
            }
        }
        Loop {
            draws,
            repeated,
            before,
        }
    }

    /// Whether copies are faster, and few.
    fn is_short(&self, nodes: Nodes<'_>) -> bool {
        let repeated = || (0..nodes.len()).filter(|node| self.repeated[*node]);
        let elements = repeated().map(|node| nodes[node].shape.elements());
        let elements = elements.fold(0, usize::saturating_add);
        self.draws.saturating_mul(elements) < UNROLLED_ELEMENTS
            && self.draws * repeated().count() < UNROLLED_NODES
    }

    /// Whether all that differs from draw to draw is read by means alone, none of them before
    /// another.
    fn can_run(
        &self,
        nodes: Nodes<'_>,
        live: &[bool],
        mut kept: impl Iterator<Item = usize>,
    ) -> bool {
        let is_mean = |node: usize| draws(&nodes[node].op).is_some();
        let drawn = |node: usize| self.repeated[node] && !is_mean(node);
        let fits = |node: usize| {
            let mut arguments = nodes[node].arguments.iter().map(|a| a.index());
            match (is_mean(node), self.repeated[node]) {
                (true, _) => !self.before[node] && arguments.all(drawn),
                (false, true) => !arguments.any(is_mean),
                (false, false) => !arguments.any(drawn),
            }
        };
        let mut nodes = (0..nodes.len()).filter(|node| live[*node]);
        nodes.all(fits) && !kept.any(drawn)
    }
}
