//! Text as lines of fields.

use std::ops::Range;

use crate::data::DataError;

/// The delimiters that are looked for. One that cuts every line into as many fields goes before those
/// after it: commas come last, since numbers may have them.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// So many lines are looked at for the delimiter.
const LOOKED_AT: usize = 100;

/// All fields of a file below its names, row by row.
pub(super) struct Fields {
    pub(super) names: Vec<String>,
    pub(super) delimiter: u8,
    /// The line of each row, from 1.
    pub(super) lines: Vec<u32>,
    text: String,
    /// Where each field ends in the text.
    ends: Vec<usize>,
    /// Rows before the first.
    before: usize,
}

impl Fields {
    /// Reads lines of fields. Of a header it may be said whether there is one.
    pub(super) fn read(
        text: &str,
        delimiter: Option<u8>,
        header: Option<bool>,
    ) -> Result<Fields, DataError> {
        let delimiter = delimiter.unwrap_or_else(|| found_delimiter(text));
        if let Some(line) = unclosed_quote(text, delimiter) {
            return Err(DataError::UnclosedQuote { line });
        }
        let mut records = records(text, delimiter);
        let mut record = csv::StringRecord::new();
        if !records.read_record(&mut record)? {
            return Err(DataError::EmptyFile);
        }
        let is_header = match header {
            Some(is_header) => is_header,
            None if record.iter().all(|field| field.parse::<f64>().is_ok()) => {
                return Err(DataError::NoHeader);
            }
            None => true,
        };
        let name = |(place, name): (usize, &str)| match is_header && !name.is_empty() {
            true => name.to_owned(),
            false => (place + 1).to_string(),
        };
        let mut fields = Fields {
            names: record.iter().enumerate().map(name).collect(),
            delimiter,
            lines: Vec::new(),
            text: String::with_capacity(text.len()),
            ends: Vec::new(),
            before: 0,
        };
        let mut is_row = !is_header || records.read_record(&mut record)?;
        while is_row {
            fields.push(&record, text)?;
            is_row = records.read_record(&mut record)?;
        }
        match fields.lines.is_empty() {
            true => Err(DataError::NoRows),
            false => Ok(fields),
        }
    }

    fn push(&mut self, record: &csv::StringRecord, text: &str) -> Result<(), DataError> {
        // A record begins after the `\r` of the line before, and the `\n` that follows it still
        // counts as that line, as do empty lines.
        let line = record.position().map_or(0, |position| {
            let rest = text.as_bytes().get(position.byte() as usize..);
            let rest = rest.unwrap_or_default().iter();
            let ends = rest.take_while(|byte| matches!(byte, b'\r' | b'\n'));
            position.line() + ends.filter(|byte| **byte == b'\n').count() as u64
        });
        if record.len() != self.names.len() {
            return Err(DataError::Ragged {
                line,
                found: record.len(),
                expected: self.names.len(),
            });
        }
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        for field in record {
            self.text.push_str(field);
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// Keeps these rows alone.
    pub(super) fn keep(&mut self, rows: Range<usize>) {
        self.lines.truncate(rows.end);
        self.lines.drain(..rows.start);
        self.before += rows.start;
    }

    /// The text of a field.
    pub(super) fn get(&self, row: usize, column: usize) -> &str {
        let place = (self.before + row) * self.names.len() + column;
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[place]]
    }
}

fn records(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

/// The delimiter that cuts all of the first lines into as many fields, or else the first into the
/// most.
pub(super) fn found_delimiter(text: &str) -> u8 {
    let counts = |delimiter| -> Vec<usize> {
        let records = records(text, delimiter).into_records();
        let counts = records.take(LOOKED_AT).map_while(Result::ok);
        counts.map(|record| record.len()).collect()
    };
    let all = DELIMITERS.map(|delimiter| (delimiter, counts(delimiter)));
    let is_even = |counts: &[usize]| counts[0] > 1 && counts.iter().all(|c| *c == counts[0]);
    let even = all.iter().find(|(_, c)| !c.is_empty() && is_even(c));
    let first = |counts: &Vec<usize>| counts.first().copied().unwrap_or(0);
    let most = || all.iter().max_by_key(|(_, counts)| first(counts));
    even.or_else(most).map_or(b',', |(delimiter, _)| *delimiter)
}

/// The line on which a quoted field begins that no quote ends: all that follows would be one field.
fn unclosed_quote(text: &str, delimiter: u8) -> Option<u64> {
    enum At {
        Start,
        Plain,
        Quoted,
    }
    let (mut at, mut line, mut opened) = (At::Start, 1, 0);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        line += u64::from(byte == b'\n');
        at = match (at, byte) {
            (At::Start, b'"') => {
                opened = line;
                At::Quoted
            }
            (At::Quoted, b'"') if bytes.next_if_eq(&b'"').is_none() => At::Plain,
            (At::Quoted, _) => At::Quoted,
            (_, b'\n' | b'\r') => At::Start,
            (_, byte) if byte == delimiter => At::Start,
            _ => At::Plain,
        };
    }
    matches!(at, At::Quoted).then_some(opened)
}
