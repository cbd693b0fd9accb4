//! What a model reads: named columns with one row each for every observation.

use std::sync::Arc;

use bayes_nn_inference::Dimension;
use bayes_nn_kernels::{Column, KernelError};

use crate::data::{
    DataError, Dataset, Embedded, Origin, Source, Standardization, check_finite, check_whole_rows,
};
use crate::error::{Error, listed};

/// Named columns, all of the same number of rows, and all finite but for what is said to be
/// missing.
///
/// Values stay in the type in which they are handed in, and a clone shares them: an `Arc` or a
/// `Vec` is taken over, a reference copied once. A model calculates with the same numbers whatever
/// their type; what is to be scaled is scaled by the model, as in `data.matrix("pixels") / 255.0`.
/// A [`Dataset`] becomes a matrix `x` and a column `y`, and shares them.
///
/// ```
/// use bayes_nn::model::Data;
/// let data = Data::new()
///     .column("y", &[1.5, 0.2, 3.0])?
///     .matrix("pixels", vec![0_u8, 255, 128, 7, 0, 90], 2)?
///     .index("group", &[0, 1, 1])?;
/// assert_eq!(data.rows(), Some(3));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub(super) columns: Vec<(String, Values)>,
    pub(super) rows: Option<usize>,
    pub(super) scales: Option<Scales>,
    /// What is streamed; the columns above then hold its first rows.
    pub(super) sources: Vec<Arc<dyn Source>>,
    /// Rows of a block that is shuffled as a whole.
    pub(super) block: Option<usize>,
    /// Of the first rows of a stream: the rows of all.
    pub(super) total: Option<usize>,
    pub(super) dimensions: Vec<Dimension>,
    /// Index columns whose numbers are places of a dimension.
    pub(super) selects: Vec<(String, Arc<str>)>,
}

/// How the features and the target of a data set are scaled, and of a table encoded.
#[derive(Clone, Debug)]
pub(crate) struct Scales {
    pub(crate) features: Option<Standardization>,
    pub(crate) target: Option<Standardization>,
    pub(crate) classes: Option<Arc<[String]>>,
    pub(crate) origin: Option<Arc<Origin>>,
}

/// A column, or several side by side under one name.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// `[n]`
    Vector(Column),
    /// `[n]`, of which some rows are not known: the values of the others, in order, and the
    /// numbers of the missing rows, rising.
    Incomplete {
        observed: Column,
        missing: Arc<[usize]>,
    },
    Matrix(Matrix),
    /// `[n]`, whole numbers that select.
    Index(Column),
    /// A column of the data of a fit that was loaded: files have no values of it.
    Gone(Gone),
}

/// What is known of a column whose values are gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gone {
    Vector,
    /// With missing values.
    Incomplete,
    Matrix {
        columns: usize,
    },
    Index,
}

/// Row-major `[n, columns]`.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) values: Column,
    pub(crate) columns: usize,
}

impl Matrix {
    pub(super) fn new(values: Column, columns: usize) -> Matrix {
        Matrix { values, columns }
    }
}

impl Values {
    /// Whether it is an index, be its numbers there or not.
    pub(crate) fn is_index(&self) -> bool {
        matches!(self, Values::Index(_) | Values::Gone(Gone::Index))
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Values::Vector(_)
            | Values::Incomplete { .. }
            | Values::Gone(Gone::Vector | Gone::Incomplete) => "a column",
            Values::Matrix(_) | Values::Gone(Gone::Matrix { .. }) => "a matrix",
            Values::Index(_) | Values::Gone(Gone::Index) => "an index",
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
    pub fn column(self, name: &str, values: impl Into<Column>) -> Result<Data, Error> {
        let values = values.into();
        if let Some(row) = values.position(f64::is_nan) {
            return Err(Error::UnmarkedMissing {
                column: name.to_owned(),
                row,
            });
        }
        check_finite(&values, 1, |_| name.to_owned())?;
        self.add(name, values.len(), Values::Vector(values))
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
    /// let samples = model::fit(&model, &data, &Nuts::new().chains(2).seed(1))?;
    /// let draws = samples.all_draws()?;
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
        let observed: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
        let column = Values::Incomplete {
            observed: observed.into(),
            missing: missing.into(),
        };
        self.add(name, values.len(), column)
    }

    /// Adds a matrix, `values` row-major `[n, columns]`.
    ///
    /// # Errors
    /// As [`Data::column`], and values that do not fill whole rows.
    pub fn matrix(
        self,
        name: &str,
        values: impl Into<Column>,
        columns: usize,
    ) -> Result<Data, Error> {
        let values = values.into();
        if columns == 0 {
            return Err(empty(name));
        }
        check_whole_rows(&format!("`{name}`"), values.len(), columns)?;
        check_finite(&values, columns, |column| match columns {
            1 => name.to_owned(),
            _ => format!("{name}[{column}]"),
        })?;
        let rows = values.len() / columns;
        self.add(name, rows, Values::Matrix(Matrix::new(values, columns)))
    }

    /// Adds a column of whole numbers that select, for `Var::gather`.
    ///
    /// # Errors
    /// As [`Data::column`]; a number above `u32::MAX`, as no axis is that long.
    pub fn index(self, name: &str, values: &[usize]) -> Result<Data, Error> {
        let numbers = values.iter().map(|&v| u32::try_from(v));
        match numbers.collect::<Result<Vec<u32>, _>>() {
            Ok(numbers) => self.add(name, values.len(), Values::Index(numbers.into())),
            Err(_) => {
                let too_large = |v: &usize| u32::try_from(*v).is_err();
                let position = values.iter().position(too_large).unwrap_or(0);
                Err(KernelError::Index {
                    name: name.to_owned(),
                    value: values[position] as f64,
                    position,
                    length: u32::MAX as usize + 1,
                }
                .into())
            }
        }
    }

    pub(super) fn add(mut self, name: &str, rows: usize, column: Values) -> Result<Data, Error> {
        if rows == 0 {
            return Err(empty(name));
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

    pub(crate) fn columns(&self) -> impl Iterator<Item = &(String, Values)> {
        self.columns.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Values> {
        let found = self.columns.iter().find(|(own, _)| own == name);
        found.map(|(_, column)| column)
    }

    /// The data without a column.
    pub(crate) fn without(&self, name: &str) -> Data {
        let mut rest = self.clone();
        rest.columns.retain(|(own, _)| own != name);
        if rest.columns.is_empty() {
            rest.rows = None;
        }
        rest
    }

    /// Whether a column has missing values.
    pub(crate) fn is_incomplete(&self) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|(_, column)| matches!(column, Values::Incomplete { .. }))
    }

    /// The data of a fit that was loaded: columns without values.
    pub(crate) fn described(
        columns: Vec<(String, Gone)>,
        rows: Option<usize>,
        scales: Option<Scales>,
    ) -> Data {
        let columns = columns.into_iter();
        Data {
            columns: columns
                .map(|(name, gone)| (name, Values::Gone(gone)))
                .collect(),
            rows,
            scales,
            ..Data::default()
        }
    }

    pub(crate) fn scales(&self) -> &Option<Scales> {
        &self.scales
    }

    /// Whether these are the data of a fit that was loaded, whose values are gone.
    pub(crate) fn is_gone(&self) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|(_, column)| matches!(column, Values::Gone(_)))
    }

    /// The error of what needs the values of a column.
    pub(crate) fn gone(name: &str) -> Error {
        Error::NotSaved {
            what: name.to_owned(),
        }
    }

    /// The numbers in each row of a matrix or column.
    pub(crate) fn features(&self, name: &str) -> Result<usize, Error> {
        match self.get(name) {
            Some(Values::Matrix(matrix)) => Ok(matrix.columns),
            Some(Values::Gone(Gone::Matrix { columns })) => Ok(*columns),
            Some(_) => Ok(1),
            None => Err(Error::UnknownColumn {
                column: name.to_owned(),
                available: self.names(),
            }),
        }
    }

    /// Whether a column holds numbers, none of them missing, and is no index.
    pub(crate) fn is_of_numbers(&self, name: &str) -> bool {
        let gone = |gone: &Gone| matches!(gone, Gone::Vector | Gone::Matrix { .. });
        match self.get(name) {
            Some(Values::Gone(column)) => gone(column),
            column => matches!(column, Some(Values::Vector(_) | Values::Matrix(_))),
        }
    }

    /// Whether a column is a matrix.
    pub(crate) fn is_matrix(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|column| column.kind() == "a matrix")
    }

    /// Checks that every column with missing values misses those that it misses in the data of
    /// the fit: for other rows there are no draws.
    pub(crate) fn check_missing(&self, fitted: &Data) -> Result<(), Error> {
        for (name, column) in &self.columns {
            let Values::Incomplete { missing, .. } = column else {
                continue;
            };
            match fitted.get(name) {
                Some(Values::Incomplete { missing: known, .. }) if known == missing => {}
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
        listed(self.columns.iter().map(|(name, _)| name))
    }

    /// Whether these are rows of the data of a fit, and all of them, with or without the columns
    /// that are observed.
    pub(crate) fn are_those_of(&self, fitted: &Data) -> bool {
        let mut columns = self.columns.iter();
        self.rows == fitted.rows
            && self.is_in_memory()
            && fitted.is_in_memory()
            && columns.all(|(name, own)| match (own, fitted.get(name)) {
                (Values::Vector(own), Some(Values::Vector(known)))
                | (Values::Index(own), Some(Values::Index(known))) => own == known,
                (Values::Matrix(own), Some(Values::Matrix(known))) => {
                    own.columns == known.columns && own.values == known.values
                }
                (Values::Incomplete { .. }, Some(Values::Incomplete { .. })) => true,
                (Values::Gone(own), Some(Values::Gone(known))) => own == known,
                _ => false,
            })
    }

    pub(crate) fn target(&self) -> Option<&Standardization> {
        self.scales.as_ref()?.target.as_ref()
    }
}

/// The error of a column or a matrix of no numbers.
fn empty(name: &str) -> Error {
    Error::Data(DataError::EmptyColumn {
        column: name.to_owned(),
    })
}

impl From<&Dataset> for Data {
    fn from(data: &Dataset) -> Data {
        let (values, y) = data.columns();
        let x = Values::Matrix(Matrix::new(values.clone(), data.features()));
        let y = Values::Vector(y.clone());
        let mut columns = vec![("x".to_owned(), x), ("y".to_owned(), y)];
        if let Some(origin) = data.origin_of() {
            // They were found without an error when the data set was made.
            let codes = origin.encoding.codes(&origin.table, &origin.rows);
            let embedded = origin.encoding.embeddings().into_iter();
            let index =
                |(own, codes): (Embedded, Vec<u32>)| (own.index, Values::Index(codes.into()));
            columns.extend(embedded.zip(codes.unwrap_or_default()).map(index));
        }
        Data {
            columns,
            rows: Some(data.rows()),
            scales: Some(Scales {
                features: data.standardization().cloned(),
                target: data.target_standardization().cloned(),
                classes: data.class_names().cloned(),
                origin: data.origin_of().cloned(),
            }),
            ..Data::default()
        }
    }
}

impl From<&Data> for Data {
    fn from(data: &Data) -> Data {
        data.clone()
    }
}
