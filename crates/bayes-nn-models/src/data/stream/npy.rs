//! Arrays of NumPy that stay in their files.

use std::ops::Range;
use std::path::Path;

use bayes_nn_kernels::Column;

use super::{Source, SourceColumn, SourceKind, WatchedFile};
use crate::data::DataError;
use crate::data::npy::Header;

/// The most bytes of a header.
const HEADER: usize = 1 << 16;

/// A file that `numpy.save` wrote, whose rows are read while they are needed, for
/// [`Data::stream`](crate::Data::stream). The first axis is that of rows; an array of one axis is a column,
/// and any other a matrix with what a row has. It is named after the file, `x` of `x.npy`, unless
/// [named](NpyFile::named).
///
/// Numbers have the types of [`Npy`](super::super::Npy). The file is to stay as it is as long as this value
/// is used: one that was written to, or has another length, is an error when it is next read.
#[derive(Debug)]
pub struct NpyFile {
    file: WatchedFile,
    header: Header,
    column: SourceColumn,
}

impl NpyFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// As [`Npy::read`](super::super::Npy::read), and an array of several axes in the order of Fortran, whose
    /// rows do not lie together.
    pub fn open(path: impl AsRef<Path>) -> Result<NpyFile, DataError> {
        let file = WatchedFile::open(path.as_ref())?;
        let begins = file.read(0, file.length().min(HEADER as u64) as usize)?;
        let header = Header::parse(&begins).map_err(|error| file.wrong(0, error.to_string()))?;
        let shape = &header.shape;
        if shape.contains(&0) || shape.is_empty() {
            return Err(file.wrong(0, format!("the shape {shape:?} has no rows")));
        }
        if header.fortran && shape.len() > 1 {
            return Err(file.wrong(
                0,
                "the array is in the order of Fortran, in which the numbers of a row lie apart; save \
                 `numpy.ascontiguousarray(array)`",
            ));
        }
        let sizes = shape.iter().map(|length| *length as u64);
        let expected = { sizes }.try_fold(header.number.size() as u64, u64::checked_mul);
        let found = file.length() - header.begin as u64;
        if expected != Some(found) {
            let problem = format!(
                "the header gives the shape {shape:?} of numbers of {} bytes; {found} bytes follow it",
                header.number.size()
            );
            return Err(file.wrong(header.begin as u64, problem));
        }
        let stem = file.path().file_stem().unwrap_or_default();
        let kind = match shape[1..] {
            [] => SourceKind::Column,
            _ => SourceKind::Matrix(shape[1..].iter().product()),
        };
        Ok(NpyFile {
            column: SourceColumn::new(stem.to_string_lossy(), kind),
            header,
            file,
        })
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> NpyFile {
        self.column.name = name.to_owned();
        self
    }

    /// The same as whole numbers that select, for `Var::gather`; of one axis.
    ///
    /// # Errors
    /// An array of several axes.
    pub fn index(mut self) -> Result<NpyFile, DataError> {
        match self.column.kind {
            SourceKind::Matrix(_) => Err(self.file.wrong(
                0,
                format!(
                    "the shape {:?} is none of an index, which has one axis",
                    self.shape()
                ),
            )),
            _ => {
                self.column.kind = SourceKind::Index;
                Ok(self)
            }
        }
    }

    /// The lengths of the axes, rows first.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }
}

impl Source for NpyFile {
    fn name(&self) -> String {
        self.file.path().display().to_string()
    }

    fn rows(&self) -> usize {
        self.header.shape[0]
    }

    fn columns(&self) -> Vec<SourceColumn> {
        vec![self.column.clone()]
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        let row = self.column.kind.width() * self.header.number.size();
        let at = self.header.begin as u64 + (rows.start * row) as u64;
        let column = |bytes: &[u8]| self.header.number.column(bytes);
        let column = self.file.read_as(at, rows.len() * row, column)?;
        Ok(vec![
            column.map_err(|error| self.file.wrong(at, error.to_string()))?,
        ])
    }
}
