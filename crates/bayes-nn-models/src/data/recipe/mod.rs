//! How columns of a table become the numbers that a model reads.

mod codes;
mod column;
mod embedded;
mod encoding;
mod origin;
mod saved;
mod target;

pub(crate) use self::column::few;
pub(super) use self::column::{Statistics, are_names};
pub use self::embedded::Embedded;
pub use self::encoding::Encoding;
pub(crate) use self::origin::Origin;
pub(super) use self::target::missing;

use super::DataError;
use super::table::{ColumnKind, Table};

/// What is done with values that are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// A column that misses values in the table of the fit is followed by a second one, 1 where the value
    /// is missing and 0 elsewhere. A missing number is the mean of the others, a missing word none of
    /// the categories.
    #[default]
    Flag,
    /// A missing number is the mean of the others, a missing word the most frequent one, and nothing
    /// tells it from values that were there.
    Impute,
    /// A missing value is an error.
    Refuse,
}

/// How the columns of a table become numbers. By default:
///
/// - numbers and dates are brought to mean 0 and standard deviation 1, and so is a target that is a
///   number;
/// - a column of words becomes one of 0 and 1 for each category ([`Recipe::embed`] changes that), booleans are
///   0 and 1;
/// - missing values are flagged ([`Missing::Flag`]);
/// - a category that the table of the fit does not have is an error.
///
/// Which columns there are follows from the whole table; means, deviations and most frequent words from
/// the rows of the fit alone: those of the training side after a split. Both are kept with the data
/// set, the fit and its predictions, as an [`Encoding`], by which any new rows are encoded.
///
/// ```
/// use bayes_nn::Table;
/// use bayes_nn::data::{Missing, Recipe};
///
/// let text = "age,sex,price\n20,f,1.0\nNA,m,2.0\n40,m,3.0\n";
/// let data = Table::read_from(text.as_bytes())?.target("price")?;
/// assert_eq!(data.feature_names(), ["age", "age is missing", "sex=f", "sex=m"]);
/// assert_eq!(data.row(1), [0.0, 1.0, 0.0, 1.0]);
/// let data = data.with_recipe(&Recipe::new().unscaled().missing(Missing::Impute))?;
/// assert_eq!(data.row(1), [30.0, 0.0, 1.0]);
/// println!("{}", data.encoding().expect("it is of a table"));
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Recipe {
    unscaled: bool,
    missing: Missing,
    missing_in: Vec<(String, Missing)>,
    ignore_unknown: bool,
    /// Columns of words that are places in a table of vectors, with the numbers of a vector.
    embedded: Vec<(String, usize)>,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe::new()
    }
}

impl Recipe {
    /// The default recipe.
    pub fn new() -> Recipe {
        Recipe {
            unscaled: false,
            missing: Missing::Flag,
            missing_in: Vec::new(),
            ignore_unknown: false,
            embedded: Vec::new(),
        }
    }

    /// Numbers, of features and of the target, stay as they are.
    pub fn unscaled(mut self) -> Recipe {
        self.unscaled = true;
        self
    }

    /// What is done with missing values.
    pub fn missing(mut self, missing: Missing) -> Recipe {
        self.missing = missing;
        self
    }

    /// What is done with missing values of one column.
    pub fn missing_in(mut self, column: &str, missing: Missing) -> Recipe {
        self.missing_in.push((column.to_owned(), missing));
        self
    }

    /// A word that the table of the fit does not have is none of the categories, and no error.
    pub fn ignore_unknown(mut self) -> Recipe {
        self.ignore_unknown = true;
        self
    }

    /// A column of words of which each has a vector of so many numbers, found with the network, rather than a
    /// number that is 0 or 1: for words that are many, such as shops or postal codes.
    ///
    /// The column is then no feature of the matrix `x`. Data have it as an index beside, the places of its
    /// words ([`Encoding::embeddings`]), which a layer [`Embedding`](https://docs.rs/bayes-nn/latest/bayes_nn/nn/struct.Embedding.html)
    /// reads; `Bnn::for_data` makes such a network. A place more than there are words, the last, stands
    /// for missing words where they are [flagged](Missing::Flag), and for unknown ones where these are
    /// [ignored](Recipe::ignore_unknown): if rows of the fit have it, its vector is fitted, and otherwise
    /// drawn from the prior.
    ///
    /// ```
    /// use bayes_nn::data::Recipe;
    /// use bayes_nn::prelude::*;
    /// let text = "size,shop,price\n1,Ulm,2\n2,Bonn,4\n3,Ulm,6\n4,Trier,8\n";
    /// let data = Table::read_from(text.as_bytes())?.target("price")?;
    /// let data = data.with_recipe(&Recipe::new().embed("shop", 2))?;
    /// assert_eq!(data.feature_names(), ["size"]);
    /// let encoding = data.encoding().expect("it is of a table");
    /// assert!(encoding.to_string().contains("shop   one of 3 categories, each a vector of 2: Bonn"));
    /// let parameters = Bnn::for_data(&data).parameters(&data)?;
    /// assert_eq!(parameters[0].name, "shop vectors.table");
    /// assert_eq!(parameters[0].shape.to_string(), "[2, 4]");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn embed(mut self, column: &str, numbers: usize) -> Recipe {
        self.embedded.push((column.to_owned(), numbers));
        self
    }

    /// Checks that the columns that it names are there, and that those that are embedded have words.
    pub(in crate::data) fn check(&self, table: &Table) -> Result<(), DataError> {
        let places = table.places();
        for (column, _) in &self.missing_in {
            places.find(column)?;
        }
        for (name, numbers) in &self.embedded {
            let column = table.at(places.find(name)?);
            let problem = match column.kind {
                ColumnKind::Category if *numbers > 0 => continue,
                ColumnKind::Category => "a vector has at least one number".to_owned(),
                kind => format!(
                    "it is of the kind {kind}, and vectors are for words: `Table::with_kind(\"{name}\", \
                     ColumnKind::Category)`"
                ),
            };
            let column = name.clone();
            return Err(DataError::NotEmbedded { column, problem });
        }
        Ok(())
    }

    fn vector_of(&self, column: &str) -> Option<usize> {
        let said = self.embedded.iter().rfind(|(name, _)| name == column);
        said.map(|(_, numbers)| *numbers)
    }

    fn of_column(&self, column: &str) -> Missing {
        let said = self.missing_in.iter().rfind(|(name, _)| name == column);
        said.map_or(self.missing, |(_, missing)| *missing)
    }
}
