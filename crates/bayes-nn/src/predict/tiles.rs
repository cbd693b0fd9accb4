//! Streaming over rows: tiles of a fixed number, each through the same program with the same
//! draws of the weights, on several threads.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bayes_nn_autodiff::{Graph, InputId, Shape, Var};
use bayes_nn_inference::{Point, Rows};
use bayes_nn_kernels::{Backend, Binding, Device, KernelError, Plan, Program};

use super::Predict;
use crate::bnn::Bnn;
use crate::data::DataError;
use crate::error::Error;
use crate::model::{Batch, Data, Predictive, Source, Trace, transposed};
use crate::nn::Likelihood;

/// Rows of a tile on the CPU: enough to fill vectors, few enough for the activations to stay in
/// cache.
const ROWS: usize = 512;

/// Rows of a tile elsewhere: enough to fill a large GPU.
const DEVICE_ROWS: usize = 1 << 16;

/// Checked rows to predict.
pub(super) struct Tiles<'a> {
    posterior: &'a Predictive<Bnn>,
    x: &'a [f64],
    features: usize,
    pub(super) rows: usize,
    width: usize,
    pub(super) how: Predict,
}

/// A piece of the rows.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) first: usize,
    pub(super) rows: usize,
}

/// Draws of the weights, one a step.
#[derive(Clone, Copy)]
pub(super) struct Drawing<'a> {
    source: &'a Source,
    z: Option<InputId>,
    draws: usize,
}

impl Drawing<'_> {
    /// Runs a tile's program for some of the draws.
    pub(super) fn run(&self, program: &mut dyn Program, draws: Range<usize>) -> Result<(), Error> {
        self.source.run(program, self.z, draws, self.draws)
    }

    /// Runs it for all of them.
    pub(super) fn run_all(&self, program: &mut dyn Program) -> Result<(), Error> {
        self.run(program, 0..self.draws)
    }
}

/// The network over one tile in a graph, and states that follow its draws.
pub(super) struct TileGraph<'g> {
    pub(super) graph: &'g Graph,
    pub(super) likelihood: Likelihood<'g>,
    x: InputId,
    z: Option<InputId>,
    inputs: Vec<Binding>,
    states: RefCell<Vec<State<'g>>>,
}

struct State<'g> {
    state: Var<'g>,
    next: Var<'g>,
    start: f64,
}

impl<'a> Tiles<'a> {
    pub(super) fn new(
        posterior: &'a Predictive<Bnn>,
        x: &'a [f64],
        how: Predict,
    ) -> Result<Tiles<'a>, Error> {
        how.check()?;
        let (features, _) = posterior.model.network().sizes()?;
        if x.is_empty() {
            return Err(DataError::Empty.into());
        }
        if !x.len().is_multiple_of(features) {
            return Err(Error::WholeRows {
                len: x.len(),
                features,
            });
        }
        if let Some(place) = x.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFiniteFeature {
                row: place / features,
                feature: place % features,
                value: x[place],
            });
        }
        let rows = x.len() / features;
        Ok(Tiles {
            posterior,
            x,
            features,
            rows,
            width: rows.min(match posterior.device.is_cpu() {
                true => ROWS,
                false => DEVICE_ROWS,
            }),
            how,
        })
    }

    /// The rows of a tile's program; the last tile may fill fewer.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn write<'g>(&self, graph: &'g Graph) -> Result<TileGraph<'g>, Error> {
        let (z, inputs) = self.posterior.source.trace(graph);
        let batch = Batch::new(graph, &Data::new(), Rows::All, false);
        let point = Point::at(z, self.posterior.source.sites());
        let trace = Trace::new(&batch, Rc::new(point));
        let x = graph.input("x", [self.features, self.width]);
        let outputs = self.posterior.model.network().forward(&trace, x);
        let likelihood = self.posterior.model.head().likelihood(&trace, outputs);
        batch.shared.check()?;
        Ok(TileGraph {
            graph,
            likelihood,
            x: x.input_id().expect("x was just made as an input"),
            z: z.input_id(),
            inputs,
            states: RefCell::default(),
        })
    }

    /// What makes the draws of the weights in a tile's program.
    pub(super) fn drawing(&self, written: &TileGraph<'_>) -> Drawing<'a> {
        Drawing {
            source: &self.posterior.source,
            z: written.z,
            draws: self.how.draws,
        }
    }

    /// Runs `tile` on every tile, with a program whose states are at their start and whose
    /// weights are at their first draw. Results are in the order of the tiles.
    pub(super) fn run<R: Send>(
        &self,
        written: &TileGraph<'_>,
        outputs: &[Var<'_>],
        run_tile: impl Fn(&mut dyn Program, Tile) -> Result<R, Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        let states = written.states.borrow();
        let updates: Vec<_> = states.iter().map(|s| (s.state, s.next)).collect();
        let starts: Vec<(InputId, Vec<f64>)> = states
            .iter()
            .filter_map(|s| {
                let start = vec![s.start; s.state.shape().elements()];
                Some((s.state.input_id()?, start))
            })
            .collect();
        let (x_input, inputs) = (written.x, &written.inputs);
        let plan = Arc::new(Plan::new(written.graph, outputs, &updates)?);
        let backend: &Device = &self.posterior.device;
        let loaded = backend.load(&plan, inputs, self.posterior.precision)?;
        let one = |program: &mut dyn Program, number: usize| -> Result<R, Error> {
            let first = number * self.width;
            let tile = Tile {
                first,
                rows: self.width.min(self.rows - first),
            };
            let mut rows = self.x[first * self.features..][..tile.rows * self.features].to_vec();
            rows.resize(self.width * self.features, 0.0);
            match program.write(x_input, &transposed(&rows, self.features)) {
                // A network that ignores its input.
                Err(KernelError::NoInput { .. }) => {}
                result => result?,
            }
            for (state, start) in &starts {
                program.write(*state, start)?;
            }
            program.rewind(self.how.seed, 0);
            run_tile(program, tile)
        };

        let tiles = self.rows.div_ceil(self.width);
        let available = match backend.is_cpu() {
            true => std::thread::available_parallelism().map_or(1, |n| n.get()),
            false => 1,
        };
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Result<R, Error>>>> =
            Mutex::new((0..tiles).map(|_| None).collect());
        let work = || -> Result<(), Error> {
            let mut replicas = loaded.start(1)?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tiles {
                    return Ok(());
                }
                let result = one(replicas.program_mut(0), number);
                results.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(result);
            }
        };
        match available.min(tiles) {
            1 => work()?,
            threads => std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| match worker.join() {
                        Ok(result) => result,
                        Err(panic) => std::panic::resume_unwind(panic),
                    })
            })?,
        }
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().flatten().collect()
    }
}

impl<'g> TileGraph<'g> {
    /// A state that starts at `start` everywhere and becomes `next` of itself at every draw.
    pub(super) fn state(
        &self,
        shape: Shape,
        start: f64,
        next: impl FnOnce(Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        let state = self.graph.input("state", shape);
        let next = next(state);
        self.push(state, next, start);
        state
    }

    pub(super) fn push(&self, state: Var<'g>, next: Var<'g>, start: f64) {
        self.states.borrow_mut().push(State { state, next, start });
    }

    /// The running mean of `value` over draws.
    pub(super) fn mean(&self, value: Var<'g>) -> Var<'g> {
        let share = (self.graph.step() + 1.0).reciprocal();
        self.state(value.shape(), 0.0, |mean| mean + (value - mean) * share)
    }

    /// The running mean and sum of squared deviations of `value` over draws (Welford 1962), which
    /// lose no digits where a variance is small.
    pub(super) fn mean_and_squares(&self, value: Var<'g>) -> (Var<'g>, Var<'g>) {
        let share = (self.graph.step() + 1.0).reciprocal();
        let mean = self.graph.input("mean", value.shape());
        let next = mean + (value - mean) * share;
        self.push(mean, next, 0.0);
        let squares = self.state(value.shape(), 0.0, |squares| {
            squares + (value - mean) * (value - next)
        });
        (mean, squares)
    }
}

/// The value of a state.
pub(super) fn read(program: &dyn Program, state: Var<'_>) -> Vec<f64> {
    state
        .input_id()
        .map_or_else(Vec::new, |id| program.read_input(id))
}
