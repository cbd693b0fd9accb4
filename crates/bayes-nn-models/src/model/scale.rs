//! Which columns of the data a model reads, which of them it supposes to be of unit scale, and whether
//! single precision can hold them.

use bayes_nn_autodiff::{Binary, Op};
use bayes_nn_distributions::Support;
use bayes_nn_inference::ColumnScale;
use bayes_nn_kernels::Column;

use super::batch::{Batch, Input};
use super::data::{Data, Values};
use super::record::Record;
use crate::data::{DataError, Standardization};
use crate::error::Error;

/// Numbers of a column or matrix that are looked at, about: enough for means and deviations.
const LOOKED_AT: usize = 1 << 20;

const FEATURES: &str = "as `Dataset::standardized()` does";
const TARGETS: &str = "as `Dataset::standardize_target()` does";

/// A column or matrix that a model reads.
pub(super) struct Reading {
    pub(super) name: String,
    /// How it is brought to unit scale, if that is supposed.
    remedy: Option<&'static str>,
}

/// What a model read when it was probed. Features are supposed to be of unit scale where they are
/// multiplied as they are by what depends on a variable, targets if the model says so.
pub(super) fn readings(batch: &Batch<'_>, record: &Record<'_>, unit_targets: bool) -> Vec<Reading> {
    let inputs = batch.shared.inputs.borrow();
    let mut remedies = vec![None; inputs.len()];
    for input in multiplied(batch, &inputs) {
        remedies[input] = Some(FEATURES);
    }
    let observed = record.observed.iter().filter(|_| unit_targets);
    for observed in observed.filter(|o| matches!(o.distribution.support(), Support::Real)) {
        let id = observed.value.id();
        if let Some(place) = inputs.iter().position(|input| input.input.id() == id) {
            remedies[place].get_or_insert(TARGETS);
        }
    }
    let readings = inputs.iter().zip(remedies);
    readings
        .map(|(input, remedy)| Reading {
            name: input.name.clone(),
            remedy,
        })
        .collect()
}

/// The inputs of data that stand as they are in a product with what depends on a variable.
fn multiplied(batch: &Batch<'_>, inputs: &[Input<'_>]) -> Vec<usize> {
    let nodes = batch.shared.graph.nodes();
    // Of each node: the data that it is, moved about at the most, and whether it depends on inputs
    // of others, which are the variables.
    let mut data: Vec<Vec<usize>> = Vec::with_capacity(nodes.len());
    let mut of_variables: Vec<bool> = Vec::with_capacity(nodes.len());
    let mut found = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let arguments = || node.arguments.iter().map(|argument| argument.index());
        let own = || {
            let is_own = |input: &Input<'_>| input.input.id().is_some_and(|id| id.index() == index);
            inputs.iter().position(is_own)
        };
        let is_product = matches!(
            node.op,
            Op::Binary(Binary::Mul)
                | Op::MatMul { .. }
                | Op::ProductByGroup { .. }
                | Op::Convolution { .. }
        );
        if is_product && arguments().any(|argument| of_variables[argument]) {
            let factors = arguments().take(2);
            found.extend(factors.flat_map(|argument| &data[argument]).copied());
        }
        let mut moved: Vec<usize> = match node.op {
            Op::Input(_) => own().into_iter().collect(),
            Op::View { .. } | Op::Transpose | Op::Broadcast | Op::Gather { .. } => {
                let argument = arguments().next();
                argument.map_or_else(Vec::new, |argument| data[argument].clone())
            }
            Op::Concat { .. } => arguments().flat_map(|a| data[a].clone()).collect(),
            _ => Vec::new(),
        };
        moved.dedup();
        data.push(moved);
        of_variables.push(match node.op {
            Op::Input(_) => own().is_none(),
            _ => arguments().any(|argument| of_variables[argument]),
        });
    }
    found
}

/// The scale of the columns of numbers that were read.
pub(super) fn scales(data: &Data, readings: &[Reading]) -> Vec<ColumnScale> {
    let mut scales = Vec::new();
    for Reading { name, remedy } in readings {
        let (values, columns) = match data.get(name) {
            Some(Values::Vector(values)) => (values, 1),
            Some(Values::Incomplete { observed, .. }) => (observed, 1),
            Some(Values::Matrix(matrix)) => (&matrix.values, matrix.columns),
            Some(Values::Index(_) | Values::Gone(_)) | None => continue,
        };
        let (rows, every) = (values.len() / columns, (values.len() / LOOKED_AT).max(1));
        for column in 0..columns {
            let rows = (0..rows).step_by(every);
            let numbers = rows.filter_map(|row| values.get(row * columns + column));
            let name = match columns {
                1 => name.clone(),
                _ => format!("{name}[{column}]"),
            };
            let scale = ColumnScale::of(name, numbers);
            scales.push(match remedy {
                Some(remedy) => scale.supposed_unit(remedy),
                None => scale,
            });
        }
    }
    scales
}

/// Checks that numbers are standardised as those of the fit.
fn check_alike(
    own: &Option<Standardization>,
    fitted: &Option<Standardization>,
    what: &'static str,
    remedy: &'static str,
) -> Result<(), Error> {
    let (found, expected) = match (own, fitted) {
        (own, fitted) if own == fitted => return Ok(()),
        (None, _) => ("not standardised", "standardised"),
        (_, None) => ("standardised", "not standardised"),
        _ => ("standardised by other constants", "standardised"),
    };
    Err(Error::OtherScale {
        what,
        found,
        expected,
        remedy,
    })
}

impl Data {
    /// Checks that features are scaled as in the data of the fit, where both are known to be of
    /// data sets.
    pub(crate) fn check_scale(&self, fitted: &Data) -> Result<(), Error> {
        let (Some(own), Some(fitted)) = (&self.scales, &fitted.scales) else {
            return Ok(());
        };
        let remedy = "`test.standardized_by(constants)`, where `train.standardization()`";
        check_alike(&own.features, &fitted.features, "rows to predict", remedy)
    }

    /// The same of the targets of held-out rows.
    pub(crate) fn check_target_scale(&self, fitted: &Data) -> Result<(), Error> {
        let (Some(own), Some(fitted)) = (&self.scales, &fitted.scales) else {
            return Ok(());
        };
        let what = "targets of the held-out rows";
        let remedy = "`valid.standardize_target_by(constants)`, where \
                      `train.target_standardization()`";
        check_alike(&own.target, &fitted.target, what, remedy)
    }

    /// Checks that single precision can hold the numbers of a column or matrix.
    pub(crate) fn check_single_precision(&self, name: &str) -> Result<(), DataError> {
        let (values, columns, missing) = match self.get(name) {
            Some(Values::Vector(values)) => (values, 1, &[][..]),
            Some(Values::Incomplete { observed, missing }) => (observed, 1, &missing[..]),
            Some(Values::Matrix(matrix)) => (&matrix.values, matrix.columns, &[][..]),
            Some(Values::Index(_) | Values::Gone(_)) | None => return Ok(()),
        };
        let Column::F64(values) = values else {
            return Ok(());
        };
        let is_beyond = |value: &f64| (*value as f32).is_infinite();
        let Some(place) = values.iter().position(is_beyond) else {
            return Ok(());
        };
        // The values are those of the rows that are known.
        let row = missing.iter().fold(place / columns, |row, missing| {
            row + usize::from(*missing <= row)
        });
        Err(DataError::SinglePrecision {
            row,
            column: match columns {
                1 => name.to_owned(),
                _ => format!("{name}[{}]", place % columns),
            },
            value: values[place],
        })
    }
}
