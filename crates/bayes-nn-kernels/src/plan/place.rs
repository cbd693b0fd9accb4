//! Places: one arena for all values, memory reused as soon as its last reader is done.

use bayes_nn_autodiff::Kind;

use super::fuse::Draft;
use super::layout::{RowStarts, padded};
use super::order::order;
use super::{Instruction, Pass, Plan, Value, ValueId};

/// Memory that one or more values share.
struct Storage {
    size: usize,
    kind: Kind,
    /// Kept from step to step: an input, a state, a constant.
    lasting: bool,
    /// The first and the last step that touch it.
    life: Option<(usize, usize)>,
    offset: usize,
}

pub(super) fn place(mut draft: Draft) -> Plan {
    let homes: Vec<(ValueId, usize)> = (0..draft.values.len())
        .map(|value| home(&draft, ValueId(value as u32)))
        .collect();
    let mut storage_of: Vec<usize> = homes.iter().map(|(root, _)| root.index()).collect();
    let states = draft.updates.iter().map(|(state, _)| *state).collect();
    let strips = order(&mut draft);
    for (state, next) in std::mem::take(&mut draft.updates) {
        if let Some(shared) = updated_in_place(&draft, &storage_of, state, next) {
            let old = storage_of[next.index()];
            for storage in storage_of.iter_mut().filter(|s| **s == old) {
                *storage = shared;
            }
        } else {
            draft.passes.push(Pass::Copy {
                source: next,
                offset: 0,
                out: state,
            });
        }
    }

    let mut storages: Vec<Storage> = draft
        .values
        .iter()
        .map(|value| Storage {
            size: padded(value.layout.span()),
            kind: value.kind,
            lasting: false,
            life: None,
            offset: 0,
        })
        .collect();
    let given = draft.inputs.iter().map(|input| input.value);
    for value in given.chain(draft.constants.iter().map(|c| c.0)) {
        storages[storage_of[value.index()]].lasting = true;
    }
    for (index, step) in draft.passes.iter().enumerate() {
        // The first strip is at the last step when the last is still at the first.
        let together = strips.iter().find(|s| s.steps.contains(&index));
        let (first, last) = together.map_or((index, index), |s| (s.steps.start, s.steps.end - 1));
        step.each_value(|value, _| {
            let storage = &mut storages[storage_of[value.index()]];
            touch(storage, first);
            touch(storage, last);
        });
    }
    for storage in read_later(&draft, &storage_of) {
        storages[storage].lasting = true;
    }
    for output in &draft.outputs {
        touch(
            &mut storages[storage_of[output.index()]],
            draft.passes.len(),
        );
    }
    let floats = allocate_kind(&mut storages, Kind::Float);
    let indices = allocate_kind(&mut storages, Kind::Index);

    let values = draft
        .values
        .iter()
        .zip(&homes)
        .enumerate()
        .map(|(index, (value, (root, start)))| {
            let span = draft.values[root.index()].layout.span();
            Value {
                shape: value.shape,
                kind: value.kind,
                // Whole vectors are counted from where the value starts, so a value that ends
                // where its home ends may still reach further than the home's padding.
                layout: value.layout.with_paddings(
                    start + value.layout.span() >= span
                        && start + padded(value.layout.span()) <= padded(span),
                ),
                offset: storages[storage_of[index]].offset + start,
                home: ValueId(storage_of[index] as u32),
            }
        })
        .collect();
    for input in &mut draft.inputs {
        let storage = storage_of[input.value.index()];
        let mut hoisted = draft.passes[..draft.hoisted].iter();
        input.hoisted = hoisted.any(|step| touches(step, &storage_of, storage));
    }
    Plan {
        values,
        passes: draft.passes,
        hoisted: draft.hoisted,
        strips,
        inputs: draft.inputs,
        states,
        outputs: draft.outputs,
        constants: draft.constants,
        floats,
        indices,
    }
}

/// The value with memory of its own in which a value lies, and where.
pub(super) fn home(draft: &Draft, value: ValueId) -> (ValueId, usize) {
    let (mut root, mut start) = (value, 0);
    while let Some((within, offset)) = draft.values[root.index()].within {
        root = within;
        start += offset;
    }
    (root, start)
}

/// Whether a step reads or writes a storage.
fn touches(step: &Pass, storage_of: &[usize], storage: usize) -> bool {
    let mut found = false;
    step.each_value(|value, _| found |= storage_of[value.index()] == storage);
    found
}

/// The storages that steps ahead of the others write for those, or as outputs.
fn read_later(draft: &Draft, storage_of: &[usize]) -> Vec<usize> {
    let mut wanted = vec![false; storage_of.len()];
    for output in &draft.outputs {
        wanted[storage_of[output.index()]] = true;
    }
    let (hoisted, each) = draft.passes.split_at(draft.hoisted);
    for step in each {
        step.each_value(|value, _| wanted[storage_of[value.index()]] = true);
    }
    let mut written = Vec::new();
    for step in hoisted {
        step.each_value(|value, writes| {
            let storage = storage_of[value.index()];
            if writes && wanted[storage] {
                written.push(storage);
            }
        });
    }
    written
}

fn touch(storage: &mut Storage, step: usize) {
    let (first, last) = storage.life.unwrap_or((step, step));
    storage.life = Some((first.min(step), last.max(step)));
}

/// The storage of the state, if its next value can be written over it: nothing reads the old
/// value afterwards, and the pass that writes reads it element by element.
fn updated_in_place(
    draft: &Draft,
    storage_of: &[usize],
    state: ValueId,
    next: ValueId,
) -> Option<usize> {
    let storage = storage_of[state.index()];
    let (old, new) = (&draft.values[state.index()], &draft.values[next.index()]);
    let own = storage == state.index() && storage_of[next.index()] == next.index();
    let given =
        draft.inputs.iter().any(|i| i.value == next) || draft.constants.iter().any(|c| c.0 == next);
    if !own || given || old.layout != new.layout {
        return None;
    }
    let writes = |step: &Pass| matches!(step, Pass::Fused(group) if group.stores.iter().any(|s| s.value == next));
    let writer = draft.passes.iter().position(writes)?;
    // Writing over the state has to be done in every step.
    if writer < draft.hoisted {
        return None;
    }
    for (index, step) in draft.passes.iter().enumerate() {
        if index > writer && touches(step, storage_of, storage) {
            return None;
        }
    }
    let Pass::Fused(group) = &draft.passes[writer] else {
        return None;
    };
    let element_wise = group
        .operands
        .iter()
        .filter(|operand| storage_of[operand.value.index()] == storage)
        .all(|operand| {
            operand.value == state
                && operand.access.advances
                && (group.rows <= 1 || operand.access.rows == RowStarts::Every(old.layout.stride))
        });
    // What is stored as it was read is stored at the end, when the new value may be there already.
    let passed_on = group.stores.iter().any(|store| {
        matches!(group.instructions[store.register], Instruction::Load(operand)
            if storage_of[group.operands[operand].value.index()] == storage)
    });
    (element_wise && !passed_on).then_some(storage)
}

/// Gives every storage of one kind its offset: lasting ones side by side, then the others.
/// Returns the arena's size.
fn allocate_kind(storages: &mut [Storage], kind: Kind) -> usize {
    let mut end = 0;
    for storage in storages.iter_mut().filter(|s| s.kind == kind && s.lasting) {
        storage.offset = end;
        end += storage.size;
    }
    let (passing, items): (Vec<usize>, Vec<Passing>) = (0..storages.len())
        .filter(|&i| storages[i].kind == kind && !storages[i].lasting)
        .filter_map(|i| {
            let (from, to) = storages[i].life?;
            let size = storages[i].size;
            Some((i, Passing { size, from, to }))
        })
        .unzip();
    let (offsets, size) = allocate(&items);
    for (index, offset) in passing.into_iter().zip(offsets) {
        storages[index].offset = end + offset;
    }
    end + size
}

/// Memory that is needed from one step to another, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    pub size: usize,
    pub from: usize,
    pub to: usize,
}

/// Where each finds room, and how much they need in all: largest first, each at the lowest place
/// that is free during its whole life.
pub(crate) fn allocate(items: &[Passing]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(items[i].size), i));
    let mut offsets = vec![0; items.len()];
    let mut end = 0;
    for (rank, &index) in order.iter().enumerate() {
        let item = items[index];
        let mut taken: Vec<(usize, usize)> = order[..rank]
            .iter()
            .filter(|&&other| items[other].from <= item.to && item.from <= items[other].to)
            .map(|&other| (offsets[other], offsets[other] + items[other].size))
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (start, stop) in taken {
            if offset + item.size <= start {
                break;
            }
            offset = offset.max(stop);
        }
        offsets[index] = offset;
        end = end.max(offset + item.size);
    }
    (offsets, end)
}
