//! A recipe with the constants of the rows that it was fitted to.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::Recipe;
use super::codes::Codes;
use super::column::{Encoded, Statistics};
use super::target::Target;
use crate::data::DataError;
use crate::data::standardize::Standardization;
use crate::data::table::Table;

/// Numbers that are encoded together.
const TILE: usize = 1 << 11;

/// A [`Recipe`] fitted to rows: the categories of each column of words, what stands for missing values,
/// and the means and standard deviations of numbers.
///
/// It is part of a data set that was made of a [`Table`], and of every fit to it, so that new rows are
/// encoded as those of the fit were, whatever the order of their columns. Shown with `{}` it is a line
/// for each column.
///
/// ```
/// let table = bayes_nn::Table::read_from("x,on,kind\n1,true,b\n3,false,a\n".as_bytes())?;
/// assert_eq!(
///     table.target("kind")?.encoding().expect("it is of a table").to_string(),
///     "x     (x - 2) / 1\n\
///      on    0 or 1\n\
///      kind  the target, one of 2 classes: a, b"
/// );
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    pub(super) recipe: Recipe,
    pub(super) columns: Vec<Encoded>,
    pub(super) target: Target,
}

impl Encoding {
    /// The recipe for a table, with the constants of some of its rows.
    pub(crate) fn fit(
        recipe: &Recipe,
        table: &Table,
        rows: &[usize],
        target: &str,
    ) -> Result<Encoding, DataError> {
        let places = table.places();
        recipe.check(table)?;
        let target_place = places.find(target)?;
        let features = table.features().iter().map(|place| table.at(*place));
        let mut columns = Vec::new();
        for column in features.filter(|column| column.name != target) {
            places.find(&column.name)?;
            columns.push(Encoded::fit(recipe, table, column, rows)?);
        }
        match columns.is_empty() {
            true => Err(DataError::NoFeatures),
            false => {
                let encoding = Encoding {
                    target: Target::fit(recipe, table, table.at(target_place), rows)?,
                    recipe: recipe.clone(),
                    columns,
                };
                encoding.check_embedded().map(|()| encoding)
            }
        }
    }

    /// The recipe for columns of which this is known.
    pub(in crate::data) fn of(
        recipe: &Recipe,
        features: &[Statistics],
        target: &Statistics,
    ) -> Result<Encoding, DataError> {
        let columns = features.iter().map(|column| Encoded::of(recipe, column));
        let encoding = Encoding {
            recipe: recipe.clone(),
            columns: columns.collect(),
            target: Target::of_statistics(recipe, target),
        };
        encoding.check_embedded().map(|()| encoding)
    }

    /// The name of the target.
    pub fn target_name(&self) -> &str {
        &self.target.name
    }

    /// How the target is standardised, if it is.
    pub(in crate::data) fn target_standardization(&self) -> Option<Standardization> {
        self.target.standardization(&self.recipe)
    }

    /// The targets of rows, `[rows]`, as a model has them.
    pub(in crate::data) fn scaled_targets(
        &self,
        table: &Table,
        rows: &[usize],
    ) -> Result<Vec<f64>, DataError> {
        let y = self.target.of(table, rows)?;
        match self.target_standardization() {
            Some(constants) => constants.apply(&y),
            None => Ok(y),
        }
    }

    /// The recipe that was fitted.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The names of the classes of the target, by their numbers; `None` of a regression.
    pub fn classes(&self) -> Option<&[String]> {
        self.target.classes.as_deref()
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn class_names(&self) -> Option<&Arc<[String]>> {
        self.target.classes.as_ref()
    }

    /// Whether every column is one number, as it is in the table.
    pub(crate) fn is_identity(&self) -> bool {
        self.recipe.unscaled && self.columns.iter().all(Encoded::is_one_number)
    }

    /// The names of the columns that are features.
    pub(in crate::data) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The names of the numbers of a row, in order.
    pub fn feature_names(&self) -> Vec<String> {
        self.columns.iter().flat_map(Encoded::names).collect()
    }

    /// The means and deviations by which numbers are standardised: 0 and 1 of columns that are 0 or 1.
    pub(crate) fn standardization(&self) -> Option<Standardization> {
        let constants = self.columns.iter().flat_map(Encoded::constants);
        let (means, sds) = constants.unzip();
        (!self.recipe.unscaled).then(|| Standardization::new(means, sds))
    }

    /// Rows of a table as numbers, row-major, `[rows, features]`.
    ///
    /// # Errors
    /// A column that is missing or of another kind, a word that is none of the categories, a value that
    /// is missing where none was in the fit: each with its line and column.
    pub(crate) fn scaled_features(
        &self,
        table: &Table,
        rows: &[usize],
    ) -> Result<Arc<[f64]>, DataError> {
        let width: usize = self.columns.iter().map(Encoded::width).sum();
        let places = table.places();
        let own = self.columns.iter().filter(|own| own.vector.is_none());
        let columns = own.map(|encoded| {
            let column = table.at(places.find(&encoded.name)?);
            Ok((encoded, table.as_kind(column, encoded.kind)?))
        });
        let columns = columns.collect::<Result<Vec<_>, DataError>>()?;
        let mut first = 0;
        let columns = columns.iter().map(|(encoded, column)| {
            first += encoded.width();
            let places = first - encoded.width()..first;
            (*encoded, Codes::new(column, &encoded.categories), places)
        });
        let columns: Vec<(&Encoded, Codes<'_>, Range<usize>)> = columns.collect();
        let standardization = self.standardization();
        let mut values: Arc<[f64]> = std::iter::repeat_n(0.0, rows.len() * width).collect();
        let all = Arc::get_mut(&mut values).expect("nobody shares it yet");
        // Rows that the first-level cache holds, column after column.
        let tile = (TILE / width.max(1)).max(1);
        let tiles = rows.chunks(tile).zip(all.chunks_mut(tile * width));
        for (number, (rows, to)) in tiles.enumerate() {
            for (encoded, codes, places) in &columns {
                for (row, to) in rows.iter().zip(to.chunks_exact_mut(width)) {
                    let written = match codes.get(*row) {
                        Ok(value) => encoded.write(value, &mut to[places.clone()]),
                        Err(_) if self.recipe.ignore_unknown => Some(()),
                        Err(word) => return Err(codes.unknown(table.place(*row), word)),
                    };
                    written.ok_or_else(|| encoded.missing_at(table.place(*row)))?;
                }
            }
            if let Some(constants) = &standardization {
                constants.apply_in_place(to, number * tile)?;
            }
        }
        Ok(values)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 50;
        let shown = || self.columns.iter().take(SHOWN);
        let names = shown().map(|column| column.name.as_str());
        let names = names.chain([&*self.target.name]);
        let lengths = names.map(|name| name.chars().count());
        let width = lengths.max().unwrap_or(0).min(40);
        for column in shown() {
            writeln!(f, "{:<width$}  {column}", column.name)?;
        }
        match self.columns.len().saturating_sub(SHOWN) {
            0 => {}
            more => writeln!(f, "... and {more} more")?,
        }
        write!(
            f,
            "{:<width$}  the target, {}",
            self.target.name, self.target
        )
    }
}
