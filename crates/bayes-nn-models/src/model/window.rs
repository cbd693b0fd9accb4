//! The data of a tile: some rows after others, fed to one step.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_kernels::{Column, KernelError, Run, Step};

use super::batch::Shared;
use super::data::{Data, Values};
use crate::error::Error;

/// A column or matrix of which a step sees a tile.
pub(crate) struct Window<'g> {
    pub(super) value: Var<'g>,
    pub(crate) fed: Fed,
}

/// What a window is fed with.
#[derive(Clone)]
pub(crate) struct Fed {
    pub(super) name: String,
    /// All rows, row-major `[n, columns]`.
    pub(super) values: Column,
    columns: usize,
}

impl<'g> Shared<'g> {
    /// What a tile, which is fed to a step, or a minibatch that is fed sees of a column.
    pub(super) fn see_window(
        &self,
        step: Option<&Step<'g>>,
        name: &str,
        column: &Values,
    ) -> Var<'g> {
        let mut windows = self.windows.borrow_mut();
        if let Some(known) = windows.iter().find(|known| known.fed.name == name) {
            return known.value;
        }
        let (tile, rows) = (tile_name(name), self.rows);
        let window = |shape: Shape| match step {
            Some(step) => step.window(&tile, shape),
            None => self.graph.input(&tile, shape),
        };
        let (value, values, columns) = match column {
            Values::Vector(values) => (window([rows].into()), values, 1),
            Values::Index(values) => {
                let window = match step {
                    Some(step) => step.index_window(&tile, [rows]),
                    None => self.graph.index_input(&tile, [rows]),
                };
                (window, values, 1)
            }
            Values::Matrix(matrix) => {
                let columns = matrix.columns;
                (window([columns, rows].into()), &matrix.values, columns)
            }
            Values::Gone(_) => return self.refuse(Data::gone(name), column.kind()),
            Values::Incomplete { .. } => {
                let error = Error::MissingValues {
                    column: name.to_owned(),
                    problem: "of which some rows alone have no draws".to_owned(),
                };
                return self.refuse(error, "a column");
            }
        };
        self.graph.mark_rows(value);
        let fed = Fed {
            name: name.to_owned(),
            values: values.clone(),
            columns,
        };
        windows.push(Window { value, fed });
        value
    }
}

impl Fed {
    /// Feeds so many rows from `first`; the last of them fills the rest of the tile.
    pub(crate) fn feed(
        &self,
        run: &mut Run,
        first: usize,
        rows: usize,
        width: usize,
    ) -> Result<(), KernelError> {
        let rows: Vec<usize> = (0..width).map(|row| first + row.min(rows - 1)).collect();
        let tile = self.values.rows(&rows, self.columns);
        let tile = tile.transposed(self.columns).to_f64();
        run.feed(&tile_name(&self.name), &tile)
    }
}

/// The name of a window, which no state has.
pub(super) fn tile_name(column: &str) -> String {
    format!("rows of {column}")
}
