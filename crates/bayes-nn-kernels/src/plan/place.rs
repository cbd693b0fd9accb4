//! Places: one arena for all values, memory reused as soon as its last reader is done.

use bayes_nn_autodiff::Kind;

use super::fuse::Draft;
use super::layout::{RowStarts, padded};
use super::{Instruction, Plan, Step, Value, ValueId};

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
    let homes: Vec<(ValueId, usize)> = (0..draft.values.len()).map(|v| home(&draft, v)).collect();
    let mut storage_of: Vec<usize> = homes.iter().map(|(root, _)| root.index()).collect();
    let states = draft.updates.iter().map(|(state, _)| *state).collect();
    for (state, next) in std::mem::take(&mut draft.updates) {
        if let Some(shared) = updated_in_place(&draft, &storage_of, state, next) {
            let old = storage_of[next.index()];
            for storage in storage_of.iter_mut().filter(|s| **s == old) {
                *storage = shared;
            }
        } else {
            draft.steps.push(Step::Copy {
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
    for (index, step) in draft.steps.iter().enumerate() {
        uses(step, |value| {
            touch(&mut storages[storage_of[value.index()]], index)
        });
    }
    for output in &draft.outputs {
        touch(&mut storages[storage_of[output.index()]], draft.steps.len());
    }
    let floats = allocate(&mut storages, Kind::Float);
    let indices = allocate(&mut storages, Kind::Index);

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
            }
        })
        .collect();
    Plan {
        values,
        steps: draft.steps,
        inputs: draft.inputs,
        states,
        outputs: draft.outputs,
        constants: draft.constants,
        floats,
        indices,
    }
}

/// The value with memory of its own in which a value lies, and where.
fn home(draft: &Draft, value: usize) -> (ValueId, usize) {
    let (mut root, mut start) = (ValueId(value as u32), 0);
    while let Some((within, offset)) = draft.values[root.index()].within {
        root = within;
        start += offset;
    }
    (root, start)
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
    let writes = |step: &Step| matches!(step, Step::Group(group) if group.stores.iter().any(|s| s.value == next));
    let writer = draft.steps.iter().position(writes)?;
    for (index, step) in draft.steps.iter().enumerate() {
        let mut reads = false;
        uses(step, |value| reads |= storage_of[value.index()] == storage);
        if reads && index > writer {
            return None;
        }
    }
    let Step::Group(group) = &draft.steps[writer] else {
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

/// Calls `f` with every value that a step reads or writes.
fn uses(step: &Step, mut f: impl FnMut(ValueId)) {
    match step {
        Step::Group(group) => {
            for operand in &group.operands {
                f(operand.value);
            }
            for store in &group.stores {
                f(store.value);
            }
            for reduction in &group.reductions {
                f(reduction.value);
            }
        }
        Step::MatMul(product) => {
            f(product.left);
            f(product.right);
            f(product.out);
        }
        Step::TriangularSolve {
            triangle,
            right,
            out,
            ..
        } => {
            f(*triangle);
            f(*right);
            f(*out);
        }
        Step::Cholesky {
            matrix: source,
            out,
        }
        | Step::ReduceMiddle { source, out, .. }
        | Step::Copy { source, out, .. }
        | Step::Transpose { source, out } => {
            f(*source);
            f(*out);
        }
        Step::Concat { parts, out, .. } => {
            for (_, part) in parts {
                f(*part);
            }
            f(*out);
        }
        Step::Gather {
            source, index, out, ..
        }
        | Step::Scatter {
            source, index, out, ..
        } => {
            f(*source);
            f(*index);
            f(*out);
        }
        Step::Batch { out, .. } => f(*out),
    }
}

/// Gives every storage of one kind its offset: lasting ones side by side, the others, largest
/// first, at the lowest place that is free during their whole life. Returns the arena's size.
fn allocate(storages: &mut [Storage], kind: Kind) -> usize {
    let mut end = 0;
    for storage in storages.iter_mut().filter(|s| s.kind == kind && s.lasting) {
        storage.offset = end;
        end += storage.size;
    }
    let mut order: Vec<usize> = (0..storages.len())
        .filter(|&i| storages[i].kind == kind && !storages[i].lasting && storages[i].life.is_some())
        .collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(storages[i].size), i));
    let first = end;
    let mut placed: Vec<usize> = Vec::new();
    for index in order {
        let (from, to) = storages[index].life.expect("only used storages are placed");
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .map(|&other| &storages[other])
            .filter(|other| other.life.is_some_and(|(f, t)| f <= to && from <= t))
            .map(|other| (other.offset, other.offset + other.size))
            .collect();
        taken.sort_unstable();
        let mut offset = first;
        for (start, stop) in taken {
            if offset + storages[index].size <= start {
                break;
            }
            offset = offset.max(stop);
        }
        storages[index].offset = offset;
        end = end.max(offset + storages[index].size);
        placed.push(index);
    }
    end
}
