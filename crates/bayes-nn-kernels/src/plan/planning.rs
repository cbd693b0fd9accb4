//! Planning: from a graph to passes with places, one stage after the other.

use std::collections::{HashMap, HashSet};

use bayes_nn_autodiff::{Graph, Nodes, Var};

use super::draft::Draft;
use super::draws::{Draws, Loop};
use super::lower::Lowering;
use super::request::{Asked, Request};
use super::views::Views;
use super::{Plan, ValueId, group, hoist, place, postpone};
use crate::error::KernelError;

impl Plan {
    /// Plans the computation of `outputs` and of the next value of every state.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn new(
        graph: &Graph,
        outputs: &[Var<'_>],
        updates: &[(Var<'_>, Var<'_>)],
    ) -> Result<Plan, KernelError> {
        Plan::of(
            graph,
            &Request {
                outputs: outputs.to_vec(),
                updates: updates.to_vec(),
                ..Request::default()
            },
        )
    }

    /// Plans what is requested.
    ///
    /// # Errors
    /// The graph's own error; a variable of another graph; a state or window that is no input, has
    /// two updates, or whose next value has another shape; a record without rows; more than the
    /// system has memory for.
    pub fn of(graph: &Graph, request: &Request<'_>) -> Result<Plan, KernelError> {
        request.check(graph)?;
        let plan = place::place(draft(graph, request)?)?;
        plan.validate()?;
        Ok(plan)
    }
}

/// All stages before places are given.
fn draft(graph: &Graph, request: &Request<'_>) -> Result<Draft, KernelError> {
    let asked = request.nodes(graph, false);
    let live = live(graph.nodes(), &asked);
    check_memory(graph.nodes(), &live, &asked)?;
    Ok(match Draws::of(graph.nodes(), &live, asked.kept()) {
        Draws::None => lowered(graph, &asked, &live, None),
        Draws::Loop(draws) => lowered(graph, &asked, &live, Some(&draws)),
        Draws::Unrolled => {
            let asked = request.nodes(graph, true);
            graph.check()?;
            let live = self::live(graph.nodes(), &asked);
            lowered(graph, &asked, &live, None)
        }
    })
}

/// That the system has memory for the largest value or record, before anything is made of it.
fn check_memory(nodes: Nodes<'_>, live: &[bool], asked: &Asked) -> Result<(), KernelError> {
    /// Less is not worth asking for.
    const SMALL: usize = 1 << 20;
    let values = (0..nodes.len()).filter(|node| live[*node]);
    let values = values.map(|node| nodes[node].shape.elements());
    let records = asked.records.iter();
    let records = records.map(|(node, rows)| nodes[*node].shape.elements().saturating_mul(*rows));
    let largest = values.chain(records).max().unwrap_or(0);
    match largest <= SMALL || Vec::<f64>::new().try_reserve_exact(largest).is_ok() {
        true => Ok(()),
        false => Err(KernelError::Memory {
            needed: largest.saturating_mul(size_of::<f64>()),
        }),
    }
}

fn lowered(graph: &Graph, asked: &Asked, live: &[bool], draws: Option<&Loop>) -> Draft {
    let nodes = graph.nodes();
    let views = Views { graph, nodes };
    let mut is_state = vec![false; nodes.len()];
    for state in asked.all_states() {
        is_state[state] = true;
    }
    let hoisted = hoist::hoisted(nodes, live, &is_state);
    let mut lowering = Lowering::new(views, live, asked);
    for index in (0..nodes.len()).filter(|&i| hoisted[i]) {
        lowering.visit(index);
    }
    lowering.fusion.end_stage();
    let aside = set_aside(&mut lowering, asked);
    let mut visited = hoisted;
    if let Some(draws) = draws {
        for stage in [&draws.before, &draws.repeated] {
            for index in (0..nodes.len()).filter(|&i| stage[i]) {
                if !std::mem::replace(&mut visited[index], true) {
                    lowering.visit(index);
                }
            }
            lowering.fusion.end_stage();
        }
    }
    for index in (0..nodes.len()).filter(|&i| live[i] && !visited[i]) {
        lowering.visit(index);
    }
    let mut kept = |node: usize| match aside.get(&node) {
        Some(value) => *value,
        None => lowering.memory(node),
    };
    let mut outputs: Vec<ValueId> = asked.outputs.iter().map(|n| kept(*n)).collect();
    let nexts: Vec<ValueId> = asked.updates.iter().map(|(_, n)| kept(*n)).collect();
    let recorded: Vec<ValueId> = asked.records.iter().map(|(n, _)| kept(*n)).collect();
    let states: Vec<ValueId> = asked.all_states().map(|s| lowering.memory(s)).collect();
    let rows = asked.records.iter().map(|(_, rows)| *rows);
    let records: Vec<ValueId> = (recorded.into_iter().zip(rows))
        .map(|(source, rows)| lowering.record(source, rows))
        .collect();
    outputs.extend(&records);
    postpone::postpone(&mut lowering, &asked.updates);
    Draft {
        outputs,
        updates: states.iter().copied().zip(nexts).collect(),
        states,
        records,
        draws: draws.map_or(1, |draws| draws.draws),
        ..group::finish(lowering)
    }
}

/// Which nodes something needs.
fn live(nodes: Nodes<'_>, asked: &Asked) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    for node in asked.kept().chain(asked.all_states()) {
        live[node] = true;
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

/// Copies what is asked of the old value of a state, as an output, as the next value of another
/// state or to be recorded, before anything can overwrite it.
fn set_aside(lowering: &mut Lowering<'_>, asked: &Asked) -> HashMap<usize, ValueId> {
    let changing: HashSet<usize> = asked.updates.iter().map(|(state, _)| *state).collect();
    let mut aside = HashMap::new();
    for node in asked.kept() {
        let (root, offset) = lowering.views.viewed(node);
        if changing.contains(&root) && !aside.contains_key(&node) {
            let source = lowering.memory(root);
            aside.insert(node, lowering.copy(source, offset, node).0);
        }
    }
    aside
}
