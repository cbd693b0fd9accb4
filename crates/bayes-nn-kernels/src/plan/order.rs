//! Order: steps over the same long columns come together, to be run strip by strip.
//!
//! What a data set of many rows goes through is one pass after another over arrays that leave
//! the caches between two passes. Most of these passes compute a column of their results from
//! the same column of their arguments, so that a strip of columns can go through all of them
//! while it is at hand, and on a thread of its own. A sum over the columns is known only when
//! all strips are done; what needs it comes after.

use std::ops::Range;

use super::fuse::Draft;
use super::layout::{PADDING, RowStarts, padded};
use super::place::home;
use super::{FusedGroup, Pass, ValueId};

/// Columns of a strip, about: the values of a small network then stay in the second-level cache.
const STRIP: usize = 1024;

/// Steps that may be run strip by strip: each computes a column of what it writes from the same
/// column of what the others write, or adds it up over the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strips {
    /// The steps.
    pub steps: Range<usize>,
    /// How many columns they walk.
    pub columns: usize,
}

impl Strips {
    /// How many strips the columns are cut into.
    pub fn count(&self) -> usize {
        self.columns.div_ceil(self.width())
    }

    /// The columns of a strip but the last: whole vectors, as even as these allow.
    pub fn width(&self) -> usize {
        padded(self.columns.div_ceil(self.columns.div_ceil(STRIP)))
    }

    /// The columns of strip number `i`.
    pub fn range(&self, i: usize) -> Range<usize> {
        let width = self.width();
        i * width..((i + 1) * width).min(self.columns)
    }

    /// From row to row of a value that exists only for a strip at a time. Not a power of two,
    /// or all its rows would compete for the same places of the cache.
    pub fn stride(&self) -> usize {
        self.width() + PADDING
    }
}

/// How a step walks long columns.
struct Walk {
    columns: usize,
    /// What it reads or writes column by column.
    aligned: Vec<ValueId>,
}

/// Brings the steps into their order and says which of them may be run strip by strip.
pub(super) fn order(draft: &mut Draft) -> Vec<Strips> {
    let each = draft.passes.split_off(draft.hoisted);
    let hoisted = std::mem::take(&mut draft.passes);
    [hoisted, each]
        .into_iter()
        .flat_map(|steps| arrange(draft, steps))
        .collect()
}

/// Appends these steps to those of the draft.
fn arrange(draft: &mut Draft, steps: Vec<Pass>) -> Vec<Strips> {
    let before = draft.passes.len();
    let walks: Vec<Option<Walk>> = steps.iter().map(|step| draft.walk(step)).collect();
    let flows = flows(draft, &steps);
    let mut done = vec![false; steps.len()];
    let mut order: Vec<usize> = Vec::with_capacity(steps.len());
    let mut strips = Vec::new();
    while order.len() < steps.len() {
        let ready = |done: &[bool], step: usize| flows[step].iter().all(|f| done[f.from]);
        for step in 0..steps.len() {
            if walks[step].is_none() && !done[step] && ready(&done, step) {
                done[step] = true;
                order.push(step);
            }
        }
        let first = (0..steps.len()).find(|&step| !done[step] && ready(&done, step));
        let Some(columns) = first
            .and_then(|step| walks[step].as_ref())
            .map(|w| w.columns)
        else {
            continue;
        };
        let start = order.len();
        for step in 0..steps.len() {
            let Some(walk) = walks[step].as_ref().filter(|w| w.columns == columns) else {
                continue;
            };
            let along = |flow: &Flow| {
                let earlier = walks[flow.from].as_ref();
                !order[start..].contains(&flow.from)
                    || walk.aligned.contains(&flow.read)
                        && earlier.is_some_and(|w| w.aligned.contains(&flow.written))
            };
            if !done[step] && ready(&done, step) && flows[step].iter().all(along) {
                done[step] = true;
                order.push(step);
            }
        }
        if order.len() - start > 1 {
            let steps = before + start..before + order.len();
            strips.push(Strips { steps, columns });
        }
    }
    let mut steps: Vec<Option<Pass>> = steps.into_iter().map(Some).collect();
    let arranged = order.iter().filter_map(|&step| steps[step].take());
    draft.passes.extend(arranged);
    strips
}

/// Why a step comes after an earlier one: through which values.
struct Flow {
    from: usize,
    written: ValueId,
    read: ValueId,
}

/// For each step, what it waits for: values that earlier steps write, and readers of a state
/// whose next value it computes, so that it may write over the state.
fn flows(draft: &Draft, steps: &[Pass]) -> Vec<Vec<Flow>> {
    let mut touched: Vec<Vec<(usize, ValueId, bool)>> =
        draft.values.iter().map(|_| Vec::new()).collect();
    let mut flows = Vec::new();
    for (step, body) in steps.iter().enumerate() {
        let mut waits: Vec<Flow> = Vec::new();
        let mut wait = |touched: &[(usize, ValueId, bool)], wanted: bool, value: ValueId| {
            let others = touched.iter().filter(|(_, _, writes)| *writes == wanted);
            waits.extend(others.map(|&(from, written, _)| Flow {
                from,
                written,
                read: value,
            }));
        };
        body.each_value(|value, writes| {
            let root = home(draft, value).0;
            if !writes {
                wait(&touched[root.index()], true, value);
            }
            for (state, _) in draft.updates.iter().filter(|u| writes && u.1 == value) {
                wait(&touched[home(draft, *state).0.index()], false, value);
            }
        });
        waits.retain(|flow| flow.from != step);
        body.each_value(|value, writes| {
            touched[home(draft, value).0.index()].push((step, value, writes));
        });
        flows.push(waits);
    }
    flows
}

impl Draft {
    fn walk(&self, step: &Pass) -> Option<Walk> {
        let walk = match step {
            Pass::Fused(group) => Walk {
                columns: group.columns,
                aligned: self.aligned(group),
            },
            Pass::MatMul(product) => {
                let (left, right, out) = (product.left, product.right, product.out);
                match (product.transpose_left, product.transpose_right) {
                    (_, false) if left != right => Walk {
                        columns: product.n,
                        aligned: vec![right, out],
                    },
                    (false, true) => Walk {
                        columns: product.k,
                        aligned: vec![left, right],
                    },
                    _ => return None,
                }
            }
            Pass::ReduceMiddle { source, out, .. } => Walk {
                columns: self.values[out.index()].layout.columns,
                aligned: vec![*source, *out],
            },
            _ => return None,
        };
        let Walk { columns, aligned } = walk;
        let whole = |value: &ValueId| self.has_whole_columns(*value, columns);
        (columns >= 2 * STRIP).then(|| Walk {
            columns,
            aligned: aligned.into_iter().filter(whole).collect(),
        })
    }

    /// What a group reads only column by column, or writes.
    fn aligned(&self, group: &FusedGroup) -> Vec<ValueId> {
        let advances = |value: ValueId| {
            let stride = self.values[value.index()].layout.stride;
            let mut readings = group.operands.iter().filter(|o| o.value == value);
            readings.all(|o| {
                o.access.advances
                    && match &o.access.rows {
                        RowStarts::Every(step) => step.is_multiple_of(stride),
                        RowStarts::Listed(starts) => {
                            starts.iter().all(|s| (*s as usize).is_multiple_of(stride))
                        }
                    }
            })
        };
        let read = group.operands.iter().map(|operand| operand.value);
        let written = group.stores.iter().map(|store| store.value);
        read.filter(|value| advances(*value))
            .chain(written)
            .collect()
    }

    /// Whether a value is rows of so many columns, of the same columns as all else in the
    /// memory where it lies.
    fn has_whole_columns(&self, value: ValueId, columns: usize) -> bool {
        let (root, start) = home(self, value);
        let (own, root) = (
            &self.values[value.index()].layout,
            &self.values[root.index()].layout,
        );
        own.columns == columns
            && root.columns == columns
            && start.is_multiple_of(root.stride)
            && (own.rows <= 1 || own.stride == root.stride)
    }
}
