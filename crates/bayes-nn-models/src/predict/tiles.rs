//! One program for draws of a model's variables and what it then says of given rows: all at once,
//! or, where rows are independent, tile by tile on several threads.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Shape, Var};
use bayes_nn_inference::{Approximation, Rows};
use bayes_nn_kernels::{Device, Run, Runtime, Step, StepProgram, fan_out};

use super::Predict;
use crate::error::{Error, listed};
use crate::model::{Batch, Data, Fed, Model, Observed, Predictive, Shared};

/// Rows of a tile on the CPU: enough to fill vectors, few enough for the activations to stay in
/// cache.
const ROWS: usize = 512;

/// Variables of a large model, each tile of which takes long to draw them all; rows of its tiles at
/// the most; and how many tiles there are at least, for threads to share.
const LARGE: usize = 1 << 16;
const MOST_ROWS: usize = 2_048;
const TILES: usize = 8;

/// Rows of a tile elsewhere: enough to fill a large GPU.
const DEVICE_ROWS: usize = 1 << 16;

/// Rows to predict.
pub(super) struct Tiles<'a, M> {
    of: &'a Predictive<M>,
    data: &'a Data,
    how: Predict,
    /// Whose draws it takes, if the guide is to be set for each run.
    guide: Option<&'a Approximation>,
}

/// The program of a tile, with the rows of all.
pub(super) struct TileProgram {
    program: StepProgram,
    windows: Vec<Fed>,
    width: usize,
    rows: usize,
}

/// Some of the rows; of a model whose rows are not independent, all elements of a variable.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) first: usize,
    pub(super) rows: usize,
}

/// The model over one tile in a step; states that follow its draws are added to the step.
pub(super) struct Written<'g> {
    pub(super) step: Rc<Step<'g>>,
    pub(super) shared: Rc<Shared<'g>>,
    pub(super) observed: Vec<Observed<'g>>,
    /// What layers give, and their weights, by name.
    pub(super) layers: Vec<(String, Var<'g>)>,
    pub(super) weights: Vec<(String, Var<'g>)>,
    /// Rows of a tile; none where all rows are written.
    width: Option<usize>,
    /// The variable that is predicted, of several that are observed.
    target: Option<Arc<str>>,
}

impl<'a, M: Model> Tiles<'a, M> {
    pub(super) fn new(of: &'a Predictive<M>, data: &'a Data, how: Predict) -> Tiles<'a, M> {
        Tiles {
            of,
            data,
            how,
            guide: None,
        }
    }

    /// The same by draws of guides like this one, which is [set](Approximation::set) for each run.
    pub(super) fn of_guides(self, guide: &'a Approximation) -> Tiles<'a, M> {
        Tiles {
            guide: Some(guide),
            ..self
        }
    }

    /// Writes the model with its variables drawn.
    pub(super) fn write<'g>(&self, graph: &'g Graph) -> Result<Written<'g>, Error> {
        let is_independent = self.of.model.has_independent_rows() && !self.data.is_incomplete();
        if let Some(rows) = self.data.rows().filter(|_| is_independent) {
            let sites = self.of.source.sites().iter();
            let variables: usize = sites.map(|site| site.shape.elements()).sum();
            let width = rows.min(match self.of.device.is_cpu() {
                true if variables > LARGE => {
                    let share = rows.div_ceil(TILES).next_multiple_of(64);
                    share.clamp(ROWS, MOST_ROWS)
                }
                true => ROWS,
                false => DEVICE_ROWS,
            });
            let written = self.write_rows(graph, Some(width))?;
            // A distribution of all rows together is none of a tile.
            let of_rows = |observed: &Observed<'_>| {
                let event = observed.distribution.event_shape();
                event.rank() == 0 && observed.shape == Shape::from(width)
            };
            if written.observed.iter().all(of_rows) {
                return Ok(written);
            }
        }
        self.write_rows(graph, None)
    }

    fn write_rows<'g>(&self, graph: &'g Graph, width: Option<usize>) -> Result<Written<'g>, Error> {
        let step = Rc::new(Step::new(graph));
        let batch = match width {
            Some(width) => Batch::tile(&step, self.data, width, &self.of.data),
            None => {
                self.data.check_missing(&self.of.data)?;
                Batch::new(graph, self.data, Rows::All, Some(&self.of.data))
            }
        };
        let record = match self.guide {
            Some(guide) => {
                let z = guide.draw_of_states(&step);
                self.of.run_at(z, &step, &batch, self.data)?
            }
            None => self.of.run_drawn(&step, &batch, self.data)?,
        };
        Ok(Written {
            step,
            shared: batch.shared,
            observed: record.observed,
            layers: record.layers,
            weights: record.weights,
            width,
            target: self.of.target.clone(),
        })
    }

    /// Runs `run_tile` on every tile of a variable of so many elements in the program, with states
    /// at their start and the model's variables before their first draw. Results are in the order
    /// of the tiles.
    pub(super) fn run<R: Send>(
        &self,
        written: &Written<'_>,
        elements: usize,
        run_tile: impl Fn(&mut Run, Tile) -> Result<R, Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        self.compile(written, elements)?
            .run(self.how.seed, run_tile)
    }

    /// The program of all tiles of a variable of so many elements.
    pub(super) fn compile(
        &self,
        written: &Written<'_>,
        elements: usize,
    ) -> Result<TileProgram, Error> {
        let device = match written.width {
            Some(_) => self.of.device.clone(),
            None => Device::cpu(),
        };
        let runtime = Runtime {
            precision: self.of.precision,
            // A program has all threads of a device.
            threads: (!device.is_cpu()).then_some(1),
            device,
        };
        let windows = written.shared.windows.borrow();
        let (width, rows) = match written.width {
            Some(width) => (width, self.data.rows().unwrap_or(0)),
            None => (elements, elements),
        };
        Ok(TileProgram {
            program: written.step.finish(&runtime)?,
            windows: windows.iter().map(|window| window.fed.clone()).collect(),
            width,
            rows,
        })
    }

    /// Runs a tile's program for some of the draws.
    pub(super) fn draw(&self, run: &mut Run, draws: Range<usize>) -> Result<(), Error> {
        Ok(self.of.source.advance(run, draws, self.how.draws)?)
    }
}

impl TileProgram {
    /// Runs `run_tile` on every tile, as [`Tiles::run`].
    pub(super) fn run<R: Send>(
        &self,
        seed: u64,
        run_tile: impl Fn(&mut Run, Tile) -> Result<R, Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        let (width, rows) = (self.width, self.rows);
        let tiles = rows.div_ceil(width.max(1));
        fan_out(&self.program, tiles, |run, tiles| {
            let tiles = tiles.map(|number| {
                let first = number * width;
                let rows = width.min(rows - first);
                for window in &self.windows {
                    window.feed(run, first, rows, width)?;
                }
                run.begin(&[seed])?;
                run_tile(run, Tile { first, rows })
            });
            tiles.collect::<Result<Vec<R>, Error>>()
        })
    }
}

impl<'g> Written<'g> {
    /// The variable that is predicted: the only one that is observed, unless one is named.
    pub(super) fn only(&self) -> Result<&Observed<'g>, Error> {
        if let Some(target) = &self.target {
            let mut observed = self.observed.iter();
            let found = observed.find(|observed| *observed.name == **target);
            return found.ok_or_else(|| Error::UnknownTarget {
                name: target.to_string(),
                observed: listed(self.observed.iter().map(|o| &o.name)),
            });
        }
        match &self.observed[..] {
            [observed] => Ok(observed),
            [] => Err(Error::OneObserved {
                found: "no variable".to_owned(),
            }),
            several => Err(Error::OneObserved {
                found: listed(several.iter().map(|o| &o.name)),
            }),
        }
    }

    /// Rows of a tile; none where all rows are written.
    pub(super) fn rows(&self) -> Option<usize> {
        self.width
    }

    /// The column that a variable is observed as, be it among the data or not.
    pub(super) fn column_of(&self, observed: &Observed<'g>) -> Option<String> {
        self.shared.column_of(observed.value)
    }

    /// Checks that values need no column that is not there.
    pub(super) fn check_known(&self, values: &[Var<'g>]) -> Result<(), Error> {
        self.shared.check_known(values)
    }
}
