//! Places: where the values of a plan lie on the CPU. What depends on data alone lies in memory
//! that all replicas share, what passes between the passes of a strip in the memory of a strip, all
//! else in the arena of a replica.

use std::ops::Range;

use bayes_nn_autodiff::Kind;

use crate::known::Known;
use crate::plan::layout::padded;
use crate::plan::{Pass, Passing, Plan, RowStarts, Strips, Value, ValueId, allocate};

/// The memory that a value lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// That of a replica.
    Arena,
    /// That of the strip at hand.
    Strip,
    /// That of all replicas.
    Shared,
}

/// Where a value starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub offset: usize,
    pub base: Base,
}

/// Where each memory starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bases<T>(pub [*mut T; 3]);

impl<T> Bases<T> {
    /// The address at which a value starts. The plan keeps its elements inside that memory.
    #[inline(always)]
    pub fn at(&self, place: Place) -> *mut T {
        self.0[place.base as usize].wrapping_add(place.offset)
    }
}

/// Where the values lie that replicas share, by their home, and how many elements that takes, of
/// real numbers and of indices.
pub(crate) struct SharedPlaces {
    starts: Vec<Option<usize>>,
    pub elements: [usize; 2],
}

impl SharedPlaces {
    /// `in_place` says of which values the data are read as they are.
    pub fn new(plan: &Plan, known: &Known, in_place: impl Fn(ValueId) -> bool) -> SharedPlaces {
        let mut elements = [0; 2];
        let starts = plan.values.iter().enumerate().map(|(index, value)| {
            let id = ValueId(index as u32);
            let is_shared = value.home == id && known.is_shared(id) && !in_place(id);
            is_shared.then(|| {
                let end = &mut elements[by_kind(value.kind)];
                *end += padded(value.layout.span());
                *end - padded(value.layout.span())
            })
        });
        SharedPlaces {
            starts: starts.collect(),
            elements,
        }
    }

    /// Where a value lies, if it is shared.
    pub fn place(&self, plan: &Plan, id: ValueId) -> Option<Place> {
        let value = &plan.values[id.index()];
        let within = value.offset - plan.values[value.home.index()].offset;
        let start = self.starts[value.home.index()]?;
        Some(Place {
            offset: start + within,
            base: Base::Shared,
        })
    }
}

fn by_kind(kind: Kind) -> usize {
    match kind {
        Kind::Float => 0,
        Kind::Index => 1,
    }
}

/// The values that last in the arenas and are known, which are not kept there: where each was, and
/// how many elements it and those before it had, by kind and in their order.
#[derive(Default)]
struct Gaps([Vec<(usize, usize)>; 2]);

impl Gaps {
    fn new(plan: &Plan, known: &Known) -> Gaps {
        let mut gaps = [Vec::new(), Vec::new()];
        for (index, value) in plan.values.iter().enumerate() {
            if value.lasts && value.home.index() == index && known.is_known(value.home) {
                gaps[by_kind(value.kind)].push((value.offset, padded(value.layout.span())));
            }
        }
        for gaps in &mut gaps {
            gaps.sort_unstable();
            let mut sum = 0;
            for (_, length) in gaps {
                sum += *length;
                *length = sum;
            }
        }
        Gaps(gaps)
    }

    /// Elements of the gaps before a place.
    fn before(&self, kind: Kind, offset: usize) -> usize {
        let gaps = &self.0[by_kind(kind)];
        let count = gaps.partition_point(|(start, _)| *start < offset);
        count.checked_sub(1).map_or(0, |last| gaps[last].1)
    }
}

/// A plan as the CPU lays it out: which of its strips are used, and which values exist for a
/// strip at a time.
pub(crate) struct Memory {
    /// The plan, with the strides of a strip where a value is one of a strip.
    pub plan: Plan,
    bases: Vec<Base>,
    /// Elements of a strip's memory.
    pub strip: usize,
}

impl Memory {
    /// The passes of `plan` that depend on data alone, which are run once, or all others.
    pub fn new(plan: &Plan, known: &Known, shared: &SharedPlaces, once: bool) -> Memory {
        let mut memory = Memory {
            bases: vec![Base::Arena; plan.values.len()],
            strip: 0,
            plan: part(plan, |pass| known.runs_once(pass) == once),
        };
        let strips = std::mem::take(&mut memory.plan.strips);
        let runs = strips
            .iter()
            .flat_map(|strips| usable(strips, &memory.plan));
        let runs: Vec<Strips> = runs.collect();
        memory.keep_in_strips(&runs, shared);
        memory.plan.strips = runs;
        // Hoisted passes need their arena only while the plan is loaded.
        let gaps = match once {
            true => Gaps(Default::default()),
            false => Gaps::new(plan, known),
        };
        for index in 0..plan.values.len() {
            let value = &mut memory.plan.values[index];
            if let Some(place) = shared.place(plan, ValueId(index as u32)) {
                (value.offset, memory.bases[index]) = (place.offset, place.base);
            } else if memory.bases[index] == Base::Arena && !known.is_known(value.home) {
                value.offset -= gaps.before(value.kind, value.offset);
            }
        }
        memory.plan.floats -= gaps.before(Kind::Float, plan.floats);
        memory.plan.indices -= gaps.before(Kind::Index, plan.indices);
        memory
    }

    /// Gives the values that only the passes of one of `runs` touch their places in a strip's
    /// memory.
    fn keep_in_strips(&mut self, runs: &[Strips], shared: &SharedPlaces) {
        let mut strides = vec![None; self.plan.values.len()];
        for (run, kept) in runs.iter().zip(self.passing(runs, shared)) {
            let (kept, items): (Vec<usize>, Vec<Passing>) = kept.into_iter().unzip();
            let (offsets, size) = allocate(&items);
            self.strip = self.strip.max(size);
            for (value, offset) in kept.into_iter().zip(offsets) {
                let Value {
                    layout,
                    offset: place,
                    ..
                } = &mut self.plan.values[value];
                strides[value] = Some(layout.stride);
                self.bases[value] = Base::Strip;
                *place = offset;
                layout.stride = run.stride();
                (layout.row_padding, layout.end_padding) = (true, true);
            }
            for pass in &mut self.plan.passes[run.passes.clone()] {
                let Pass::Fused(group) = pass else { continue };
                for operand in &mut group.operands {
                    let Some(stride) = strides[operand.value.index()] else {
                        continue;
                    };
                    match &mut operand.access.rows {
                        RowStarts::Every(step) => *step = *step / stride * run.stride(),
                        RowStarts::Listed(starts) => {
                            for start in starts {
                                *start = (*start as usize / stride * run.stride()) as u32;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The values that live in the strips of each run: how much memory each needs, and from which
    /// pass to which.
    fn passing(&self, runs: &[Strips], shared: &SharedPlaces) -> Vec<Vec<(usize, Passing)>> {
        let values = &self.plan.values;
        let mut others = vec![false; values.len()];
        for (index, value) in values.iter().enumerate() {
            // A view, and what has views.
            if value.home.index() != index {
                others[index] = true;
                others[value.home.index()] = true;
            }
            others[index] |= value.kind != Kind::Float;
            others[index] |= shared.starts[value.home.index()].is_some();
        }
        let given = self.plan.inputs.iter().map(|input| input.value);
        let known = self.plan.constants.iter().map(|(value, _)| *value);
        for value in given.chain(known).chain(self.plan.outputs.iter().copied()) {
            others[value.index()] = true;
        }
        let mut run_of = vec![None; self.plan.passes.len()];
        for (number, run) in runs.iter().enumerate() {
            run_of[run.passes.clone()].fill(Some(number));
        }
        let mut lives: Vec<Option<(usize, Passing)>> = vec![None; values.len()];
        for (index, pass) in self.plan.passes.iter().enumerate() {
            pass.each_value(|value, _| {
                let other = &mut others[value.index()];
                let Some(number) = run_of[index] else {
                    *other = true;
                    return;
                };
                let (run, layout) = (&runs[number], &values[value.index()].layout);
                let size = match layout.rows {
                    0 | 1 => run.width(),
                    rows => rows * run.stride(),
                };
                let first = Passing {
                    size,
                    from: index,
                    to: index,
                };
                let (owner, life) = lives[value.index()].get_or_insert((number, first));
                life.to = index;
                *other |= *owner != number || layout.columns != run.columns;
            });
        }
        let mut kept = vec![Vec::new(); runs.len()];
        for (value, (life, other)) in lives.into_iter().zip(others).enumerate() {
            if let (Some((run, life)), false) = (life, other) {
                kept[run].push((value, life));
            }
        }
        kept
    }

    pub fn value(&self, id: ValueId) -> &Value {
        &self.plan.values[id.index()]
    }

    pub fn place(&self, id: ValueId) -> Place {
        Place {
            offset: self.value(id).offset,
            base: self.bases[id.index()],
        }
    }
}

/// A plan with some of its passes.
fn part(plan: &Plan, keep: impl Fn(usize) -> bool) -> Plan {
    let mut numbers = vec![0];
    let mut passes = Vec::new();
    for (number, pass) in plan.passes.iter().enumerate() {
        if keep(number) {
            passes.push(pass.clone());
        }
        numbers.push(passes.len());
    }
    let moved = |range: &Range<usize>| numbers[range.start]..numbers[range.end];
    let strips = plan.strips.iter().map(|strips| Strips {
        passes: moved(&strips.passes),
        columns: strips.columns,
    });
    Plan {
        passes,
        hoisted: numbers[plan.hoisted],
        evaluations: moved(&plan.evaluations),
        strips: strips.collect(),
        ..plan.clone()
    }
}

/// The parts of `strips` between products that a library does whole; a single pass gains nothing by
/// strips.
fn usable(strips: &Strips, plan: &Plan) -> Vec<Strips> {
    let is_whole = |pass: &Pass| matches!(pass, Pass::MatMul(product) if product.is_large());
    let Range { start, end } = strips.passes;
    let ends = (start..end).filter(|&number| is_whole(&plan.passes[number]));
    let mut start = start;
    let runs = ends.chain([end]).map(|end| Strips {
        passes: std::mem::replace(&mut start, end + 1)..end,
        columns: strips.columns,
    });
    runs.filter(|run| run.passes.len() > 1).collect()
}
