//! What a file has of the data of a fit: their columns, how they are scaled and encoded, and no values.

use std::sync::Arc;

use bayes_nn_files::{Entry, FileError, Node, Place, Value, choice};

use crate::data::{Origin, Standardization};
use crate::model::{Data, Gone, Scales, Values};

choice!(Gone {
    "column": Vector {},
    "column_with_missing": Incomplete {},
    "matrix": Matrix { "columns": columns },
    "index": Index {},
});

/// Rows of data are counted in 32 bits.
const MOST_ROWS: usize = u32::MAX as usize;

impl Entry for Data {
    fn write(&self, place: &Place<'_>) -> Value {
        let columns: Vec<(String, Gone)> = self
            .columns()
            .map(|(name, values)| (name.clone(), values.described()))
            .collect();
        let object = place
            .object()
            .put("rows", &self.rows())
            .put("columns", &columns);
        let object = object.put("scales", self.scales());
        let (dimensions, groups) = self.groups_and_dimensions();
        let object = object.put("dimensions", dimensions);
        object.put("groups", groups).value()
    }

    fn read(node: &Node<'_>) -> Result<Data, FileError> {
        let rows: Option<usize> = node.get("rows")?;
        let columns: Vec<(String, Gone)> = node.get("columns")?;
        if rows.is_some() == columns.is_empty() || rows.is_some_and(|n| n == 0 || n > MOST_ROWS) {
            return Err(node.refuse("has columns without rows, or more rows than can be"));
        }
        let mut names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(node.refuse(format!("has two columns `{}`", twice[0])));
        }
        let data = Data::described(columns, rows, node.get("scales")?);
        let dimensions: Option<Vec<_>> = node.get("dimensions")?;
        let groups: Option<Vec<_>> = node.get("groups")?;
        data.described_groups(dimensions.unwrap_or_default(), groups.unwrap_or_default())
            .map_err(|error| node.refuse(error))
    }
}

impl Entry for Scales {
    fn write(&self, place: &Place<'_>) -> Value {
        let Scales {
            features,
            target,
            classes,
            origin,
        } = self;
        let object = place
            .object()
            .put("features", features)
            .put("target", target);
        let object = object.put("classes", classes);
        match origin {
            Some(origin) => object.put("encoding", &*origin.encoding).value(),
            None => object.value(),
        }
    }

    fn read(node: &Node<'_>) -> Result<Scales, FileError> {
        let target: Option<Standardization> = node.get("target")?;
        if target
            .as_ref()
            .is_some_and(|target| target.means().len() != 1)
        {
            return Err(node.at("target")?.refuse("has not one mean"));
        }
        Ok(Scales {
            features: node.get("features")?,
            target,
            classes: node.get("classes")?,
            origin: node
                .get::<Option<_>>("encoding")?
                .map(|encoding| Arc::new(Origin::of_encoding(encoding))),
        })
    }
}

impl Entry for Standardization {
    fn write(&self, place: &Place<'_>) -> Value {
        let (means, sds) = (self.means().to_vec(), self.sds().to_vec());
        place.object().put("means", &means).put("sds", &sds).value()
    }

    fn read(node: &Node<'_>) -> Result<Standardization, FileError> {
        let (means, sds): (Vec<f64>, Vec<f64>) = (node.get("means")?, node.get("sds")?);
        match means.len() == sds.len() {
            true => Ok(Standardization::new(means, sds)),
            false => Err(node.refuse(format!("has {} means and {} sds", means.len(), sds.len()))),
        }
    }
}

impl Values {
    /// What a file says of a column.
    fn described(&self) -> Gone {
        match self {
            Values::Vector(_) => Gone::Vector,
            Values::Incomplete { .. } => Gone::Incomplete,
            Values::Matrix(matrix) => Gone::Matrix {
                columns: matrix.columns,
            },
            Values::Index(_) => Gone::Index,
            Values::Gone(gone) => *gone,
        }
    }
}

impl Data {
    /// What differs between the data of a fit, whose values may be gone, and those that are given for
    /// them: the number of rows, or a column; values are not compared.
    pub(crate) fn problem_of(&self, given: &Data) -> Option<String> {
        if given.rows() != self.rows() {
            let count = |data: &Data| data.rows().unwrap_or(0);
            let (own, given) = (count(self), count(given));
            return Some(format!("has {own} rows, and the data have {given}"));
        }
        self.columns().find_map(|(name, values)| {
            let given = given.get(name).map(Values::described);
            if given == Some(values.described()) {
                return None;
            }
            let found = given.map_or("none".to_owned(), |given| format!("{given:?}"));
            let own = values.described();
            Some(format!(
                "has the column `{name}`, {own:?}, and the data have {found}"
            ))
        })
    }
}
