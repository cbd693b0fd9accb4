//! Requests: what a plan is to compute, and the checks of that.

use std::collections::HashSet;

use bayes_nn_autodiff::{Graph, Shape, Var};

use crate::error::KernelError;

/// What a plan is to compute in every step, and what its inputs are.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::plan::{Plan, Request, Role};
///
/// let graph = Graph::new();
/// let (x, z) = (graph.input("x", [3]), graph.input("z", [3]));
/// let request = Request {
///     outputs: vec![(x.exp() * z).sum()],
///     states: vec![z],
///     ..Request::default()
/// };
/// let plan = Plan::of(&graph, &request)?;
/// assert_eq!(plan.inputs()[0].role, Role::Data);
/// assert_eq!(plan.inputs()[1].role, Role::State);
/// // Nobody sets `x` between two steps, so its exponential is computed once.
/// assert_eq!(plan.hoisted(), 1);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Request<'g> {
    /// What can be read after a step.
    pub outputs: Vec<Var<'g>>,
    /// States with their next values: after each step a state holds its next value, computed from
    /// the states as they were before.
    pub updates: Vec<(Var<'g>, Var<'g>)>,
    /// Inputs that no step changes, and that are set to something else between steps.
    pub states: Vec<Var<'g>>,
    /// Inputs that are fed block by block. All other inputs are data.
    pub windows: Vec<Var<'g>>,
    /// Values that are recorded, each with a number of rows `n`: step `s` writes row `s` modulo
    /// `n` of an output `[n, elements]`, which stands behind the others in the same order.
    pub records: Vec<(Var<'g>, usize)>,
}

/// How the value of an input changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Never: it is given once.
    Data,
    /// It is fed block by block, and stays the same for many steps.
    Window,
    /// From step to step, or it is set between steps.
    State,
}

/// The nodes of a request.
pub(super) struct Asked {
    pub outputs: Vec<usize>,
    pub updates: Vec<(usize, usize)>,
    /// States that nothing updates.
    pub states: Vec<usize>,
    pub windows: Vec<usize>,
    pub records: Vec<(usize, usize)>,
}

impl Request<'_> {
    pub(super) fn check(&self, graph: &Graph) -> Result<(), KernelError> {
        graph.check()?;
        graph.check_own("an output of a plan", &self.outputs)?;
        let recorded: Vec<Var<'_>> = self.records.iter().map(|(value, _)| *value).collect();
        graph.check_own("a record of a plan", &recorded)?;
        let mut states = HashSet::new();
        let kept = self.states.iter().chain(&self.windows);
        let pairs = kept.map(|state| (state, state));
        for (state, next) in pairs.chain(self.updates.iter().map(|(s, n)| (s, n))) {
            graph.check_own("a state of a plan and its next value", &[*state, *next])?;
            let (Some(input), shape) = (state.input_id(), state.shape()) else {
                return Err(KernelError::State {
                    name: format!("{state:?}"),
                    shapes: Box::new((state.shape(), next.shape())),
                });
            };
            let name = || graph.inputs()[input.index()].name.clone();
            if shape != next.shape() || state.kind() != next.kind() {
                return Err(KernelError::State {
                    name: name(),
                    shapes: Box::new((shape, next.shape())),
                });
            }
            if !states.insert(input) {
                return Err(KernelError::StateTwice { name: name() });
            }
        }
        match self.records.iter().find(|(_, rows)| *rows == 0) {
            None => Ok(()),
            Some((value, _)) => Err(KernelError::State {
                name: format!("{value:?}"),
                shapes: Box::new((value.shape(), Shape::from(0))),
            }),
        }
    }

    /// The nodes that are asked for; with `unrolled` those in which means over draws are means
    /// of copies.
    pub(super) fn nodes(&self, graph: &Graph, unrolled: bool) -> Asked {
        let node = |var: &Var<'_>| graph.node_of(*var).index();
        let nodes = |vars: &mut dyn Iterator<Item = Var<'_>>| -> Vec<usize> {
            let vars: Vec<Var<'_>> = vars.collect();
            match unrolled {
                true => graph.unroll_draws(&vars).iter().map(node).collect(),
                false => vars.iter().map(node).collect(),
            }
        };
        let changing = || self.updates.iter().filter(|(s, n)| s.id() != n.id());
        let nexts = nodes(&mut changing().map(|(_, next)| *next));
        let kept = self.updates.iter().filter(|(s, n)| s.id() == n.id());
        let kept = kept.map(|(state, _)| state);
        let rows = self.records.iter().map(|(_, rows)| *rows);
        let recorded = nodes(&mut self.records.iter().map(|(value, _)| *value));
        Asked {
            outputs: nodes(&mut self.outputs.iter().copied()),
            updates: changing().map(|(s, _)| node(s)).zip(nexts).collect(),
            states: self.states.iter().chain(kept).map(node).collect(),
            windows: self.windows.iter().map(node).collect(),
            records: recorded.into_iter().zip(rows).collect(),
        }
    }
}

impl Asked {
    /// What role an input has.
    pub fn role(&self, input: usize) -> Role {
        let updated = self.updates.iter().map(|(state, _)| state);
        if updated.chain(&self.states).any(|state| *state == input) {
            Role::State
        } else if self.windows.contains(&input) {
            Role::Window
        } else {
            Role::Data
        }
    }

    /// What has to be kept in memory of the step: outputs, next values and what is recorded.
    pub fn kept(&self) -> impl Iterator<Item = usize> {
        let nexts = self.updates.iter().map(|(_, next)| *next);
        let recorded = self.records.iter().map(|(node, _)| *node);
        self.outputs.iter().copied().chain(nexts).chain(recorded)
    }

    /// All states.
    pub fn all_states(&self) -> impl Iterator<Item = usize> {
        let updated = self.updates.iter().map(|(state, _)| *state);
        updated.chain(self.states.iter().copied())
    }
}
