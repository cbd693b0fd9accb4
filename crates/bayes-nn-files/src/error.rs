//! Files that cannot be written or read.

use std::path::PathBuf;

/// Why a fit cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused: no such folder, no right to write, a full disk.
    #[error("{} cannot be {doing}: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What was to be done with it.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of another kind.
    #[error("{} is no file of a fit: {problem}", path.display())]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// A file that is not as it was written: cut off, or with other bytes.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// By what it is seen.
        problem: String,
    },
    /// A file of a version of the format that is not known yet.
    #[error(
        "{} has the version {found} of the format, and this library reads up to version {known}: \
         load it with a newer version of the library",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        found: u64,
        /// The newest that is known.
        known: u64,
    },
    /// A value that cannot be.
    #[error("{}: `{field}` {problem}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Where the value stands, as `fit.seed`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that a file cannot hold.
    #[error("{what} cannot be saved: {remedy}")]
    Unsaved {
        /// What it is.
        what: String,
        /// What would be right.
        remedy: String,
    },
}
