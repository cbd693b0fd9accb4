//! What a model reads: named columns with one row each for every observation.

use std::sync::Arc;

use crate::data::{DataError, Dataset, Standardization};
use crate::error::Error;

/// Named columns, all of the same number of rows, and all finite but for what is said to be
/// missing.
///
/// A clone shares the values. A [`Dataset`] becomes a matrix `x` and a column `y`, and shares them.
///
/// ```
/// use bayes_nn::model::Data;
/// let data = Data::new()
///     .column("y", &[1.5, 0.2, 3.0])?
///     .matrix("x", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2)?
///     .index("group", &[0, 1, 1])?;
/// assert_eq!(data.rows(), Some(3));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Data {
    columns: Vec<(String, Column)>,
    rows: Option<usize>,
    target: Option<Standardization>,
}

/// A column, or several side by side under one name.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// `[n]`
    Vector(Arc<[f64]>),
    /// `[n]`, of which some rows are not known: the values of the others, in order, and the
    /// numbers of the missing rows, rising.
    Incomplete {
        observed: Arc<[f64]>,
        missing: Arc<[usize]>,
    },
    /// Row-major `[n, columns]`.
    Matrix { values: Arc<[f64]>, columns: usize },
    /// `[n]`, whole numbers that select.
    Index(Arc<[f64]>),
}

impl Column {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Column::Vector(_) | Column::Incomplete { .. } => "a column",
            Column::Matrix { .. } => "a matrix",
            Column::Index(_) => "an index",
        }
    }
}

impl Data {
    /// No columns, for a model that reads none.
    pub fn new() -> Data {
        Data::default()
    }

    /// Adds a column of numbers, one a row.
    ///
    /// # Errors
    /// No values, a value that is not finite, another number of rows than the columns before, a
    /// name that is taken.
    pub fn column(self, name: &str, values: &[f64]) -> Result<Data, Error> {
        if let Some(row) = values.iter().position(|v| v.is_nan()) {
            return Err(Error::UnmarkedMissing {
                column: name.to_owned(),
                row,
            });
        }
        check_finite(name, values, 1)?;
        self.add(name, values.len(), Column::Vector(values.into()))
    }

    /// Adds a column of numbers of which those that are NaN are missing.
    ///
    /// Where a model [observes](super::Trace::observe) the column, its missing values become
    /// variables of the model with the observed ones' distribution, and are drawn with all the
    /// others. Without NaN it is a [`Data::column`].
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::model::{self, Data};
    /// use bayes_nn::Nuts;
    /// let model = model::from_fn(|trace, data| {
    ///     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
    ///     trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    /// });
    /// let data = Data::new().column_with_missing("y", &[1.0, 2.0, f64::NAN, 1.5, 1.2])?;
    /// let samples = model::sample(&model, &data, Nuts::new().chains(2).seed(1))?;
    /// let draws = samples.draws()?;
    /// assert_eq!(draws.variable("y_missing")?.shape().elements(), 1);
    /// assert!((draws.variable("y_missing")?.mean()[0] - 1.4).abs() < 0.2);
    /// assert_eq!(samples.log_likelihood(&data)?.variable("y")?.shape().elements(), 4);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Data::column`]; an infinite value; no value at all.
    pub fn column_with_missing(self, name: &str, values: &[f64]) -> Result<Data, Error> {
        let (missing, rows): (Vec<usize>, Vec<usize>) =
            (0..values.len()).partition(|&row| values[row].is_nan());
        if let Some(&row) = rows.iter().find(|&&row| values[row].is_infinite()) {
            return Err(DataError::NotFinite {
                row,
                column: name.to_owned(),
                value: values[row],
            }
            .into());
        }
        if missing.is_empty() {
            return self.column(name, values);
        }
        if rows.is_empty() {
            return Err(Error::MissingValues {
                column: name.to_owned(),
                problem: "in every row; at least one must be known, or `Trace::sample` says what \
                          is meant"
                    .to_owned(),
            });
        }
        let column = Column::Incomplete {
            observed: rows.iter().map(|&row| values[row]).collect(),
            missing: missing.into(),
        };
        self.add(name, values.len(), column)
    }

    /// Adds a matrix, `values` row-major `[n, columns]`.
    ///
    /// # Errors
    /// As [`Data::column`], and values that do not fill whole rows.
    pub fn matrix(self, name: &str, values: &[f64], columns: usize) -> Result<Data, Error> {
        if columns == 0 {
            return Err(DataError::ZeroFeatures.into());
        }
        if !values.len().is_multiple_of(columns) {
            return Err(DataError::NotWholeRows {
                len: values.len(),
                features: columns,
            }
            .into());
        }
        check_finite(name, values, columns)?;
        let column = Column::Matrix {
            values: values.into(),
            columns,
        };
        self.add(name, values.len() / columns, column)
    }

    /// Adds a column of whole numbers that select, for `Var::gather`.
    ///
    /// # Errors
    /// As [`Data::column`].
    pub fn index(self, name: &str, values: &[usize]) -> Result<Data, Error> {
        let rows = values.len();
        let values = values.iter().map(|&v| v as f64).collect();
        self.add(name, rows, Column::Index(values))
    }

    fn add(mut self, name: &str, rows: usize, column: Column) -> Result<Data, Error> {
        if rows == 0 {
            return Err(DataError::Empty.into());
        }
        if self.columns.iter().any(|(taken, _)| taken == name) {
            return Err(DataError::DuplicateColumn {
                column: name.to_owned(),
            }
            .into());
        }
        if let Some(expected) = self.rows.filter(|&expected| expected != rows) {
            return Err(Error::Rows {
                column: name.to_owned(),
                rows,
                expected,
            });
        }
        self.rows = Some(rows);
        self.columns.push((name.to_owned(), column));
        Ok(self)
    }

    /// The number of rows; `None` without columns.
    pub fn rows(&self) -> Option<usize> {
        self.rows
    }

    #[cfg(feature = "zarr")]
    pub(super) fn columns(&self) -> impl Iterator<Item = &(String, Column)> {
        self.columns.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Column> {
        let found = self.columns.iter().find(|(own, _)| own == name);
        found.map(|(_, column)| column)
    }

    /// The numbers in each row of a matrix or column.
    pub(crate) fn features(&self, name: &str) -> Result<usize, Error> {
        match self.get(name) {
            Some(Column::Matrix { columns, .. }) => Ok(*columns),
            Some(_) => Ok(1),
            None => Err(Error::UnknownColumn {
                column: name.to_owned(),
                available: self.names(),
            }),
        }
    }

    /// Checks that every column with missing values misses those that it misses in the data of
    /// the fit: for other rows there are no draws.
    pub(crate) fn check_missing(&self, fitted: &Data) -> Result<(), Error> {
        for (name, column) in &self.columns {
            let Column::Incomplete { missing, .. } = column else {
                continue;
            };
            match fitted.get(name) {
                Some(Column::Incomplete { missing: known, .. }) if known == missing => {}
                _ => {
                    return Err(Error::MissingValues {
                        column: name.clone(),
                        problem: "in other rows than in the data of the fit, which has no draws \
                                  of them; leave the column out to predict it, or give the \
                                  values"
                            .to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The names, for messages.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    }

    pub(crate) fn target(&self) -> Option<&Standardization> {
        self.target.as_ref()
    }
}

fn check_finite(name: &str, values: &[f64], columns: usize) -> Result<(), Error> {
    let Some(place) = values.iter().position(|v| !v.is_finite()) else {
        return Ok(());
    };
    let column = match columns {
        1 => name.to_owned(),
        _ => format!("{name}[{}]", place % columns),
    };
    Err(DataError::NotFinite {
        row: place / columns,
        column,
        value: values[place],
    }
    .into())
}

impl From<&Dataset> for Data {
    fn from(data: &Dataset) -> Data {
        let (values, y) = data.shared();
        let x = Column::Matrix {
            values,
            columns: data.features(),
        };
        Data {
            columns: vec![("x".to_owned(), x), ("y".to_owned(), Column::Vector(y))],
            rows: Some(data.rows()),
            target: data.target_standardization().cloned(),
        }
    }
}

impl From<&Data> for Data {
    fn from(data: &Data) -> Data {
        data.clone()
    }
}
