//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why a command ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the library refuses.
    #[error(transparent)]
    Library(#[from] bayes_nn::Error),
    /// A report that cannot be made or written.
    #[error(transparent)]
    Report(#[from] bayes_nn::report::ReportError),
    /// A file that cannot be read.
    #[error("{}: {problem}", path.display())]
    Table {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<bayes_nn::DataError>,
    },
    /// Standard input that cannot be kept.
    #[error("cannot keep standard input in a temporary file: {0}")]
    Input(io::Error),
    /// Lines that cannot be read.
    #[error("cannot read lines: {0}")]
    Lines(io::Error),
    /// Standard output that takes no more.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A model that was fitted to numbers.
    #[error("{}: the model was fitted to numbers, not to a table, and knows no columns", .0.display())]
    NoTable(PathBuf),
}

impl From<bayes_nn::DataError> for Failure {
    fn from(error: bayes_nn::DataError) -> Failure {
        Failure::Library(error.into())
    }
}
