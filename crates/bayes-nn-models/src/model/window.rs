//! Some rows of data: those of a tile, fed to one step after the other, and a sample.

use std::rc::Rc;

use bayes_nn_autodiff::Var;
use bayes_nn_kernels::{Column, KernelError, Run, Step};

use super::batch::Shared;
use super::data::{Data, Matrix, Values};
use crate::data::random::Random;
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
    /// What a tile sees of a column.
    pub(super) fn see_window(&self, step: &Rc<Step<'g>>, name: &str, column: &Values) -> Var<'g> {
        let mut windows = self.windows.borrow_mut();
        if let Some(known) = windows.iter().find(|known| known.fed.name == name) {
            return known.value;
        }
        let (tile, rows) = (tile_name(name), self.rows);
        let (value, values, columns) = match column {
            Values::Vector(values) => (step.window(&tile, [rows]), values, 1),
            Values::Index(values) => (step.index_window(&tile, [rows]), values, 1),
            Values::Matrix(matrix) => {
                let columns = matrix.columns;
                (step.window(&tile, [columns, rows]), &matrix.values, columns)
            }
            Values::Incomplete { .. } => {
                let error = Error::MissingValues {
                    column: name.to_owned(),
                    problem: "of which a tile of rows has no draws".to_owned(),
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

impl Data {
    /// So many rows chosen at random, or all if there are no more; all, too, where some miss values.
    pub(crate) fn some_rows(&self, rows: usize, seed: u64) -> Data {
        let all = self.rows.unwrap_or(0);
        if all <= rows || self.is_incomplete() {
            return self.clone();
        }
        let mut order: Vec<usize> = (0..all).collect();
        Random::seed(seed).shuffle(&mut order);
        order.truncate(rows);
        order.sort_unstable();
        let chosen = |values: &Values| match values {
            Values::Vector(values) => Values::Vector(values.rows(&order, 1)),
            Values::Index(values) => Values::Index(values.rows(&order, 1)),
            Values::Matrix(Matrix {
                values, columns, ..
            }) => Values::Matrix(Matrix::new(values.rows(&order, *columns), *columns)),
            incomplete => incomplete.clone(),
        };
        let columns = self.columns.iter();
        Data {
            columns: columns
                .map(|(name, values)| (name.clone(), chosen(values)))
                .collect(),
            rows: Some(rows),
            ..self.clone()
        }
    }

    /// The numbers of a column that has all of them, `[n]`.
    pub(crate) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        match self.get(name)? {
            Values::Vector(values) | Values::Index(values) => Some(values.to_f64()),
            Values::Matrix(_) | Values::Incomplete { .. } => None,
        }
    }
}

/// The name of a window, which no state has.
fn tile_name(column: &str) -> String {
    format!("rows of {column}")
}
