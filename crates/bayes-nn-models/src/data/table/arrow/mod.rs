//! Tables in files of Parquet and of Arrow IPC, whose columns have types.

mod chunks;
mod column;
mod ipc;
mod parquet;

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub(super) use self::parquet::ParquetPart;
use super::format::FileFormat;
use super::stored::Stored;
use super::{Table, TableReader};
use crate::data::{DataError, StreamError};

/// Reads a table into memory.
pub(super) fn read(
    reader: &TableReader,
    mut file: impl Read + Seek,
    path: &Path,
    format: FileFormat,
) -> Result<Table, DataError> {
    if format == FileFormat::Arrow {
        return guarded(path, || ipc::read(reader, file, path));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(csv::Error::from)?;
    let (part, schema) = ParquetPart::of_bytes(reader, bytes, path)?;
    let of = Stored::new(path, schema, None, vec![Box::new(part)])?;
    of.table(0..of.rows, &of.columns())
}

/// What is read of a file. The crates that read these formats panic at some damaged bytes, which is an
/// error like the others here.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let problem = "the file is damaged: what it says of itself is not what it has";
        Err(wrong(path, 0, problem))
    })
}

/// What is wrong with a file, from a byte on.
fn wrong(path: &Path, at: u64, problem: impl Into<String>) -> DataError {
    let (path, problem) = (path.to_owned(), problem.into());
    StreamError::File { path, at, problem }.into()
}
