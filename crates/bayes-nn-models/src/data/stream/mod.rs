//! Rows that stay in files and are read while they are needed, some at a time.

mod error;
mod feed;
mod file;
mod idx;
mod npy;
mod order;

use std::fmt;
use std::ops::Range;

use bayes_nn_kernels::Column;

pub use self::error::StreamError;
pub(crate) use self::feed::{ObservedColumn, RowFeed, Taken};
pub(super) use self::file::WatchedFile;
pub use self::idx::IdxFile;
pub use self::npy::NpyFile;
pub(crate) use self::order::Order;
use super::{DataError, check_finite};

/// Rows that are read from where they lie, some at a time, as from a [`NpyFile`] or a store of one's own.
/// [`Data::stream`](crate::Data::stream) fits to them.
///
/// ```
/// use bayes_nn::data::{Column, DataError, Source, SourceColumn, SourceKind};
/// use bayes_nn::prelude::*;
/// use std::ops::Range;
///
/// /// A formula.
/// #[derive(Debug)]
/// struct Waves;
///
/// impl Source for Waves {
///     fn name(&self) -> String { "waves".to_owned() }
///     fn rows(&self) -> usize { 1_000_000 }
///     fn columns(&self) -> Vec<SourceColumn> {
///         ["x", "y"].map(|name| SourceColumn::new(name, SourceKind::Column)).to_vec()
///     }
///     fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
///         let x: Vec<f64> = rows.map(|row| (row as f64 * 0.37).sin()).collect();
///         let y: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
///         Ok(vec![x.into(), y.into()])
///     }
/// }
///
/// let model = model::from_fn(|trace, data| {
///     let slope = trace.sample("slope", Normal::new(0.0, 10.0));
///     trace.observe("y", Normal::new(slope * data.column("x"), 1.0), data.column("y"));
/// });
/// let data = Data::new().stream(Waves)?;
/// let fit = model::fit(&model, &data, &Advi::mean_field().steps(1_000).learning_rate(0.05).batch(100))?;
/// assert!((fit.draws(100, 0)?.variable("slope")?.mean()[0] - 2.0).abs() < 0.05);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub trait Source: fmt::Debug + Send + Sync {
    /// What messages call it, such as the path of a file.
    fn name(&self) -> String;

    /// The number of rows, at least 1, which never changes.
    fn rows(&self) -> usize;

    /// What there is of each row.
    fn columns(&self) -> Vec<SourceColumn>;

    /// How many consecutive rows are best read at once, where that matters, as in a file that is compressed
    /// page by page. [`Data::shuffle_blocks`](crate::Data::shuffle_blocks) goes before it.
    fn block(&self) -> Option<usize> {
        None
    }

    /// Reads some of the rows: for each column their numbers, row-major.
    ///
    /// # Errors
    /// When they are not there any more, or are not what they were: an error that says where.
    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError>;
}

/// A column of a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceColumn {
    /// The name by which a model reads it.
    pub name: String,
    /// What its numbers are.
    pub kind: SourceKind,
}

impl SourceColumn {
    /// A column from its parts.
    pub fn new(name: impl Into<String>, kind: SourceKind) -> SourceColumn {
        SourceColumn {
            name: name.into(),
            kind,
        }
    }
}

/// What a column of a [`Source`] is to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// A number a row.
    Column,
    /// So many numbers a row.
    Matrix(usize),
    /// A whole number a row, which selects.
    Index,
}

impl SourceKind {
    /// Numbers a row.
    pub(crate) fn width(self) -> usize {
        match self {
            SourceKind::Column | SourceKind::Index => 1,
            SourceKind::Matrix(width) => width,
        }
    }
}

/// Reads rows of a source, and checks that they are as many as asked for, and finite.
pub(crate) fn read(source: &dyn Source, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
    let columns = source.read(rows.clone())?;
    let expected = source.columns();
    let wrong = |problem: String| StreamError::Source {
        name: source.name(),
        problem,
    };
    if columns.len() != expected.len() {
        let (found, expected) = (columns.len(), expected.len());
        return Err(wrong(format!("gave {found} columns for {expected}")).into());
    }
    for (values, SourceColumn { name, kind }) in columns.iter().zip(expected) {
        let width = kind.width();
        if values.len() != rows.len() * width {
            let found = values.len();
            return Err(wrong(format!(
                "gave {found} numbers for the rows {} to {} of `{name}`",
                rows.start,
                rows.end - 1
            ))
            .into());
        }
        let column = |place| match width {
            1 => name.clone(),
            _ => format!("{name}[{place}]"),
        };
        check_finite(values, width, column).map_err(|error| match error {
            DataError::NotFinite { row, column, value } => wrong(format!(
                "row {}, column `{column}`: {value} is not finite",
                rows.start + row
            ))
            .into(),
            error => error,
        })?;
    }
    Ok(columns)
}
