//! How one column of a table becomes numbers.

use std::fmt;
use std::sync::Arc;

use super::{Missing, Recipe};
use crate::data::DataError;
use crate::data::standardize::mean_and_sd;
use crate::data::table::{ColumnKind, Place, Table, TableColumn};

/// More categories than this, in more than half of the rows, are names of rows.
const MOST_NAMES: usize = 20;

/// How one column is encoded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Encoded {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    pub(super) categories: Arc<[String]>,
    pub(super) mean: f64,
    pub(super) sd: f64,
    pub(super) missing: Missing,
    /// What stands for a missing number, or the place of the most frequent word.
    pub(super) filled: f64,
    /// Of words that are places in a table of vectors, the numbers of a vector.
    pub(super) vector: Option<usize>,
}

/// What is known of all rows of a column.
#[derive(Clone, Debug)]
pub(in crate::data) struct Statistics {
    pub(in crate::data) name: String,
    pub(in crate::data) kind: ColumnKind,
    pub(in crate::data) categories: Arc<[String]>,
    /// Values of the whole table that are missing.
    pub(in crate::data) missing: usize,
    /// Of numbers.
    pub(in crate::data) mean: f64,
    pub(in crate::data) sd: f64,
    /// The place of the word that is there most often.
    pub(in crate::data) most_frequent: f64,
    /// Whether all values are 0 or 1.
    pub(in crate::data) is_binary: bool,
}

impl Statistics {
    /// Of a table in memory, with constants of some of its rows.
    pub(super) fn of(column: &TableColumn, rows: &[usize]) -> Statistics {
        let known = rows.iter().map(|row| column.values[*row]);
        let known: Vec<f64> = known.filter(|value| !value.is_nan()).collect();
        let (mean, sd) = match known.is_empty() || column.kind == ColumnKind::Category {
            true => (0.0, 1.0),
            false => mean_and_sd(known.iter()),
        };
        Statistics {
            name: column.name.clone(),
            kind: column.kind,
            categories: column.categories.clone(),
            missing: column.missing(),
            mean,
            sd,
            most_frequent: match column.kind {
                ColumnKind::Category => most_frequent(&known, column.categories.len()),
                _ => 0.0,
            },
            is_binary: column.values.iter().all(|value| [0.0, 1.0].contains(value)),
        }
    }
}

/// Whether words that are so many, of so many rows, are names of rows.
pub(in crate::data) fn are_names(words: usize, rows: usize) -> bool {
    words > MOST_NAMES && 2 * words > rows
}

impl Encoded {
    pub(super) fn fit(
        recipe: &Recipe,
        table: &Table,
        column: &TableColumn,
        rows: &[usize],
    ) -> Result<Encoded, DataError> {
        let categories = column.categories.len();
        let known_in_table = column.values.len() - column.missing();
        if are_names(categories, known_in_table) {
            let numbers = column
                .categories
                .iter()
                .filter(|word| word.parse::<f64>().is_ok());
            if 2 * numbers.count() > categories {
                // A column of numbers but for some words: the first of them is named.
                table.as_kind(column, ColumnKind::Number)?;
            }
            return Err(DataError::ManyCategories {
                column: column.name.clone(),
                categories,
                rows: known_in_table,
            });
        }
        Ok(Encoded::of(recipe, &Statistics::of(column, rows)))
    }

    /// The encoding of a column of which this is known.
    pub(super) fn of(recipe: &Recipe, column: &Statistics) -> Encoded {
        let is_number = matches!(column.kind, ColumnKind::Number | ColumnKind::Date);
        let scaled = is_number && !recipe.unscaled;
        // Only a column that misses values is flagged; values that a later one misses are an error.
        let missing = match recipe.of_column(&column.name) {
            Missing::Flag if column.missing == 0 => Missing::Refuse,
            missing => missing,
        };
        Encoded {
            name: column.name.clone(),
            kind: column.kind,
            categories: column.categories.clone(),
            mean: if scaled { column.mean } else { 0.0 },
            sd: if scaled { column.sd } else { 1.0 },
            missing,
            filled: match column.kind {
                ColumnKind::Category => column.most_frequent,
                _ => column.mean,
            },
            vector: recipe.vector_of(&column.name),
        }
    }

    /// The numbers that the column becomes but for the flag of missing values.
    fn own_width(&self) -> usize {
        match self.kind {
            ColumnKind::Category => self.categories.len(),
            _ => 1,
        }
    }

    /// The place of a word, of the one that stands for a missing one, or of none; `None` if it may not be missing.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        match (value.is_nan(), self.missing) {
            (false, _) => Some(value),
            (true, Missing::Refuse) => None,
            (true, Missing::Flag) => Some(self.categories.len() as f64),
            (true, Missing::Impute) => Some(self.filled),
        }
    }

    pub(super) fn is_one_number(&self) -> bool {
        self.width() == 1 && self.kind != ColumnKind::Category
    }

    pub(super) fn width(&self) -> usize {
        match self.vector {
            Some(_) => 0,
            None => self.own_width() + usize::from(self.missing == Missing::Flag),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        if self.vector.is_some() {
            return Vec::new();
        }
        let mut names = match self.kind {
            ColumnKind::Category => {
                let categories = self.categories.iter();
                categories
                    .map(|word| format!("{}={word}", self.name))
                    .collect()
            }
            _ => vec![self.name.clone()],
        };
        if self.missing == Missing::Flag {
            names.push(format!("{} is missing", self.name));
        }
        names
    }

    pub(super) fn constants(&self) -> Vec<(f64, f64)> {
        let mut constants = vec![(0.0, 1.0); self.width()];
        if self.kind != ColumnKind::Category {
            constants[0] = (self.mean, self.sd);
        }
        constants
    }

    /// Writes a value, not yet standardised, or what stands for a missing one; `None` if nothing does.
    pub(super) fn write(&self, value: f64, to: &mut [f64]) -> Option<()> {
        let mut value = value;
        if value.is_nan() {
            match self.missing {
                Missing::Refuse => return None,
                Missing::Flag => to[self.own_width()] = 1.0,
                Missing::Impute => {}
            }
            if self.kind == ColumnKind::Category && self.missing == Missing::Flag {
                return Some(());
            }
            value = self.filled;
        }
        match self.kind {
            ColumnKind::Category => *to.get_mut(value as usize)? = 1.0,
            _ => to[0] = value,
        }
        Some(())
    }

    /// That a value is missing for which nothing stands.
    pub(super) fn missing_at(&self, place: Place) -> DataError {
        DataError::MissingFeature {
            place,
            column: self.name.clone(),
            stand_in: match self.kind {
                ColumnKind::Category => "most frequent word",
                _ => "mean",
            },
        }
    }
}

/// The place of the word that is there most often, of equal ones the first.
fn most_frequent(places: &[f64], categories: usize) -> f64 {
    let mut counts = vec![0_usize; categories];
    places.iter().for_each(|place| counts[*place as usize] += 1);
    let most = (0..categories).rev().max_by_key(|place| counts[*place]);
    most.unwrap_or(0) as f64
}

impl fmt::Display for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ColumnKind::Category => {
                let plural = if self.categories.len() == 1 {
                    "y"
                } else {
                    "ies"
                };
                let count = self.categories.len();
                match self.vector {
                    Some(numbers) => {
                        write!(
                            f,
                            "one of {count} categor{plural}, each a vector of {numbers}: "
                        )?;
                    }
                    None => write!(f, "0 or 1 for each of {count} categor{plural}: ")?,
                }
                few(f, &self.categories)?;
            }
            ColumnKind::Boolean => write!(f, "0 or 1")?,
            _ if (self.mean, self.sd) == (0.0, 1.0) => write!(f, "as it is")?,
            _ => scaling(f, "x", self.mean, self.sd)?,
        }
        let number = self.kind != ColumnKind::Category;
        match self.missing {
            Missing::Refuse => Ok(()),
            Missing::Flag if number => {
                write!(f, "; missing values as {}, flagged", shown(self.filled))
            }
            Missing::Flag if self.vector.is_some() => write!(f, "; missing values have a vector"),
            Missing::Flag => write!(f, "; missing values flagged"),
            Missing::Impute if number => write!(f, "; missing values as {}", shown(self.filled)),
            Missing::Impute => {
                let word = self.categories.get(self.filled as usize);
                write!(f, "; missing values as {}", word.map_or("", String::as_str))
            }
        }
    }
}

/// The first words of a list.
pub(crate) fn few(f: &mut fmt::Formatter<'_>, words: &[String]) -> fmt::Result {
    const FEW: usize = 10;
    f.write_str(&words[..words.len().min(FEW)].join(", "))?;
    match words.len() > FEW {
        true => f.write_str(", ..."),
        false => Ok(()),
    }
}

/// How a number is standardised.
pub(super) fn scaling(f: &mut fmt::Formatter<'_>, of: &str, mean: f64, sd: f64) -> fmt::Result {
    let sign = if mean < 0.0 { '+' } else { '-' };
    write!(f, "({of} {sign} {}) / {}", shown(mean.abs()), shown(sd))
}

/// A number with four digits.
fn shown(value: f64) -> String {
    let size = value.abs();
    match size == 0.0 || (1e-3..1e6).contains(&size) {
        true => {
            let digits = (3 - size.max(1e-3).log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.digits$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        false => format!("{value:.3e}"),
    }
}
