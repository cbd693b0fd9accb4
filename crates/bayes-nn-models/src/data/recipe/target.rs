//! The target of a table: classes with names, or a number with a scale.

use std::fmt;
use std::sync::Arc;

use super::Recipe;
use super::codes::Codes;
use super::column::{Statistics, few, scaling};
use crate::data::DataError;
use crate::data::standardize::Standardization;
use crate::data::table::{ColumnKind, Place, Table, TableColumn};

/// How the target is encoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(super) name: Arc<str>,
    pub(super) kind: ColumnKind,
    pub(super) classes: Option<Arc<[String]>>,
    pub(super) mean: f64,
    pub(super) sd: f64,
}

impl Target {
    pub(super) fn fit(
        recipe: &Recipe,
        table: &Table,
        column: &TableColumn,
        rows: &[usize],
    ) -> Result<Target, DataError> {
        if let Some(row) = column.values.iter().position(|value| value.is_nan()) {
            return Err(missing(table.place(row), &column.name));
        }
        Ok(Target::of_statistics(recipe, &Statistics::of(column, rows)))
    }

    /// The target of which this is known.
    pub(super) fn of_statistics(recipe: &Recipe, column: &Statistics) -> Target {
        let names = |words: [&str; 2]| Some(words.map(str::to_owned).into());
        let classes: Option<Arc<[String]>> = match column.kind {
            ColumnKind::Category => Some(column.categories.clone()),
            ColumnKind::Boolean => names(["false", "true"]),
            ColumnKind::Number if column.is_binary => names(["0", "1"]),
            ColumnKind::Number | ColumnKind::Date => None,
        };
        let (mean, sd) = match classes.is_some() || recipe.unscaled {
            true => (0.0, 1.0),
            false => (column.mean, column.sd),
        };
        Target {
            name: column.name.as_str().into(),
            kind: column.kind,
            classes,
            mean,
            sd,
        }
    }

    /// How numbers are standardised, if they are.
    pub(super) fn standardization(&self, recipe: &Recipe) -> Option<Standardization> {
        let scaled = self.classes.is_none() && !recipe.unscaled;
        scaled.then(|| Standardization::new(vec![self.mean], vec![self.sd]))
    }

    /// The targets of rows, `[rows]`, not yet standardised: numbers, or those of classes.
    pub(super) fn of(&self, table: &Table, rows: &[usize]) -> Result<Vec<f64>, DataError> {
        let column = table.as_kind(table.column(&self.name)?, self.kind)?;
        let known = match self.kind {
            ColumnKind::Category => self.classes.as_deref().unwrap_or_default(),
            _ => &[],
        };
        let codes = Codes::new(&column, known);
        let value = |row: &usize| {
            let place = || table.place(*row);
            let value = codes
                .get(*row)
                .map_err(|word| codes.unknown(place(), word))?;
            match value.is_nan() {
                true => Err(missing(place(), &self.name)),
                false => Ok(value),
            }
        };
        rows.iter().map(value).collect()
    }
}

/// The error of a value that is needed and missing.
pub(in crate::data) fn missing(place: Place, column: &str) -> DataError {
    DataError::MissingField {
        place,
        column: column.to_owned(),
        remedy: format!("`Table::drop_missing([\"{column}\"])` leaves such rows out"),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.classes {
            Some(classes) => {
                let plural = if classes.len() == 1 { "" } else { "es" };
                write!(f, "one of {} class{plural}: ", classes.len())?;
                few(f, classes)
            }
            None if (self.mean, self.sd) == (0.0, 1.0) => write!(f, "a number as it is"),
            None => scaling(f, "y", self.mean, self.sd),
        }
    }
}
