//! Where the records of a delimited file begin.

/// Rows between two marks.
pub(super) const MARK: usize = 256;

/// The place of a row of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) byte: u64,
    /// Its line, from 1.
    pub(super) line: u64,
}

/// What goes through the bytes of a file and finds where records begin: after the end of a line that is in
/// no quotes, as the `csv` crate reads them.
#[derive(Debug)]
pub(super) struct Scanner {
    delimiter: u8,
    at: At,
    byte: u64,
    line: u64,
    pub(super) records: u64,
    /// Of every 256th record.
    pub(super) marks: Vec<Mark>,
    /// Where the last record begins, so that all before it is whole.
    pub(super) last: u64,
    /// The line on which the last quoted field began.
    pub(super) opened: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// No byte of the next record has come.
    Line,
    /// A field begins.
    Field,
    Plain,
    Quoted,
    /// After a quote within quotes: the field ends unless another one follows.
    Quote,
}

impl Scanner {
    /// From the beginning of a record on.
    pub(super) fn new(delimiter: u8, byte: u64, line: u64) -> Scanner {
        Scanner {
            delimiter,
            at: At::Line,
            byte,
            line,
            records: 0,
            marks: Vec::new(),
            last: byte,
            opened: 0,
        }
    }

    /// Goes on through the next bytes.
    pub(super) fn scan(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let ends = matches!(byte, b'\n' | b'\r');
            if self.at == At::Line && !ends {
                if self.records.is_multiple_of(MARK as u64) {
                    self.marks.push(Mark {
                        byte: self.byte,
                        line: self.line,
                    });
                }
                (self.records, self.last) = (self.records + 1, self.byte);
                self.at = At::Field;
            }
            self.at = match (self.at, byte) {
                (At::Line, _) => At::Line,
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
                _ if ends => At::Line,
                (At::Field, b'"') => {
                    self.opened = self.line;
                    At::Quoted
                }
                // Spaces before a quote are trimmed by nobody.
                (_, byte) if *byte == self.delimiter => At::Field,
                _ => At::Plain,
            };
            self.line += u64::from(*byte == b'\n');
            self.byte += 1;
        }
    }

    /// Whether the file ends in quotes.
    pub(super) fn is_unclosed(&self) -> bool {
        self.at == At::Quoted
    }
}
