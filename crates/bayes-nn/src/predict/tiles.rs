//! Streaming over rows: tiles of a fixed number, each through the same program with the same
//! draws of the weights, on several threads.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Shape, Var};
use bayes_nn_inference::{Point, Rows};
use bayes_nn_kernels::{KernelError, Run, Runtime, Step, fan_out};

use super::Predict;
use crate::bnn::Bnn;
use crate::data::DataError;
use crate::error::Error;
use crate::model::{Batch, Data, DrawSource, Predictive, Trace, transposed};
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
    source: &'a DrawSource,
    draws: usize,
}

impl Drawing<'_> {
    /// Runs a tile's program for some of the draws.
    pub(super) fn run(&self, run: &mut Run, draws: Range<usize>) -> Result<(), Error> {
        self.source.run(run, draws, self.draws)
    }

    /// Runs it for all of them.
    pub(super) fn run_all(&self, run: &mut Run) -> Result<(), Error> {
        self.run(run, 0..self.draws)
    }
}

/// The network over one tile in a step, and states that follow its draws.
pub(super) struct TileGraph<'g> {
    pub(super) step: Step<'g>,
    pub(super) likelihood: Likelihood<'g>,
    states: Cell<usize>,
}

/// A state that follows the draws, by its number.
#[derive(Clone, Copy)]
pub(super) struct Followed<'g> {
    pub(super) value: Var<'g>,
    number: usize,
}

const X: &str = "x";

impl<'a> Tiles<'a> {
    pub(super) fn new(
        posterior: &'a Predictive<Bnn>,
        x: &'a [f64],
        how: Predict,
    ) -> Result<Tiles<'a>, Error> {
        how.check()?;
        let features = posterior.model.features(&posterior.data)?;
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
        let step = Step::new(graph);
        let z = self.posterior.source.draw(&step);
        let batch = Batch::new(graph, &Data::new(), Rows::All, false);
        let point = Point::at(z, self.posterior.source.sites());
        let trace = Trace::new(&batch, Rc::new(point));
        let x = step.window(X, [self.features, self.width]);
        let likelihood = self.posterior.model.likelihood_of_rows(&trace, x)?;
        batch.shared.check()?;
        Ok(TileGraph {
            step,
            likelihood,
            states: Cell::new(0),
        })
    }

    /// What makes the draws of the weights in a tile's program.
    pub(super) fn drawing(&self) -> Drawing<'a> {
        Drawing {
            source: &self.posterior.source,
            draws: self.how.draws,
        }
    }

    /// Runs `tile` on every tile, with a program whose states are at their start and whose
    /// weights are at their first draw. Results are in the order of the tiles.
    pub(super) fn run<R: Send>(
        &self,
        written: &TileGraph<'_>,
        run_tile: impl Fn(&mut Run, Tile) -> Result<R, Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        let runtime = Runtime {
            device: self.posterior.device.clone(),
            precision: self.posterior.precision,
            // A program has all threads of a device.
            threads: (!self.posterior.device.is_cpu()).then_some(1),
        };
        let program = written.step.finish(&runtime)?;
        fan_out(&program, self.rows.div_ceil(self.width), |run, tiles| {
            tiles
                .map(|number| {
                    let first = number * self.width;
                    let rows = self.width.min(self.rows - first);
                    let x = &self.x[first * self.features..][..rows * self.features];
                    let mut x = x.to_vec();
                    x.resize(self.width * self.features, 0.0);
                    run.feed(X, &transposed(&x, self.features))?;
                    run.begin(&[self.how.seed])?;
                    run_tile(run, Tile { first, rows })
                })
                .collect::<Result<Vec<R>, Error>>()
        })
    }
}

impl<'g> TileGraph<'g> {
    /// A state that starts at `start` everywhere and becomes `next` of itself at every draw.
    pub(super) fn state(
        &self,
        shape: Shape,
        start: f64,
        next: impl FnOnce(Var<'g>) -> Var<'g>,
    ) -> Followed<'g> {
        let state = self.started(shape, start);
        self.step.next(state.value, next(state.value));
        state
    }

    /// A state whose next value is said later.
    pub(super) fn started(&self, shape: Shape, start: f64) -> Followed<'g> {
        let number = self.states.replace(self.states.get() + 1);
        Followed {
            value: self.step.state(&state_name(number), shape, start),
            number,
        }
    }

    /// The running mean of `value` over draws.
    pub(super) fn mean(&self, value: Var<'g>) -> Followed<'g> {
        let share = (self.step.graph().step() + 1.0).reciprocal();
        self.state(value.shape(), 0.0, |mean| mean + (value - mean) * share)
    }

    /// The running mean and sum of squared deviations of `value` over draws (Welford 1962), which
    /// lose no digits where a variance is small.
    pub(super) fn mean_and_squares(&self, value: Var<'g>) -> (Followed<'g>, Followed<'g>) {
        let share = (self.step.graph().step() + 1.0).reciprocal();
        let mean = self.started(value.shape(), 0.0);
        let next = mean.value + (value - mean.value) * share;
        self.step.next(mean.value, next);
        let squares = self.state(value.shape(), 0.0, |squares| {
            squares + (value - mean.value) * (value - next)
        });
        (mean, squares)
    }
}

fn state_name(number: usize) -> String {
    format!("state {number}")
}

/// The value of a state.
pub(super) fn read(run: &Run, state: Followed<'_>) -> Result<Vec<f64>, KernelError> {
    run.get(0, &state_name(state.number))
}
