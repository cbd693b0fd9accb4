//! Files and streams of Arrow IPC.

use std::io::{BufReader, Read, Seek};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, Schema};

use super::column::{Collected, kind_of};
use crate::data::DataError;
use crate::data::table::lines::Lines;
use crate::data::table::{Format, Places, Table, TableReader};

/// Reads a file, or a stream that was written to one.
pub(super) fn read(
    reader: &TableReader,
    file: impl Read + Seek,
    path: &Path,
) -> Result<Table, DataError> {
    let damaged =
        |error: ArrowError| super::wrong(path, 0, format!("the file is damaged: {error}"));
    let mut file = BufReader::new(file);
    let mut begins = [0; 6];
    let read = file.read_exact(&mut begins).and_then(|()| file.rewind());
    read.map_err(|error| super::wrong(path, 0, error.to_string()))?;
    // A stream has no mark of its own.
    let is_file = begins.starts_with(b"ARROW");
    let (schema, batches): (_, Result<Vec<RecordBatch>, ArrowError>) = match is_file {
        true => {
            let batches = FileReader::try_new(file, None).map_err(damaged)?;
            (batches.schema(), batches.collect())
        }
        false => {
            let batches = StreamReader::try_new(file, None).map_err(damaged)?;
            (batches.schema(), batches.collect())
        }
    };
    table(reader, &schema, &batches.map_err(damaged)?)
}

fn table(
    reader: &TableReader,
    schema: &Schema,
    batches: &[RecordBatch],
) -> Result<Table, DataError> {
    let places = Places::new(schema.fields().iter().map(|field| field.name().as_str()));
    (reader.named()).try_for_each(|column| places.find(column).map(drop))?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let lines = Lines::of_rows(0..rows);
    let comma = reader.decimal_comma.unwrap_or(false);
    let mut columns = Vec::new();
    for (place, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        if reader.leaves_out(name) {
            continue;
        }
        let kind = kind_of(name, field.data_type())?;
        let kind = reader.kind_of(name).unwrap_or(kind);
        let mut all = Collected::new(reader, field, kind, &lines);
        batches
            .iter()
            .try_for_each(|batch| all.add(batch.column(place)))?;
        columns.push(all.column(comma)?);
    }
    if rows == 0 {
        return Err(DataError::Empty);
    }
    let format = Format::Columns {
        name: "Arrow IPC",
        comma,
    };
    Ok(Table::new(columns, lines, format))
}
