//! Bayesian neural networks and probabilistic programs: write a model, fit its posterior, look
//! at predictions and at what is not known.
//!
//! ```
//! use bayes_nn::prelude::*;
//!
//! let data = datasets::moons(1000, 0.2, 0)?.standardized();
//! let (train, test) = data.split(0.5, 0)?;
//! let net = Mlp::new([2, 5, 5, 1]).activation(Tanh).without_bias().prior(Normal::new(0.0, 1.0));
//! let bnn = Bnn::new(net, Bernoulli);
//! let fit = bnn.fit(&train, &Advi::mean_field().steps(50_000).seed(1))?;
//! println!("{fit}");
//! let prediction = fit.predict(&test, 500)?;
//! let score = prediction.score(test.y())?;
//! println!("{score}");
//! assert!(score.classification().unwrap().accuracy > 0.95);
//! # Ok::<(), bayes_nn::Error>(())
//! ```
//!
//! - [`Table`]: files of numbers, words, dates and missing values, as a data set and as rows to
//!   predict; [`Dataset`], [`datasets`]: data from slices or formulas, standardised and split;
//!   [`data::TableFile`], [`data::NpyFile`]: files larger than memory.
//! - [`nn`], [`Bnn`]: networks with priors, and the likelihoods on their outputs.
//! - [`model`]: any joint density as a plain function.
//! - [`Advi`], [`Nuts`]: the settings of a fit, and of a run of the sampler; [`Pathfinder`], of a
//!   fit in a few hundred gradients, and where both can begin.
//! - [`Prediction`], [`scores`]: means, uncertainty, and how good they were.
//! - [`Posterior::save`], [`Bnn::load`], [`model::load`]: a fit in one file, from which it comes back
//!   bit for bit, without its data; [`saved`] has what a file holds of layers, heads and priors of
//!   one's own.
//! - [`compare()`]: a variational fit beside NUTS, which says whether to trust it.
//! - `plots`, `report`, with the feature `plots` (on unless switched off): pictures, and one page
//!   that holds them all; progress bars show how far a fit is.
//! - `InferenceData`, with the feature `zarr`: a store of draws that Python's ArviZ opens, and
//!   `ZarrStore`, one that is written while the sampler runs.
#![forbid(unsafe_code)]

pub mod prelude;

pub use bayes_nn_autodiff::{Graph, Kind, NoiseKind, Shape, Var, Window, concat, stack};
pub use bayes_nn_distributions as distributions;
pub use bayes_nn_inference::{
    Advi, AdviFit, AdviParts, Approximation, Bound, Concerns, Convergence, ConvergenceTest, Curve,
    Dimension, DimensionError, Divergence, Elbo, Estimator, Every, Evidence, Family, Fit,
    GradientVariances, HeldOutScore, InferenceError, Interrupt, Interruption, Method, NonFinite,
    Nuts, NutsFit, Optimizer, Path, PathFailure, Pathfinder, PathfinderFit, Progress, Restart,
    Resume, ResumeError, Schedule, Scored, Sgld, SgldFit, Site, SiteError, SiteSupport,
    SiteVariances, Snapshot, Stage, Start, StartError, Stop, Training, Update,
};
pub use bayes_nn_inference::{diagnostics, nuts};
pub use bayes_nn_kernels::{Device, DeviceError, DeviceInfo, Precision, Profile};
#[cfg(feature = "zarr")]
pub use bayes_nn_models::inference_data::{self, InferenceData, ZarrStore};
pub use bayes_nn_models::{
    Comparison, CrossValidation, Data, DataError, Dataset, DrawSource, DrawTable, Draws, Error,
    Estimate, FileError, GroupError, Inputs, Model, Posterior, Predict, Predicted, Prediction,
    PredictiveComparison, PredictiveDraws, RestartAgreement, Score, SiteComparison,
    Standardization, Table, Targets, Task, compare, compare_on, data, datasets, model, saved,
    scores,
};
pub use bayes_nn_networks::{Bnn, nn};
#[cfg(feature = "plots")]
pub use bayes_nn_plots::{Bar, plots, report};
/// A source of random bits, for distributions of one's own.
pub use rand_core::Rng;

/// The programs of the README are tests, too.
#[cfg(all(doctest, feature = "plots"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
