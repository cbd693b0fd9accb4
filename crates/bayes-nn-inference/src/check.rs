//! Checks of settings, with the error that names field, value and allowed range.

use std::fmt;

use bayes_nn_kernels::Precision;

use crate::{Density, InferenceError};

/// A setting outside its range.
pub(crate) fn setting(
    field: &'static str,
    value: impl fmt::Display,
    allowed: impl Into<String>,
) -> InferenceError {
    InferenceError::Setting {
        field,
        value: value.to_string(),
        allowed: allowed.into(),
    }
}

pub(crate) fn at_least_one(field: &'static str, value: u64) -> Result<(), InferenceError> {
    match value {
        0 => Err(setting(field, 0, "1 or more")),
        _ => Ok(()),
    }
}

/// The most restarts or chains of a run: of each there are states, draws and a result.
pub(crate) const MOST_RUNS: usize = 100_000;

/// A number of things from 1 to `most`.
pub(crate) fn count(field: &'static str, value: usize, most: usize) -> Result<(), InferenceError> {
    match value > most {
        true => Err(setting(field, value, format!("at most {most}"))),
        false => at_least_one(field, value as u64),
    }
}

/// That no variable of a density is a point estimate, which the method cannot have.
pub(crate) fn no_points(density: &dyn Density, method: &'static str) -> Result<(), InferenceError> {
    match density.sites().iter().find(|site| site.point) {
        None => Ok(()),
        Some(site) => Err(InferenceError::PointSite {
            site: site.name.clone(),
            method,
        }),
    }
}

/// That the data of a density can be held in this precision.
pub(crate) fn holds_data(
    density: &dyn Density,
    precision: Precision,
) -> Result<(), InferenceError> {
    match precision {
        Precision::F32 => density
            .check_single_precision()
            .map_err(InferenceError::Density),
        Precision::F64 => Ok(()),
    }
}

pub(crate) fn positive(field: &'static str, value: f64) -> Result<(), InferenceError> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(setting(field, value, "finite and above 0")),
    }
}
