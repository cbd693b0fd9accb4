//! Files of Parquet, read a column at a time from the pages that have its rows.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::Field;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;

use super::chunks::{Chunks, Place};
use super::column::{Collected, kind_of};
use super::guarded;
use crate::data::DataError;
use crate::data::stream::WatchedFile;
use crate::data::table::lines::Lines;
use crate::data::table::stored::{Look, Part, Schema};
use crate::data::table::{Format, Places, Table, TableReader};

/// Rows that are decoded at once.
const ROWS: usize = 1 << 13;

/// A file of Parquet.
#[derive(Debug)]
pub(in crate::data::table) struct ParquetPart {
    place: Place,
    reader: TableReader,
    metadata: ArrowReaderMetadata,
    /// The columns of the table, each with its place in the file.
    columns: Vec<(usize, Arc<Field>)>,
    /// The first row of each row group, and the number of all.
    groups: Vec<usize>,
}

impl ParquetPart {
    /// Opens a file and reads what it says of its columns.
    pub(in crate::data::table) fn new(
        reader: &TableReader,
        path: &Path,
    ) -> Result<(ParquetPart, Schema), DataError> {
        let file = WatchedFile::open(path)?;
        guarded(path, || ParquetPart::of(reader, Place::File(file.into())))
    }

    pub(super) fn of_bytes(
        reader: &TableReader,
        bytes: Vec<u8>,
        path: &Path,
    ) -> Result<(ParquetPart, Schema), DataError> {
        let place = Place::Memory(bytes.into(), path.into());
        guarded(path, || ParquetPart::of(reader, place))
    }

    fn of(reader: &TableReader, place: Place) -> Result<(ParquetPart, Schema), DataError> {
        let chunks = Chunks::new(&place);
        let options = ArrowReaderOptions::new();
        let options = options.with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&chunks, options);
        let metadata = metadata.map_err(|error| chunks.failure(0, &error))?;
        let mut schema = Schema {
            names: Vec::new(),
            kinds: Vec::new(),
            comma: reader.decimal_comma.unwrap_or(false),
        };
        let names = metadata.schema().fields().iter();
        let places = Places::new(names.map(|field| field.name().as_str()));
        (reader.named()).try_for_each(|column| places.find(column).map(drop))?;
        let mut columns = Vec::new();
        for (at, field) in metadata.schema().fields().iter().enumerate() {
            let name = field.name();
            if !reader.leaves_out(name) {
                let kind = kind_of(name, field.data_type())?;
                schema.kinds.push(reader.kind_of(name).unwrap_or(kind));
                schema.names.push(name.clone());
                columns.push((at, field.clone()));
            }
        }
        let mut groups = vec![0];
        for group in metadata.metadata().row_groups() {
            let rows = usize::try_from(group.num_rows()).unwrap_or(0);
            groups.push(groups[groups.len() - 1] + rows);
        }
        let part = ParquetPart {
            place,
            reader: reader.clone(),
            metadata,
            columns,
            groups,
        };
        Ok((part, schema))
    }

    /// Reads rows of a column, some at a time.
    fn read(
        &self,
        column: usize,
        rows: Range<usize>,
        each: &mut dyn FnMut(&ArrayRef) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        guarded(self.place.path(), || self.arrays(column, rows, each))
    }

    fn arrays(
        &self,
        column: usize,
        rows: Range<usize>,
        each: &mut dyn FnMut(&ArrayRef) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        if rows.is_empty() {
            return Ok(());
        }
        let starts = &self.groups[..self.groups.len() - 1];
        let first = starts.partition_point(|start| *start <= rows.start) - 1;
        let end = starts.partition_point(|start| *start < rows.end);
        let group = self.metadata.metadata().row_group(first);
        let begin = group.columns().first().map_or(0, |own| own.byte_range().0);
        let chunks = Chunks::new(&self.place);
        let failed = |error: &ParquetError| chunks.failure(begin, error);
        let types = self.metadata.parquet_schema();
        let chosen = [
            RowSelector::skip(rows.start - starts[first]),
            RowSelector::select(rows.len()),
        ];
        let arrays = ParquetRecordBatchReaderBuilder::new_with_metadata(
            chunks.clone(),
            self.metadata.clone(),
        )
        .with_projection(ProjectionMask::roots(types, [self.columns[column].0]))
        .with_row_groups((first..end).collect())
        .with_row_selection(RowSelection::from(chosen.to_vec()))
        .with_batch_size(ROWS.min(rows.len()))
        .build()
        .map_err(|error| failed(&error))?;
        let mut found = 0;
        for batch in arrays {
            let batch = batch.map_err(|error| failed(&ParquetError::from(error)))?;
            found += batch.num_rows();
            each(batch.column(0))?;
        }
        match found == rows.len() {
            true => Ok(()),
            false => {
                let (name, expected) = (self.columns[column].1.name(), rows.len());
                let problem = format!(
                    "of {expected} rows from {} on the column `{name}` has {found}",
                    rows.start
                );
                Err(super::wrong(self.place.path(), begin, problem))
            }
        }
    }

    fn collected<'a>(&'a self, schema: &Schema, column: usize, lines: &'a Lines) -> Collected<'a> {
        let field = &self.columns[column].1;
        Collected::new(&self.reader, field, schema.kinds[column], lines)
    }
}

impl Part for ParquetPart {
    fn path(&self) -> &Path {
        self.place.path()
    }

    fn rows(&self) -> usize {
        self.groups[self.groups.len() - 1]
    }

    fn table(
        &self,
        schema: &Schema,
        rows: Range<usize>,
        columns: &[usize],
    ) -> Result<Table, DataError> {
        let lines = Lines::of_rows(rows.clone());
        let column = |column: &usize| {
            let mut all = self.collected(schema, *column, &lines);
            self.read(*column, rows.clone(), &mut |array| all.add(array))?;
            all.column(schema.comma)
        };
        let columns = columns.iter().map(column).collect::<Result<_, _>>()?;
        Ok(Table::new(columns, lines, format(schema)))
    }

    fn walk(
        &self,
        schema: &Schema,
        columns: &[usize],
        look: &mut Look<'_>,
    ) -> Result<(), DataError> {
        // A column after the other: memory holds one page.
        for column in columns {
            let mut first = 0;
            self.read(*column, 0..self.rows(), &mut |array| {
                let lines = Lines::of_rows(first..first + array.len());
                first += array.len();
                let mut some = self.collected(schema, *column, &lines);
                some.add(array)?;
                let some = some.column(schema.comma)?;
                look(*column, &Table::new(vec![some], lines, format(schema)), 0)
            })?;
        }
        Ok(())
    }

    /// The rows of a page, of the columns' the one in the middle.
    fn block(&self) -> Option<usize> {
        let group = self.metadata.metadata().row_groups().first()?;
        let all = usize::try_from(group.num_rows()).unwrap_or(0);
        let index = self.metadata.metadata().page_index_for_row_group(0);
        let mut rows: Vec<usize> = (0..group.num_columns())
            .map(|column| {
                let pages = index.page_locations(column);
                let second = pages.and_then(|pages| pages.get(1));
                second.map_or(all, |page| page.first_row_index as usize)
            })
            .collect();
        rows.sort_unstable();
        rows.get(rows.len() / 2).copied()
    }
}

fn format(schema: &Schema) -> Format {
    Format::Columns {
        name: "Parquet",
        comma: schema.comma,
    }
}
