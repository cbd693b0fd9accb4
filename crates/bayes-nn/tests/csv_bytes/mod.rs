//! Any bytes as a file of delimited fields.

use bayes_nn::Table;
use bayes_nn::data::{ColumnKind, Missing, Recipe};

/// Readers of several settings read a whole table from the bytes, or refuse them with a sentence, and so
/// does every column as a target by several recipes. How many data sets there are.
///
/// # Panics
/// If a table or a data set is not whole.
pub fn check(text: &[u8]) -> usize {
    let readers = [
        Table::reader(),
        Table::reader().without_header(),
        Table::reader()
            .delimiter(b';')
            .kind("y", ColumnKind::Category),
        Table::reader().encoding("utf-16le").decimal_comma(true),
    ];
    let recipes = [
        Recipe::new().unscaled(),
        Recipe::new().missing(Missing::Impute).ignore_unknown(),
    ];
    let mut read = 0;
    for reader in &readers {
        let table = match reader.read_from(text) {
            Ok(table) => table,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        assert!(table.rows() > 0 && !table.to_string().is_empty());
        for name in table.names() {
            match table.target(name) {
                Ok(data) => {
                    read += 1;
                    assert!(data.x().iter().chain(data.y()).all(|v| v.is_finite()));
                    assert_eq!(data.x().len(), data.rows() * data.feature_names().len());
                    assert_eq!((data.y().len(), data.rows()), (table.rows(), table.rows()));
                    for recipe in &recipes {
                        let other = data.with_recipe(recipe).map(|other| other.rows());
                        assert!(other.is_ok_and(|rows| rows == data.rows()));
                    }
                    if let Err(error) = data.split_marked(name) {
                        assert!(!error.to_string().is_empty());
                    }
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    read
}
