//! What can be wrong with data, and what would be right.

use std::path::PathBuf;

use super::Place;

/// What was wrong with data, where, and what would be right. Lines of files count from 1, as editors
/// show them; rows of arrays from 0, as they are indexed.
///
/// ```
/// use bayes_nn::{DataError, Dataset};
///
/// let error = Dataset::new(&[1.0, 2.0, 3.0], 2, &[0.0]).unwrap_err();
/// assert!(matches!(error, DataError::NotWholeRows { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A folder of images.
    #[cfg(feature = "images")]
    #[error(transparent)]
    ImageFolder(#[from] super::ImageFolderError),
    /// The file could not be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The path as given.
        path: PathBuf,
        /// Why the operating system refused.
        source: std::io::Error,
    },
    /// The text could not be read as CSV (input/output failure).
    #[error("cannot read the CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The file has no line at all.
    #[error(
        "the CSV is empty; a header line (unless read `without_header`) and at least one row are needed"
    )]
    EmptyFile,
    /// The first line looks like data where names were expected.
    #[error(
        "the first line has only numbers, where the names of columns are expected; say `without_header` if it is data, or `with_header` if these are names"
    )]
    NoHeader,
    /// Bytes that are no text in the encoding of the file.
    #[error(
        "line {line}: the bytes are no text in {encoding}; `Table::reader().encoding(..)` sets another"
    )]
    NotText {
        /// The encoding that was set or found.
        encoding: &'static str,
        /// The line, from 1.
        line: u64,
    },
    /// A byte of no text, or every other byte of UTF-16.
    #[error(
        "line {line}: there is a NUL, which no text has; if the file is UTF-16 without a mark, say `Table::reader().encoding(\"utf-16le\")`"
    )]
    Nul {
        /// The line, from 1.
        line: u64,
    },
    /// The name of no encoding.
    #[error("there is no encoding `{name}`; \"utf-8\", \"windows-1252\" or \"shift_jis\" are some")]
    UnknownEncoding {
        /// The name that was given.
        name: String,
    },
    /// A field in quotes has no end.
    #[error("line {line}: a field begins with a quote, and no quote ends it")]
    UnclosedQuote {
        /// The line on which it begins, from 1.
        line: u64,
    },
    /// The file has a header and nothing below.
    #[error("the CSV has a header and no rows; at least one row is needed")]
    NoRows,
    /// A column that was asked for is not there.
    #[error("no column `{column}`; the columns are {available}")]
    UnknownColumn {
        /// The name that was asked for.
        column: String,
        /// The names there are.
        available: String,
    },
    /// A column that is needed has a name that occurs twice, or is used for two purposes.
    #[error(
        "column `{column}` is not unique; each feature, target and test column needs a name of its own"
    )]
    DuplicateColumn {
        /// The name in question.
        column: String,
    },
    /// No column is left over for the features.
    #[error("no feature columns; at least one column besides the target is needed")]
    NoFeatures,
    /// A field is not of the kind of its column.
    #[error("{place}, column `{column}`: `{field}` is not {expected}")]
    WrongField {
        /// Where it stands in its file.
        place: Place,
        /// Name of the column.
        column: String,
        /// The text found.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A value is missing where one is needed.
    #[error("{place}, column `{column}`: the value is missing; {remedy}")]
    MissingField {
        /// Where it stands in its file.
        place: Place,
        /// Name of the column.
        column: String,
        /// What can be done.
        remedy: String,
    },
    /// A feature is missing that no row of the table of the fit misses.
    #[error(
        "{place}, column `{column}`: the value is missing; none was in the table of the fit; `Recipe::missing_in(\"{column}\", Missing::Impute)` says that the {stand_in} stands for it"
    )]
    MissingFeature {
        /// Where it stands in its file.
        place: Place,
        /// Name of the column.
        column: String,
        /// What could stand for it: the mean, or the most frequent word.
        stand_in: &'static str,
    },
    /// A word that is none of the categories of the fit.
    #[error(
        "{place}, column `{column}`: `{field}` is none of the categories in the table of the fit, which are {known}"
    )]
    UnknownCategory {
        /// Where it stands in its file.
        place: Place,
        /// Name of the column.
        column: String,
        /// The text found.
        field: String,
        /// The categories there are.
        known: String,
    },
    /// A column of words that say nothing of other rows.
    #[error(
        "column `{column}` has {categories} different words in {rows} rows, as names of rows have, which say nothing of others; `Table::except([\"{column}\"])` leaves it out"
    )]
    ManyCategories {
        /// Name of the column.
        column: String,
        /// Different words.
        categories: usize,
        /// Rows with a word.
        rows: usize,
    },
    /// A column that cannot be places in a table of vectors.
    #[error("column `{column}` cannot be embedded: {problem}")]
    NotEmbedded {
        /// Name of the column.
        column: String,
        /// Why, and what would be right.
        problem: String,
    },
    /// A file in a format that this build does not read.
    #[error(
        "{name}: the file is one of {format}, which is read with the feature `parquet` of `bayes-nn`: `bayes-nn = {{ features = [\"parquet\"] }}` in Cargo.toml, or `cargo install` of the command with `--features parquet`"
    )]
    NoFeature {
        /// What was to be read.
        name: String,
        /// The format.
        format: &'static str,
    },
    /// A column of a type that is none of a table.
    #[error(
        "column `{column}` has the type {kind}, which is no number, date, boolean or text; `Table::reader().except([\"{column}\"])` leaves it unread"
    )]
    UnsupportedColumn {
        /// Name of the column.
        column: String,
        /// The type in the file.
        kind: String,
    },
    /// What is asked for needs the columns of a table.
    #[error(
        "the data set is of numbers, and a {what} needs the columns of a table: `Table::read(..)?.target(..)`"
    )]
    NoTable {
        /// What was asked for.
        what: &'static str,
    },
    /// A table to predict, and a fit to numbers.
    #[error(
        "the fit is to a data set of numbers, and a table cannot be encoded as it was; fit a data set of `Table::target`, or hand in rows of numbers"
    )]
    NotOfTable,
    /// Rows of numbers to predict, and a fit that encodes rows of a table.
    #[error(
        "the fit encodes rows of a table, and rows of numbers do not say which columns they are; hand in a `Table` with the columns of the fit"
    )]
    RowsOfTable,
    /// A target that is the number of no class.
    #[error(
        "row {row}: the target {value} is the number of no class; {classes} classes are numbered from 0"
    )]
    NoClass {
        /// Row, from 0.
        row: usize,
        /// The target.
        value: f64,
        /// The number of classes.
        classes: usize,
    },
    /// A field is NaN, infinite or too large for a double.
    #[error(
        "{place}, column `{column}`: `{field}` is not finite; remove the row or fill in a value"
    )]
    NotFiniteField {
        /// Where it stands in its file.
        place: Place,
        /// Name of the column.
        column: String,
        /// The text found.
        field: String,
    },
    /// A line has more or fewer fields than the first.
    #[error("line {line} has {found} fields; every line needs {expected}")]
    Ragged {
        /// Line of the file, from 1.
        line: u64,
        /// Fields on this line.
        found: usize,
        /// Fields on the first line.
        expected: usize,
    },
    /// A file could not be read to its end, or what was compressed in it is damaged.
    #[error("cannot read the IDX file: {0}")]
    Idx(#[source] std::io::Error),
    /// The first bytes are not those of an IDX file.
    #[error(
        "the file begins with the bytes {found:02x?}; an IDX file begins with 0, 0, a type of numbers (08, 09, 0b, 0c, 0d or 0e) and the number of axes, at least 1"
    )]
    IdxHeader {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// The header gives more numbers than are read.
    #[error(
        "the header of the IDX file gives the shape {shape:?}, which takes more than {most} bytes; files up to this size are read"
    )]
    IdxSize {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The most bytes.
        most: u64,
    },
    /// The file does not have the length that its header gives.
    #[error(
        "the header of the IDX file gives the shape {shape:?}, which takes {expected} bytes; {found} follow it"
    )]
    IdxLength {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The bytes of these numbers.
        expected: u64,
        /// The bytes there are, in words where there are more.
        found: String,
    },
    /// Labels that are no vector.
    #[error("the labels have the shape {shape:?}; they need one axis, that of the rows")]
    IdxLabels {
        /// The lengths of the axes.
        shape: Vec<usize>,
    },
    /// A file of NumPy that cannot be read.
    #[error("cannot read the NPY file: {problem}")]
    Npy {
        /// What is wrong with it.
        problem: String,
    },
    /// Rows that are read, or predictions that are written, block by block.
    #[error(transparent)]
    Stream(#[from] super::StreamError),
    /// There are no rows.
    #[error("the data set is empty; at least one row is needed")]
    Empty,
    /// There are no features.
    #[error("the rows have no features; at least one is needed")]
    ZeroFeatures,
    /// A column without rows, or a matrix without columns.
    #[error("`{column}` is empty; at least one row and one number a row are needed")]
    EmptyColumn {
        /// The column.
        column: String,
    },
    /// The length of x is no multiple of the number of features.
    #[error(
        "{name} holds {len} values, not a multiple of {features} features; it is row-major [n, features]"
    )]
    NotWholeRows {
        /// What holds them.
        name: String,
        /// Values in it.
        len: usize,
        /// Features per row.
        features: usize,
    },
    /// x and y disagree about the number of rows.
    #[error("x has {rows} rows and y {targets} values; each row needs one target")]
    RowMismatch {
        /// Rows of x.
        rows: usize,
        /// Length of y.
        targets: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, column `{column}`: {value} is not finite")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Name of the feature or target.
        column: String,
        /// The value.
        value: f64,
    },
    /// A value beyond the range of single precision.
    #[error(
        "in row {row} the column `{column}` has the value {value:e}, which single precision cannot hold: fit by `precision(F64)`, or rescale the column"
    )]
    SinglePrecision {
        /// Row, from 0.
        row: usize,
        /// Name of the column, with the place in the row where it is a matrix.
        column: String,
        /// The value.
        value: f64,
    },
    /// The number of names is not the number of features.
    #[error("{given} names for {features} features; each needs one")]
    NameCount {
        /// Names given.
        given: usize,
        /// Features of the data set.
        features: usize,
    },
    /// A row index is too large.
    #[error("row {row} of a data set with {rows} rows; rows count from 0")]
    RowOutOfRange {
        /// The index given.
        row: usize,
        /// Rows of the data set.
        rows: usize,
    },
    /// The training fraction is not inside (0, 1).
    #[error("training fraction {fraction}; it must be above 0 and below 1")]
    SplitFraction {
        /// The fraction given.
        fraction: f64,
    },
    /// A class that the fit does not have.
    #[error("row {row}: `{class}` is none of the classes of the fit, which are {known}")]
    UnknownClass {
        /// Row, from 0.
        row: usize,
        /// The name of the class.
        class: String,
        /// The classes there are.
        known: String,
    },
    /// Too few folds, or more than there are rows or groups.
    #[error("{folds} folds of {of} {what}; there are from 2 to as many as these")]
    Folds {
        /// The number given.
        folds: usize,
        /// How many there are to fold.
        of: usize,
        /// Rows, groups or moments.
        what: &'static str,
    },
    /// One side of a split has no rows.
    #[error(
        "the {side} set would be empty: {train} training and {test} test rows; both need at least one"
    )]
    EmptySide {
        /// `training` or `test`.
        side: &'static str,
        /// Training rows.
        train: usize,
        /// Test rows.
        test: usize,
    },
    /// Constants of another number of columns.
    #[error("the constants standardize {expected} columns, the data have {found}")]
    ColumnMismatch {
        /// Columns of the constants.
        expected: usize,
        /// Columns of the data.
        found: usize,
    },
    /// The data are on the standardized scale already, the constants are for the original one.
    #[error(
        "the {what} of this data set are standardized already; apply another set's constants to the original values"
    )]
    AlreadyStandardized {
        /// `features` or `targets`.
        what: &'static str,
    },
    /// Too few points for the two moons.
    #[error("{n} points for two moons; at least 2 are needed")]
    TooFewPoints {
        /// The number given.
        n: usize,
    },
    /// Too many points for a data set or a grid.
    #[error("{n} points; at most {most} are made at once")]
    TooManyPoints {
        /// The number asked for.
        n: usize,
        /// The largest that is possible.
        most: usize,
    },
    /// A noise scale that is negative or not finite.
    #[error("noise {noise}; a standard deviation is finite and not negative")]
    Noise {
        /// The value given.
        noise: f64,
    },
    /// A grid with too few points or no extent.
    #[error(
        "a grid from {min} to {max} in {steps} steps; it needs finite min < max and at least 2 steps"
    )]
    Grid {
        /// Lower end of both axes.
        min: f64,
        /// Upper end of both axes.
        max: f64,
        /// Points per axis.
        steps: usize,
    },
}
