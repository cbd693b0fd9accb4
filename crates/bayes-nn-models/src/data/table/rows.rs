//! Rows of a table that stays in its file, as numbers.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_kernels::Column;

use super::Table;
use super::file::{HEAD, TableFile};
use crate::data::recipe::Encoding;
use crate::data::stream::{Source, SourceColumn, SourceKind, read};
use crate::data::{DataError, Standardization, StreamError};

/// Rows of a [`TableFile`] as numbers, for a fit: a matrix `x` and, unless they are to be predicted, a column
/// `y`.
#[derive(Clone, Debug)]
pub struct TableRows {
    file: TableFile,
    encoding: Arc<Encoding>,
    standardization: Option<Standardization>,
    has_target: bool,
    width: usize,
    head: Vec<Column>,
}

impl TableRows {
    pub(super) fn new(
        file: &TableFile,
        encoding: Arc<Encoding>,
        has_target: bool,
    ) -> Result<TableRows, DataError> {
        let mut rows = TableRows {
            file: file.clone(),
            standardization: encoding.standardization(),
            width: encoding.feature_names().len(),
            encoding,
            has_target,
            head: Vec::new(),
        };
        rows.head = read(&rows, 0..file.rows().min(HEAD))?;
        Ok(rows)
    }

    /// How fields become numbers, and will for predictions.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    pub(crate) fn shared_encoding(&self) -> &Arc<Encoding> {
        &self.encoding
    }

    pub(crate) fn standardization(&self) -> Option<&Standardization> {
        self.standardization.as_ref()
    }

    pub(crate) fn target_standardization(&self) -> Option<Standardization> {
        self.encoding.target_standardization()
    }

    /// The table of the first rows.
    pub(crate) fn head_table(&self) -> &Table {
        &self.file.head
    }

    /// The numbers of the first rows.
    pub(crate) fn head(&self) -> &[Column] {
        &self.head
    }
}

impl Source for TableRows {
    fn name(&self) -> String {
        self.file.of.file.path().display().to_string()
    }

    fn rows(&self) -> usize {
        self.file.rows()
    }

    fn columns(&self) -> Vec<SourceColumn> {
        let x = SourceColumn::new("x", SourceKind::Matrix(self.width));
        let y = self
            .has_target
            .then(|| SourceColumn::new("y", SourceKind::Column));
        std::iter::once(x).chain(y).collect()
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        let named = |error: DataError| match error {
            DataError::Stream(error) => DataError::Stream(error),
            error => DataError::from(StreamError::Source {
                name: self.name(),
                problem: error.to_string(),
            }),
        };
        let read = || {
            let (table, places) = self.file.of.table(rows)?;
            let mut columns = vec![Column::from(
                self.encoding.scaled_features(&table, &places)?.0,
            )];
            if self.has_target {
                columns.push(self.encoding.scaled_targets(&table, &places)?.into());
            }
            Ok(columns)
        };
        read().map_err(named)
    }
}
