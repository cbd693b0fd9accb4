//! One column of a table: its values, and how they are found in fields.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::kind::{ColumnKind, is_code, is_missing};
use super::lines::Lines;
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
    /// Where each row stands.
    pub(super) lines: &'a Lines,
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
        let (place, column) = (|| self.lines.place(row), || self.name.to_owned());
        match kind.parse(field, self.comma) {
            Some(value) if value.is_finite() => Ok(value),
            Some(_) => Err(DataError::NotFiniteField {
                place: place(),
                column: column(),
                field: field.to_owned(),
            }),
            None => Err(DataError::WrongField {
                place: place(),
                column: column(),
                field: field.to_owned(),
                expected: kind.expected(),
            }),
        }
    }

    fn categories(&self, values: &mut [f64]) -> Vec<String> {
        let mut words = Words::default();
        for (row, field) in self.fields() {
            values[row] = words.place(field);
        }
        words.sorted(values)
    }
}

impl TableColumn {
    /// The words of columns one after the other, with the name of the first.
    pub(super) fn of_words<'a>(
        first: &TableColumn,
        parts: impl Iterator<Item = &'a TableColumn>,
    ) -> TableColumn {
        let mut words = Words::default();
        let mut values = Vec::new();
        for part in parts {
            let value = |value: &f64| match value.is_nan() {
                true => f64::NAN,
                false => words.place(&part.categories[*value as usize]),
            };
            values.extend(part.values.iter().map(value));
        }
        TableColumn {
            categories: words.sorted(&mut values).into(),
            values: values.into(),
            ..first.clone()
        }
    }

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
    pub(super) fn of_kind(
        &self,
        kind: ColumnKind,
        lines: &Lines,
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

/// The different words of a column, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Words(HashMap<String, usize>);

impl Words {
    /// The place of a word.
    pub(super) fn place(&mut self, word: &str) -> f64 {
        let next = self.0.len();
        let known = self.0.get(word).copied();
        known.unwrap_or_else(|| *self.0.entry(word.to_owned()).or_insert(next)) as f64
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The words, sorted, and their places among the values, as they are then.
    pub(super) fn sorted(self, values: &mut [f64]) -> Vec<String> {
        let mut words: Vec<(String, usize)> = self.0.into_iter().collect();
        sort_words(&mut words, |(word, _)| word);
        let mut sorted = vec![0.0; words.len()];
        for (place, (_, before)) in words.iter().enumerate() {
            sorted[*before] = place as f64;
        }
        for value in values.iter_mut().filter(|value| !value.is_nan()) {
            *value = sorted[*value as usize];
        }
        words.into_iter().map(|(word, _)| word).collect()
    }
}

/// Sorts words: those that are all numbers by their size.
pub(crate) fn sort_words<T>(words: &mut [T], word: impl Fn(&T) -> &str) {
    let size = |word: &str| word.parse::<f64>().ok().filter(|size| !size.is_nan());
    let are_numbers = words.iter().all(|own| size(word(own)).is_some());
    words.sort_unstable_by(|a, b| {
        let (a, b) = (word(a), word(b));
        let by_size = || Some(size(a)?.total_cmp(&size(b)?));
        let order = are_numbers.then(by_size).flatten();
        order.unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
    });
}
