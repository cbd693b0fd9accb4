//! Reading a data set from CSV, with errors that name line, column and field.

use super::split::check_sides;
use super::{DataError, Dataset};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// How to read a CSV: which columns, which delimiter, which rows are for testing.
///
/// Without further settings the first line is a header, the last column is the target, and all others are features.
///
/// ```
/// use bayes_nn::CsvReader;
///
/// let text = "id,x1,x2,y,is_test\n1,0.5,1.5,0,0\n2,2.5,3.5,1,1\n3,4.5,5.5,1,0\n";
/// let reader = CsvReader::new().features(["x1", "x2"]).target("y").test_column("is_test");
/// let (train, test) = reader.read_split_from(text.as_bytes())?;
/// assert_eq!((train.rows(), test.x()), (2, &[2.5, 3.5][..]));
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CsvReader {
    features: Option<Vec<String>>,
    target: Option<String>,
    test_column: Option<String>,
    delimiter: u8,
    /// Whether the first line has the names, where that was said.
    header: Option<bool>,
}

impl Default for CsvReader {
    fn default() -> Self {
        Self {
            features: None,
            target: None,
            test_column: None,
            delimiter: b',',
            header: None,
        }
    }
}

impl CsvReader {
    /// Comma-separated, with a header.
    pub fn new() -> Self {
        Self::default()
    }

    /// The feature columns, in this order. Without it: all but the target and the test column.
    #[must_use]
    pub fn features<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.features = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The target column. Without it: the last column that is not the test column.
    #[must_use]
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.target = Some(name.into());
        self
    }

    /// The column that marks test rows with 1 or `true`, training rows with 0 or `false`; it is never a feature.
    #[must_use]
    pub fn test_column(mut self, name: impl Into<String>) -> Self {
        self.test_column = Some(name.into());
        self
    }

    /// The byte between fields, for example `b';'` or `b'\t'`.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// The first line is data already; columns are then named `1`, `2`, ... by their place.
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.header = Some(false);
        self
    }

    /// The first line has the names of the columns, even if all of them are numbers. Unless this
    /// is said, such a line is an error, since it looks like data.
    #[must_use]
    pub fn with_header(mut self) -> Self {
        self.header = Some(true);
        self
    }

    /// Reads the whole file as one data set.
    ///
    /// # Errors
    /// A file that cannot be opened or is empty, a column that is not there, a line with too few or too many fields, a
    /// field that is no finite number: each named by line and column.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Dataset, DataError> {
        self.read_from(open(path.as_ref())?)
    }

    /// Reads the file into a training and a test set, by the column named with [`CsvReader::test_column`].
    ///
    /// # Errors
    /// As [`CsvReader::read`], and when no test column is named or one of the two sets would be empty.
    pub fn read_split(&self, path: impl AsRef<Path>) -> Result<(Dataset, Dataset), DataError> {
        self.read_split_from(open(path.as_ref())?)
    }

    /// As [`CsvReader::read`], from anything that can be read.
    ///
    /// # Errors
    /// As [`CsvReader::read`].
    pub fn read_from(&self, reader: impl Read) -> Result<Dataset, DataError> {
        Ok(self.parse(reader)?.0)
    }

    /// As [`CsvReader::read_split`], from anything that can be read.
    ///
    /// # Errors
    /// As [`CsvReader::read_split`].
    pub fn read_split_from(&self, reader: impl Read) -> Result<(Dataset, Dataset), DataError> {
        if self.test_column.is_none() {
            return Err(DataError::NoTestColumn);
        }
        let (data, is_test) = self.parse(reader)?;
        let (test, train): (Vec<usize>, Vec<usize>) =
            (0..data.rows()).partition(|&row| is_test[row]);
        check_sides(train.len(), test.len())?;
        Ok((data.select(&train)?, data.select(&test)?))
    }

    /// All rows, and for each whether it is marked as test row (none is without a test column).
    fn parse(&self, mut reader: impl Read) -> Result<(Dataset, Vec<bool>), DataError> {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map_err(csv::Error::from)?;
        let mut records = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .trim(csv::Trim::All)
            .from_reader(&*text)
            .into_byte_records();
        let Some(first) = records.next().transpose()? else {
            return Err(DataError::EmptyFile);
        };
        let first_line = Line::new(&first, &[], &text);
        let is_header = match self.header {
            Some(is_header) => is_header,
            None if first_line.looks_like_data() => return Err(DataError::NoHeader),
            None => true,
        };
        let names: Vec<String> = match is_header {
            true => (0..first.len())
                .map(|place| first_line.name(place))
                .collect::<Result<_, _>>()?,
            false => (1..=first.len()).map(|place| place.to_string()).collect(),
        };
        let columns = self.columns(&names)?;
        let (mut x, mut y, mut is_test) = (vec![], vec![], vec![]);
        let data_in_first_line = (!is_header).then_some(Ok(first));
        for record in data_in_first_line.into_iter().chain(records) {
            let record = record?;
            let line = Line::new(&record, &names, &text);
            line.check_length()?;
            for &feature in &columns.features {
                x.push(line.number(feature)?);
            }
            y.push(line.number(columns.target)?);
            is_test.push(match columns.test {
                Some(column) => line.marker(column)?,
                None => false,
            });
        }
        if y.is_empty() {
            return Err(DataError::NoRows);
        }
        let feature_names = columns
            .features
            .iter()
            .map(|&at| names[at].clone())
            .collect();
        let target_name = names[columns.target].as_str().into();
        let data = Dataset::from_parts(x.into(), y.into(), feature_names, target_name)?;
        Ok((data, is_test))
    }

    fn columns(&self, names: &[String]) -> Result<Columns, DataError> {
        let test = self
            .test_column
            .as_ref()
            .map(|name| find(names, name))
            .transpose()?;
        let target = match &self.target {
            Some(name) => find(names, name)?,
            None => (0..names.len())
                .rfind(|&column| Some(column) != test)
                .ok_or(DataError::NoFeatures)?,
        };
        let features = match &self.features {
            Some(wanted) => wanted
                .iter()
                .map(|name| find(names, name))
                .collect::<Result<Vec<_>, _>>()?,
            None => (0..names.len())
                .filter(|&column| column != target && Some(column) != test)
                .collect(),
        };
        if self.features.is_none() {
            for name in names {
                find(names, name)?;
            }
        }
        if features.is_empty() {
            return Err(DataError::NoFeatures);
        }
        let mut used: Vec<usize> = features
            .iter()
            .copied()
            .chain([target])
            .chain(test)
            .collect();
        used.sort_unstable();
        if let Some(pair) = used.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(DataError::DuplicateColumn {
                column: names[pair[0]].clone(),
            });
        }
        Ok(Columns {
            features,
            target,
            test,
        })
    }
}

/// Places of the columns that are read.
struct Columns {
    features: Vec<usize>,
    target: usize,
    test: Option<usize>,
}

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    let file = File::open(path).map_err(|source| DataError::Open {
        path: path.to_owned(),
        source,
    })?;
    Ok(BufReader::new(file))
}

fn find(names: &[String], wanted: &str) -> Result<usize, DataError> {
    let mut places = (0..names.len()).filter(|&at| names[at] == wanted);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(DataError::DuplicateColumn {
            column: wanted.to_owned(),
        }),
        (None, _) => Err(DataError::UnknownColumn {
            column: wanted.to_owned(),
            available: names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// One line with as many fields as there are columns.
struct Line<'a> {
    record: &'a csv::ByteRecord,
    names: &'a [String],
    line: u64,
}

impl<'a> Line<'a> {
    fn new(record: &'a csv::ByteRecord, names: &'a [String], text: &[u8]) -> Self {
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

    fn check_length(&self) -> Result<(), DataError> {
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
    fn looks_like_data(&self) -> bool {
        let number = |field| std::str::from_utf8(field).is_ok_and(|f| f.parse::<f64>().is_ok());
        self.record.iter().all(number)
    }

    /// The name in a column of the header.
    fn name(&self, column: usize) -> Result<String, DataError> {
        let name = self.record.get(column).unwrap_or_default();
        match std::str::from_utf8(name) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(DataError::NotUtf8 {
                line: self.line,
                column: (column + 1).to_string(),
            }),
        }
    }

    fn number(&self, column: usize) -> Result<f64, DataError> {
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

    fn marker(&self, column: usize) -> Result<bool, DataError> {
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
        std::str::from_utf8(&self.record[column]).map_err(|_| DataError::NotUtf8 {
            line: self.line,
            column: self.names[column].clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a,b,y,is_test\n1,2,0,0\n3,4,1,1\n5,6,1,0\n";

    fn message<T>(result: Result<T, DataError>) -> String {
        result.err().expect("an error").to_string()
    }

    #[test]
    fn columns_are_found_by_name_in_the_order_asked_for() {
        let reader = CsvReader::new().features(["b", "a"]).target("y");
        let data = reader.read_from(TEXT.as_bytes()).unwrap();
        assert_eq!(data.x(), [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]);
        assert_eq!(data.feature_names(), ["b", "a"]);
        assert_eq!((data.y(), data.target_name()), (&[0.0, 1.0, 1.0][..], "y"));
    }

    #[test]
    fn the_test_column_splits_and_is_no_feature() {
        let reader = CsvReader::new().test_column("is_test");
        let (train, test) = reader.read_split_from(TEXT.as_bytes()).unwrap();
        assert_eq!(train.feature_names(), ["a", "b"]);
        assert_eq!(
            (train.x(), test.x()),
            (&[1.0, 2.0, 5.0, 6.0][..], &[3.0, 4.0][..])
        );
        assert_eq!(reader.read_from(TEXT.as_bytes()).unwrap().rows(), 3);
    }

    #[test]
    fn other_delimiters_missing_headers_spaces_and_crlf_are_read() {
        let reader = CsvReader::new()
            .delimiter(b';')
            .without_header()
            .features(["2"]);
        let data = reader
            .read_from("9; 1.5 ;0\r\n9;-2e3;1\r\n".as_bytes())
            .unwrap();
        assert_eq!((data.x(), data.y()), (&[1.5, -2e3][..], &[0.0, 1.0][..]));
    }

    #[test]
    fn each_bad_field_is_named_by_line_and_column() {
        let read = |text: &str| Dataset::from_csv_reader(text.as_bytes());
        assert_eq!(
            message(read("a,y\n1,2\nx,3\n")),
            "line 3, column `a`: `x` is not a number"
        );
        assert_eq!(
            message(read("a,y\n1,2\n,3\n")),
            "line 3, column `a`: `` is not a number"
        );
        assert_eq!(
            message(read("a,y\n1,nan\n")),
            "line 2, column `y`: `nan` is not finite; remove the row or fill in a value"
        );
        assert_eq!(
            message(read("a,y\n1e999,1\n")),
            "line 2, column `a`: `1e999` is not finite; remove the row or fill in a value"
        );
        assert_eq!(
            message(read("a,y\n1,2\n1\n")),
            "line 3 has 1 fields; every line needs 2"
        );
        assert_eq!(
            message(
                CsvReader::new()
                    .test_column("t")
                    .read_from("a,y,t\n1,2,maybe\n".as_bytes())
            ),
            "line 2, column `t`: `maybe` does not mark a row; use 1 or true for test, 0 or false for train"
        );
    }

    #[test]
    fn each_bad_file_has_its_message() {
        let read = |text: &str| Dataset::from_csv_reader(text.as_bytes());
        assert!(message(read("")).starts_with("the CSV is empty"));
        assert!(message(read("a,y\n")).starts_with("the CSV has a header and no rows"));
        assert!(message(read("y\n1\n")).starts_with("no feature columns"));
        let missing = std::env::temp_dir().join("bayes-nn-no-such-file.csv");
        assert!(
            message(Dataset::from_csv(&missing))
                .starts_with(&format!("cannot open {}", missing.display()))
        );
        assert!(
            message(Dataset::from_csv_reader(&b"a,y\n\xff,1\n"[..]))
                .starts_with("line 2, column `a`: the bytes are no UTF-8")
        );
    }

    #[test]
    fn each_bad_choice_of_columns_has_its_message() {
        let read = |reader: CsvReader| message(reader.read_from(TEXT.as_bytes()));
        assert_eq!(
            read(CsvReader::new().target("z")),
            "no column `z`; the columns are `a`, `b`, `y`, `is_test`"
        );
        assert!(
            read(CsvReader::new().features(["a", "a"])).starts_with("column `a` is not unique")
        );
        assert!(
            read(CsvReader::new().features(["y"]).target("y"))
                .starts_with("column `y` is not unique")
        );
        let twice = CsvReader::new()
            .target("a")
            .read_from("a,a,y\n1,2,3\n".as_bytes());
        assert!(message(twice).starts_with("column `a` is not unique"));
        assert!(
            message(CsvReader::new().read_split_from(TEXT.as_bytes()))
                .starts_with("no column marks")
        );
        let only_train = CsvReader::new()
            .test_column("t")
            .read_split_from("a,y,t\n1,2,0\n".as_bytes());
        assert!(
            message(only_train)
                .starts_with("the test set would be empty: 1 training and 0 test rows")
        );
    }
}
