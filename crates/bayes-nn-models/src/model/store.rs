//! Data written to files of NumPy, from which they stream.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bayes_nn_kernels::Column;

use super::Data;
use super::stream::{kind_of, numbers_of};
use crate::data::{DataError, NpyFile, SourceKind, StreamError};
use crate::error::Error;

impl Data {
    /// Writes each column to a file of NumPy in a folder, `x` to `x.npy`, block by block, and gives the same
    /// data streamed from there: with the same scales, classes, encoding and dimensions. Numbers from a
    /// file of text are found anew whenever they are read, which takes longer than a step of a small
    /// network; from here they are read as they are. Files that are there are replaced.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// # let folder = std::env::temp_dir().join(format!("bayes-nn-stored-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let rows: String = (0..500).map(|i| format!("{},{}\n", i % 7, i % 3)).collect();
    /// # std::fs::write(folder.join("table.csv"), format!("x,y\n{rows}"))?;
    /// let table = Table::reader().open(folder.join("table.csv"))?.target("y")?;
    /// let data = Data::from(table).stored_in(&folder)?;
    /// assert!(folder.join("x.npy").exists() && data.rows() == Some(500));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Rows that cannot be read; files that cannot be written; columns with missing values.
    pub fn stored_in(&self, folder: impl AsRef<Path>) -> Result<Data, Error> {
        if self.is_incomplete() {
            return Err(Error::MissingValues {
                column: self.names(),
                problem: "of which some are missing, and files have all of them".to_owned(),
            });
        }
        let folder = folder.as_ref();
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| StreamError::Write {
                path: path.clone(),
                problem: error.to_string(),
            }
        };
        fs::create_dir_all(folder)
            .map_err(refused(folder))
            .map_err(DataError::from)?;
        let rows = self.rows.unwrap_or(0);
        let paths: Vec<PathBuf> = (self.columns.iter())
            .map(|(name, _)| folder.join(format!("{name}.npy")))
            .collect();
        let mut files: Vec<BufWriter<File>> = Vec::new();
        for ((_, values), path) in self.columns.iter().zip(&paths) {
            let written = File::create(path).and_then(|file| {
                let mut file = BufWriter::new(file);
                let header = header(&numbers_of(values), kind_of(values), rows);
                file.write_all(&header)?;
                Ok(file)
            });
            files.push(written.map_err(refused(path)).map_err(DataError::from)?);
        }
        for first in (0..rows).step_by(self.block()) {
            let block = self.read(first..(first + self.block()).min(rows))?;
            for (((name, head), path), file) in self.columns.iter().zip(&paths).zip(&mut files) {
                let own = block.get(name).map(numbers_of);
                let written = own.map_or(Ok(()), |own| write(file, &own, &numbers_of(head)));
                written.map_err(refused(path)).map_err(DataError::from)?;
            }
        }
        for (file, path) in files.iter_mut().zip(&paths) {
            file.flush()
                .map_err(refused(path))
                .map_err(DataError::from)?;
        }
        drop(files);
        let mut stored = self.with_columns(Vec::new(), rows);
        for ((name, values), path) in self.columns.iter().zip(&paths) {
            let file = NpyFile::open(path)?.named(name);
            stored = stored.stream(match kind_of(values) {
                SourceKind::Index => file.index()?,
                _ => file,
            })?;
        }
        Ok(Data {
            block: self.block,
            ..stored
        })
    }
}

/// What an NPY file begins with, a multiple of 64 bytes.
fn header(numbers: &Column, kind: SourceKind, rows: usize) -> Vec<u8> {
    let descr = match numbers {
        Column::F64(_) => "<f8",
        Column::F32(_) => "<f4",
        Column::U8(_) => "|u1",
        Column::U32(_) => "<u4",
        _ => unreachable!("these are all types"),
    };
    let shape = match kind {
        SourceKind::Matrix(columns) => format!("({rows}, {columns})"),
        _ => format!("({rows},)"),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let begin = 10;
    let length = (begin + text.len() + 1).next_multiple_of(64) - begin;
    text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(text.into_bytes());
    header
}

/// Writes numbers, which have to be of the same type as those of the first rows.
fn write(file: &mut impl Write, numbers: &Column, first: &Column) -> std::io::Result<()> {
    match (numbers, first) {
        (Column::F64(values), Column::F64(_)) => values
            .iter()
            .try_for_each(|v| file.write_all(&v.to_le_bytes())),
        (Column::F32(values), Column::F32(_)) => values
            .iter()
            .try_for_each(|v| file.write_all(&v.to_le_bytes())),
        (Column::U8(values), Column::U8(_)) => file.write_all(values),
        (Column::U32(values), Column::U32(_)) => values
            .iter()
            .try_for_each(|v| file.write_all(&v.to_le_bytes())),
        _ => Err(std::io::Error::other(
            "numbers of one column have two types",
        )),
    }
}
