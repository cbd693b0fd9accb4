//! All that is known of a fit, in the groups and names of ArviZ, and its store on disk.
//!
//! [`Posterior::inference_data`] collects draws, statistics of the
//! sampler, pointwise log-likelihood and data; [`InferenceData::write_zarr`] writes them as a
//! Zarr store that ArviZ 1.x opens:
//!
//! ```python
//! import xarray
//! data = xarray.open_datatree("line.zarr", engine="zarr")   # or arviz.from_zarr("line.zarr")
//! arviz.summary(data)
//! arviz.loo(data)
//! ```
//!
//! A [`ZarrStore`] is written while a run of the sampler goes on.
//!
//! ```
//! use bayes_nn::distributions::{HalfNormal, Normal};
//! use bayes_nn::model::{self, Data};
//! use bayes_nn::Nuts;
//! let line = model::from_fn(|trace, data| {
//!     let slope = trace.sample("slope", Normal::new(0.0, 2.0));
//!     let noise = trace.sample("noise", HalfNormal::new(1.0));
//!     trace.observe("y", Normal::new(slope * data.column("x"), noise), data.column("y"));
//! });
//! let x = [0.5, 1.0, 1.5, 2.0, 2.5];
//! let data = Data::new().column("x", &x)?.column("y", &[1.1, 1.9, 3.2, 3.9, 5.1])?;
//! let samples = model::fit(&line, &data, &Nuts::new().chains(2).draws(200).seed(1))?;
//! let replicated = samples.predictive(&data, 400, 0)?;
//! # let path = std::env::temp_dir().join(format!("bayes-nn-doc-{}.zarr", std::process::id()));
//! # let line_zarr = path.clone();
//! samples
//!     .inference_data()?
//!     .posterior_predictive(&replicated)?
//!     .dims("y", ["day"])
//!     .coords("day", ["Mon", "Tue", "Wed", "Thu", "Fri"])
//!     .write_zarr(line_zarr)?;
//! # std::fs::remove_dir_all(path).ok();
//! # Ok::<(), bayes_nn::Error>(())
//! ```

mod collect;
mod error;
mod growing;
mod layout;
mod store;
mod zarr;

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::{Draws, Posterior};

pub use error::ExportError;
use layout::{Array, Group, Labels, label_settings};
pub use store::ZarrStore;

/// All that is known of a fit, by the groups of the InferenceData schema of ArviZ.
///
/// | group | what it holds | dimensions before those of a variable |
/// |---|---|---|
/// | `posterior` | sites and deterministics | chain, draw |
/// | `sample_stats` | statistics of the sampler, under ArviZ's names | chain, draw |
/// | `warmup_posterior` | the same of the warm-up, if [its draws were kept](bayes_nn_inference::Nuts::keep_warmup) | chain, draw |
/// | `warmup_sample_stats` | the same of the warm-up | chain, draw |
/// | `log_likelihood` | log density of each observed value, nats | chain, draw |
/// | `posterior_predictive` | draws handed to [`InferenceData::posterior_predictive`] | chain, draw |
/// | `observed_data` | observed values, without those that are missing | |
/// | `constant_data` | the other columns, as they were handed in | |
///
/// Axes over [named dimensions](crate::Data::groups) have their names and those of their places. Draws of
/// a variational fit are one chain. Axis `i` of a variable `y` is the dimension
/// `y_dim_i` with the coordinates 0, 1, ..., unless [`InferenceData::dims`] and
/// [`InferenceData::coords`] say otherwise; where values were missing, the coordinates are row
/// numbers. Axes are in the order of the model: rows last.
#[derive(Clone, Debug)]
#[must_use]
pub struct InferenceData {
    groups: Vec<Group>,
    attributes: Map<String, Value>,
    labels: Labels,
}

/// Labels along a dimension.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Coordinates {
    /// Whole numbers, such as years.
    Integers(Vec<i64>),
    /// Numbers, such as places in a room.
    Numbers(Vec<f64>),
    /// Names.
    Names(Vec<String>),
}

impl From<Vec<i64>> for Coordinates {
    fn from(values: Vec<i64>) -> Coordinates {
        Coordinates::Integers(values)
    }
}

impl From<Vec<f64>> for Coordinates {
    fn from(values: Vec<f64>) -> Coordinates {
        Coordinates::Numbers(values)
    }
}

impl From<Vec<String>> for Coordinates {
    fn from(values: Vec<String>) -> Coordinates {
        Coordinates::Names(values)
    }
}

impl<const N: usize> From<[&str; N]> for Coordinates {
    fn from(values: [&str; N]) -> Coordinates {
        Coordinates::Names(values.map(str::to_owned).to_vec())
    }
}

impl InferenceData {
    /// Adds draws of what would be observed, from [`Posterior::predictive`] for the data of the
    /// fit. As many of them as there are of the posterior share its chains; others are one chain.
    ///
    /// # Errors
    /// Draws without a variable.
    pub fn posterior_predictive(mut self, draws: &Draws) -> Result<InferenceData, Error> {
        let first = draws.variables().first();
        let first = first.ok_or(ExportError::NoDraws)?;
        let count = first.values().len() / first.shape().elements().max(1);
        let posterior = self.groups.iter().find(|group| group.name == "posterior");
        let samples = posterior.and_then(|group| group.samples.clone());
        let samples = match samples {
            Some(samples) if samples.chains.len() * samples.draws == count => samples,
            _ => layout::SampleDims {
                chains: vec![0],
                draws: count,
            },
        };
        let arrays = draws.variables().iter().map(Array::of_variable);
        let group = Group::new("posterior_predictive", arrays, Some(&samples));
        self.groups.retain(|known| known.name != group.name);
        self.groups.push(group);
        Ok(self)
    }

    label_settings!();

    /// Writes a Zarr store (version 3, with consolidated metadata). It is written beside its
    /// place and renamed, so that a whole store is seen there or none.
    ///
    /// # Errors
    /// Something at `path` already; names and labels that do not fit the variables; a store that
    /// cannot be written.
    pub fn write_zarr(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        zarr::write(self, path.as_ref(), false, None)?;
        Ok(())
    }

    /// Writes as [`InferenceData::write_zarr`] does, in the place of a Zarr store that may be at
    /// `path`.
    ///
    /// # Errors
    /// As [`InferenceData::write_zarr`]; anything at `path` that is no Zarr store.
    pub fn overwrite_zarr(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        zarr::write(self, path.as_ref(), true, None)?;
        Ok(())
    }
}

impl<M: crate::Model> Posterior<M> {
    /// Draws, log-likelihood and data, of chains also the statistics of every draw, for ArviZ.
    /// Chains of unequal length, as a stop leaves them, are cut to the shortest that has a draw. A
    /// guide gives 1,000 draws as one chain, or as many as [`Posterior::take`] took.
    ///
    /// The log-likelihood is held in memory, as many numbers as draws times observed values.
    ///
    /// # Errors
    /// No draws; draws or log densities that are not finite.
    pub fn inference_data(&self) -> Result<InferenceData, Error> {
        collect::collect(self)
    }

    /// Writes [`Posterior::inference_data`] as a Zarr store.
    ///
    /// # Errors
    /// As [`Posterior::inference_data`] and [`InferenceData::write_zarr`].
    pub fn to_zarr(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.inference_data()?.write_zarr(path)
    }
}
