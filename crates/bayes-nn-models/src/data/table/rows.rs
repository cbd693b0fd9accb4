//! Rows of a table that stays in its file, as numbers.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_kernels::Column;

use super::file::{HEAD, TableFile};
use super::{Places, Table};
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
    /// The columns that are read, by their places.
    columns: Vec<usize>,
    width: usize,
    head: Vec<Column>,
}

impl TableRows {
    pub(super) fn new(
        file: &TableFile,
        encoding: Arc<Encoding>,
        has_target: bool,
    ) -> Result<TableRows, DataError> {
        let places = Places::new(file.of.schema.names.iter().map(String::as_str));
        let names = encoding.column_names();
        let names = names.chain(has_target.then(|| encoding.target_name()));
        let columns = names
            .map(|name| places.find(name))
            .collect::<Result<_, _>>()?;
        let mut rows = TableRows {
            file: file.clone(),
            columns,
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
        self.file.of.path.display().to_string()
    }

    fn rows(&self) -> usize {
        self.file.rows()
    }

    fn columns(&self) -> Vec<SourceColumn> {
        let x = SourceColumn::new("x", SourceKind::Matrix(self.width));
        let y = self
            .has_target
            .then(|| SourceColumn::new("y", SourceKind::Column));
        let embedded = self.encoding.embeddings().into_iter();
        let codes = embedded.map(|own| SourceColumn::new(own.index, SourceKind::Index));
        std::iter::once(x).chain(y).chain(codes).collect()
    }

    fn block(&self) -> Option<usize> {
        self.file.of.block()
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        let named = |error: DataError| match error {
            DataError::Stream(error) => DataError::Stream(error),
            error => DataError::from(StreamError::Table {
                name: self.name(),
                problem: error.into(),
            }),
        };
        let read = || {
            let table = self.file.of.table(rows, &self.columns)?;
            let places: Vec<usize> = (0..table.rows()).collect();
            let x = self.encoding.scaled_features(&table, &places)?;
            let mut columns = vec![Column::from(x)];
            if self.has_target {
                columns.push(self.encoding.scaled_targets(&table, &places)?.into());
            }
            let codes = self.encoding.codes(&table, &places)?;
            columns.extend(codes.into_iter().map(Column::from));
            Ok(columns)
        };
        read().map_err(named)
    }
}
