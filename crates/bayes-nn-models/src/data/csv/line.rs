//! The parts of a CSV: columns by their names, and lines of fields.

use std::collections::HashMap;

use crate::data::DataError;
use crate::error::listed;

/// The columns by their names.
pub(super) struct Places<'a> {
    names: &'a [String],
    /// Of each name its first column, and whether there is another.
    first: HashMap<&'a str, (usize, bool)>,
}

impl<'a> Places<'a> {
    pub(super) fn new(names: &'a [String]) -> Self {
        let mut first = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let known = first.entry(name.as_str());
            known
                .and_modify(|(_, again)| *again = true)
                .or_insert((place, false));
        }
        Self { names, first }
    }

    pub(super) fn find(&self, wanted: &str) -> Result<usize, DataError> {
        match self.first.get(wanted) {
            Some((place, false)) => Ok(*place),
            Some((_, true)) => Err(DataError::DuplicateColumn {
                column: wanted.to_owned(),
            }),
            None => Err(DataError::UnknownColumn {
                column: wanted.to_owned(),
                available: listed(self.names),
            }),
        }
    }
}

/// One line with as many fields as there are columns.
pub(super) struct Line<'a> {
    record: &'a csv::ByteRecord,
    names: &'a [String],
    line: u64,
}

impl<'a> Line<'a> {
    pub(super) fn new(record: &'a csv::ByteRecord, names: &'a [String], text: &[u8]) -> Self {
        // A record begins after the `\r` of the line before, and the `\n` that follows it still
        // counts as that line, as do empty lines.
        let line = record.position().map_or(0, |position| {
            let rest = text.get(position.byte() as usize..).unwrap_or_default();
            let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            position.line() + ends.filter(|byte| **byte == b'\n').count() as u64
        });
        Self {
            record,
            names,
            line,
        }
    }

    pub(super) fn check_length(&self) -> Result<(), DataError> {
        match self.record.len() == self.names.len() {
            true => Ok(()),
            false => Err(DataError::Ragged {
                line: self.line,
                found: self.record.len(),
                expected: self.names.len(),
            }),
        }
    }

    /// Whether all fields are numbers.
    pub(super) fn looks_like_data(&self) -> bool {
        let number = |field| std::str::from_utf8(field).is_ok_and(|f| f.parse::<f64>().is_ok());
        self.record.iter().all(number)
    }

    /// The name in a column of the header.
    pub(super) fn name(&self, column: usize) -> Result<String, DataError> {
        let name = || (column + 1).to_string();
        Ok(self.text(column, name)?.to_owned())
    }

    pub(super) fn number(&self, column: usize) -> Result<f64, DataError> {
        let text = self.field(column)?;
        let (line, name) = (self.line, || self.names[column].clone());
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => Err(DataError::NotFiniteField {
                line,
                column: name(),
                field: text.to_owned(),
            }),
            Err(_) => Err(DataError::NotANumber {
                line,
                column: name(),
                field: text.to_owned(),
            }),
        }
    }

    pub(super) fn marker(&self, column: usize) -> Result<bool, DataError> {
        let text = self.field(column)?;
        match text.to_ascii_lowercase().as_str() {
            "1" | "1.0" | "true" => Ok(true),
            "0" | "0.0" | "false" => Ok(false),
            _ => Err(DataError::Marker {
                line: self.line,
                column: self.names[column].clone(),
                field: text.to_owned(),
            }),
        }
    }

    fn field(&self, column: usize) -> Result<&str, DataError> {
        self.text(column, || self.names[column].clone())
    }

    fn text(&self, column: usize, name: impl Fn() -> String) -> Result<&str, DataError> {
        std::str::from_utf8(&self.record[column]).map_err(|_| DataError::NotUtf8 {
            line: self.line,
            column: name(),
        })
    }
}
