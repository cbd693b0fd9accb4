//! Reading a data set from CSV, with errors that name line, column and field.

mod line;

use self::line::{Line, Places};
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
        let places = Places::new(names);
        let test = self
            .test_column
            .as_ref()
            .map(|name| places.find(name))
            .transpose()?;
        let target = match &self.target {
            Some(name) => places.find(name)?,
            None => (0..names.len())
                .rfind(|&column| Some(column) != test)
                .ok_or(DataError::NoFeatures)?,
        };
        let features = match &self.features {
            Some(wanted) => wanted
                .iter()
                .map(|name| places.find(name))
                .collect::<Result<Vec<_>, _>>()?,
            None => (0..names.len())
                .filter(|&column| column != target && Some(column) != test)
                .collect(),
        };
        if self.features.is_none() {
            for name in names {
                places.find(name)?;
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

#[cfg(test)]
mod tests;
