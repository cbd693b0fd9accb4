//! A step that is planned and has its data.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, Var};

use super::run::Run;
use super::{Feed, Named, Start, Written};
use crate::plan::{self, Request, Role};
use crate::{Backend, Binding, Device, KernelError, Loaded, Plan, Precision};

/// Where and how a step is run.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    /// The device.
    pub device: Device,
    /// The numbers that are calculated with.
    pub precision: Precision,
    /// How many threads [`fan_out`](super::fan_out) uses at most; as many as the machine has
    /// unless set. Those of one program are the [device's](Device::threads).
    pub threads: Option<usize>,
}

/// A step ready to be started, with everything that it needs. Cloning shares it.
///
/// ```
/// use bayes_nn_autodiff::{Graph, NoiseKind};
/// use bayes_nn_kernels::{Runtime, Step};
///
/// // A random walk, twice.
/// let graph = Graph::new();
/// let step = Step::new(&graph);
/// let x = step.state("x", [3], 0.0);
/// step.next(x, x + graph.noise(NoiseKind::Normal, step.stream(), [3]));
/// let program = step.finish(&Runtime::default())?;
///
/// let mut run = program.start(2)?;
/// run.begin(&[7, 8])?;
/// // The second walk is longer.
/// for outcome in run.advance(&[10, 20]) {
///     outcome?;
/// }
/// assert_ne!(run.get(0, "x")?, run.get(1, "x")?);
/// // Noise is a function of the seed and the number of the step.
/// let mut alone = program.start(1)?;
/// alone.begin(&[8])?;
/// alone.advance_one(0, 20)?;
/// assert_eq!(alone.get(0, "x")?, run.get(1, "x")?);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
#[derive(Clone)]
pub struct StepProgram {
    pub(super) step: Arc<Planned>,
    pub(super) runtime: Runtime,
    /// The plan with its data, where it is run.
    pub(super) loaded: Arc<dyn Loaded>,
}

/// What all programs of a step have in common.
pub(super) struct Planned {
    plan: Arc<Plan>,
    pub states: Vec<PlannedState>,
    /// Each with its input, if a result depends on it.
    pub windows: Vec<(String, Option<InputId>)>,
    pub fed: Option<PlannedFeed>,
    pub outputs: Vec<String>,
    /// Outputs of the plan, behind the others in their order.
    pub records: Vec<PlannedRecord>,
    /// How many steps can be recorded before records are read, counted from a step whose number
    /// is a multiple of it.
    pub rows: u64,
    data: Vec<Binding>,
}

/// What feeds windows of a step, and those inputs that a result depends on.
pub(super) struct PlannedFeed {
    pub inputs: Vec<Option<InputId>>,
    pub feed: Arc<dyn Feed>,
}

/// A state of a step.
pub(super) struct PlannedState {
    pub name: String,
    pub input: InputId,
    pub start: Start,
}

/// A record of a step.
pub(super) struct PlannedRecord {
    pub name: String,
    /// Numbers of an entry.
    pub width: usize,
}

/// How many steps are recorded before records are read: as many as keep the records of all small,
/// in the shared memory of a block of a GPU, too.
fn rows(records: &[Named<'_>]) -> usize {
    const NUMBERS: usize = 2048;
    const MOST: usize = 1024;
    let widths = records.iter().map(|record| record.value.shape().elements());
    let width = widths.fold(0, usize::saturating_add);
    let rows = (NUMBERS / width.max(1)).clamp(1, MOST);
    1 << rows.ilog2()
}

impl StepProgram {
    pub(super) fn new<'g>(
        graph: &'g Graph,
        written: &Written<'g>,
        runtime: &Runtime,
    ) -> Result<StepProgram, KernelError> {
        let rows = rows(&written.records);
        let (mut states, mut updates) = (Vec::new(), Vec::new());
        for state in &written.states {
            match state.next {
                Some(next) => updates.push((state.value, next)),
                None => states.push(state.value),
            }
        }
        let records = written.records.iter();
        let request = Request {
            outputs: written.outputs.iter().map(|named| named.value).collect(),
            updates,
            states,
            windows: written.windows.iter().map(|named| named.value).collect(),
            records: records.map(|record| (record.value, rows)).collect(),
        };
        let plan = Arc::new(Plan::of(graph, &request)?);

        let inputs = graph.inputs();
        for binding in &written.data {
            let Some(info) = inputs.get(binding.input.index()) else {
                return Err(KernelError::NoInput {
                    index: binding.input.index(),
                });
            };
            let shape = graph.node(info.node).shape;
            if binding.column.len() != shape.elements() {
                return Err(KernelError::Length {
                    name: info.name.clone(),
                    shape,
                    got: binding.column.len(),
                });
            }
        }
        let is_read = |id: InputId| plan.inputs.iter().any(|input| input.id == id);
        let data = written.data.iter();
        let data: Vec<Binding> = data.filter(|d| is_read(d.input)).cloned().collect();
        let read = |value: &Var<'_>| value.input_id().filter(|id| is_read(*id));
        let window = |named: &Named<'_>| (named.name.clone(), read(&named.value));
        let windows: Vec<_> = written.windows.iter().map(window).collect();
        let has_value = |input: &plan::Input| match input.role {
            Role::Data => data.iter().any(|d| d.input == input.id),
            Role::Window | Role::State => true,
        };
        if let Some(unset) = plan.inputs.iter().find(|input| !has_value(input)) {
            return Err(plan.unset(unset));
        }
        let states = written.states.iter().filter_map(|state| {
            Some(PlannedState {
                name: state.name.clone(),
                input: state.value.input_id()?,
                start: state.start.clone(),
            })
        });
        let outputs = written.outputs.iter();
        let records = written.records.iter().map(|record| PlannedRecord {
            name: record.name.clone(),
            width: record.value.shape().elements(),
        });
        let step = Arc::new(Planned {
            states: states.collect(),
            windows,
            fed: written.fed.as_ref().map(|(inputs, feed)| PlannedFeed {
                inputs: inputs.iter().map(read).collect(),
                feed: feed.clone(),
            }),
            outputs: outputs.map(|named| named.name.clone()).collect(),
            records: records.collect(),
            rows: rows as u64,
            data,
            plan,
        });
        StepProgram::load(step, runtime)
    }

    fn load(step: Arc<Planned>, runtime: &Runtime) -> Result<StepProgram, KernelError> {
        let (device, precision) = (&runtime.device, runtime.precision);
        Ok(StepProgram {
            loaded: device.load(&step.plan, &step.data, precision)?,
            runtime: runtime.clone(),
            step,
        })
    }

    /// The same step elsewhere or in another precision.
    ///
    /// # Errors
    /// When the device lacks what the plan needs.
    pub fn on(&self, runtime: &Runtime) -> Result<StepProgram, KernelError> {
        StepProgram::load(self.step.clone(), runtime)
    }

    /// Where and how it is run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What is done in a step.
    pub fn plan(&self) -> &Plan {
        &self.step.plan
    }

    /// Makes so many replicas, which run in lockstep. They are to [begin](Run::begin).
    ///
    /// # Errors
    /// When the device lacks what they need.
    pub fn start(&self, replicas: usize) -> Result<Run, KernelError> {
        Ok(Run::new(self, self.loaded.start(replicas)?))
    }
}

impl fmt::Debug for StepProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.step.states.iter().map(|state| &state.name);
        f.debug_struct("StepProgram")
            .field("states", &states.collect::<Vec<_>>())
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}
