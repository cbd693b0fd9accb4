//! Steps: what a method does again and again, written into a graph with its states.
//!
//! A [`Step`] collects the states of a method with their starts and next values, what it records,
//! and the data that it reads. [`Step::finish`] makes a [`StepProgram`] of it, which owns
//! everything, and of which any number of [`Run`]s can be started.

mod fan_out;
mod feed;
mod program;
mod records;
mod run;
mod statistics;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Shape, Var, concat};

pub use fan_out::fan_out;
pub use feed::{Feed, FeedError, Feeder, WrongIndex};
pub use program::{Runtime, StepProgram};
pub use run::{Run, Slot};
pub use statistics::{running_mean, running_mean_and_squares};

use crate::{Binding, KernelError};

/// What a state holds before the first step.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// The same number for all elements.
    Number(f64),
    /// A number for each element, in row-major order.
    Values(Vec<f64>),
}

impl From<f64> for Start {
    fn from(number: f64) -> Start {
        Start::Number(number)
    }
}

impl From<Vec<f64>> for Start {
    fn from(values: Vec<f64>) -> Start {
        Start::Values(values)
    }
}

impl From<&[f64]> for Start {
    fn from(values: &[f64]) -> Start {
        Start::Values(values.to_vec())
    }
}

/// One step of a method, while it is written into a graph.
///
/// Names are how states, windows, outputs and records are found later. A state, a window and an
/// output cannot share a name, nor can two records; a record may have the name of a state.
/// Mistakes are reported by [`Step::finish`].
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Precision, Runtime, Step};
///
/// // Newton's iteration for the square root of 2, from 1.
/// let graph = Graph::new();
/// let step = Step::new(&graph);
/// let x = step.state("x", [], 1.0);
/// step.next(x, 0.5 * (x + 2.0 / x));
/// step.record("error", x * x - 2.0);
/// let runtime = Runtime { precision: Precision::F64, ..Runtime::default() };
///
/// let mut run = step.finish(&runtime)?.start(1)?;
/// run.begin(&[0])?;
/// run.advance_one(0, 6)?;
/// assert!((run.get(0, "x")?[0] - 2f64.sqrt()).abs() < 1e-15);
/// // Before each step.
/// assert_eq!(run.recorded(0, "error")?[..2], [-1.0, 0.25]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub struct Step<'g> {
    graph: &'g Graph,
    draws: usize,
    ranks: usize,
    next_stream: Cell<u32>,
    written: RefCell<Written<'g>>,
}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("draws", &self.draws)
            .field("ranks", &self.ranks)
            .finish_non_exhaustive()
    }
}

/// What a step consists of.
#[derive(Default)]
struct Written<'g> {
    states: Vec<State<'g>>,
    windows: Vec<Named<'g>>,
    outputs: Vec<Named<'g>>,
    records: Vec<Named<'g>>,
    data: Vec<Binding>,
    /// What feeds windows, with their inputs.
    fed: Option<(Vec<Var<'g>>, Arc<dyn Feed>)>,
    /// The first mistake.
    error: Option<KernelError>,
}

struct State<'g> {
    name: String,
    value: Var<'g>,
    start: Start,
    next: Option<Var<'g>>,
}

struct Named<'g> {
    name: String,
    value: Var<'g>,
}

impl<'g> Named<'g> {
    fn new(name: &str, value: Var<'g>) -> Named<'g> {
        let name = name.to_owned();
        Named { name, value }
    }
}

impl<'g> Step<'g> {
    /// A step without states, of one draw, on one rank.
    pub fn new(graph: &'g Graph) -> Step<'g> {
        Step {
            graph,
            draws: 1,
            ranks: 1,
            next_stream: Cell::new(0),
            written: RefCell::default(),
        }
    }

    /// A step over so many draws of its noise, over which [`Step::mean`] averages. To be set
    /// before anything is written.
    #[must_use]
    pub fn draws(self, draws: usize) -> Step<'g> {
        Step { draws, ..self }
    }

    /// A step on so many ranks, over which [`Step::mean`] averages.
    #[must_use]
    pub fn ranks(self, ranks: usize) -> Step<'g> {
        Step { ranks, ..self }
    }

    /// The graph that the step is written into.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// A tensor that is kept from step to step, and what it holds before the first.
    pub fn state(&self, name: &str, shape: impl Into<Shape>, start: impl Into<Start>) -> Var<'g> {
        let (shape, start) = (shape.into(), start.into());
        let value = self.graph.input(name, shape);
        let mut written = self.written.borrow_mut();
        written.take_name(name);
        if let Start::Values(values) = &start
            && values.len() != shape.elements()
        {
            written.fail(KernelError::Length {
                name: name.to_owned(),
                shape,
                got: values.len(),
            });
        }
        written.states.push(State {
            name: name.to_owned(),
            value,
            start,
            next: None,
        });
        value
    }

    /// Lets a state be `next` after each step, computed from the states as they were before it. A
    /// state without a next value keeps what it was set to.
    pub fn next(&self, state: Var<'g>, next: Var<'g>) {
        let mut written = self.written.borrow_mut();
        let known = written.states.iter_mut();
        let known = known
            .filter(|_| state.id().is_some())
            .find(|known| known.value.id() == state.id());
        let error = match known {
            Some(known) if known.next.is_some() => KernelError::StateTwice {
                name: known.name.clone(),
            },
            Some(known) => {
                known.next = Some(next);
                return;
            }
            None => KernelError::State {
                name: format!("{state:?}"),
                shapes: Box::new((state.shape(), next.shape())),
            },
        };
        written.fail(error);
    }

    /// A tensor of real numbers that is [fed](Run::feed) block by block, the same for all
    /// replicas.
    pub fn window(&self, name: &str, shape: impl Into<Shape>) -> Var<'g> {
        self.new_window(name, self.graph.input(name, shape))
    }

    /// A window of whole numbers, for [`Var::gather`].
    pub fn index_window(&self, name: &str, shape: impl Into<Shape>) -> Var<'g> {
        self.new_window(name, self.graph.index_input(name, shape))
    }

    fn new_window(&self, name: &str, value: Var<'g>) -> Var<'g> {
        let mut written = self.written.borrow_mut();
        written.take_name(name);
        written.windows.push(Named::new(name, value));
        value
    }

    /// Lets inputs of the graph be windows that `feed` gives their blocks, before every step and for each
    /// replica by its seed. A step has one feed.
    pub fn fed_by(&self, inputs: &[(String, Var<'g>)], feed: Arc<dyn Feed>) {
        for (name, input) in inputs {
            self.new_window(name, *input);
        }
        let inputs = inputs.iter().map(|(_, input)| *input).collect();
        self.written.borrow_mut().fed = Some((inputs, feed));
    }

    /// Records a value of any shape: an entry a step, read by [`Run::recorded`].
    pub fn record(&self, name: &str, value: Var<'g>) {
        let mut written = self.written.borrow_mut();
        if written.records.iter().any(|record| record.name == name) {
            written.fail_twice(name);
        }
        written.records.push(Named::new(name, value));
    }

    /// Lets a value be read after a step: that of the last one.
    pub fn output(&self, name: &str, value: Var<'g>) {
        let mut written = self.written.borrow_mut();
        written.take_name(name);
        written.outputs.push(Named::new(name, value));
    }

    /// Gives inputs of the graph their data. What no result depends on is dropped.
    pub fn bind(&self, data: Vec<Binding>) {
        let mut written = self.written.borrow_mut();
        for binding in data {
            if written
                .data
                .iter()
                .all(|known| known.input != binding.input)
            {
                written.data.push(binding);
            }
        }
    }

    /// The means of values over the draws of a step, then over the ranks, which meet once for all
    /// of them. Of one draw on one rank the values themselves.
    pub fn mean(&self, values: &[Var<'g>]) -> Vec<Var<'g>> {
        let over_draws = values.iter().map(|value| value.mean_over_draws(self.draws));
        let values: Vec<Var<'g>> = over_draws.collect();
        match self.ranks {
            0 | 1 => values,
            _ => mean_over_ranks(&values),
        }
    }

    /// A stream of noise that nothing else of this step has: 0 first, then as many further on as
    /// there are draws in a step. Rows of minibatches have streams of their own.
    pub fn stream(&self) -> u32 {
        let stream = self.next_stream.get();
        let draws = u32::try_from(self.draws.max(1)).ok();
        match draws.and_then(|draws| stream.checked_add(draws)) {
            Some(next) => self.next_stream.set(next),
            None => self
                .written
                .borrow_mut()
                .fail(KernelError::Streams { draws: self.draws }),
        }
        stream
    }

    /// Plans the step, binds its data, and makes it ready to be started.
    ///
    /// # Errors
    /// The first mistake made in writing it: a name used twice, a next value for what is no state
    /// or has one, a value of another shape; an input without data that a result depends on; the
    /// graph's own; and those of the device.
    pub fn finish(&self, runtime: &Runtime) -> Result<StepProgram, KernelError> {
        self.graph.check()?;
        let written = self.written.borrow();
        match &written.error {
            Some(error) => Err(error.clone()),
            None => StepProgram::new(self.graph, &written, runtime),
        }
    }
}

impl Written<'_> {
    /// Notes an error if a state, a window or an output has this name already.
    fn take_name(&mut self, name: &str) {
        let states = self.states.iter().map(|state| &state.name);
        let others = self.windows.iter().chain(&self.outputs);
        let mut names = states.chain(others.map(|named| &named.name));
        if names.any(|known| known == name) {
            self.fail_twice(name);
        }
    }

    fn fail_twice(&mut self, name: &str) {
        let name = name.to_owned();
        self.fail(KernelError::NameTwice { name });
    }

    fn fail(&mut self, error: KernelError) {
        self.error.get_or_insert(error);
    }
}

/// The mean of each value over the ranks, which meet once for all of them.
fn mean_over_ranks<'g>(values: &[Var<'g>]) -> Vec<Var<'g>> {
    let flat = |value: &Var<'_>| value.shape().elements();
    let parts: Vec<Var<'_>> = values.iter().map(|v| v.reshape([flat(v)])).collect();
    let mean = concat(&parts, 0).all_reduce_mean();
    let mut start = 0;
    let parts = values.iter().map(|value| {
        let part = mean.view(start, value.shape());
        start += flat(value);
        part
    });
    parts.collect()
}
