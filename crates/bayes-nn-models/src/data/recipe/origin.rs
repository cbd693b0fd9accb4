//! Data sets that were made of a table, and how their rows are encoded.

use std::sync::Arc;

use super::{Encoding, Recipe};
use crate::data::table::Table;
use crate::data::{DataError, Dataset};

/// Rows of a table, and the encoding by which they became numbers.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) table: Table,
    pub(crate) rows: Arc<[usize]>,
    pub(crate) encoding: Arc<Encoding>,
}

impl Origin {
    /// That of a fit that was loaded, which has no rows.
    pub(crate) fn of_encoding(encoding: Encoding) -> Origin {
        Origin {
            table: Table::without_columns(),
            rows: [].into(),
            encoding: Arc::new(encoding),
        }
    }
}

/// The numbers are compared by themselves, where they are.
impl PartialEq for Origin {
    fn eq(&self, other: &Origin) -> bool {
        self.encoding == other.encoding
    }
}

impl Dataset {
    /// Rows of a table in an encoding that was fitted to these or to others.
    pub(crate) fn from_table(
        table: &Table,
        rows: Arc<[usize]>,
        encoding: &Arc<Encoding>,
    ) -> Result<Dataset, DataError> {
        let x = encoding.scaled_features(table, &rows)?;
        let y = encoding.scaled_targets(table, &rows)?;
        encoding.codes(table, &rows)?;
        let standardization = encoding.standardization();
        let target_standardization = encoding.target_standardization();
        let (names, target) = (encoding.feature_names(), encoding.target().name.clone());
        let data = Dataset::from_parts(x.into(), y.into(), names, target)?;
        Ok(Dataset {
            standardization: standardization.map(Arc::new),
            target_standardization: target_standardization.map(Arc::new),
            classes: encoding.class_names().cloned(),
            origin: Some(Arc::new(Origin {
                table: table.clone(),
                rows,
                encoding: encoding.clone(),
            })),
            ..data
        })
    }

    /// How the rows of the table of which the data set was made became numbers; `None` of a data set
    /// of numbers.
    pub fn encoding(&self) -> Option<&Encoding> {
        self.origin.as_ref().map(|origin| &*origin.encoding)
    }

    /// The data set by another recipe, fitted to its rows. Of numbers that are no table it is an error.
    ///
    /// # Errors
    /// [`DataError::NoTable`]; a column that the recipe names and the table does not have; missing
    /// values where they are refused.
    pub fn with_recipe(&self, recipe: &Recipe) -> Result<Dataset, DataError> {
        let origin = self.origin("recipe")?;
        let name = &origin.encoding.target().name;
        let encoding = Encoding::fit(recipe, &origin.table, &origin.rows, name)?;
        Dataset::from_table(&origin.table, origin.rows.clone(), &encoding.into())
    }

    /// The data set of a table of which a column is no feature.
    pub(in crate::data) fn without_feature(&self, column: &str) -> Result<Dataset, DataError> {
        let origin = self.origin("column that marks test rows")?;
        let (table, own) = (origin.table.except([column])?, &origin.encoding);
        let encoding = Encoding::fit(own.recipe(), &table, &origin.rows, &own.target().name)?;
        Dataset::from_table(&table, origin.rows.clone(), &encoding.into())
    }

    pub(in crate::data) fn origin(&self, what: &'static str) -> Result<&Origin, DataError> {
        self.origin.as_deref().ok_or(DataError::NoTable { what })
    }

    /// Rows to fit, and others in the same encoding, whose constants are those of the former alone. Of
    /// a data set of numbers the constants stay what they are.
    pub(in crate::data) fn sides(
        &self,
        train: &[usize],
        test: &[usize],
    ) -> Result<(Dataset, Dataset), DataError> {
        let (train, test) = (self.select(train)?, self.select(test)?);
        let (Some(own), Some(others)) = (&train.origin, &test.origin) else {
            return Ok((train, test));
        };
        let (table, recipe) = (&own.table, own.encoding.recipe());
        let target = &own.encoding.target().name;
        let encoding = Encoding::fit(recipe, table, &own.rows, target)?.into();
        let side = |origin: &Origin| Dataset::from_table(table, origin.rows.clone(), &encoding);
        Ok((side(own)?, side(others)?))
    }

    /// The selected rows of the table.
    pub(in crate::data) fn origin_of_rows(&self, rows: &[usize]) -> Option<Arc<Origin>> {
        let origin = self.origin.as_ref()?;
        Some(Arc::new(Origin {
            rows: rows.iter().map(|row| origin.rows[*row]).collect(),
            ..(**origin).clone()
        }))
    }
}
