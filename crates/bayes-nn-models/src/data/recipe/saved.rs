//! Recipes and encodings in files.

use bayes_nn_files::{Entry, FileError, Node, Place, Value, choice, record};

use super::column::Encoded;
use super::target::Target;
use super::{Encoding, Missing, Recipe};
use crate::data::ColumnKind;

choice!(Missing { "flag": Flag {}, "impute": Impute {}, "refuse": Refuse {} });

choice!(ColumnKind {
    "number": Number {},
    "date": Date {},
    "boolean": Boolean {},
    "category": Category {},
});

impl Entry for Recipe {
    fn write(&self, place: &Place<'_>) -> Value {
        let Recipe {
            unscaled,
            missing,
            missing_in,
            ignore_unknown,
            embedded,
        } = self;
        let object = (place.object())
            .put("unscaled", unscaled)
            .put("missing", missing)
            .put("missing_in", missing_in)
            .put("ignore_unknown", ignore_unknown);
        // Files were without it before there were vectors.
        match embedded.is_empty() {
            true => object.value(),
            false => object.put("embedded", embedded).value(),
        }
    }

    fn read(node: &Node<'_>) -> Result<Recipe, FileError> {
        Ok(Recipe {
            unscaled: node.get("unscaled")?,
            missing: node.get("missing")?,
            missing_in: node.get("missing_in")?,
            ignore_unknown: node.get("ignore_unknown")?,
            embedded: match node.find("embedded")? {
                Some(_) => node.get("embedded")?,
                None => Vec::new(),
            },
        })
    }
}

record!(Target { "name": name, "kind": kind, "classes": classes, "mean": mean, "sd": sd });
record!(Encoding { "recipe": recipe, "columns": columns, "target": target });

impl Entry for Encoded {
    fn write(&self, place: &Place<'_>) -> Value {
        let Encoded {
            name,
            kind,
            categories,
            mean,
            sd,
            missing,
            filled,
            vector,
        } = self;
        let object = (place.object())
            .put("name", name)
            .put("kind", kind)
            .put("categories", categories)
            .put("mean", mean)
            .put("sd", sd)
            .put("missing", missing)
            .put("filled", filled);
        match vector {
            Some(numbers) => object.put("vector", numbers).value(),
            None => object.value(),
        }
    }

    fn read(node: &Node<'_>) -> Result<Encoded, FileError> {
        let encoded = Encoded {
            name: node.get("name")?,
            kind: node.get("kind")?,
            categories: node.get("categories")?,
            mean: node.get("mean")?,
            sd: node.get("sd")?,
            missing: node.get("missing")?,
            filled: node.get("filled")?,
            vector: match node.find("vector")? {
                Some(_) => Some(node.get("vector")?),
                None => None,
            },
        };
        let is_number = encoded.kind != ColumnKind::Category;
        match encoded.filled < encoded.categories.len() as f64 || is_number {
            true => Ok(encoded),
            false => Err(node
                .at("filled")?
                .refuse("is the place of none of the categories")),
        }
    }
}
