//! Some of the rows of data.

use super::Data;
use super::data::{Matrix, Values};

impl Data {
    /// Some of the rows. None of data with missing values.
    pub(crate) fn part(&self, rows: &[usize]) -> Option<Data> {
        let mut part = self.clone();
        part.rows = Some(rows.len());
        for (_, values) in &mut part.columns {
            *values = match values {
                Values::Vector(column) => Values::Vector(column.rows(rows, 1)),
                Values::Index(column) => Values::Index(column.rows(rows, 1)),
                Values::Matrix(Matrix {
                    values, columns, ..
                }) => Values::Matrix(Matrix::new(values.rows(rows, *columns), *columns)),
                Values::Incomplete { .. } => return None,
            };
        }
        Some(part)
    }
}
