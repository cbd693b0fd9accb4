//! What a model is: any joint density as a function of a trace and data, its posterior, and what
//! follows from it. Networks are one kind of model, in the crate `bayes-nn-networks`.
//!
//! - [`data`], [`datasets`]: tables from files, numbers from slices or formulas.
//! - [`model`]: what a model declares into ([`model::Trace`]), the rows that it sees
//!   ([`model::Batch`]), and its [`Posterior`].
//! - [`Predict`], [`Prediction`], [`scores`]: what a posterior says of new rows, and how good it was.
//! - [`compare()`]: a variational fit beside NUTS.
//! - `inference_data`, with the feature `zarr`: stores of draws.
#![forbid(unsafe_code)]

pub mod data;
pub mod datasets;
#[cfg(feature = "zarr")]
pub mod inference_data;
pub mod model;
pub mod saved;
pub mod scores;

mod compare;
mod error;
mod predict;

pub use compare::{
    Comparison, Estimate, Predicted, PredictiveComparison, SiteComparison, compare, compare_on,
};
pub use data::{DataError, Dataset, Standardization, Table};
pub use error::{Error, GroupError};
#[cfg(feature = "zarr")]
pub use inference_data::{InferenceData, ZarrStore};
pub use model::{Data, DrawSource, DrawTable, Draws, Model, Posterior};
pub use predict::{
    Acquire, Acquired, Acquisition, AcquisitionError, CrossValidation, Explained, Hidden, Inputs,
    Predict, Prediction, PredictiveDraws, Replications, Representation, RepresentationError,
    Representations, RestartAgreement, Score, Similarity, Targets, Task, Unit, WeightCertainty,
    cka,
};
pub use saved::FileError;
