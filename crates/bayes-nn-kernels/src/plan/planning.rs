//! Planning: from a graph to passes with places, one stage after the other.

use std::collections::{HashMap, HashSet};

use bayes_nn_autodiff::{Graph, InputId, Nodes, Var};

use super::draft::Draft;
use super::lower::Lowering;
use super::views::Views;
use super::{Plan, ValueId, group, hoist, place, postpone};
use crate::error::KernelError;

impl Plan {
    /// Plans the computation of `outputs` and of the next value of every state.
    ///
    /// A state is an input with an update `(state, next)`: after each step it holds `next`,
    /// computed from the states as they were before.
    ///
    /// # Errors
    /// The graph's own error; a variable of another graph; a state that is no input, has two
    /// updates, or whose next value has another shape.
    pub fn new(
        graph: &Graph,
        outputs: &[Var<'_>],
        updates: &[(Var<'_>, Var<'_>)],
    ) -> Result<Plan, KernelError> {
        graph.check()?;
        graph.check_own("an output of a plan", outputs)?;
        let mut states = HashSet::new();
        for (state, next) in updates {
            graph.check_own("a state of a plan and its next value", &[*state, *next])?;
            let (Some(_), shape) = (state.input_id(), state.shape()) else {
                return Err(KernelError::State {
                    name: format!("{state:?}"),
                    shapes: Box::new((state.shape(), next.shape())),
                });
            };
            let name = || {
                graph.inputs()[state.input_id().map_or(0, InputId::index)]
                    .name
                    .clone()
            };
            if shape != next.shape() || state.kind() != next.kind() {
                return Err(KernelError::State {
                    name: name(),
                    shapes: Box::new((shape, next.shape())),
                });
            }
            if !states.insert(state.id()) {
                return Err(KernelError::StateTwice { name: name() });
            }
        }
        let plan = place::place(draft(graph, outputs, updates));
        if cfg!(debug_assertions) {
            plan.validate()?;
        }
        Ok(plan)
    }
}

/// All stages before places are given.
fn draft(graph: &Graph, outputs: &[Var<'_>], updates: &[(Var<'_>, Var<'_>)]) -> Draft {
    let outputs: Vec<usize> = outputs.iter().map(|v| graph.node_of(*v).index()).collect();
    let updates: Vec<(usize, usize)> = (updates.iter())
        .map(|(s, n)| (graph.node_of(*s).index(), graph.node_of(*n).index()))
        .collect();
    let nodes = graph.nodes();
    let live = live(nodes, &outputs, &updates);
    let views = Views { graph, nodes };
    let mut is_state = vec![false; nodes.len()];
    for (state, _) in &updates {
        is_state[*state] = true;
    }
    let hoisted = hoist::hoisted(nodes, &live, &is_state);
    let mut lowering = Lowering::new(views, &live);
    for index in (0..nodes.len()).filter(|&i| hoisted[i]) {
        lowering.visit(index);
    }
    lowering.fusion.hoisted = lowering.fusion.passes.len();
    let aside = set_aside(&mut lowering, &outputs, &updates);
    for index in (0..nodes.len()).filter(|&i| live[i] && !hoisted[i]) {
        lowering.visit(index);
    }
    let mut kept = |node: usize| match aside.get(&node) {
        Some(value) => *value,
        None => lowering.memory(node),
    };
    let outputs = outputs.iter().map(|n| kept(*n)).collect();
    let changed: Vec<(usize, ValueId)> = (updates.iter())
        .filter(|(state, next)| state != next)
        .map(|&(state, next)| (state, kept(next)))
        .collect();
    let changed = changed.into_iter();
    let changed = changed.map(|(state, next)| (lowering.memory(state), next));
    let changed = changed.collect();
    postpone::postpone(&mut lowering, &updates);
    group::finish(lowering, outputs, changed)
}

/// Which nodes something needs.
fn live(nodes: Nodes<'_>, outputs: &[usize], updates: &[(usize, usize)]) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    for &node in outputs {
        live[node] = true;
    }
    for &(state, next) in updates {
        live[state] = true;
        live[next] = true;
    }
    for index in (0..nodes.len()).rev() {
        if live[index] {
            for argument in &nodes[index].arguments {
                live[argument.index()] = true;
            }
        }
    }
    live
}

/// Copies what is asked of the old value of a state, as an output or as the next value of another
/// state, before anything can overwrite it.
fn set_aside(
    lowering: &mut Lowering<'_>,
    outputs: &[usize],
    updates: &[(usize, usize)],
) -> HashMap<usize, ValueId> {
    let changing = updates.iter().filter(|(state, next)| state != next);
    let changing: HashSet<usize> = changing.map(|(state, _)| *state).collect();
    let mut aside = HashMap::new();
    for &node in outputs.iter().chain(updates.iter().map(|(_, next)| next)) {
        let (root, offset) = lowering.views.viewed(node);
        if changing.contains(&root) && !aside.contains_key(&node) {
            let source = lowering.memory(root);
            aside.insert(node, lowering.copy(source, offset, node).0);
        }
    }
    aside
}
