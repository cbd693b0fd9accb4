//! What can be wrong with rows that are read while they are needed.

use std::path::PathBuf;

use crate::data::DataError;

/// What was wrong with rows that are read block by block, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A file that cannot be read, or is not what it was when it was opened.
    #[error("{}, from byte {at} on: {problem}", path.display())]
    File {
        /// The path as given.
        path: PathBuf,
        /// The place of what was read.
        at: u64,
        /// What is wrong there.
        problem: String,
    },
    /// Rows of a [`Source`](super::Source) that cannot be used.
    #[error("{name}: {problem}")]
    Source {
        /// What the source is called, such as the path of a file.
        name: String,
        /// What is wrong, and in which row.
        problem: String,
    },
    /// What is refused of a file of rows.
    #[error("{name}: {problem}")]
    Table {
        /// Its path.
        name: String,
        /// Why, and in which row.
        problem: Box<DataError>,
    },
    /// Data of which all rows are needed at once, and which are streamed.
    #[error(
        "the data are streamed from {sources}, and here all rows are needed at once; a stream is fitted by minibatches (by `Advi` with `batch`, or by `Sgld`), predicted by `Posterior::predict_to` and scored by `Posterior::score`"
    )]
    NotInMemory {
        /// Where they come from.
        sources: String,
    },
    /// Rows of a table that were encoded otherwise than those of a fit.
    #[error(
        "the rows are streamed from a table and encoded by its own constants, not as those of the fit; `Posterior::encode` encodes a `TableFile` as it was"
    )]
    OtherEncoding,
    /// A file that cannot be written.
    #[error("cannot write {}: {problem}", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
}
