//! What keeps a store from being written.

use std::path::{Path, PathBuf};

/// A store that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Something is at the path.
    #[error(
        "{} exists already; `overwrite_zarr`, or `ZarrStore::overwrite`, replaces a store",
        path.display()
    )]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Something other than a store is to be overwritten.
    #[error("{} is no Zarr store (it has no zarr.json) and is not overwritten", path.display())]
    NotAStore {
        /// The path.
        path: PathBuf,
    },
    /// Predictions without a variable.
    #[error("the draws have no variable")]
    NoDraws,
    /// A name that a store cannot have.
    #[error(
        "the name `{name}` {problem}; names are not empty, without `/`, not of dots alone, do not begin with `__`, and are no other thing's"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A variable or dimension that is named but not there.
    #[error("there is no {kind} `{name}`; there are {available}")]
    Unknown {
        /// Variable or dimension.
        kind: &'static str,
        /// The name.
        name: String,
        /// What there is.
        available: String,
    },
    /// Another number of dimensions than axes.
    #[error("`{variable}` has {axes} axes and is given {given} dimensions; it needs one for each")]
    Dimensions {
        /// The variable.
        variable: String,
        /// Its axes.
        axes: usize,
        /// The dimensions given.
        given: usize,
    },
    /// Another number of labels than places.
    #[error(
        "the dimension `{dimension}` has {given} labels, `{variable}` has {needed} places along it"
    )]
    Labels {
        /// The dimension.
        dimension: String,
        /// The labels given.
        given: usize,
        /// A variable that has it.
        variable: String,
        /// The places of that variable.
        needed: usize,
    },
    /// Two variables of a group with one dimension, but not of the same places.
    #[error(
        "`{variable}` and `{other}` share the dimension `{dimension}`, but not its places; `dims` gives one of them another"
    )]
    Conflict {
        /// The dimension.
        dimension: String,
        /// A variable.
        variable: String,
        /// The one before it.
        other: String,
    },
    /// A file or folder that cannot be written.
    #[error("cannot write {}: {problem}", path.display())]
    Write {
        /// The store.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl ExportError {
    pub(super) fn write(path: &Path, problem: &dyn std::fmt::Display) -> ExportError {
        ExportError::Write {
            path: path.to_path_buf(),
            problem: problem.to_string(),
        }
    }
}
