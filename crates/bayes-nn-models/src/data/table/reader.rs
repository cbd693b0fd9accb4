//! How a file becomes a table.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoding_rs::Encoding;

use super::column::Source;
use super::fields::Fields;
use super::kind::ColumnKind;
use super::{Format, Table, text};
use crate::data::DataError;

/// How to read a table, where something is to be other than it is found: [`Table::reader`].
///
/// ```
/// use bayes_nn::Table;
/// use bayes_nn::data::ColumnKind;
///
/// let text = "plz;größe;art\n01067;1,5;-1\n80331;2,5;7\n";
/// let reader = Table::reader().delimiter(b';').missing(["-1"]).kind("art", ColumnKind::Category);
/// let table = reader.read_from(text.as_bytes())?;
/// assert_eq!(table.numbers("größe")?, [1.5, 2.5]);
/// assert_eq!(table.categories("plz")?, ["01067", "80331"]);
/// assert_eq!(table.categories("art")?, ["7"]);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TableReader {
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Option<String>,
    pub(super) decimal_comma: Option<bool>,
    pub(super) header: Option<bool>,
    pub(super) missing: Vec<String>,
    pub(super) kinds: Vec<(String, ColumnKind)>,
}

impl TableReader {
    /// The byte between fields. Without it: tab, `;`, `|` or `,`, whichever cuts all lines alike.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// The encoding by its name, such as `"latin1"` or `"shift_jis"` (the labels of the WHATWG's Encoding
    /// Standard). Without it: that of a byte order mark, else UTF-8, and Windows-1252 where bytes are
    /// none.
    pub fn encoding(mut self, name: &str) -> Self {
        self.encoding = Some(name.to_owned());
        self
    }

    /// Whether numbers have a comma for a point; then none has a point, which may stand between
    /// thousands. Without it: where commas do not delimit fields and a column is of such numbers.
    pub fn decimal_comma(mut self, comma: bool) -> Self {
        self.decimal_comma = Some(comma);
        self
    }

    /// The first line is data already; columns are then named `1`, `2`, ... by their place.
    pub fn without_header(mut self) -> Self {
        self.header = Some(false);
        self
    }

    /// The first line has the names of the columns, even if all of them are numbers. Unless this
    /// is said, such a line is an error, since it looks like data.
    pub fn with_header(mut self) -> Self {
        self.header = Some(true);
        self
    }

    /// Words that stand for missing values, beside an empty field, `NA`, `N/A`, `NaN`, `null`, `None`
    /// and `?` in the spellings that pandas knows.
    pub fn missing<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.missing.extend(words.into_iter().map(Into::into));
        self
    }

    /// The kind of a column, where it is not to be inferred.
    pub fn kind(mut self, column: &str, kind: ColumnKind) -> Self {
        self.kinds.push((column.to_owned(), kind));
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be opened, has no rows or is no text in its encoding; a line with too few or
    /// too many fields; a field that is not of the kind that was said, or a number that is not finite:
    /// each named by line and column.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table, DataError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| DataError::Open {
            path: path.to_owned(),
            source,
        })?;
        self.read_from(file)
    }

    /// As [`TableReader::read`], from anything that can be read.
    ///
    /// # Errors
    /// As [`TableReader::read`].
    pub fn read_from(&self, mut reader: impl Read) -> Result<Table, DataError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(csv::Error::from)?;
        let set = self.encoding.as_deref().map(text::encoding).transpose()?;
        let (text, encoding): (_, &Encoding) = text::decode(&bytes, set)?;
        drop(bytes);
        let fields = Fields::read(&text, self.delimiter, self.header)?;
        drop(text);
        let comma = self.decimal_comma.unwrap_or_else(|| {
            let mut columns = 0..fields.names.len();
            fields.delimiter != b',' && columns.any(|place| self.has_commas(&fields, place))
        });
        let mut columns = Vec::with_capacity(fields.names.len());
        for (place, name) in fields.names.iter().enumerate() {
            let source = self.source(&fields, place, comma);
            let said = self.kinds.iter().rfind(|(column, _)| column == name);
            let kind = said.map_or_else(|| source.kind(), |(_, kind)| *kind);
            columns.push(source.column(kind)?);
        }
        let format = Format {
            delimiter: fields.delimiter,
            encoding: encoding.name(),
            comma,
        };
        let table = Table::new(columns, fields.lines, format);
        for (column, _) in &self.kinds {
            table.column(column)?;
        }
        Ok(table)
    }

    pub(super) fn source<'a>(
        &'a self,
        fields: &'a Fields,
        place: usize,
        comma: bool,
    ) -> Source<'a, impl Fn(usize) -> &'a str> {
        Source {
            name: &fields.names[place],
            lines: &fields.lines,
            field: move |row| fields.get(row, place),
            missing: &self.missing,
            comma,
        }
    }

    /// Whether a column is one of numbers of which some have a comma.
    fn has_commas(&self, fields: &Fields, place: usize) -> bool {
        let has_comma = |row| fields.get(row, place).contains(',');
        (0..fields.lines.len()).any(has_comma)
            && self.source(fields, place, true).kind() == ColumnKind::Number
    }
}
