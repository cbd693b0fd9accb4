//! Tables that stay in their files.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::rows::TableRows;
use super::stored::Stored;
use super::{Table, TableReader};
use crate::data::DataError;
use crate::data::recipe::{Encoding, Recipe, Statistics, are_names};

/// Rows that stand for all where a table is shown and its columns are chosen.
pub(super) const HEAD: usize = 1_000;

/// A file of delimited fields that is larger than memory: [`TableReader::open`]. It was gone through once,
/// so that the kind of each column is that of all its fields, and every row can be found.
///
/// ```
/// use bayes_nn::prelude::*;
/// # let path = std::env::temp_dir().join(format!("bayes-nn-table-file-{}.csv", std::process::id()));
/// # let rows = (0..3_000).map(|i| format!("{},{}\n", i % 7, if i % 7 > 2 { "spam" } else { "ham" }));
/// # std::fs::write(&path, format!("size,kind\n{}", rows.collect::<String>()))?;
/// let table = Table::reader().open(&path)?;
/// let data = table.target("kind")?;
/// println!("{}", data.encoding());
/// let fit = Bnn::new(Mlp::new([1, 5, 1]), Bernoulli)
///     .fit(&data, &Advi::mean_field().steps(500).batch(64))?;
/// let score = fit.score(fit.encode(&table)?, Predict::draws(20))?;
/// assert!(score.classification().unwrap().accuracy > 0.9);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TableFile {
    pub(super) of: Arc<Stored>,
    /// The first rows, with the features of all.
    pub(super) head: Table,
}

impl TableReader {
    /// Goes through a file once, in pieces, and keeps where its rows are: for files that are larger than
    /// memory, in an encoding in which line ends are those of ASCII, such as UTF-8 and Latin-1.
    ///
    /// # Errors
    /// As [`TableReader::read`]; a file in UTF-16; a record of more than 64 MiB.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<TableFile, DataError> {
        TableFile::new(Stored::open(self, path.as_ref())?)
    }
}

impl TableFile {
    pub(super) fn new(of: Stored) -> Result<TableFile, DataError> {
        let head = of.table(0..of.rows.min(HEAD), &of.columns())?;
        let of = Arc::new(of);
        Ok(TableFile { of, head })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.of.rows
    }

    /// The table of which these columns are no features: [`Table::except`].
    ///
    /// # Errors
    /// A column that is not there, or is there twice.
    pub fn except<S: AsRef<str>>(
        &self,
        columns: impl IntoIterator<Item = S>,
    ) -> Result<TableFile, DataError> {
        let head = self.head.except(columns)?;
        Ok(TableFile {
            head,
            ..self.clone()
        })
    }

    /// The table of which only these columns are features: [`Table::only`].
    ///
    /// # Errors
    /// As [`TableFile::except`]; a column that is named twice.
    pub fn only<S: AsRef<str>>(
        &self,
        columns: impl IntoIterator<Item = S>,
    ) -> Result<TableFile, DataError> {
        let head = self.head.only(columns)?;
        Ok(TableFile {
            head,
            ..self.clone()
        })
    }

    /// Rows of numbers of which this column is the target, by the default [`Recipe`]: [`Table::target`].
    /// The file is gone through once more, for the words of columns and for standard deviations.
    ///
    /// # Errors
    /// As [`Table::target`].
    pub fn target(&self, column: &str) -> Result<TableRows, DataError> {
        self.target_by(column, &Recipe::new())
    }

    /// The same by another recipe.
    ///
    /// # Errors
    /// As [`Table::target`]; a column that the recipe names and the table does not have.
    pub fn target_by(&self, column: &str, recipe: &Recipe) -> Result<TableRows, DataError> {
        let head = &self.head;
        let places = head.places();
        let target = places.find(column)?;
        let features: Vec<usize> = head.features().to_vec();
        let features: Vec<usize> = features
            .into_iter()
            .filter(|place| *place != target)
            .collect();
        for place in &features {
            places.find(&head.at(*place).name)?;
        }
        recipe.check(head)?;
        if features.is_empty() {
            return Err(DataError::NoFeatures);
        }
        let mut statistics = self.of.statistics(&features, target)?;
        let of_target = statistics.pop().ok_or(DataError::NoFeatures)?.0;
        for (statistics, known) in &statistics {
            if are_names(statistics.categories.len(), *known) {
                return Err(DataError::ManyCategories {
                    column: statistics.name.clone(),
                    categories: statistics.categories.len(),
                    rows: *known,
                });
            }
        }
        let chosen: Vec<Statistics> = statistics.into_iter().map(|(own, _)| own).collect();
        let encoding = Encoding::of(recipe, &chosen, &of_target)?;
        TableRows::new(self, encoding.into(), true)
    }

    /// Rows in the encoding of a fit, with their targets if the table has them.
    pub(crate) fn encoded(&self, encoding: &Arc<Encoding>) -> Result<TableRows, DataError> {
        let mut names = self.head.names();
        let has_target = names.any(|name| name == encoding.target_name());
        TableRows::new(self, encoding.clone(), has_target)
    }
}

impl fmt::Display for TableFile {
    /// The number of rows, then the first of them as [`Table`] shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.of.path.display();
        write!(
            f,
            "{path}: {} rows, of which the first are\n{}",
            self.rows(),
            self.head
        )
    }
}
