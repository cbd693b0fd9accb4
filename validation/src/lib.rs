//! Whether the library draws from the right distribution.
//!
//! - [`posteriors`]: models whose posteriors others have computed by very long runs, and the
//!   comparison with those. Each is also an example of a model as a function.
//! - [`sbc`]: simulation-based calibration, which needs no reference: data drawn from a model
//!   must give back the variables that they were drawn with.
//!
//! `cargo xtask posteriors` and `cargo xtask sbc` run them and write `RESULTS.md`.
#![forbid(unsafe_code)]

pub mod accuracy;
pub mod data;
pub mod judge;
pub mod posteriors;
pub mod reference;
pub mod run;
pub mod sbc;
pub mod table;
pub mod wasserstein;

use std::path::PathBuf;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No reference data.
    #[error(
        "there is no folder {} with reference data; name one by --data or the environment variable {}",
        .0.display(),
        data::VARIABLE
    )]
    NoFolder(PathBuf),
    /// A file that cannot be read.
    #[error("{}: {problem}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that is none of a list.
    #[error("there is no {kind} `{name}`; there are {available}")]
    Unknown {
        /// Of what it should be one.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        available: String,
    },
    /// A model that cannot be sampled.
    #[error(transparent)]
    Model(#[from] bayes_nn::Error),
    /// A simulation whose chain failed.
    #[error("simulation {simulation} of `{case}`: {source}")]
    Simulation {
        /// The calibration it belongs to.
        case: &'static str,
        /// Its number, from 0.
        simulation: usize,
        /// What went wrong.
        source: Box<bayes_nn::Error>,
    },
}
