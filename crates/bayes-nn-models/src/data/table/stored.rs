//! Rows that stay in files: one, or all of a folder.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "parquet")]
use super::arrow::ParquetPart;
use super::format::FileFormat;
use super::lines::Lines;
use super::opened::{Opened, Walk};
use super::sketch::Sketch;
use super::{ColumnKind, Places, Table, TableReader};
use crate::data::{DataError, StreamError};

/// Rows that are looked at once on a walk through a file.
const ROWS: usize = 1 << 12;

/// The columns of a table that stays in its files.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) names: Vec<String>,
    pub(super) kinds: Vec<ColumnKind>,
    /// Whether numbers in text have a comma for a point.
    pub(super) comma: bool,
}

/// What sees a column of some consecutive rows, as that of a table, by its place in the schema.
pub(super) type Look<'a> = dyn FnMut(usize, &Table, usize) -> Result<(), DataError> + 'a;

/// One file of a table.
pub(super) trait Part: fmt::Debug + Send + Sync {
    fn path(&self) -> &Path;

    fn rows(&self) -> usize;

    /// Some columns of rows, by their places in the schema.
    fn table(
        &self,
        schema: &Schema,
        rows: Range<usize>,
        columns: &[usize],
    ) -> Result<Table, DataError>;

    /// Goes through columns once, of each from the first row to the last.
    fn walk(
        &self,
        schema: &Schema,
        columns: &[usize],
        look: &mut Look<'_>,
    ) -> Result<(), DataError> {
        for first in (0..self.rows()).step_by(ROWS) {
            let rows = first..(first + ROWS).min(self.rows());
            let table = self.table(schema, rows, columns)?;
            for (place, column) in columns.iter().enumerate() {
                look(*column, &table, place)?;
            }
        }
        Ok(())
    }

    /// Rows that are best read at once, if it matters.
    fn block(&self) -> Option<usize> {
        None
    }
}

/// A table that stays in its files.
#[derive(Debug)]
pub(super) struct Stored {
    /// The path of the file or folder.
    pub(super) path: PathBuf,
    pub(super) schema: Schema,
    /// What a walk has found of each column, where opening took one.
    pub(super) sketches: Option<Vec<Sketch>>,
    pub(super) rows: usize,
    /// The files, with the first row of each.
    parts: Vec<(usize, Box<dyn Part>)>,
}

impl Stored {
    /// Opens a file or all files of a folder.
    pub(super) fn open(reader: &TableReader, path: &Path) -> Result<Stored, DataError> {
        let (files, format) = match FileFormat::of(path)? {
            FileFormat::Folder => {
                let files = FileFormat::files(path)?;
                let format = FileFormat::of(&files[0])?;
                (files, format)
            }
            format => (vec![path.to_owned()], format),
        };
        for file in &files[1..] {
            let own = FileFormat::of(file)?;
            if own != format {
                let (own, first) = (own.name(), format.name());
                return Err(unlike(
                    file,
                    &files[0],
                    format!("the file is of {own}, and {first}"),
                ));
            }
        }
        match format {
            FileFormat::Text | FileFormat::Folder => Stored::of_text(reader, path, &files),
            FileFormat::Parquet | FileFormat::Arrow => {
                Stored::of_columns(reader, path, &files, format)
            }
        }
    }

    fn of_text(reader: &TableReader, path: &Path, files: &[PathBuf]) -> Result<Stored, DataError> {
        let mut walk = Walk::default();
        let mut parts: Vec<Opened> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for file in files {
            if files.len() > 1 {
                walk.file = Some(file_name(file));
            }
            let opened = Opened::new(reader, file, &mut walk);
            let opened = opened.map_err(|error| named(error, file, files.len()))?;
            let own = opened.names()?;
            match parts.is_empty() {
                true => names = own,
                false => same_names(file, &own, &files[0], &names)?,
            }
            parts.push(opened);
        }
        let places = Places::new(names.iter().map(String::as_str));
        (reader.named()).try_for_each(|column| places.find(column).map(drop))?;
        let (comma, sketches) = walk.found(reader);
        let mut kinds: Vec<ColumnKind> = sketches.iter().map(Sketch::kind).collect();
        for (kind, name) in kinds.iter_mut().zip(&names) {
            *kind = reader.kind_of(name).unwrap_or(*kind);
        }
        let kept: Vec<usize> = (0..names.len())
            .filter(|place| !reader.leaves_out(&names[*place]))
            .collect();
        let schema = Schema {
            names: kept.iter().map(|place| names[*place].clone()).collect(),
            kinds: kept.iter().map(|place| kinds[*place]).collect(),
            comma,
        };
        let sketches = kept.iter().map(|place| sketches[*place].clone()).collect();
        let parts = parts.into_iter().map(|mut part| {
            part.kept.clone_from(&kept);
            Box::new(part) as Box<dyn Part>
        });
        Stored::new(path, schema, Some(sketches), parts.collect())
    }

    #[cfg(feature = "parquet")]
    fn of_columns(
        reader: &TableReader,
        path: &Path,
        files: &[PathBuf],
        format: FileFormat,
    ) -> Result<Stored, DataError> {
        reader.check_no_text(path, format)?;
        if format == FileFormat::Arrow {
            return Err(unread(
                path,
                "the file is one of Arrow IPC, whose batches may be of any size; read it into memory by \
                 `Table::read`, or write it as Parquet",
            ));
        }
        let mut parts: Vec<Box<dyn Part>> = Vec::new();
        let mut schema: Option<Schema> = None;
        for file in files {
            let (part, own) = ParquetPart::new(reader, file)?;
            parts.push(Box::new(part));
            let Some(first) = &schema else {
                schema = Some(own);
                continue;
            };
            same_names(file, &own.names, &files[0], &first.names)?;
            let kinds = own.kinds.iter().zip(&first.kinds);
            for ((own, first), name) in kinds.zip(&first.names) {
                if own != first {
                    let problem = format!("the column `{name}` is of the kind {own}, and {first}");
                    return Err(unlike(file, &files[0], problem));
                }
            }
        }
        let schema = schema.ok_or(DataError::Empty)?;
        Stored::new(path, schema, None, parts)
    }

    #[cfg(not(feature = "parquet"))]
    fn of_columns(
        _: &TableReader,
        path: &Path,
        _: &[PathBuf],
        format: FileFormat,
    ) -> Result<Stored, DataError> {
        Err(DataError::NoFeature {
            name: path.display().to_string(),
            format: format.name(),
        })
    }

    /// A table of these files.
    pub(super) fn new(
        path: &Path,
        schema: Schema,
        sketches: Option<Vec<Sketch>>,
        files: Vec<Box<dyn Part>>,
    ) -> Result<Stored, DataError> {
        let mut rows = 0;
        let first = |part: Box<dyn Part>| {
            let first = rows;
            rows += part.rows();
            (first, part)
        };
        let parts = files.into_iter().map(first).collect();
        match rows {
            0 => Err(DataError::Empty),
            rows => Ok(Stored {
                path: path.to_owned(),
                schema,
                sketches,
                rows,
                parts,
            }),
        }
    }

    /// Where rows of all files stand, of which some are in a table; without the numbers of any.
    pub(super) fn lines(&self, some: &Table) -> Lines {
        let files = match self.parts.len() {
            1 => Vec::new(),
            _ => {
                let name =
                    |(first, part): &(usize, Box<dyn Part>)| (*first, file_name(part.path()));
                self.parts.iter().map(name).collect()
            }
        };
        Lines::of_files(files, some.lines.are_rows())
    }

    /// All columns, by their places.
    pub(super) fn columns(&self) -> Vec<usize> {
        (0..self.schema.names.len()).collect()
    }

    /// Some columns of rows.
    pub(super) fn table(&self, rows: Range<usize>, columns: &[usize]) -> Result<Table, DataError> {
        let after = |row: usize| self.parts.partition_point(|(first, _)| *first < row);
        let first = after(rows.start + 1).saturating_sub(1);
        let mut tables = Vec::new();
        for (begin, part) in &self.parts[first..after(rows.end).max(first + 1)] {
            let own = rows.start.max(*begin) - begin..rows.end.min(begin + part.rows()) - begin;
            if own.is_empty() {
                continue;
            }
            let table = part.table(&self.schema, own, columns);
            let table = table.map_err(|error| named(error, part.path(), self.parts.len()))?;
            if self.parts.len() == 1 {
                return Ok(table);
            }
            tables.push((file_name(part.path()), table));
        }
        Ok(Table::joined(&tables))
    }

    /// Goes through columns once, of each from the first row to the last; what is wrong is named by its file.
    pub(super) fn walk(&self, columns: &[usize], look: &mut Look<'_>) -> Result<(), DataError> {
        self.parts.iter().try_for_each(|(_, part)| {
            let walked = part.walk(&self.schema, columns, look);
            walked.map_err(|error| named(error, part.path(), self.parts.len()))
        })
    }

    /// Rows that are best read at once, if it matters.
    pub(super) fn block(&self) -> Option<usize> {
        self.parts.iter().filter_map(|(_, part)| part.block()).max()
    }
}

fn file_name(path: &Path) -> Arc<str> {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into()
}

/// An error with the file, where there are several and it does not say.
fn named(error: DataError, file: &Path, files: usize) -> DataError {
    match error {
        DataError::Stream(_) | DataError::Open { .. } => error,
        error if files == 1 => error,
        error => StreamError::Table {
            name: file.display().to_string(),
            problem: error.into(),
        }
        .into(),
    }
}

#[cfg(feature = "parquet")]
fn unread(path: &Path, problem: &str) -> DataError {
    let name = path.display().to_string();
    let problem = problem.to_owned();
    StreamError::Source { name, problem }.into()
}

/// What is refused of a file that differs from the first of its folder.
fn unlike(file: &Path, first: &Path, differs: String) -> DataError {
    let name = file.display().to_string();
    let first = first.file_name().unwrap_or_default().display();
    let problem = format!("{differs} in `{first}`; files of one folder have the same columns");
    StreamError::Source { name, problem }.into()
}

fn same_names(
    file: &Path,
    own: &[String],
    first: &Path,
    expected: &[String],
) -> Result<(), DataError> {
    let differs = own
        .iter()
        .zip(expected)
        .position(|(own, first)| own != first);
    let problem = match differs {
        Some(at) => format!(
            "column {} is named `{}`, and `{}`",
            at + 1,
            own[at],
            expected[at]
        ),
        None if own.len() != expected.len() => {
            format!("there are {} columns, and {}", own.len(), expected.len())
        }
        None => return Ok(()),
    };
    Err(unlike(file, first, problem))
}
