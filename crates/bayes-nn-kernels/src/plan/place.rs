//! Places: all values lie in one arena, and memory is reused once its last reader has run.

use std::ops::Range;

use bayes_nn_autodiff::Kind;

use super::allocate::{Passing, allocate};
use super::draft::Draft;
use super::layout::{RowStarts, padded};
use super::order::order;
use super::{Instruction, Pass, Plan, Value, ValueId};

/// Memory that one or more values share.
struct Storage {
    size: usize,
    kind: Kind,
    /// Kept from step to step: an input, a state, a constant.
    lasting: bool,
    /// The first and the last pass that touch it.
    life: Option<(usize, usize)>,
    offset: usize,
}

pub(super) fn place(mut draft: Draft) -> Plan {
    let homes = draft.homes();
    let strips = order(&mut draft, &homes);
    let storage_of = share(&mut draft, &homes);
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
    let given = given.chain(draft.records.iter().copied());
    for value in given.chain(draft.constants.iter().map(|c| c.0)) {
        storages[storage_of[value.index()]].lasting = true;
    }
    let mut lives: Vec<(usize, usize)> = (0..draft.passes.len()).map(|i| (i, i)).collect();
    for run in &strips {
        // The first strip is at the last pass when the last is still at the first.
        lives[run.passes.clone()].fill((run.passes.start, run.passes.end - 1));
    }
    for (pass, (first, last)) in draft.passes.iter().zip(lives) {
        pass.each_value(|value, _| {
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
    if draft.draws > 1 {
        last_through_draws(&draft, &storage_of, &mut storages);
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
                lasts: storages[storage_of[index]].lasting,
                home: ValueId(storage_of[index] as u32),
            }
        })
        .collect();
    let mut hoisted = vec![false; storages.len()];
    for pass in &draft.passes[..draft.hoisted] {
        pass.each_value(|value, _| hoisted[storage_of[value.index()]] = true);
    }
    for input in &mut draft.inputs {
        input.hoisted = hoisted[storage_of[input.value.index()]];
    }
    Plan {
        values,
        passes: draft.passes,
        hoisted: draft.hoisted,
        evaluations: draft.evaluations,
        draws: draft.draws,
        strips,
        inputs: draft.inputs,
        states: draft.states,
        outputs: draft.outputs,
        constants: draft.constants,
        floats,
        indices,
    }
}

/// Which storage each value lies in: that of its home, or the state's whose next value it is. Where
/// a next value cannot be written over the state, a pass copies it at the end.
fn share(draft: &mut Draft, homes: &[(ValueId, usize)]) -> Vec<usize> {
    let mut storage_of: Vec<usize> = homes.iter().map(|(root, _)| root.index()).collect();
    let mut lying_in: Vec<Vec<usize>> = vec![Vec::new(); storage_of.len()];
    for (value, storage) in storage_of.iter().enumerate() {
        lying_in[*storage].push(value);
    }
    let mut given = vec![false; storage_of.len()];
    let inputs = draft.inputs.iter().map(|input| input.value);
    for value in inputs.chain(draft.constants.iter().map(|c| c.0)) {
        given[value.index()] = true;
    }
    let mut touched = Touched {
        storer: vec![None; storage_of.len()],
        last: vec![None; storage_of.len()],
    };
    for (number, pass) in draft.passes.iter().enumerate() {
        if let Pass::Fused(group) = pass {
            for store in &group.stores {
                touched.storer[store.value.index()].get_or_insert(number);
            }
        }
        pass.each_value(|value, _| touched.last[storage_of[value.index()]] = Some(number));
    }
    for (state, next) in std::mem::take(&mut draft.updates) {
        let old = storage_of[next.index()];
        let shared = match given[next.index()] {
            true => None,
            false => updated_in_place(draft, &storage_of, &touched, state, next),
        };
        if let Some(shared) = shared {
            touched.last[shared] = touched.last[shared].max(touched.last[old]);
            let moved = std::mem::take(&mut lying_in[old]);
            for &value in &moved {
                storage_of[value] = shared;
            }
            lying_in[shared].extend(moved);
        } else {
            let last = Some(draft.passes.len());
            (touched.last[old], touched.last[storage_of[state.index()]]) = (last, last);
            draft.passes.push(Pass::Copy {
                source: next,
                offset: 0,
                out: state,
            });
        }
    }
    storage_of
}

/// The first group that stores each value, and the last pass that touches each storage.
struct Touched {
    storer: Vec<Option<usize>>,
    last: Vec<Option<usize>>,
}

/// Lengthens lives over the loop over draws: a value that the loop reads has to last until the last
/// draw, and one that is read after the loop has to be there from the first.
fn last_through_draws(draft: &Draft, storage_of: &[usize], storages: &mut [Storage]) {
    let Range { start, end } = draft.evaluations.clone();
    for pass in &draft.passes[start..end] {
        pass.each_value(|value, _| {
            let storage = &mut storages[storage_of[value.index()]];
            let Some((first, last)) = storage.life else {
                return;
            };
            if first < start {
                touch(storage, end - 1);
            }
            if last >= end {
                touch(storage, start);
            }
        });
    }
}

/// The storages that hoisted passes write for others, or as outputs.
fn read_later(draft: &Draft, storage_of: &[usize]) -> Vec<usize> {
    let mut wanted = vec![false; storage_of.len()];
    for output in &draft.outputs {
        wanted[storage_of[output.index()]] = true;
    }
    let (hoisted, each) = draft.passes.split_at(draft.hoisted);
    for pass in each {
        pass.each_value(|value, _| wanted[storage_of[value.index()]] = true);
    }
    let mut written = Vec::new();
    for pass in hoisted {
        pass.each_value(|value, writes| {
            let storage = storage_of[value.index()];
            if writes && wanted[storage] {
                written.push(storage);
            }
        });
    }
    written
}

fn touch(storage: &mut Storage, pass: usize) {
    let (first, last) = storage.life.unwrap_or((pass, pass));
    storage.life = Some((first.min(pass), last.max(pass)));
}

/// The storage of the state, if its next value can be written over it: nothing reads the old
/// value afterwards, and the group that writes reads it element by element.
fn updated_in_place(
    draft: &Draft,
    storage_of: &[usize],
    touched: &Touched,
    state: ValueId,
    next: ValueId,
) -> Option<usize> {
    let storage = storage_of[state.index()];
    let (old, new) = (&draft.values[state.index()], &draft.values[next.index()]);
    let own = storage == state.index() && storage_of[next.index()] == next.index();
    if !own || old.layout != new.layout {
        return None;
    }
    let writer = touched.storer[next.index()]?;
    // A hoisted pass cannot write over the state: it does not run in every step.
    if writer < draft.hoisted || touched.last[storage] > Some(writer) {
        return None;
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
