//! The numbers of a data set, in the type in which they came, and what is asked of them.

use std::sync::{Arc, OnceLock};

use bayes_nn_kernels::Column;

use super::DataError;

/// Numbers, and the same in double precision once they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) column: Column,
    as_f64: Arc<OnceLock<Vec<f64>>>,
}

impl Numbers {
    pub(super) fn new(column: Column) -> Numbers {
        Numbers {
            column,
            as_f64: Arc::default(),
        }
    }

    pub(super) fn as_f64(&self) -> &[f64] {
        match &self.column {
            Column::F64(values) => values,
            other => self.as_f64.get_or_init(|| other.to_f64()),
        }
    }
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Numbers) -> bool {
        self.column == other.column
    }
}

/// Checks that so many values of `name` are rows of so many features.
pub(crate) fn check_whole_rows(name: &str, len: usize, features: usize) -> Result<(), DataError> {
    match len.is_multiple_of(features) {
        true => Ok(()),
        false => Err(DataError::NotWholeRows {
            name: name.to_owned(),
            len,
            features,
        }),
    }
}

/// Checks values `[n, columns]`, row-major, of which `name` tells what a column is called.
pub(crate) fn check_finite(
    values: &Column,
    columns: usize,
    name: impl Fn(usize) -> String,
) -> Result<(), DataError> {
    if values.is_finite() {
        return Ok(());
    }
    match values.position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(DataError::NotFinite {
            row: at / columns,
            column: name(at % columns),
            value: values.get(at).unwrap_or(f64::NAN),
        }),
    }
}
