//! The rows to predict, as they are handed in.

use bayes_nn_autodiff::Graph;

use super::Predict;
use super::tiles::Tiles;
use crate::data::{DataError, Dataset, Table};
use crate::error::{Error, listed};
use crate::model::{Data, Model, Predictive};

/// The rows to predict: a [`Table`] of a fit to one, a data set, data by the names of their columns, or
/// the one column or matrix that the model reads, as rows `&[[f64; features]]`; a slice of numbers where
/// rows have one.
///
/// They are checked against the data of the fit: a data set of numbers must be scaled as that of the fit
/// was. Tables and their data sets are encoded as that of the fit was, whatever the order of their
/// columns; a table needs no target.
/// What the model observes may be among the data, and need not be.
///
/// ```
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(20, 0.2, 0)?;
/// let fit = Bnn::new(Mlp::new([2, 1]), Bernoulli).fit(&data, &Advi::mean_field().steps(10))?;
/// let by_name = Data::new().matrix("x", data.x(), 2)?;
/// let rows = [[data.x()[0], data.x()[1]]];
/// let (alone, among_others) = (fit.predict(&rows, 5)?, fit.predict(&data, 5)?);
/// assert!((alone.mean()[0] - among_others.mean()[0]).abs() < 1e-6);
/// let means = [fit.predict(&data, 5)?, fit.predict(by_name, 5)?]
///     .map(|prediction| prediction.mean().to_vec());
/// assert!(means[0] == means[1]);
///
/// let wide = Dataset::new(&[0.5; 8], 4, &[0.0, 1.0])?;
/// assert_eq!(
///     fit.predict(&wide, 5).unwrap_err().to_string(),
///     "`x` has 4 numbers a row; in the data of the fit it has 2"
/// );
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inputs<'a>(Given<'a>);

#[derive(Clone, Debug)]
enum Given<'a> {
    /// Numbers, so many a row.
    Rows(&'a [f64], usize),
    Table(&'a Table),
    Data(Box<Data>),
}

impl<'a> From<&'a [f64]> for Inputs<'a> {
    fn from(rows: &'a [f64]) -> Inputs<'a> {
        Inputs(Given::Rows(rows, 1))
    }
}

impl<'a, const N: usize> From<&'a [f64; N]> for Inputs<'a> {
    fn from(rows: &'a [f64; N]) -> Inputs<'a> {
        rows.as_slice().into()
    }
}

impl<'a> From<&'a Vec<f64>> for Inputs<'a> {
    fn from(rows: &'a Vec<f64>) -> Inputs<'a> {
        rows.as_slice().into()
    }
}

impl<'a, const K: usize> From<&'a [[f64; K]]> for Inputs<'a> {
    fn from(rows: &'a [[f64; K]]) -> Inputs<'a> {
        Inputs(Given::Rows(rows.as_flattened(), K))
    }
}

impl<'a, const K: usize, const N: usize> From<&'a [[f64; K]; N]> for Inputs<'a> {
    fn from(rows: &'a [[f64; K]; N]) -> Inputs<'a> {
        rows.as_slice().into()
    }
}

impl<'a, const K: usize> From<&'a Vec<[f64; K]>> for Inputs<'a> {
    fn from(rows: &'a Vec<[f64; K]>) -> Inputs<'a> {
        rows.as_slice().into()
    }
}

impl<'a> From<&'a Table> for Inputs<'a> {
    fn from(table: &'a Table) -> Inputs<'a> {
        Inputs(Given::Table(table))
    }
}

impl From<Data> for Inputs<'_> {
    fn from(data: Data) -> Self {
        Inputs(Given::Data(data.into()))
    }
}

impl From<&Data> for Inputs<'_> {
    fn from(data: &Data) -> Self {
        Inputs(Given::Data(data.clone().into()))
    }
}

impl From<&Dataset> for Inputs<'_> {
    fn from(data: &Dataset) -> Self {
        Inputs(Given::Data(Box::new(data.into())))
    }
}

impl Inputs<'_> {
    /// The data that are predicted, checked.
    pub(super) fn data<M: Model>(self, of: &Predictive<M>) -> Result<Data, Error> {
        match self.0 {
            Given::Rows(rows, width) => {
                let origin = of.data.origin();
                match origin.is_none_or(|origin| origin.encoding.is_identity()) {
                    true => of_rows(of, rows, width),
                    false => Err(DataError::RowsOfTable.into()),
                }
            }
            Given::Table(table) => Data::of_table(table, &of.data),
            Given::Data(data) => {
                let data = data.encoded_as(&of.data)?;
                if of.model.has_independent_rows() {
                    check_widths(&data, &of.data)?;
                }
                data.check_scale(&of.data)?;
                Ok(data)
            }
        }
    }
}

pub(super) fn check_widths(data: &Data, fitted: &Data) -> Result<(), Error> {
    for (name, _) in data
        .columns()
        .filter(|(name, _)| fitted.get(name).is_some())
    {
        let (found, expected) = (data.features(name)?, fitted.features(name)?);
        if found != expected {
            return Err(Error::RowWidth {
                column: name.clone(),
                found,
                expected,
            });
        }
    }
    Ok(())
}

/// Rows of the only column or matrix that the model reads and does not observe.
fn of_rows<M: Model>(of: &Predictive<M>, rows: &[f64], width: usize) -> Result<Data, Error> {
    let graph = Graph::new();
    let written = Tiles::new(of, &of.data, Predict::draws(1)).write(&graph)?;
    let observed = written.observed.iter();
    let observed: Vec<_> = observed.filter_map(|o| written.column_of(o)).collect();
    let mut read = written.shared.columns_read();
    read.retain(|name| !observed.contains(name));
    let name = match &read[..] {
        [name] if of.data.is_of_numbers(name) => name,
        _ => {
            let inputs = listed(&read);
            return Err(Error::SliceOfRows { inputs });
        }
    };
    if rows.is_empty() {
        return Err(DataError::Empty.into());
    }
    let features = of.data.features(name)?;
    if width != features {
        return Err(match width {
            1 => Error::FlatRows {
                len: rows.len(),
                features,
            },
            _ => Error::RowWidth {
                column: name.clone(),
                found: width,
                expected: features,
            },
        });
    }
    if let Some(place) = rows.iter().position(|v| !v.is_finite()) {
        return Err(Error::NotFiniteFeature {
            row: place / features,
            feature: place % features,
            value: rows[place],
        });
    }
    match of.data.is_matrix(name) {
        true => Data::new().matrix(name, rows, features),
        false => Data::new().column(name, rows),
    }
}
