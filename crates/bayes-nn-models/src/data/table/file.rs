//! Tables that stay in their files.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::column::sort_words;
use super::opened::Opened;
use super::rows::TableRows;
use super::{ColumnKind, Table, TableReader};
use crate::data::DataError;
use crate::data::recipe::{Encoding, Recipe, Statistics, are_names, missing};

/// Rows that are looked at once while categories and deviations are found.
const ROWS: usize = 1 << 12;
/// Rows that stand for all where a table is shown and its columns are chosen.
pub(super) const HEAD: usize = 1_000;
/// Different words of a column at the most.
const WORDS: usize = 1 << 20;

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
    pub(super) of: Arc<Opened>,
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
        let of = Arc::new(Opened::new(self, path.as_ref())?);
        let head = of.table(0..of.rows.min(HEAD))?.0;
        for (column, _) in &self.kinds {
            head.column(column)?;
        }
        Ok(TableFile { of, head })
    }
}

impl TableFile {
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
        if let Some(line) = self.of.sketches[target].first_missing {
            return Err(missing(line, column));
        }
        let statistics = self.statistics()?;
        let chosen: Vec<Statistics> = features.iter().map(|p| statistics[*p].clone()).collect();
        for (statistics, place) in chosen.iter().zip(&features) {
            let known = self.of.sketches[*place].known;
            if are_names(statistics.categories.len(), known) {
                return Err(DataError::ManyCategories {
                    column: statistics.name.clone(),
                    categories: statistics.categories.len(),
                    rows: known,
                });
            }
        }
        let encoding = Encoding::of(recipe, &chosen, &statistics[target]);
        TableRows::new(self, encoding.into(), true)
    }

    /// Rows in the encoding of a fit, with their targets if the table has them.
    pub(crate) fn encoded(&self, encoding: &Arc<Encoding>) -> Result<TableRows, DataError> {
        let mut names = self.head.names();
        let has_target = names.any(|name| name == encoding.target_name());
        TableRows::new(self, encoding.clone(), has_target)
    }

    /// What all rows say of each column.
    fn statistics(&self) -> Result<Vec<Statistics>, DataError> {
        let of = &*self.of;
        let mut squares = vec![0.0; of.names.len()];
        let mut words: Vec<HashMap<String, usize>> = vec![HashMap::new(); of.names.len()];
        for first in (0..of.rows).step_by(ROWS) {
            let (table, rows) = of.table(first..(first + ROWS).min(of.rows))?;
            for (place, kind) in of.kinds.iter().enumerate() {
                let column = table.at(place);
                let known = rows.iter().map(|row| column.values[*row]);
                let known = known.filter(|value| !value.is_nan());
                match (kind, of.sketches[place].moments(*kind)) {
                    (ColumnKind::Category, _) => {
                        let words = &mut words[place];
                        for value in known {
                            let word = &column.categories[value as usize];
                            match words.get_mut(word) {
                                Some(count) => *count += 1,
                                None => drop(words.insert(word.clone(), 1)),
                            }
                        }
                        // More than memory should hold are names of rows.
                        if words.len() > WORDS {
                            return Err(DataError::ManyCategories {
                                column: column.name.clone(),
                                categories: words.len(),
                                rows: of.rows,
                            });
                        }
                    }
                    (_, Some(moments)) => {
                        known.for_each(|value| squares[place] += moments.square(value));
                    }
                    (_, None) => {}
                }
            }
        }
        let columns = of.names.iter().zip(words).zip(squares).enumerate();
        let columns = columns.map(|(place, ((name, words), squares))| {
            let (kind, sketch) = (of.kinds[place], &of.sketches[place]);
            let mut words: Vec<_> = words.into_iter().collect();
            sort_words(&mut words, |(word, _)| word);
            let most = words.iter().map(|(_, count)| *count).max();
            let most = words.iter().position(|(_, count)| Some(*count) == most);
            let moments = sketch.moments(kind);
            let (mean, sd) = moments.map_or((0.0, 1.0), |m| m.mean_and_sd(squares));
            Statistics {
                name: name.clone(),
                kind,
                categories: words.into_iter().map(|(word, _)| word).collect(),
                missing: sketch.missing,
                mean,
                sd,
                most_frequent: most.unwrap_or(0) as f64,
                is_binary: moments.is_some_and(|m| m.is_binary),
            }
        });
        Ok(columns.collect())
    }
}

impl fmt::Display for TableFile {
    /// The number of rows, then the first of them as [`Table`] shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.of.file.path().display();
        write!(
            f,
            "{path}: {} rows, of which the first are\n{}",
            self.rows(),
            self.head
        )
    }
}
