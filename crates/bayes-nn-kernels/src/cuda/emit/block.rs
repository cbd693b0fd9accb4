//! A tiny plan as the loop of one block: its values in the memory that the block's threads share,
//! all passes and many steps in one launch. A grid of such blocks is as many *replicas*: programs
//! of one plan with states, seeds and outputs of their own.
//!
//! What no step writes and replicas share (data, constants, tables) stays in global memory, once
//! for all. Of the rest a replica keeps between launches what can be written or asked for: states
//! and other inputs, outputs, and the indices of selections, which a message may have to name.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use bayes_nn_autodiff::{InputId, Kind, Side};

use super::product::LIBRARY_FROM;
use super::text::{Printer, count};
use super::{numbered, passes};
use crate::element::Precision;
use crate::plan::layout::padded;
use crate::plan::{Pass, Plan, ValueId};

/// Bytes at the start of a replica: `Replica` of the header, a control block and the steps to run.
pub const HEAD: usize = 40;

/// Double-precision numbers that the block's `Control` takes.
const CONTROL: usize = 4;

/// Elements behind each arena: what an index outside an empty axis may touch.
const SLACK: usize = 64;

/// Replicas start at multiples of this many bytes.
const ALIGNMENT: usize = 16;

/// Which plans are tiny, that is run as the loop of one block: those whose values fit the shared
/// memory of a block, and whose steps do few operations. All others are a graph of launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiny {
    /// Bytes of shared memory that a block may have.
    pub shared: usize,
    /// The most arithmetic operations and elements moved in a step. One multiprocessor has to do
    /// in the time of the launches that it saves what else the whole GPU would.
    pub operations: usize,
}

impl Tiny {
    /// No plan at all.
    pub const NONE: Tiny = Tiny {
        shared: 0,
        operations: 0,
    };

    /// Every plan that an engine without limits may be asked for.
    pub const ANY: Tiny = Tiny {
        shared: 8 << 20,
        operations: usize::MAX,
    };

    /// What should pay where a block may have so many bytes of shared memory. The number of
    /// operations is an estimate: 24 launches of 2 microseconds, at 10 operations a nanosecond.
    /// No product that is left to a library is below it.
    pub fn within(shared: usize) -> Tiny {
        Tiny {
            shared,
            operations: 2 * LIBRARY_FROM,
        }
    }

    /// Whether a step of the plan is short enough. Ranks do not meet within a launch.
    fn allows(&self, plan: &Plan) -> bool {
        if plan.has_all_reduce() {
            return false;
        }
        let searched = |pass: &Pass| {
            let elements = |id: &ValueId| plan.values[id.index()].shape.elements();
            // For every place of the result all indices are read.
            match pass {
                Pass::Scatter(added) => elements(&added.out) * elements(&added.index),
                Pass::ProductByGroup(product) if product.result == Side::Weight => {
                    let index = product.index.as_ref().map_or(0, elements);
                    elements(&product.value(Side::Weight)) * index
                }
                _ => 0,
            }
        };
        let passes = plan.costs().into_iter();
        let work: usize = passes.map(|pass| pass.operations + pass.elements).sum();
        let searches: usize = plan.passes.iter().map(searched).sum();
        work + searches < self.operations
    }
}

/// A plan as one block's loop.
#[derive(Clone, Debug)]
pub struct BlockLoop {
    /// The translation unit; its kernel is `block_loop`, a block a replica.
    pub text: String,
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of a block's shared memory.
    pub shared: usize,
    /// Bytes of a replica in global memory.
    pub replica: usize,
    /// Bytes of what all replicas share.
    pub data: usize,
    /// Where in the data the indices begin, in bytes.
    pub data_indices: usize,
    /// Where in the data the tables begin, in bytes.
    pub tables_at: usize,
    /// Row starts that no formula gives.
    pub tables: Vec<u32>,
    places: Places,
    element: usize,
}

/// Where a value lies between launches, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among what all replicas share.
    Data(usize),
    /// In its replica.
    Replica(usize),
}

/// Which memory every value has, and where it starts there.
#[derive(Clone, Debug)]
struct Places {
    /// The plan with the offsets in the memory that each value has.
    plan: Plan,
    /// Of each value whether it is of the data.
    is_data: Vec<bool>,
    /// Elements of the arenas of a block, by kind.
    own: [usize; 2],
    data: [usize; 2],
    /// Elements of the arenas, at their beginning, that are states and other inputs.
    inputs: [usize; 2],
    /// Which elements of the arenas a replica keeps, from where on and how many.
    kept: [Vec<(usize, usize)>; 2],
}

fn by_kind(kind: Kind) -> usize {
    match kind {
        Kind::Float => 0,
        Kind::Index => 1,
    }
}

impl Places {
    fn new(plan: &Plan, shared: &[InputId]) -> Places {
        let home = |id: ValueId| plan.values[id.index()].home.index();
        let size = |home: usize| padded(plan.values[home].layout.span());
        // What differs between replicas, or between steps.
        let mut varies = vec![false; plan.values.len()];
        for input in plan.inputs.iter().filter(|i| !shared.contains(&i.id)) {
            varies[home(input.value)] = true;
        }
        for state in &plan.states {
            varies[home(*state)] = true;
        }
        for pass in &plan.passes {
            pass.each_value(|id, written| varies[home(id)] |= written);
        }
        let mut is_given = vec![false; plan.values.len()];
        let inputs = plan.inputs.iter().map(|input| input.value);
        for id in inputs.chain(plan.constants.iter().map(|(id, _)| *id)) {
            is_given[home(id)] = true;
        }
        let lasts =
            |index: &usize| plan.values[*index].lasts && plan.values[*index].home.index() == *index;
        let lasting = (0..plan.values.len()).filter(lasts);
        let (given, computed): (Vec<usize>, Vec<usize>) = lasting.partition(|home| is_given[*home]);

        let (mut own, mut data, mut ends, mut inputs) = ([0; 2], [0; 2], [0; 2], [0; 2]);
        let mut starts: Vec<Option<usize>> = vec![None; plan.values.len()];
        for home in given.into_iter().chain(computed) {
            let value = &plan.values[home];
            let kind = by_kind(value.kind);
            let end = match varies[home] {
                true => &mut own[kind],
                false => &mut data[kind],
            };
            starts[home] = Some(*end);
            *end += size(home);
            ends[kind] = ends[kind].max(value.offset + size(home));
            if varies[home] && is_given[home] {
                inputs[kind] += size(home);
            }
        }
        let mut kept = inputs.map(|inputs| match inputs {
            0 => Vec::new(),
            inputs => vec![(0, inputs)],
        });
        let lasting = own;
        let all = [plan.floats, plan.indices];
        for kind in [0, 1] {
            own[kind] += all[kind] - ends[kind];
        }
        let mut places = plan.clone();
        for value in &mut places.values {
            let (home, kind) = (value.home.index(), by_kind(value.kind));
            value.offset = match starts[home] {
                Some(start) => value.offset - plan.values[home].offset + start,
                None => (value.offset + lasting[kind]).saturating_sub(ends[kind]),
            };
        }
        let selections = plan.passes.iter().filter_map(Pass::selection);
        let selections = selections.map(|(index, _, _)| index);
        let asked = plan.outputs.iter().copied().chain(selections).map(home);
        let asked: BTreeSet<usize> = asked.filter(|home| !is_given[*home]).collect();
        for home in asked {
            let value = &places.values[home];
            kept[by_kind(value.kind)].push((value.offset, size(home)));
        }
        let is_data = plan.values.iter();
        let is_data = is_data.map(|value| value.lasts && !varies[value.home.index()]);
        Places {
            is_data: is_data.collect(),
            plan: places,
            own,
            data,
            inputs,
            kept,
        }
    }

    /// Elements of a kind that a replica keeps.
    fn length(&self, kind: usize) -> usize {
        self.kept[kind].iter().map(|(_, length)| length).sum()
    }
}

impl BlockLoop {
    /// Prints a plan for a single replica, if it is tiny.
    pub fn alone(plan: &Plan, precision: Precision, tiny: Tiny) -> Option<BlockLoop> {
        let inputs: Vec<InputId> = plan.inputs.iter().map(|input| input.id).collect();
        BlockLoop::new(plan, precision, tiny, &inputs)
    }

    /// Prints a plan, if it is tiny, for replicas that share these inputs. States they never share.
    pub fn new(
        plan: &Plan,
        precision: Precision,
        tiny: Tiny,
        shared: &[InputId],
    ) -> Option<BlockLoop> {
        if !tiny.allows(plan) {
            return None;
        }
        let places = Places::new(plan, shared);
        let mut printer = Printer::new(&places.plan, precision);
        printer.data.clone_from(&places.is_data);
        (printer.tables_memory, printer.tables_at) = ("f.data_indices", places.data[1]);
        // What depends on data alone is computed once a launch, all else in every step.
        let (mut calls, mut threads) = ([const { String::new() }; 4], 32);
        for (number, pass) in places.plan.passes.iter().enumerate() {
            for (part, work) in printer.pass(number, pass).iter().enumerate() {
                let name = numbered(number, part);
                let Range { start, end } = plan.evaluations;
                let stages = [plan.hoisted, start, end];
                let stage = stages.iter().filter(|stage| number >= **stage).count();
                let calls = &mut calls[stage];
                let _ = writeln!(calls, "        AFTER({number}, pass_{name}(f))");
                threads = threads.max(work.threads());
            }
        }
        let element = precision.bytes();
        let doubles = threads as usize + CONTROL + printer.partials;
        let reals = element * (places.own[0] + SLACK);
        let shared = 8 * doubles + reals + 4 * (places.own[1] + SLACK);
        if shared > tiny.shared {
            return None;
        }
        let kept = HEAD + element * places.length(0) + 4 * places.length(1);
        let replica = kept.next_multiple_of(ALIGNMENT);
        let constant = if plan.draws == 1 { "const " } else { "" };
        printer.line(format!(
            "\nextern \"C\" __global__ void __launch_bounds__({threads}) block_loop(LOOP_ARGUMENTS) {{\n    \
             Replica* const replica = (Replica*)(replicas + (u64)blockIdx.x * {replica}ull);\n    \
             const u64 steps = replica->steps;\n    \
             if (!steps) return;\n    \
             Control* const control = (Control*)(shared + {threads});\n    \
             double* const partials = shared + {};\n    \
             real* const arena = (real*)(shared + {doubles});\n    \
             u32* const indices = (u32*)(arena + {});\n    \
             {constant}Frame f = {{arena, indices, partials, control, threadIdx.x, {threads}u, 0, 1, data, data_indices}};\n    \
             real* const kept = (real*)(replica + 1);\n    \
             u32* const kept_indices = (u32*)(kept + {});",
            threads as usize + CONTROL,
            places.own[0] + SLACK,
            places.length(0),
        ));
        printer.copies(&places, true);
        let [hoisted, before, repeated, after] = calls;
        let repeated = match plan.draws {
            1 => repeated,
            draws => format!(
                "        for (f.draw = 0; f.draw < {draws}ull; ++f.draw) {{\n{repeated}        }}\n        \
                 f.draw = 0;\n"
            ),
        };
        printer.line(format!(
            "    if (threadIdx.x == 0) *control = replica->control;\n    \
             __syncthreads();\n    \
             u64 since = clock64();\n{hoisted}    \
             for (u64 step = 0; step < steps && !control->stopped; ++step) {{\n{before}{repeated}{after}        \
             if (threadIdx.x == 0) advance(control);\n        \
             __syncthreads();\n    }}"
        ));
        printer.copies(&places, false);
        printer.line("    if (threadIdx.x == 0) replica->control = *control;\n}");
        let data_indices = (element * (places.data[0] + SLACK)).next_multiple_of(ALIGNMENT);
        let tables_at = data_indices + 4 * places.data[1];
        Some(BlockLoop {
            text: printer.unit(),
            threads,
            shared,
            replica,
            data: tables_at + 4 * (printer.tables.len() + SLACK),
            data_indices,
            tables_at,
            tables: std::mem::take(&mut printer.tables),
            places,
            element,
        })
    }

    /// The text without the header that all programs share.
    pub fn passes(&self) -> &str {
        passes(&self.text)
    }

    /// Where states and other inputs lie in a replica, in bytes, by kind.
    pub fn inputs(&self) -> [Range<usize>; 2] {
        let starts = [HEAD, HEAD + self.element * self.places.length(0)];
        let sizes = [self.element, 4];
        [0, 1].map(|kind| starts[kind]..starts[kind] + sizes[kind] * self.places.inputs[kind])
    }

    /// Where a value lies between launches; of those that pass only what is kept has such a place.
    pub fn place(&self, id: ValueId) -> Option<Place> {
        let value = &self.places.plan.values[id.index()];
        let kind = by_kind(value.kind);
        let size = [self.element, 4][kind];
        if self.places.is_data[id.index()] {
            return Some(Place::Data(
                [0, self.data_indices][kind] + size * value.offset,
            ));
        }
        let mut at = HEAD + self.element * [0, self.places.length(0)][kind];
        for &(start, length) in &self.places.kept[kind] {
            if (start..start + length).contains(&value.offset) {
                return Some(Place::Replica(at + size * (value.offset - start)));
            }
            at += size * length;
        }
        None
    }
}

impl Printer<'_> {
    /// Copies what a replica keeps into the arenas, or back.
    fn copies(&mut self, places: &Places, load: bool) {
        for (arena, replica, ranges) in [
            ("arena", "kept", &places.kept[0]),
            ("indices", "kept_indices", &places.kept[1]),
        ] {
            let mut at = 0;
            for &(start, length) in ranges {
                let (own, kept) = (at_place(arena, start), at_place(replica, at));
                let (to, from) = match load {
                    true => (own, kept),
                    false => (kept, own),
                };
                self.line(format!(
                    "    for (place i = threadIdx.x; i < {}; i += blockDim.x) {to} = {from};",
                    count(length)
                ));
                at += length;
            }
        }
    }
}

/// Element `i` after the first so many.
fn at_place(memory: &str, start: usize) -> String {
    match start {
        0 => format!("{memory}[i]"),
        start => format!("{memory}[{} + i]", count(start)),
    }
}
