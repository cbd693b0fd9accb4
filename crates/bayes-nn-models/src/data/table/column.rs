//! One column of a table: its values, and how they are found in fields.

use std::collections::HashMap;
use std::sync::Arc;

use super::kind::{ColumnKind, is_code, is_missing};
use crate::data::DataError;

/// Values as numbers, those that are missing as NaN.
#[derive(Clone, Debug)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    /// Numbers, days, 0 and 1, or places among the categories.
    pub(crate) values: Arc<[f64]>,
    /// The words of a column of categories, sorted; numbers among them by their size.
    pub(crate) categories: Arc<[String]>,
}

/// Fields of one column.
pub(super) struct Source<'a, F> {
    pub(super) name: &'a str,
    /// The line of each row.
    pub(super) lines: &'a [u32],
    /// The text of a row.
    pub(super) field: F,
    /// Words for missing values beside the usual ones.
    pub(super) missing: &'a [String],
    /// Whether numbers may have a comma for a point.
    pub(super) comma: bool,
}

impl<'a, F: Fn(usize) -> &'a str> Source<'a, F> {
    /// The fields that are not missing.
    fn fields(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let rows = 0..self.lines.len();
        let fields = rows.map(|row| (row, (self.field)(row)));
        fields.filter(|(_, field)| !is_missing(field, self.missing))
    }

    /// The kind that all fields are of; words, if there is none.
    pub(super) fn kind(&self) -> ColumnKind {
        let mut kinds = vec![ColumnKind::Number, ColumnKind::Boolean, ColumnKind::Date];
        for (_, field) in self.fields() {
            kinds.retain(|kind| kind.parse(field, self.comma).is_some());
            if kinds.first() == Some(&ColumnKind::Number) && is_code(field) {
                kinds.clear();
            }
            if kinds.is_empty() {
                return ColumnKind::Category;
            }
        }
        kinds[0]
    }

    /// The column, of which every field is of this kind or missing.
    pub(super) fn column(&self, kind: ColumnKind) -> Result<TableColumn, DataError> {
        let mut values = vec![f64::NAN; self.lines.len()];
        let categories = match kind {
            ColumnKind::Category => self.categories(&mut values),
            _ => {
                for (row, field) in self.fields() {
                    values[row] = self.value(row, field, kind)?;
                }
                Vec::new()
            }
        };
        Ok(TableColumn {
            name: self.name.to_owned(),
            kind,
            values: values.into(),
            categories: categories.into(),
        })
    }

    fn value(&self, row: usize, field: &str, kind: ColumnKind) -> Result<f64, DataError> {
        let (line, column) = (u64::from(self.lines[row]), || self.name.to_owned());
        match kind.parse(field, self.comma) {
            Some(value) if value.is_finite() => Ok(value),
            Some(_) => Err(DataError::NotFiniteField {
                line,
                column: column(),
                field: field.to_owned(),
            }),
            None => Err(DataError::WrongField {
                line,
                column: column(),
                field: field.to_owned(),
                expected: kind.expected(),
            }),
        }
    }

    fn categories(&self, values: &mut [f64]) -> Vec<String> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (row, field) in self.fields() {
            let next = places.len();
            values[row] = *places.entry(field).or_insert(next) as f64;
        }
        let words = sorted(places);
        let mut sorted = vec![0.0; words.len()];
        for (place, (_, before)) in words.iter().enumerate() {
            sorted[*before] = place as f64;
        }
        for value in values.iter_mut().filter(|value| !value.is_nan()) {
            *value = sorted[*value as usize];
        }
        words.into_iter().map(|(word, _)| word.to_owned()).collect()
    }
}

/// Words, each with something of its own, sorted: those that are all numbers by their size.
pub(super) fn sorted<W: AsRef<str>, T>(words: impl IntoIterator<Item = (W, T)>) -> Vec<(W, T)> {
    let size = |word: &str| word.parse::<f64>().ok().filter(|size| !size.is_nan());
    let words = words
        .into_iter()
        .map(|(word, own)| (size(word.as_ref()), word, own));
    let mut words: Vec<_> = words.collect();
    let by_size = words.iter().all(|(size, ..)| size.is_some());
    words.sort_unstable_by(|(a, a_word, _), (b, b_word, _)| {
        let by_word = || a_word.as_ref().cmp(b_word.as_ref());
        match (by_size, a, b) {
            (true, Some(a), Some(b)) => a.total_cmp(b).then_with(by_word),
            _ => by_word(),
        }
    });
    words
        .into_iter()
        .map(|(_, word, own)| (word, own))
        .collect()
}

impl TableColumn {
    /// The text of a value, as it could stand in a file; of a missing one nothing.
    pub(crate) fn text(&self, row: usize) -> String {
        match self.values[row] {
            value if value.is_nan() => String::new(),
            value if self.kind == ColumnKind::Category => self.categories[value as usize].clone(),
            value => self.kind.text(value),
        }
    }

    /// The number of missing values.
    pub(crate) fn missing(&self) -> usize {
        self.values.iter().filter(|value| value.is_nan()).count()
    }

    /// The same values as another kind, read again from their text.
    pub(crate) fn of_kind(
        &self,
        kind: ColumnKind,
        lines: &[u32],
        comma: bool,
    ) -> Result<TableColumn, DataError> {
        if kind == self.kind {
            return Ok(self.clone());
        }
        let texts: Vec<String> = (0..self.values.len()).map(|row| self.text(row)).collect();
        let source = Source {
            name: &self.name,
            lines,
            field: |row: usize| texts[row].as_str(),
            missing: &[],
            comma,
        };
        source.column(kind)
    }
}
