//! Tables: columns of numbers, dates, words and missing values, as people have them in files.

#[cfg(feature = "parquet")]
mod arrow;
mod column;
mod copied;
mod fields;
mod file;
mod format;
mod kind;
mod lines;
mod names;
mod opened;
mod reader;
mod rows;
mod scanner;
mod shown;
mod sketch;
mod statistics;
mod stored;
mod text;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub(crate) use self::column::TableColumn;
#[cfg(feature = "images")]
pub(crate) use self::column::sort_words;
pub use self::file::TableFile;
pub use self::kind::ColumnKind;
use self::lines::Lines;
pub use self::lines::Place;
pub(crate) use self::names::{Places, available};
pub use self::reader::TableReader;
pub use self::rows::TableRows;
use self::shown::Format;
use super::recipe::{Encoding, Recipe};
use super::{DataError, Dataset};

/// Columns with names, each of numbers, dates, booleans or words, of which values may be missing.
///
/// What is in a file is found and can be looked at: delimiter, encoding, and the kind of each column.
/// [`Table::reader`] has settings for what is found otherwise than it is meant, [`Table::with_kind`]
/// changes the kind of a column. [`Table::target`] makes a data set of it, for a fit; rows to predict
/// are a table as it is read. A clone shares the values.
///
/// ```
/// use bayes_nn::Table;
///
/// let table = Table::read_from("height;sex;born\n1,71;f;1990-05-01\n1,80;m;NA\n".as_bytes())?;
/// assert_eq!(
///     table.to_string(),
///     "2 rows, 3 columns (UTF-8, delimiter `;`, decimal comma)\n\
///      column  kind      categories  missing  example\n\
///      height  number                      0  1.71\n\
///      sex     category           2        0  f\n\
///      born    date                        1  1990-05-01"
/// );
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    columns: Arc<[TableColumn]>,
    /// Where each row stands in its file.
    lines: Lines,
    /// The columns that are features unless one of them is the target, in order.
    features: Arc<[usize]>,
    format: Format,
}

impl Table {
    fn new(columns: Vec<TableColumn>, lines: Lines, format: Format) -> Table {
        Table {
            features: (0..columns.len()).collect(),
            columns: columns.into(),
            lines,
            format,
        }
    }

    /// The rows of tables that have the same columns, one after the other, each with the name of its file.
    fn joined(tables: &[(Arc<str>, Table)]) -> Table {
        let first = &tables[0].1;
        let columns = first.columns.iter().enumerate().map(|(place, column)| {
            let parts = tables.iter().map(|(_, table)| &table.columns[place]);
            match column.kind {
                ColumnKind::Category => TableColumn::of_words(column, parts),
                _ => TableColumn {
                    values: parts.flat_map(|part| part.values.iter().copied()).collect(),
                    ..column.clone()
                },
            }
        });
        let columns: Vec<TableColumn> = columns.collect();
        let lines = tables.iter().map(|(file, table)| (file, &table.lines));
        Table::new(columns, Lines::joined(lines), first.format)
    }

    /// A table of nothing.
    pub(in crate::data) fn without_columns() -> Table {
        let format = Format::Text {
            delimiter: b',',
            encoding: "UTF-8",
            comma: false,
        };
        Table::new(Vec::new(), Lines::of_text(Vec::new()), format)
    }

    /// Reads a file of delimited fields with a header, or with the feature `parquet` one of Parquet or Arrow
    /// IPC, which its first bytes tell; of a folder all files, in the order of their names.
    ///
    /// # Errors
    /// As [`TableReader::read`].
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-table-{}.csv", std::process::id()));
    /// # std::fs::write(&path, "height,weight\n1.7,65\n1.8,80\n")?;
    /// let table = bayes_nn::Table::read(&path)?;
    /// assert_eq!(table.names().collect::<Vec<_>>(), ["height", "weight"]);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Table, DataError> {
        TableReader::default().read(path)
    }

    /// As [`Table::read`], from anything that can be read, such as bytes.
    ///
    /// # Errors
    /// As [`TableReader::read`].
    pub fn read_from(reader: impl Read) -> Result<Table, DataError> {
        TableReader::default().read_from(reader)
    }

    /// Settings of how a file is read, of which none is made.
    pub fn reader() -> TableReader {
        TableReader::default()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The names of the columns, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// What the values of a column are.
    ///
    /// # Errors
    /// A column that is not there, or is there twice.
    pub fn kind(&self, column: &str) -> Result<ColumnKind, DataError> {
        Ok(self.column(column)?.kind)
    }

    /// The values of a column `[n]`: numbers, days since 1970, 0 and 1, or places among the
    /// [categories](Table::categories); NaN where they are missing. Models as functions read
    /// tables by [`Data::from_table`](crate::Data::from_table).
    ///
    /// # Errors
    /// As [`Table::kind`].
    pub fn numbers(&self, column: &str) -> Result<&[f64], DataError> {
        Ok(&self.column(column)?.values)
    }

    /// The words of a column of categories, sorted, those that are all numbers by their size; of
    /// another column none.
    ///
    /// # Errors
    /// As [`Table::kind`].
    pub fn categories(&self, column: &str) -> Result<&[String], DataError> {
        Ok(&self.column(column)?.categories)
    }

    pub(crate) fn column(&self, name: &str) -> Result<&TableColumn, DataError> {
        let mut named = self.columns.iter().filter(|column| column.name == name);
        match (named.next(), named.next()) {
            (Some(column), None) => Ok(column),
            _ => self.places().find(name).map(|place| &self.columns[place]),
        }
    }

    pub(crate) fn places(&self) -> Places<'_> {
        Places::new(self.names())
    }

    pub(crate) fn at(&self, place: usize) -> &TableColumn {
        &self.columns[place]
    }

    /// The columns that are features, but for the target.
    pub(crate) fn features(&self) -> &[usize] {
        &self.features
    }

    /// Where a row stands in its file.
    pub(crate) fn place(&self, row: usize) -> Place {
        self.lines.place(row)
    }

    /// A column as another kind, read again from the text of its values.
    pub(crate) fn as_kind(
        &self,
        column: &TableColumn,
        kind: ColumnKind,
    ) -> Result<TableColumn, DataError> {
        column.of_kind(kind, &self.lines, self.format.comma())
    }

    /// The table with a column of another kind than was inferred: digits as names of categories, or
    /// words as numbers.
    ///
    /// # Errors
    /// As [`Table::kind`]; a value that is not of this kind, by its line.
    ///
    /// ```
    /// use bayes_nn::Table;
    /// use bayes_nn::data::ColumnKind;
    /// let table = Table::read_from("class,age\n10,22\n9,38\n".as_bytes())?;
    /// let table = table.with_kind("class", ColumnKind::Category)?;
    /// assert_eq!(table.categories("class")?, ["9", "10"]);
    /// assert_eq!(
    ///     table.with_kind("age", ColumnKind::Boolean).unwrap_err().to_string(),
    ///     "line 2, column `age`: `22` is not true or false"
    /// );
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn with_kind(&self, column: &str, kind: ColumnKind) -> Result<Table, DataError> {
        let changed = self.as_kind(self.column(column)?, kind)?;
        let place = self.places().find(column)?;
        let mut columns = self.columns.to_vec();
        columns[place] = changed;
        Ok(Table {
            columns: columns.into(),
            ..self.clone()
        })
    }

    /// The table of which these columns are no features. They stay in it, for splits by group or time.
    ///
    /// # Errors
    /// As [`Table::kind`].
    pub fn except<S: AsRef<str>>(
        &self,
        columns: impl IntoIterator<Item = S>,
    ) -> Result<Table, DataError> {
        let left_out = self.found(columns)?;
        let mut is_feature = vec![true; self.columns.len()];
        left_out.iter().for_each(|place| is_feature[*place] = false);
        let features = self.features.iter().copied();
        Ok(Table {
            features: features.filter(|place| is_feature[*place]).collect(),
            ..self.clone()
        })
    }

    /// The table of which only these columns are features, in this order.
    ///
    /// # Errors
    /// As [`Table::kind`]; a column that is named twice.
    pub fn only<S: AsRef<str>>(
        &self,
        columns: impl IntoIterator<Item = S>,
    ) -> Result<Table, DataError> {
        let features = self.found(columns)?;
        let mut seen = vec![false; self.columns.len()];
        for place in &features {
            if std::mem::replace(&mut seen[*place], true) {
                return Err(DataError::DuplicateColumn {
                    column: self.columns[*place].name.clone(),
                });
            }
        }
        Ok(Table {
            features: features.into(),
            ..self.clone()
        })
    }

    fn found<S: AsRef<str>>(
        &self,
        columns: impl IntoIterator<Item = S>,
    ) -> Result<Vec<usize>, DataError> {
        let places = self.places();
        let columns = columns.into_iter();
        columns.map(|name| places.find(name.as_ref())).collect()
    }

    /// The rows in which none of these columns misses a value.
    ///
    /// # Errors
    /// As [`Table::kind`]; [`DataError::Empty`] if no row is left.
    ///
    /// ```
    /// let table = bayes_nn::Table::read_from("x,y\n1,2\n3,NA\n".as_bytes())?;
    /// assert_eq!(table.drop_missing(["y"])?.rows(), 1);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn drop_missing<S: AsRef<str>>(
        &self,
        columns: impl IntoIterator<Item = S>,
    ) -> Result<Table, DataError> {
        let columns = self.found(columns)?;
        let is_known = |row: &usize| {
            let mut values = columns
                .iter()
                .map(|place| self.columns[*place].values[*row]);
            values.all(|value| !value.is_nan())
        };
        let rows: Vec<usize> = (0..self.rows()).filter(is_known).collect();
        if rows.is_empty() {
            return Err(DataError::Empty);
        }
        let part = |column: &TableColumn| TableColumn {
            values: rows.iter().map(|row| column.values[*row]).collect(),
            ..column.clone()
        };
        Ok(Table {
            columns: self.columns.iter().map(part).collect(),
            lines: self.lines.of(&rows),
            ..self.clone()
        })
    }

    /// A data set of which this column is the target, and all others are features unless
    /// [`Table::except`] or [`Table::only`] says otherwise.
    ///
    /// Words and booleans are classes, with names that stay with predictions; so are numbers that are
    /// all 0 or 1. Other numbers are a regression; where they number classes, [`Table::with_kind`]
    /// says so. Features become numbers by the default [`Recipe`], [`Dataset::with_recipe`] changes it.
    ///
    /// # Errors
    /// As [`Table::kind`]; no features; two of one name; a target that is missing in a row; a column of
    /// words that are about as many as the rows, such as names, which say nothing of new rows.
    ///
    /// ```
    /// use bayes_nn::Table;
    /// let table = Table::read_from("id,x,kind\n1,0.5,ham\n2,2.5,spam\n".as_bytes())?;
    /// let data = table.except(["id"])?.target("kind")?;
    /// assert_eq!((data.x(), data.y()), (&[-1.0, 1.0][..], &[0.0, 1.0][..]));
    /// assert_eq!(data.classes(), Some(&["ham".to_owned(), "spam".to_owned()][..]));
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn target(&self, column: &str) -> Result<Dataset, DataError> {
        let rows: Vec<usize> = (0..self.rows()).collect();
        let encoding = Encoding::fit(&Recipe::new(), self, &rows, column)?;
        Dataset::from_table(self, rows.into(), &encoding.into())
    }
}
