//! Which columns of the data a run of a model has read.

use std::collections::HashMap;

use bayes_nn_autodiff::{Op, Var};

use super::batch::Shared;
use super::record::Record;
use crate::error::{Error, GroupError};

impl<'g> Shared<'g> {
    /// The column that this value is, as it is, be it there or not.
    pub(crate) fn column_of(&self, value: Var<'g>) -> Option<String> {
        let (inputs, windows) = (self.inputs.borrow(), self.windows.borrow());
        let absent = self.absent.borrow();
        let inputs = inputs.iter().map(|input| (&input.name, input.input));
        let windows = windows
            .iter()
            .map(|window| (&window.fed.name, window.value));
        let absent = absent.iter().map(|(name, var)| (name, *var));
        let mut known = inputs.chain(windows).chain(absent);
        let own = known.find(|(_, var)| var.id() == value.id());
        own.map(|(name, _)| name.clone())
    }

    /// The names of the columns that were read, last of those that are not there.
    pub(crate) fn columns_read(&self) -> Vec<String> {
        let inputs = self.inputs.borrow();
        let windows = self.windows.borrow();
        let absent = self.absent.borrow();
        let names = inputs.iter().map(|input| &input.name);
        let names = names.chain(windows.iter().map(|window| &window.fed.name));
        names.chain(absent.iter().map(|a| &a.0)).cloned().collect()
    }

    /// Checks that what an index column selects is there, and of a variable over named dimensions that
    /// the names of the column are those of the axis.
    pub(super) fn check_indices(&self, record: &Record<'_>) -> Result<(), Error> {
        let (inputs, windows) = (self.inputs.borrow(), self.windows.borrow());
        let inputs = inputs.iter().map(|i| (i.input.id(), &i.name, &i.values));
        let windows = windows
            .iter()
            .map(|w| (w.value.id(), &w.fed.name, &w.fed.values));
        let columns: HashMap<_, _> = (inputs.chain(windows))
            .filter_map(|(id, name, values)| Some((id?, (name, values))))
            .collect();
        let named = record
            .variables()
            .filter(|(_, _, axes, _)| !axes.is_empty());
        let named: HashMap<_, _> = named
            .filter_map(|(site, _, axes, value)| Some((value.id()?, (site, axes))))
            .collect();
        let nodes = self.graph.nodes();
        for node in nodes.iter() {
            let Op::Gather { axis } = node.op else {
                continue;
            };
            // In a minibatch an index column is itself selected from by row numbers.
            let index = &nodes[node.arguments[1].index()];
            let column = match index.op {
                Op::Gather { .. } => index.arguments[0],
                _ => node.arguments[1],
            };
            let Some((name, values)) = columns.get(&column) else {
                continue;
            };
            if let Some((site, axes)) = named.get(&node.arguments[0])
                && let (Some(dimension), Some(found)) = (&axes[axis], self.data.selected_by(name))
                && dimension.name() != found
            {
                return Err(GroupError::SelectedByOther {
                    site: (*site).clone(),
                    dimension: dimension.name().to_owned(),
                    column: (*name).clone(),
                    found: found.to_owned(),
                }
                .into());
            }
            let length = nodes[node.arguments[0].index()].shape[axis];
            if let Some(row) = values.position(|value| value >= length as f64) {
                return Err(Error::IndexRange {
                    column: (*name).clone(),
                    row,
                    value: values.get(row).unwrap_or(f64::NAN),
                    length,
                });
            }
        }
        Ok(())
    }

    /// Whether a value needs a column that is not there.
    pub(crate) fn is_absent(&self, value: Var<'g>) -> bool {
        let absent = self.absent.borrow();
        absent
            .iter()
            .any(|(_, var)| self.graph.depends_on(value, *var))
    }
}
