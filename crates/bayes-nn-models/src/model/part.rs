//! Parts of data: some of the rows, a column.

use super::Data;
use super::data::{Matrix, Values};
use crate::data::random::Random;

impl Data {
    /// Some of the rows of data in memory. None of data with missing values.
    pub(crate) fn part(&self, rows: &[usize]) -> Option<Data> {
        if !self.is_in_memory() {
            return None;
        }
        let mut part = self.clone();
        part.rows = Some(rows.len());
        for (_, values) in &mut part.columns {
            *values = match values {
                Values::Vector(column) => Values::Vector(column.rows(rows, 1)),
                Values::Index(column) => Values::Index(column.rows(rows, 1)),
                Values::Matrix(Matrix {
                    values, columns, ..
                }) => Values::Matrix(Matrix::new(values.rows(rows, *columns), *columns)),
                Values::Incomplete { .. } | Values::Gone(_) => return None,
            };
        }
        Some(part)
    }

    /// So many rows chosen at random, or all if there are no more; all, too, where some miss values.
    pub(crate) fn some_rows(&self, rows: usize, seed: u64) -> Data {
        let all = self.rows.unwrap_or(0);
        if all <= rows {
            return self.clone();
        }
        let mut order: Vec<usize> = (0..all).collect();
        Random::seed(seed).shuffle(&mut order);
        order.truncate(rows);
        order.sort_unstable();
        self.part(&order).unwrap_or_else(|| self.clone())
    }

    /// The numbers of a column that has all of them, `[n]`.
    pub(crate) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        match self.get(name)? {
            Values::Vector(values) | Values::Index(values) => Some(values.to_f64()),
            Values::Matrix(_) | Values::Incomplete { .. } | Values::Gone(_) => None,
        }
    }
}
