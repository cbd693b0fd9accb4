//! Words of a column by the categories of a fit.

use std::collections::HashMap;

use crate::data::DataError;
use crate::data::table::{ColumnKind, Place, TableColumn, available};

/// The values of a column by the categories of the fit.
pub(super) struct Codes<'a> {
    column: &'a TableColumn,
    known: &'a [String],
    /// Of each category of the column its place among those that are known.
    places: Vec<Option<usize>>,
}

impl<'a> Codes<'a> {
    pub(super) fn new(column: &'a TableColumn, known: &'a [String]) -> Codes<'a> {
        let by_word: HashMap<&str, usize> = known
            .iter()
            .enumerate()
            .map(|(place, word)| (word.as_str(), place))
            .collect();
        // 1 and 1.0 are one category, as they are one number.
        let number = |word: &str| word.parse::<f64>().ok();
        let equal = |word: &str| {
            let wanted = number(word)?;
            known.iter().position(|word| number(word) == Some(wanted))
        };
        let place = |word: &String| by_word.get(word.as_str()).copied().or_else(|| equal(word));
        Codes {
            column,
            known,
            places: column.categories.iter().map(place).collect(),
        }
    }

    /// The value of a row, or the word that is not known.
    pub(super) fn get(&self, row: usize) -> Result<f64, &'a str> {
        let value = self.column.values[row];
        if value.is_nan() || self.column.kind != ColumnKind::Category {
            return Ok(value);
        }
        let place = self.places[value as usize].map(|place| place as f64);
        place.ok_or(&self.column.categories[value as usize])
    }

    pub(super) fn unknown(&self, place: Place, word: &str) -> DataError {
        DataError::UnknownCategory {
            place,
            column: self.column.name.clone(),
            field: word.to_owned(),
            known: available(word, self.known),
        }
    }
}
