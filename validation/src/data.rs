//! Where the reference data lie, and reading them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;

/// The environment variable that names the folder.
pub const VARIABLE: &str = "BAYES_NN_DATA";

/// The folder of reference data.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that is `given`, or that [`VARIABLE`] names, or `../shared/data` seen from the
    /// root of the project.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find(given: Option<PathBuf>) -> Result<Folder, Error> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let default = || root.unwrap_or(Path::new(".")).join("../shared/data");
        let named = given.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
        let folder = named.unwrap_or_else(default);
        match folder.is_dir() {
            true => Ok(Folder(folder)),
            false => Err(Error::NoFolder(folder)),
        }
    }

    /// A JSON file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn json(&self, path: &str) -> Result<Table, Error> {
        read(self.0.join(path))
    }

    /// The data of a posterior of posteriordb.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn posteriordb(&self, name: &str) -> Result<Table, Error> {
        self.json(&format!("posteriordb/data/{name}.json"))
    }

    /// Numbers in rows, separated by white space: all of them, and how many stand in a row.
    ///
    /// # Errors
    /// When they cannot be read, or rows are not equally long.
    pub fn numbers(&self, path: &str) -> Result<(Vec<f64>, usize), Error> {
        let file = self.0.join(path);
        let text = std::fs::read_to_string(&file).map_err(|error| problem(&file, error))?;
        let (mut numbers, mut columns) = (Vec::new(), 0);
        for line in text.lines() {
            let before = numbers.len();
            for word in line.split_whitespace() {
                let number: f64 = word.parse().map_err(|error| problem(&file, error))?;
                numbers.push(number);
            }
            match numbers.len() - before {
                0 => {}
                count if columns == 0 || count == columns => columns = count,
                count => {
                    let text = format!("a row of {count} numbers after rows of {columns}");
                    return Err(problem(&file, text));
                }
            }
        }
        Ok((numbers, columns))
    }

    /// Columns of a CSV file, by their names.
    ///
    /// # Errors
    /// When it cannot be read, has no such column, or a value there is no number.
    pub fn csv<const N: usize>(
        &self,
        path: &str,
        names: [&str; N],
    ) -> Result<[Vec<f64>; N], Error> {
        let file = self.0.join(path);
        let mut reader = csv::Reader::from_path(&file).map_err(|error| problem(&file, error))?;
        let header = reader.headers().map_err(|error| problem(&file, error))?;
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            let found = header.iter().position(|column| column == name);
            *place = found.ok_or_else(|| problem(&file, format!("there is no column `{name}`")))?;
        }
        let mut columns = [const { Vec::new() }; N];
        for record in reader.records() {
            let record = record.map_err(|error| problem(&file, error))?;
            for (column, place) in columns.iter_mut().zip(places) {
                let value = record.get(place).unwrap_or_default().trim();
                let number: f64 = value
                    .parse()
                    .map_err(|error| problem(&file, format!("`{value}`: {error}")))?;
                column.push(number);
            }
        }
        Ok(columns)
    }
}

/// A JSON object of numbers and lists of numbers.
#[derive(Clone, Debug)]
pub struct Table {
    file: PathBuf,
    value: Value,
}

impl Table {
    /// The field `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn field(&self, name: &str) -> Result<&Value, Error> {
        let found = self.value.get(name);
        found.ok_or_else(|| problem(&self.file, format!("there is no `{name}`")))
    }

    /// The number `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn number(&self, name: &str) -> Result<f64, Error> {
        let number = self.field(name)?.as_f64();
        number.ok_or_else(|| problem(&self.file, format!("`{name}` is no number")))
    }

    /// The numbers in the list `name`, or in its lists, one after the other.
    ///
    /// # Errors
    /// When there is no such list.
    pub fn column(&self, name: &str) -> Result<Vec<f64>, Error> {
        fn collect(value: &Value, numbers: &mut Vec<f64>) -> Option<()> {
            match value {
                Value::Array(values) => values.iter().try_for_each(|v| collect(v, numbers)),
                number => {
                    numbers.push(number.as_f64()?);
                    Some(())
                }
            }
        }
        let mut numbers = Vec::new();
        let collected = collect(self.field(name)?, &mut numbers);
        let wrong = || problem(&self.file, format!("`{name}` is no list of numbers"));
        collected.map(|()| numbers).ok_or_else(wrong)
    }
}

/// A JSON file.
///
/// # Errors
/// When it cannot be read.
pub fn read(file: PathBuf) -> Result<Table, Error> {
    let parsed = || -> Result<Value, Box<dyn std::error::Error>> {
        Ok(serde_json::from_str(&std::fs::read_to_string(&file)?)?)
    };
    match parsed() {
        Ok(value) => Ok(Table { file, value }),
        Err(error) => Err(problem(&file, error)),
    }
}

/// What is wrong with a file.
pub fn problem(file: &Path, problem: impl ToString) -> Error {
    Error::File {
        file: file.to_path_buf(),
        problem: problem.to_string(),
    }
}
