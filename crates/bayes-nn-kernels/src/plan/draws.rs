//! Draws: a mean over draws becomes the mean of copies of what depends on their noise.

use bayes_nn_autodiff::{Binary, Graph, Node, NodeId, Op, Var};

/// The nodes of a graph without means over draws, and where each of its nodes went.
pub(super) struct Unrolled {
    pub nodes: Vec<Node>,
    places: Option<Vec<usize>>,
}

impl Unrolled {
    pub fn new(graph: &Graph) -> Unrolled {
        let nodes = graph.nodes();
        if nodes.iter().all(|node| draws(&node.op).is_none()) {
            let places = None;
            return Unrolled { nodes, places };
        }
        let mut unrolled = Copies {
            nodes: Vec::new(),
            places: Vec::new(),
        };
        for (node, copies) in nodes.iter().zip(copies(&nodes)) {
            let places = match draws(&node.op) {
                Some(draws) => vec![unrolled.mean(graph, node, draws)],
                None => unrolled.copy(node, copies),
            };
            unrolled.places.push(places);
        }
        let places = unrolled.places.iter().map(|places| places[0]);
        Unrolled {
            places: Some(places.collect()),
            nodes: unrolled.nodes,
        }
    }

    /// Where a node of the graph is.
    pub fn place(&self, node: NodeId) -> usize {
        match &self.places {
            Some(places) => places[node.index()],
            None => node.index(),
        }
    }
}

fn draws(op: &Op) -> Option<usize> {
    match op {
        Op::MeanOverDraws { draws } => Some(*draws),
        _ => None,
    }
}

/// How often each node is needed: as often as the draws of a mean that depends on it, if noise
/// makes them different.
fn copies(nodes: &[Node]) -> Vec<usize> {
    let mut varies = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        varies[index] = match node.op {
            Op::Noise { .. } => true,
            Op::MeanOverDraws { .. } => false,
            _ => node.arguments.iter().any(|a| varies[a.index()]),
        };
    }
    let mut copies = vec![1; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        let wanted = draws(&node.op).unwrap_or(copies[index]);
        for argument in node.arguments.iter().filter(|a| varies[a.index()]) {
            let copies = &mut copies[argument.index()];
            *copies = wanted.max(*copies);
        }
    }
    copies
}

struct Copies {
    nodes: Vec<Node>,
    /// Of each node of the graph, where its copies are; one where all are the same.
    places: Vec<Vec<usize>>,
}

impl Copies {
    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The node for draw number `draw`.
    fn of_draw(&self, node: NodeId, draw: usize) -> NodeId {
        let places = &self.places[node.index()];
        NodeId::of_index(places[draw.min(places.len() - 1)])
    }

    fn copy(&mut self, node: &Node, copies: usize) -> Vec<usize> {
        let copy = |draw: usize| {
            let op = match node.op {
                Op::Noise { kind, stream } => Op::Noise {
                    kind,
                    stream: stream.wrapping_add(draw as u32),
                },
                op => op,
            };
            let arguments = node.arguments.iter().map(|a| self.of_draw(*a, draw));
            Node {
                op,
                arguments: arguments.collect(),
                ..node.clone()
            }
        };
        let nodes: Vec<Node> = (0..copies).map(copy).collect();
        nodes.into_iter().map(|node| self.push(node)).collect()
    }

    fn mean(&mut self, graph: &Graph, node: &Node, draws: usize) -> usize {
        let argument = node.arguments[0];
        if self.places[argument.index()].len() == 1 {
            return self.places[argument.index()][0];
        }
        let share = graph.node_of(Var::from((draws as f64).recip()));
        let share = self.push(graph.node(share));
        let mut sum = self.of_draw(argument, 0);
        let terms = (1..draws).map(|draw| self.of_draw(argument, draw));
        let steps: Vec<(Binary, NodeId)> = terms
            .map(|term| (Binary::Add, term))
            .chain([(Binary::Mul, NodeId::of_index(share))])
            .collect();
        for (op, operand) in steps {
            let place = self.push(Node {
                op: Op::Binary(op),
                arguments: vec![sum, operand],
                ..node.clone()
            });
            sum = NodeId::of_index(place);
        }
        sum.index()
    }
}
