//! Data of tables: the names of classes, and new rows encoded as those of the fit.

use std::fmt;
use std::sync::Arc;

use super::data::Scales;
use super::stream::values_of;
use super::{Data, Posterior};
use crate::data::{
    DataError, Dataset, Encoding, Origin, Source, SourceColumn, SourceKind, StreamError, Table,
    TableFile, TableRows,
};
use crate::error::Error;

impl Data {
    /// The names of the classes of the target.
    pub(crate) fn classes(&self) -> Option<&Arc<[String]>> {
        self.scales.as_ref()?.classes.as_ref()
    }

    /// The table of which a data set was made.
    pub(crate) fn origin(&self) -> Option<&Arc<Origin>> {
        self.scales.as_ref()?.origin.as_ref()
    }

    /// That a data set was made of a table by another recipe than the data of the fit.
    pub(crate) fn other_recipe_than(&self, fitted: &Data) -> Option<String> {
        let recipe = |data: &Data| Some(data.origin()?.encoding.recipe().clone());
        let (own, fitted) = (recipe(self)?, recipe(fitted)?);
        (own != fitted).then(|| {
            format!("became numbers by the recipe {fitted:?}, and the data given by {own:?}")
        })
    }

    /// Rows of a table, encoded as those of the fit, and the names of groups with the places that they
    /// have there; otherwise encoded ones are encoded again.
    pub(crate) fn encoded_as(self, fitted: &Data) -> Result<Data, Error> {
        match (self.origin(), fitted.origin()) {
            (Some(own), Some(fitted)) if own != fitted && own.rows.is_empty() => {
                Err(DataError::from(StreamError::OtherEncoding).into())
            }
            (Some(own), Some(fitted)) if own != fitted => {
                let data = Dataset::from_table(&own.table, own.rows.clone(), &fitted.encoding)?;
                Ok(Data::from(&data))
            }
            _ => self.named_as(fitted),
        }
    }

    /// The rows of a table without a target, encoded as those of the fit; of a fit to columns by their
    /// names, those that it has.
    pub(crate) fn of_table(table: &Table, fitted: &Data) -> Result<Data, Error> {
        let Some(Origin { encoding, .. }) = fitted.origin().map(|origin| &**origin) else {
            let data = Data::like(fitted, table)?;
            return match data.rows() {
                Some(_) => data.encoded_as(fitted),
                None => Err(DataError::NotOfTable.into()),
            };
        };
        let rows: Vec<usize> = (0..table.rows()).collect();
        let x = encoding.scaled_features(table, &rows)?;
        let mut data = Data::new().matrix("x", x, encoding.feature_names().len())?;
        let codes = encoding.codes(table, &rows)?;
        for (own, codes) in encoding.embeddings().into_iter().zip(codes) {
            data.columns
                .push((own.index, values_of(SourceKind::Index, codes.into())));
        }
        Ok(Data {
            scales: fitted.scales.clone(),
            ..data
        })
    }
}

impl From<&TableRows> for Data {
    fn from(rows: &TableRows) -> Data {
        let columns = rows.columns().into_iter().zip(rows.head());
        let columns = columns
            .map(|(SourceColumn { name, kind }, numbers)| (name, values_of(kind, numbers.clone())));
        Data {
            columns: columns.collect(),
            rows: Some(rows.rows()),
            scales: Some(Scales {
                features: rows.standardization().cloned(),
                target: rows.target_standardization(),
                classes: rows.shared_encoding().class_names().cloned(),
                origin: Some(Arc::new(Origin {
                    table: rows.head_table().clone(),
                    // Which rows these are is known to the source alone.
                    rows: Arc::default(),
                    encoding: rows.shared_encoding().clone(),
                })),
            }),
            sources: vec![Arc::new(rows.clone())],
            ..Data::default()
        }
    }
}

impl From<TableRows> for Data {
    fn from(rows: TableRows) -> Data {
        Data::from(&rows)
    }
}

impl<M> Posterior<M> {
    /// Rows of a file that is larger than memory, encoded as those of the fit were, to be predicted
    /// ([`Posterior::predict_to`]) or, if the file has the targets, scored ([`Posterior::score`]).
    ///
    /// # Errors
    /// A fit to numbers; rows that cannot be encoded so, of the first thousand at once, of others when
    /// they are read.
    pub fn encode(&self, table: &TableFile) -> Result<Data, Error> {
        let origin = self.predictive.data.origin().ok_or(DataError::NotOfTable)?;
        Ok(table.encoded(&origin.encoding)?.into())
    }

    /// How rows of a table became the numbers of the fit, and will for predictions; `None` of a fit to
    /// numbers.
    pub fn encoding(&self) -> Option<&Encoding> {
        let origin = self.predictive.data.origin()?;
        Some(&origin.encoding)
    }

    /// The names of the classes of the target, if they have any.
    pub fn classes(&self) -> Option<&[String]> {
        self.predictive.data.classes().map(|names| &**names)
    }

    /// Shows the names of the classes on a line of their own.
    pub(super) fn show_classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.classes() {
            Some(names) => {
                write!(f, "\nclasses    ")?;
                crate::data::few(f, names)
            }
            None => Ok(()),
        }
    }
}
