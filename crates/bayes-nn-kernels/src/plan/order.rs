//! Order: passes over the same long columns come together, to be run strip by strip.
//!
//! What a data set of many rows goes through is one pass after another over arrays that leave
//! the caches between two passes. Most of these passes compute a column of their results from
//! the same column of their arguments, so that a strip of columns can go through all of them
//! while it is in the cache, and on a thread of its own. A sum over the columns is known only when
//! all strips are done; what needs it comes after.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;

use super::draft::Draft;
use super::layout::RowStarts;
use super::strips::{STRIP, Strips};
use super::{Operand, Pass, ValueId};

/// How a pass walks long columns.
struct Walk {
    columns: usize,
    /// What it reads or writes column by column.
    aligned: Vec<ValueId>,
}

/// Brings the passes into their order and says which of them may be run strip by strip. `homes` are
/// those of the draft.
pub(super) fn order(draft: &mut Draft, homes: &[(ValueId, usize)]) -> Vec<Strips> {
    let Range { start, end } = draft.evaluations;
    let after = draft.passes.split_off(end);
    let repeated = draft.passes.split_off(start);
    let before = draft.passes.split_off(draft.hoisted);
    let hoisted = std::mem::take(&mut draft.passes);
    [hoisted, before, repeated, after]
        .into_iter()
        .flat_map(|passes| arrange(draft, homes, passes))
        .collect()
}

/// Appends these passes to those of the draft.
fn arrange(draft: &mut Draft, homes: &[(ValueId, usize)], passes: Vec<Pass>) -> Vec<Strips> {
    let before = draft.passes.len();
    let walks = passes.iter().map(|pass| draft.walk(pass, homes)).collect();
    let mut flows = Flows::new(draft, homes, &passes, walks);
    let mut strips = Vec::new();
    while flows.order.len() < passes.len() {
        while let Some(pass) = flows.alone.pop_first() {
            flows.take(pass, None);
        }
        let firsts = flows.walking.iter();
        let firsts = firsts.filter_map(|(columns, ready)| Some((*ready.first()?, *columns)));
        let Some((_, columns)) = firsts.min() else {
            continue;
        };
        let start = flows.order.len();
        let mut next = 0;
        while let Some(pass) = flows.ready_from(columns, next) {
            next = pass + 1;
            if flows.runs_along(pass, start) {
                flows.take(pass, Some(start));
            }
        }
        if flows.order.len() - start > 1 {
            let passes = before + start..before + flows.order.len();
            strips.push(Strips { passes, columns });
        }
    }
    let mut passes: Vec<Option<Pass>> = passes.into_iter().map(Some).collect();
    let arranged = flows.order.iter().filter_map(|&pass| passes[pass].take());
    draft.passes.extend(arranged);
    strips
}

/// The passes that touch one memory in one way, in the order in which they were written down.
#[derive(Default)]
struct Touches {
    /// Each with the value that it touches.
    by: Vec<(usize, ValueId)>,
    /// How many of the first of them are in the order already.
    passed: usize,
    /// Passes that come after so many of the first.
    waiting: VecDeque<(usize, usize)>,
    /// The last series of passes with one of them, by its start, and whether each of these walks
    /// column by column what it touches.
    run: Option<(usize, bool)>,
}

/// What passes wait for: values that earlier passes write, and readers of a state whose next value
/// they compute, so that they may write over the state.
struct Flows {
    /// The passes that write each memory, then those that read it.
    touches: Vec<Touches>,
    /// For each pass, which of them it is among, and with which value.
    among: Vec<Vec<(usize, ValueId)>>,
    /// For each pass, what it waits for, and through which of its own values.
    after: Vec<Vec<(usize, ValueId)>>,
    /// For how many of these it still waits.
    pending: Vec<usize>,
    walks: Vec<Option<Walk>>,
    done: Vec<bool>,
    order: Vec<usize>,
    /// Passes that wait for nothing: those that do not walk long columns, and by their columns
    /// those that do.
    alone: BTreeSet<usize>,
    walking: BTreeMap<usize, BTreeSet<usize>>,
}

impl Flows {
    fn new(
        draft: &Draft,
        homes: &[(ValueId, usize)],
        passes: &[Pass],
        walks: Vec<Option<Walk>>,
    ) -> Flows {
        let memories = draft.values.len();
        let mut states_of: HashMap<ValueId, Vec<ValueId>> = HashMap::new();
        for &(state, next) in &draft.updates {
            states_of.entry(next).or_default().push(state);
        }
        let memory = |value: ValueId| homes[value.index()].0.index();
        let mut flows = Flows {
            touches: (0..2 * memories).map(|_| Touches::default()).collect(),
            among: Vec::with_capacity(passes.len()),
            after: Vec::with_capacity(passes.len()),
            pending: vec![0; passes.len()],
            walks,
            done: vec![false; passes.len()],
            order: Vec::with_capacity(passes.len()),
            alone: BTreeSet::new(),
            walking: BTreeMap::new(),
        };
        for (number, pass) in passes.iter().enumerate() {
            let (mut among, mut after) = (Vec::new(), Vec::new());
            pass.each_value(|value, writes| match writes {
                false => {
                    among.push((memories + memory(value), value));
                    after.push((memory(value), value));
                }
                true => {
                    among.push((memory(value), value));
                    let states = states_of.get(&value).into_iter().flatten();
                    after.extend(states.map(|state| (memories + memory(*state), value)));
                }
            });
            for &(touches, _) in &after {
                let touches = &mut flows.touches[touches];
                if !touches.by.is_empty() {
                    touches.waiting.push_back((touches.by.len(), number));
                    flows.pending[number] += 1;
                }
            }
            for &(touches, value) in &among {
                flows.touches[touches].by.push((number, value));
            }
            flows.among.push(among);
            flows.after.push(after);
            if flows.pending[number] == 0 {
                flows.is_ready(number);
            }
        }
        flows
    }

    fn is_ready(&mut self, pass: usize) {
        match &self.walks[pass] {
            None => self.alone.insert(pass),
            Some(walk) => self.walking.entry(walk.columns).or_default().insert(pass),
        };
    }

    /// The first pass from number `from` on that walks so many columns and waits for nothing.
    fn ready_from(&self, columns: usize, from: usize) -> Option<usize> {
        self.walking.get(&columns)?.range(from..).next().copied()
    }

    /// Whether a pass walks column by column what it needs of the series of passes that starts at
    /// `start`.
    fn runs_along(&self, pass: usize, start: usize) -> bool {
        let Some(walk) = &self.walks[pass] else {
            return false;
        };
        self.after[pass]
            .iter()
            .all(|(touches, value)| match self.touches[*touches].run {
                Some((run, along)) if run == start => along && walk.aligned.contains(value),
                _ => true,
            })
    }

    /// Puts a pass into the order, into the series that starts at `run` if it belongs to one.
    fn take(&mut self, pass: usize, run: Option<usize>) {
        if let Some(walk) = &self.walks[pass]
            && let Some(ready) = self.walking.get_mut(&walk.columns)
        {
            ready.remove(&pass);
        }
        self.done[pass] = true;
        self.order.push(pass);
        let mut free = Vec::new();
        for &(number, value) in &self.among[pass] {
            let touches = &mut self.touches[number];
            if let (Some(run), Some(walk)) = (run, &self.walks[pass]) {
                let others = match touches.run {
                    Some((present, along)) if present == run => along,
                    _ => true,
                };
                touches.run = Some((run, others && walk.aligned.contains(&value)));
            }
            while (touches.by.get(touches.passed)).is_some_and(|(by, _)| self.done[*by]) {
                touches.passed += 1;
            }
            let passed = touches.passed;
            while let Some((_, waiting)) = touches.waiting.pop_front_if(|(n, _)| *n <= passed) {
                free.push(waiting);
            }
        }
        for waiting in free {
            self.pending[waiting] -= 1;
            if self.pending[waiting] == 0 {
                self.is_ready(waiting);
            }
        }
    }
}

impl Draft {
    fn walk(&self, pass: &Pass, homes: &[(ValueId, usize)]) -> Option<Walk> {
        let layout = |value: ValueId| &self.values[value.index()].layout;
        let (columns, mut aligned) = pass.walk(|value| layout(value).columns)?;
        if columns < 2 * STRIP {
            return None;
        }
        // What a group reads in any other way than column by column.
        let unaligned = |operand: &Operand| {
            let stride = layout(operand.value).stride;
            !operand.access.advances
                || match &operand.access.rows {
                    RowStarts::Every(step) => !step.is_multiple_of(stride),
                    RowStarts::Listed(starts) => {
                        let mut starts = starts.iter().map(|start| *start as usize);
                        starts.any(|start| !start.is_multiple_of(stride))
                    }
                }
        };
        let operands = pass.group().map_or(&[][..], |group| &group.operands);
        let unaligned: Vec<&Operand> = operands.iter().filter(|o| unaligned(o)).collect();
        aligned.retain(|value| {
            self.has_whole_columns(*value, homes, columns)
                && unaligned.iter().all(|operand| operand.value != *value)
        });
        Some(Walk { columns, aligned })
    }

    /// Whether a value is rows of so many columns, of the same columns as all else in the
    /// memory where it lies.
    fn has_whole_columns(
        &self,
        value: ValueId,
        homes: &[(ValueId, usize)],
        columns: usize,
    ) -> bool {
        let (root, start) = homes[value.index()];
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
