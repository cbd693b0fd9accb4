//! How a file becomes a table.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use encoding_rs::Encoding;

#[cfg(feature = "parquet")]
use super::arrow;
use super::column::Source;
use super::fields::Fields;
use super::format::FileFormat;
use super::kind::ColumnKind;
use super::lines::Lines;
use super::stored::Stored;
use super::{Format, Places, Table, text};
use crate::data::DataError;
#[cfg(feature = "parquet")]
use crate::data::StreamError;

/// How to read a table, where something is to be other than it is found: [`Table::reader`].
///
/// A number has digits, a point or decimal comma, and an exponent. With thousands set apart (`1,234,567`, `1 234`)
/// or a sign of a currency it is a word, and its column one of categories, which the printed table says.
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
    pub(super) except: Vec<String>,
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

    /// Columns that are not read, such as lists in a file of Parquet, which are no column of a table.
    pub fn except<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.except.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Reads a file, or the files of a folder.
    ///
    /// Of text every setting is found unless it is made. With the feature `parquet` a file may be one of
    /// Parquet or of Arrow IPC (also called Feather, of its second version), which its first bytes tell.
    /// Types are then those of the file: numbers of any size and decimals are numbers, text and
    /// dictionaries of text are words, dates and timestamps (those with a time zone in UTC) are days since
    /// 1970, null, NaN and empty text are missing.
    ///
    /// # Errors
    /// A file that cannot be opened, has no rows or is no text in its encoding; a line with too few or
    /// too many fields; a field that is not of the kind that was said, or a number that is not finite:
    /// each named by line and column, or by row and column where there are no lines. A column of a type
    /// that is no number, date, boolean or text; a whole number that a double does not hold. Files of one
    /// folder that differ in their columns.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table, DataError> {
        let path = path.as_ref();
        let open = || {
            File::open(path).map_err(|source| DataError::Open {
                path: path.to_owned(),
                source,
            })
        };
        match FileFormat::of(path)? {
            FileFormat::Text => self.read_from(open()?),
            FileFormat::Arrow => self.columns(open()?, path, FileFormat::Arrow),
            FileFormat::Parquet | FileFormat::Folder => {
                let of = Stored::open(self, path)?;
                of.table(0..of.rows, &of.columns())
            }
        }
    }

    /// As [`TableReader::read`], from anything that can be read.
    ///
    /// # Errors
    /// As [`TableReader::read`].
    pub fn read_from(&self, mut reader: impl Read) -> Result<Table, DataError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(csv::Error::from)?;
        match FileFormat::of_bytes(&bytes) {
            FileFormat::Text | FileFormat::Folder => self.text(bytes),
            format => self.columns(Cursor::new(bytes), Path::new("the bytes"), format),
        }
    }

    /// Reads a file of Parquet or Arrow IPC into memory.
    #[cfg(feature = "parquet")]
    fn columns(
        &self,
        file: impl Read + Seek,
        path: &Path,
        format: FileFormat,
    ) -> Result<Table, DataError> {
        self.check_no_text(path, format)?;
        arrow::read(self, file, path, format)
    }

    #[cfg(not(feature = "parquet"))]
    fn columns(
        &self,
        _: impl Read + Seek,
        path: &Path,
        format: FileFormat,
    ) -> Result<Table, DataError> {
        Err(DataError::NoFeature {
            name: path.display().to_string(),
            format: format.name(),
        })
    }

    fn text(&self, bytes: Vec<u8>) -> Result<Table, DataError> {
        let set = self.encoding.as_deref().map(text::encoding).transpose()?;
        let (text, encoding): (_, &Encoding) = text::decode(&bytes, set)?;
        drop(bytes);
        let fields = Fields::read(&text, self.delimiter, self.header)?;
        drop(text);
        let lines = Lines::of_text(fields.lines.clone());
        let comma = self.decimal_comma.unwrap_or_else(|| {
            let mut columns = 0..fields.names.len();
            fields.delimiter != b',' && columns.any(|place| self.has_commas(&fields, &lines, place))
        });
        let places = Places::new(fields.names.iter().map(String::as_str));
        self.named()
            .try_for_each(|column| places.find(column).map(drop))?;
        let mut columns = Vec::with_capacity(fields.names.len());
        for (place, name) in fields.names.iter().enumerate() {
            if self.leaves_out(name) {
                continue;
            }
            let source = self.source(&fields, &lines, place, comma);
            let kind = self.kind_of(name).unwrap_or_else(|| source.kind());
            columns.push(source.column(kind)?);
        }
        let format = Format::Text {
            delimiter: fields.delimiter,
            encoding: encoding.name(),
            comma,
        };
        Ok(Table::new(columns, lines, format))
    }

    /// The kind that was said of a column.
    pub(super) fn kind_of(&self, column: &str) -> Option<ColumnKind> {
        let said = self.kinds.iter().rfind(|(name, _)| name == column);
        said.map(|(_, kind)| *kind)
    }

    pub(super) fn leaves_out(&self, column: &str) -> bool {
        self.except.iter().any(|name| name == column)
    }

    /// The columns of which something was said.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        let kinds = self.kinds.iter().map(|(name, _)| name.as_str());
        kinds.chain(self.except.iter().map(String::as_str))
    }

    /// Refuses settings that are for text.
    #[cfg(feature = "parquet")]
    pub(super) fn check_no_text(&self, path: &Path, format: FileFormat) -> Result<(), DataError> {
        let settings = [
            (self.delimiter.is_some(), "delimiter"),
            (self.encoding.is_some(), "encoding"),
            (self.header.is_some(), "with_header` or `without_header"),
        ];
        let made = settings.iter().find(|(is_made, _)| *is_made);
        made.map_or(Ok(()), |(_, setting)| {
            let format = format.name();
            Err(StreamError::Source {
                name: path.display().to_string(),
                problem: format!(
                    "the file is one of {format}, of which the setting `{setting}` of `Table::reader()` says nothing"
                ),
            }
            .into())
        })
    }

    pub(super) fn source<'a>(
        &'a self,
        fields: &'a Fields,
        lines: &'a Lines,
        place: usize,
        comma: bool,
    ) -> Source<'a, impl Fn(usize) -> &'a str> {
        Source {
            name: &fields.names[place],
            lines,
            field: move |row| fields.get(row, place),
            missing: &self.missing,
            comma,
        }
    }

    /// Whether a column is one of numbers of which some have a comma.
    fn has_commas(&self, fields: &Fields, lines: &Lines, place: usize) -> bool {
        let has_comma = |row| fields.get(row, place).contains(',');
        (0..fields.lines.len()).any(has_comma)
            && self.source(fields, lines, place, true).kind() == ColumnKind::Number
    }
}
