//! A file of delimited fields whose rows can be found, after it was gone through once.

use std::ops::Range;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::fields::{Fields, found_delimiter};
use super::scanner::{MARK, Mark, Scanner};
use super::sketch::Sketch;
use super::{ColumnKind, Format, Table, TableReader, text};
use crate::data::DataError;
use crate::data::stream::WatchedFile;

/// Bytes that are read at once, and the most of one record.
const PIECE: usize = 1 << 20;
const RECORD: usize = 1 << 26;

/// What is known of a file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: WatchedFile,
    reader: TableReader,
    encoding: &'static Encoding,
    delimiter: u8,
    comma: bool,
    has_header: bool,
    pub(super) names: Vec<String>,
    pub(super) kinds: Vec<ColumnKind>,
    pub(super) sketches: Vec<Sketch>,
    marks: Vec<Mark>,
    pub(super) rows: usize,
}

impl Opened {
    pub(super) fn new(reader: &TableReader, path: &Path) -> Result<Opened, DataError> {
        let file = WatchedFile::open(path)?;
        let length = file.length();
        let begins = file.read(0, length.min(PIECE as u64) as usize)?;
        let set = reader.encoding.as_deref().map(text::encoding).transpose()?;
        let (marked, mark) = match Encoding::for_bom(&begins) {
            Some((encoding, mark)) => (Some(encoding), mark as u64),
            None => (None, 0),
        };
        let set = set.or(marked);
        if set.is_some_and(|set| !set.is_ascii_compatible()) {
            let problem = "the file is in UTF-16, in which rows cannot be found; convert it to UTF-8, or read \
                           it into memory by `Table::read`";
            return Err(file.wrong(0, problem));
        }
        let delimiter = reader.delimiter.unwrap_or_else(|| {
            let whole = begins.iter().rposition(|byte| *byte == b'\n');
            let lines = &begins[mark as usize..whole.map_or(begins.len(), |end| end + 1)];
            found_delimiter(&String::from_utf8_lossy(lines))
        });
        let has_header = reader.header.unwrap_or(true);
        let mut walk = Walk {
            reader,
            set,
            delimiter,
            names: Vec::new(),
            other_encoding: false,
            sketches: Vec::new(),
        };
        let mut scanner = Scanner::new(delimiter, mark, 1);
        let (mut pending, mut line, mut at) = (Vec::new(), 1, mark);
        while at < length {
            let piece = file.read(at, (length - at).min(PIECE as u64) as usize)?;
            at += piece.len() as u64;
            scanner.scan(&piece);
            let begin = at - (pending.len() + piece.len()) as u64;
            pending.extend(piece);
            // A header is looked at with the row below it.
            let whole = match at == length {
                true => pending.len(),
                false if walk.names.is_empty() && scanner.records < 3 => 0,
                false => (scanner.last - begin) as usize,
            };
            if whole > 0 {
                walk.look(&pending[..whole], line)?;
                line += pending[..whole].iter().filter(|b| **b == b'\n').count() as u64;
                pending.drain(..whole);
            }
            if pending.len() > RECORD {
                return Err(DataError::UnclosedQuote {
                    line: scanner.opened,
                });
            }
        }
        if scanner.is_unclosed() {
            return Err(DataError::UnclosedQuote {
                line: scanner.opened,
            });
        }
        if walk.names.is_empty() {
            return Err(DataError::EmptyFile);
        }
        let encoding = set.unwrap_or(match walk.other_encoding {
            true => WINDOWS_1252,
            false => UTF_8,
        });
        let comma = reader.decimal_comma.unwrap_or_else(|| {
            let mut columns = walk.sketches.iter().filter_map(|own| own.get(1));
            columns.any(|comma| comma.has_comma && comma.kind() == ColumnKind::Number)
        });
        let chosen = usize::from(comma && reader.decimal_comma.is_none());
        let sketches = walk.sketches.into_iter();
        let sketches: Vec<Sketch> = sketches.map(|mut own| own.swap_remove(chosen)).collect();
        let mut opened = Opened {
            reader: reader.clone(),
            kinds: sketches.iter().map(Sketch::kind).collect(),
            names: walk.names,
            rows: scanner.records as usize - usize::from(has_header),
            marks: scanner.marks,
            file,
            encoding,
            delimiter,
            comma,
            has_header,
            sketches,
        };
        if has_header && encoding != UTF_8 {
            opened.names = opened.fields(0..1)?.0.names;
        }
        for (kind, name) in opened.kinds.iter_mut().zip(&opened.names) {
            let said = reader.kinds.iter().rfind(|(column, _)| column == name);
            *kind = said.map_or(*kind, |(_, said)| *said);
        }
        Ok(opened)
    }

    /// The fields of rows and of some around them, with the place of the first row among these.
    fn fields(&self, rows: Range<usize>) -> Result<(Fields, usize), DataError> {
        let header = usize::from(self.has_header);
        let (first, end) = (rows.start + header, rows.end + header);
        let from = self.marks[first / MARK];
        let to = self.marks.get(end.div_ceil(MARK));
        let to = to.map_or(self.file.length(), |mark| mark.byte);
        let bytes = self.file.read(from.byte, (to - from.byte) as usize)?;
        let (text, _) = text::decode(&bytes, Some(self.encoding))?;
        drop(bytes);
        let is_first = self.has_header && first / MARK == 0;
        let mut fields = Fields::read(&text, Some(self.delimiter), Some(is_first))?;
        let place = first % MARK - usize::from(is_first);
        let shift = u32::try_from(from.line - 1).unwrap_or(u32::MAX);
        let lines = fields.lines.iter_mut();
        lines.for_each(|line| *line = line.saturating_add(shift));
        if fields.names.len() != self.names.len() || fields.lines.len() < place + rows.len() {
            let problem = "there are other rows than when the file was opened";
            return Err(self.file.wrong(from.byte, problem));
        }
        Ok((fields, place))
    }

    /// A table of rows and of some around them, and the places of the rows in it.
    pub(super) fn table(&self, rows: Range<usize>) -> Result<(Table, Vec<usize>), DataError> {
        let (mut fields, place) = self.fields(rows.clone())?;
        fields.names.clone_from(&self.names);
        let columns = self.kinds.iter().enumerate().map(|(column, kind)| {
            let source = self.reader.source(&fields, column, self.comma);
            source.column(*kind)
        });
        let columns = columns.collect::<Result<_, _>>()?;
        let format = Format {
            delimiter: self.delimiter,
            encoding: self.encoding.name(),
            comma: self.comma,
        };
        let table = Table::new(columns, std::mem::take(&mut fields.lines), format);
        Ok((table, (place..place + rows.len()).collect()))
    }
}

/// What a first walk through a file finds.
struct Walk<'a> {
    reader: &'a TableReader,
    set: Option<&'static Encoding>,
    delimiter: u8,
    names: Vec<String>,
    /// Whether some bytes are no UTF-8.
    other_encoding: bool,
    /// Of each column, without and with a decimal comma where that is not known.
    sketches: Vec<Vec<Sketch>>,
}

impl Walk<'_> {
    /// Looks at whole records, of which the first is on a line.
    fn look(&mut self, bytes: &[u8], line: u64) -> Result<(), DataError> {
        let reader = self.reader;
        let (text, encoding) = text::decode(bytes, self.set)?;
        self.other_encoding |= encoding != UTF_8;
        let is_first = self.names.is_empty();
        let header = if is_first { reader.header } else { Some(false) };
        let fields = Fields::read(&text, Some(self.delimiter), header)?;
        if is_first {
            self.names.clone_from(&fields.names);
            let ways = match (reader.decimal_comma, self.delimiter) {
                (Some(comma), _) => vec![Sketch::new(comma)],
                (None, b',') => vec![Sketch::new(false)],
                (None, _) => vec![Sketch::new(false), Sketch::new(true)],
            };
            self.sketches = vec![ways; self.names.len()];
        }
        let line_of = |row: usize| u64::from(fields.lines[row]) + line - 1;
        if fields.names.len() != self.names.len() {
            return Err(DataError::Ragged {
                line: line_of(0),
                found: fields.names.len(),
                expected: self.names.len(),
            });
        }
        for (column, ways) in self.sketches.iter_mut().enumerate() {
            for row in 0..fields.lines.len() {
                let field = fields.get(row, column);
                let ways = ways.iter_mut();
                ways.for_each(|way| way.add(field, line_of(row), &reader.missing));
            }
        }
        Ok(())
    }
}
