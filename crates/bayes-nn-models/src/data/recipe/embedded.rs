//! Columns of words that are places in a table of vectors.

use super::Encoding;
use super::codes::Codes;
use super::column::Encoded;
use crate::data::DataError;
use crate::data::table::Table;

/// A column of words that a network reads as places in a table of vectors: [`Recipe::embed`](super::Recipe::embed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embedded {
    /// The name of the index that data have for it: that of the column, of which points are `_`, since names
    /// of a network's inputs have none.
    pub index: String,
    /// The places there are: of each word, then one for what is none of them.
    pub levels: usize,
    /// The numbers of a vector.
    pub numbers: usize,
}

impl Encoding {
    /// The columns that are read as places in a table of vectors.
    pub fn embeddings(&self) -> Vec<Embedded> {
        let embedded = |column: &Encoded| {
            Some(Embedded {
                index: column.name.replace('.', "_"),
                levels: column.categories.len() + 1,
                numbers: column.vector?,
            })
        };
        self.columns.iter().filter_map(embedded).collect()
    }

    /// The places of the words of rows, for each column that is embedded.
    ///
    /// # Errors
    /// As [`Encoding::scaled_features`].
    pub(crate) fn codes(&self, table: &Table, rows: &[usize]) -> Result<Vec<Vec<u32>>, DataError> {
        let places = table.places();
        let embedded = self.columns.iter().filter(|column| column.vector.is_some());
        let codes = embedded.map(|encoded| {
            let column = table.at(places.find(&encoded.name)?);
            let column = table.as_kind(column, encoded.kind)?;
            let known = Codes::new(&column, &encoded.categories);
            let none = encoded.categories.len() as f64;
            let code = |row: &usize| {
                let code = match known.get(*row) {
                    Ok(value) => encoded.place(value),
                    Err(_) if self.recipe.ignore_unknown => Some(none),
                    Err(word) => return Err(known.unknown(table.place(*row), word)),
                };
                let missing = || encoded.missing_at(table.place(*row));
                Ok(code.ok_or_else(missing)? as u32)
            };
            rows.iter().map(code).collect()
        });
        codes.collect()
    }

    /// Checks that the names of what is embedded are those of nothing else.
    pub(super) fn check_embedded(&self) -> Result<(), DataError> {
        let mut names: Vec<String> = vec!["x".to_owned(), "y".to_owned()];
        for Embedded { index, .. } in self.embeddings() {
            if names.contains(&index) {
                return Err(DataError::NotEmbedded {
                    column: index.clone(),
                    problem: format!(
                        "data have another column that is named `{index}`; rename it in the file"
                    ),
                });
            }
            names.push(index);
        }
        match self.columns.iter().all(|column| column.vector.is_some()) {
            true => Err(DataError::NotEmbedded {
                column: self.columns[0].name.clone(),
                problem: "no column would be left for the matrix `x`; leave one as it is"
                    .to_owned(),
            }),
            false => Ok(()),
        }
    }
}
