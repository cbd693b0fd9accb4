//! What can go wrong.

use std::io;
use std::path::PathBuf;

use bayes_nn::data::StreamError;
use bayes_nn::{DataError, Error, InferenceError, ResumeError};

/// Why a command ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the library refuses.
    #[error("{}", of_library(.0))]
    Library(#[from] Error),
    /// A report that cannot be made or written.
    #[error(transparent)]
    Report(#[from] bayes_nn::report::ReportError),
    /// A file that cannot be read.
    #[error("{}: {}", path.display(), of_data(problem))]
    Table {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<DataError>,
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

impl From<DataError> for Failure {
    fn from(error: DataError) -> Failure {
        Failure::Library(error.into())
    }
}

/// What the library refuses, with what can be done here where the library says what a program can do.
fn of_library(error: &Error) -> String {
    match error {
        Error::Data(error) => of_data(error),
        Error::Inference(InferenceError::Resume(error)) => of_resume(error),
        other => other.to_string(),
    }
}

fn of_data(error: &DataError) -> String {
    match error {
        DataError::ManyCategories {
            column,
            categories,
            rows,
        } => format!(
            "column `{column}` has {categories} different words in {rows} rows, as names of rows have, which say \
             nothing of others; `--except \"{column}\"` leaves it out"
        ),
        DataError::Stream(StreamError::Table { name, problem }) => {
            format!("{name}: {}", of_data(problem))
        }
        DataError::MissingFeature {
            place,
            column,
            stand_in,
        } => format!(
            "{place}, column `{column}`: the value is missing; none was in the table of the fit; a fit with \
             `--impute \"{column}\"` lets the {stand_in} stand for it"
        ),
        DataError::MissingField { place, column, .. } => {
            format!("{place}, column `{column}`: the value is missing; remove rows without it")
        }
        DataError::UnknownCategory { .. } => {
            format!("{error}; a fit with `--ignore-unknown` takes such words for none of them")
        }
        DataError::NoHeader => {
            "the first line has only numbers, where the names of columns are expected; add a \
                                line of names"
                .to_owned()
        }
        DataError::EmptyFile => {
            "the table is empty; a line with the names of columns and at least one row are \
                                 needed"
                .to_owned()
        }
        DataError::NotText { encoding, line } => {
            format!("line {line}: the bytes are no text in {encoding}; save the table as UTF-8")
        }
        DataError::Nul { line } => format!(
            "line {line}: there is a NUL, which no text has; if the file is UTF-16 without a mark, save it as \
             UTF-8"
        ),
        DataError::UnsupportedColumn { column, kind } => format!(
            "column `{column}` has the type {kind}, which is no number, date, boolean or text; save the table \
             without it"
        ),
        other => other.to_string(),
    }
}

fn of_resume(error: &ResumeError) -> String {
    match error {
        ResumeError::Complete { steps } => format!(
            "the fit has done all of its {steps} steps; `--steps` adds more, in a new cycle of the learning rate, \
             and with `--last-rate` at the last one"
        ),
        ResumeError::NoRate { factor } => format!(
            "the learning rate has fallen to {factor:.1e} of what it was, at which further steps move nothing; \
             without `--last-rate` a new cycle begins"
        ),
        ResumeError::NoCycle => "the fit goes by natural gradients, which have no cycles; `--steps` with \
                                 `--last-rate` goes on"
            .to_owned(),
        ResumeError::NoTraining => "the model does not know where its training was, as one that was saved by a \
                                    version that did not keep it; fit it anew, by `bayes-nn fit`"
            .to_owned(),
        ResumeError::OtherMethod { method, .. } => {
            format!("a fit by {method} does not go on; fit it anew, by `bayes-nn fit`")
        }
        ResumeError::OtherStream { .. } => "the model was trained by another version of this command, with other \
                                            random numbers, and going on would not give what it would have given; \
                                            predicting is not affected. Fit it anew, by `bayes-nn fit`"
            .to_owned(),
        other => other.to_string(),
    }
}
