//! A file of delimited fields whose rows can be found, after it was gone through once.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::fields::{Fields, found_delimiter};
use super::lines::Lines;
use super::scanner::{MARK, Mark, Scanner};
use super::sketch::Sketch;
use super::stored::{Part, Schema};
use super::{ColumnKind, Format, Place, Table, TableReader, text};
use crate::data::DataError;
use crate::data::stream::WatchedFile;

/// Bytes that are read at once, and the most of one record.
const PIECE: usize = 1 << 20;
const RECORD: usize = 1 << 26;

/// What is known of a file.
#[derive(Debug)]
pub(super) struct Opened {
    file: WatchedFile,
    reader: TableReader,
    encoding: &'static Encoding,
    delimiter: u8,
    has_header: bool,
    /// Fields of a line.
    width: usize,
    /// The fields that are columns of the table.
    pub(super) kept: Vec<usize>,
    marks: Vec<Mark>,
    rows: usize,
}

impl Opened {
    /// Goes through a file, and adds what its fields are to what those of files before it were.
    pub(super) fn new(
        reader: &TableReader,
        path: &Path,
        walk: &mut Walk,
    ) -> Result<Opened, DataError> {
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
        let delimiter = reader.delimiter.or(walk.delimiter).unwrap_or_else(|| {
            let whole = begins.iter().rposition(|byte| *byte == b'\n');
            let lines = &begins[mark as usize..whole.map_or(begins.len(), |end| end + 1)];
            found_delimiter(&String::from_utf8_lossy(lines))
        });
        walk.begin(delimiter);
        let has_header = reader.header.unwrap_or(true);
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
                false if walk.width == 0 && scanner.records < 3 => 0,
                false => (scanner.last - begin) as usize,
            };
            if whole > 0 {
                walk.look(reader, set, &pending[..whole], line)?;
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
        if walk.width == 0 {
            return Err(DataError::EmptyFile);
        }
        let encoding = set.unwrap_or(match walk.other_encoding {
            true => WINDOWS_1252,
            false => UTF_8,
        });
        Ok(Opened {
            reader: reader.clone(),
            rows: scanner.records as usize - usize::from(has_header),
            width: walk.width,
            kept: (0..walk.width).collect(),
            marks: scanner.marks,
            file,
            encoding,
            delimiter,
            has_header,
        })
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> Result<Vec<String>, DataError> {
        Ok(self.fields(0..1)?.names)
    }

    /// The fields of rows.
    fn fields(&self, rows: Range<usize>) -> Result<Fields, DataError> {
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
        if fields.names.len() != self.width || fields.lines.len() < place + rows.len() {
            let problem = "there are other rows than when the file was opened";
            return Err(self.file.wrong(from.byte, problem));
        }
        fields.keep(place..place + rows.len());
        let shift = u32::try_from(from.line - 1).unwrap_or(u32::MAX);
        let lines = fields.lines.iter_mut();
        lines.for_each(|line| *line = line.saturating_add(shift));
        Ok(fields)
    }
}

impl Part for Opened {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn table(
        &self,
        schema: &Schema,
        rows: Range<usize>,
        columns: &[usize],
    ) -> Result<Table, DataError> {
        let mut fields = self.fields(rows)?;
        for (name, place) in schema.names.iter().zip(&self.kept) {
            fields.names[*place].clone_from(name);
        }
        let lines = Lines::of_text(fields.lines.clone());
        let columns = columns.iter().map(|column| {
            let place = self.kept[*column];
            let source = self.reader.source(&fields, &lines, place, schema.comma);
            source.column(schema.kinds[*column])
        });
        let columns = columns.collect::<Result<_, _>>()?;
        let format = Format::Text {
            delimiter: self.delimiter,
            encoding: self.encoding.name(),
            comma: schema.comma,
        };
        Ok(Table::new(columns, lines, format))
    }
}

/// What a first walk through files finds.
#[derive(Debug, Default)]
pub(super) struct Walk {
    delimiter: Option<u8>,
    /// Fields of a line of the file, once one has come.
    width: usize,
    /// Whether some bytes of the file are no UTF-8.
    other_encoding: bool,
    /// The name of the file, where there are several.
    pub(super) file: Option<Arc<str>>,
    /// Of each column, without and with a decimal comma where that is not known.
    sketches: Vec<Vec<Sketch>>,
}

impl Walk {
    /// Begins with a file.
    fn begin(&mut self, delimiter: u8) {
        self.delimiter = Some(delimiter);
        (self.width, self.other_encoding) = (0, false);
    }

    /// Looks at whole records, of which the first is on a line.
    fn look(
        &mut self,
        reader: &TableReader,
        set: Option<&'static Encoding>,
        bytes: &[u8],
        line: u64,
    ) -> Result<(), DataError> {
        let (text, encoding) = text::decode(bytes, set)?;
        self.other_encoding |= encoding != UTF_8;
        let is_first = self.width == 0;
        let header = if is_first { reader.header } else { Some(false) };
        let fields = Fields::read(&text, self.delimiter, header)?;
        if is_first {
            self.width = fields.names.len();
        }
        if self.sketches.is_empty() {
            let ways = match (reader.decimal_comma, self.delimiter) {
                (Some(comma), _) => vec![Sketch::new(comma)],
                (None, Some(b',')) => vec![Sketch::new(false)],
                (None, _) => vec![Sketch::new(false), Sketch::new(true)],
            };
            self.sketches = vec![ways; self.width];
        }
        let line_of = |row: usize| u64::from(fields.lines[row]) + line - 1;
        if fields.names.len() != self.width {
            return Err(DataError::Ragged {
                line: line_of(0),
                found: fields.names.len(),
                expected: self.width,
            });
        }
        let file = &self.file;
        for (column, ways) in self.sketches.iter_mut().enumerate().take(self.width) {
            for row in 0..fields.lines.len() {
                let field = fields.get(row, column);
                let at = || Place {
                    file: file.clone(),
                    number: line_of(row),
                    is_row: false,
                };
                let ways = ways.iter_mut();
                ways.for_each(|way| way.add(field, at, &reader.missing));
            }
        }
        Ok(())
    }

    /// Whether numbers have a comma for a point, and what is known of each column.
    pub(super) fn found(self, reader: &TableReader) -> (bool, Vec<Sketch>) {
        let comma = reader.decimal_comma.unwrap_or_else(|| {
            let mut columns = self.sketches.iter().filter_map(|own| own.get(1));
            columns.any(|comma| comma.has_comma && comma.kind() == ColumnKind::Number)
        });
        let chosen = usize::from(comma && reader.decimal_comma.is_none());
        let sketches = self.sketches.into_iter();
        (
            comma,
            sketches.map(|mut own| own.swap_remove(chosen)).collect(),
        )
    }
}
