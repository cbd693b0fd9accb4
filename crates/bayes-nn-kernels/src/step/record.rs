//! Records as states: a history of some entries, and a cursor that says which is next.

use bayes_nn_autodiff::{Graph, InputId, Shape, Var};

use super::Named;

/// Numbers that the histories of a step hold at most, about.
const NUMBERS: usize = 1024;

/// The history of a record.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub name: String,
    pub input: InputId,
    /// Numbers of an entry.
    pub width: usize,
}

/// All histories of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Histories {
    pub histories: Vec<History>,
    pub cursor: Option<InputId>,
    /// How many steps can be recorded before the histories are read.
    pub capacity: u64,
}

/// Writes the histories, and appends their updates.
pub(super) fn write<'g>(
    graph: &'g Graph,
    records: &[Named<'g>],
    updates: &mut Vec<(Var<'g>, Var<'g>)>,
) -> Histories {
    if records.is_empty() {
        return Histories {
            capacity: u64::MAX,
            ..Histories::default()
        };
    }
    let widths = records.iter().map(|record| record.value.shape().elements());
    let capacity = (NUMBERS / widths.max().unwrap_or(1).max(1)).clamp(1, 256);
    let cursor = graph.input("the cursor of what is recorded", []);
    let places: Vec<f64> = (0..capacity).map(|place| place as f64).collect();
    let here = graph.constant(&places, [capacity, 1]).eq(cursor);
    let mut histories = Vec::new();
    for record in records {
        let width = record.value.shape().elements();
        let history = graph.input(&record.name, Shape::from([capacity, width]));
        let entry = record.value.reshape([1, width]);
        updates.push((history, here.select(entry, history)));
        if let Some(input) = history.input_id() {
            histories.push(History {
                name: record.name.clone(),
                input,
                width,
            });
        }
    }
    updates.push((cursor, cursor + 1.0));
    Histories {
        histories,
        cursor: cursor.input_id(),
        capacity: capacity as u64,
    }
}
