//! The data of a fit as its model sees them: what is observed, and what is given.

use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Shape};
use bayes_nn_inference::{Point, Rows};
use bayes_nn_kernels::Step;

use super::axes::Axes;
use super::batch::Batch;
use super::data::Values;
use super::{Data, Model, Predictive, run};
use crate::error::Error;

/// The data of a fit, by their part in the model.
pub(crate) struct Observations {
    pub(crate) observed: Vec<ObservedValues>,
    /// Columns that are not observed.
    pub(crate) constant: Vec<ConstantColumn>,
    /// Variables that stand for missing values, with the rows of these.
    pub(crate) imputed: Vec<(String, Subset)>,
}

/// Some of the rows of the data.
#[derive(Clone, Debug)]
pub(crate) struct Subset {
    pub(crate) rows: Arc<[usize]>,
    /// How many rows there are.
    pub(crate) of: usize,
}

/// What was seen of a variable.
pub(crate) struct ObservedValues {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// What its axes are called.
    pub(crate) axes: Axes,
    pub(crate) values: Vec<f64>,
    /// The rows that were seen, if some were not.
    pub(crate) rows: Option<Subset>,
}

/// A column as it was handed in: rows first.
pub(crate) struct ConstantColumn {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Arc<[f64]>,
    /// Whether it holds whole numbers that select.
    pub(crate) whole: bool,
}

impl<M: Model> Predictive<M> {
    /// The data of the fit. What is observed of a function of variables has no values.
    pub(crate) fn observations(&self) -> Result<Observations, Error> {
        let graph = Graph::new();
        let batch = Batch::new(&graph, &self.data, Rows::All, None);
        let z = self.source.draw(&Step::new(&graph));
        let point = Rc::new(Point::at(z, self.source.sites()));
        let record = run(&self.model, &batch, point)?;
        let subset = |rows: Arc<[usize]>| Subset {
            rows,
            of: batch.total_rows(),
        };
        let mut observed = Vec::new();
        let mut columns = Vec::new();
        for one in record.observed {
            columns.extend(batch.shared.column_of(one.value));
            if !graph.depends_on(one.value, z) {
                observed.push(ObservedValues {
                    name: one.name,
                    shape: one.value.shape(),
                    axes: one.axes,
                    values: batch.shared.value(one.value)?,
                    rows: one.rows.map(subset),
                });
            }
        }
        let imputed = record.sites.into_iter();
        let imputed = imputed.filter_map(|site| Some((site.name, subset(site.rows?))));
        Ok(Observations {
            observed,
            constant: self.data.constant(&columns),
            imputed: imputed.collect(),
        })
    }
}

impl Data {
    /// The columns but for those observed.
    fn constant(&self, observed: &[String]) -> Vec<ConstantColumn> {
        let given = self.columns().filter(|(name, _)| !observed.contains(name));
        given
            .filter_map(|(name, column)| {
                let (values, columns, whole) = match column {
                    Values::Vector(values) => (values, None, false),
                    Values::Matrix(matrix) => (&matrix.values, Some(matrix.columns), false),
                    Values::Index(values) => (values, None, true),
                    // No model can read it without observing it.
                    Values::Incomplete { .. } => return None,
                };
                let rows = values.len() / columns.unwrap_or(1);
                Some(ConstantColumn {
                    name: name.clone(),
                    shape: std::iter::once(rows).chain(columns).collect(),
                    values: values.to_f64().into(),
                    whole,
                })
            })
            .collect()
    }
}
