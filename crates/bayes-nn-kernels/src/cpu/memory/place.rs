//! Places: where the values of a plan lie on the CPU, in the arena or in the memory of a strip.

use bayes_nn_autodiff::Kind;

use crate::plan::{Pass, Passing, Plan, RowStarts, Strips, Value, ValueId, allocate};

/// Where a value starts: in the arena, or in the memory of the strip at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub offset: usize,
    pub of_strip: bool,
}

/// A plan as the CPU lays it out: which of its strips are used, and which values exist for a
/// strip at a time.
pub(crate) struct Memory {
    /// The plan, with the strides of a strip where a value is one of a strip.
    pub plan: Plan,
    of_strip: Vec<bool>,
    /// Elements of a strip's memory.
    pub strip: usize,
}

impl Memory {
    /// `stripped` says whether a step has a kernel that runs on strips.
    pub fn new(plan: &Plan, stripped: impl Fn(&Pass) -> bool) -> Memory {
        let mut memory = Memory {
            of_strip: vec![false; plan.values.len()],
            plan: plan.clone(),
            strip: 0,
        };
        let strips = std::mem::take(&mut memory.plan.strips);
        for run in strips.iter().flat_map(|s| usable(s, plan, &stripped)) {
            memory.keep_in_strips(&run);
            memory.plan.strips.push(run);
        }
        memory
    }

    /// Gives the values that only the steps of `run` touch their places in a strip's memory.
    fn keep_in_strips(&mut self, run: &Strips) {
        let touched: Vec<Option<Passing>> = self.passing(run);
        let kept: Vec<usize> = (0..touched.len())
            .filter(|i| touched[*i].is_some())
            .collect();
        let items: Vec<Passing> = touched.into_iter().flatten().collect();
        let (offsets, size) = allocate(&items);
        self.strip = self.strip.max(size);
        let mut strides = vec![None; self.plan.values.len()];
        for (&value, offset) in kept.iter().zip(offsets) {
            let Value {
                layout,
                offset: place,
                ..
            } = &mut self.plan.values[value];
            strides[value] = Some(layout.stride);
            self.of_strip[value] = true;
            *place = offset;
            layout.stride = run.stride();
            (layout.row_padding, layout.end_padding) = (true, true);
        }
        for step in &mut self.plan.passes[run.steps.clone()] {
            let Pass::Fused(group) = step else { continue };
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

    /// For each value that lives in a strip: how much memory, and from which step to which.
    fn passing(&self, run: &Strips) -> Vec<Option<Passing>> {
        let values = &self.plan.values;
        let mut lives: Vec<Option<Passing>> = vec![None; values.len()];
        let mut others = vec![false; values.len()];
        for (index, value) in values.iter().enumerate() {
            // A view, and what has views.
            if value.home.index() != index {
                others[index] = true;
                others[value.home.index()] = true;
            }
            others[index] |= value.kind != Kind::Float || value.layout.columns != run.columns;
        }
        let given = self.plan.inputs.iter().map(|input| input.value);
        let known = self.plan.constants.iter().map(|(value, _)| *value);
        for value in given.chain(known).chain(self.plan.outputs.iter().copied()) {
            others[value.index()] = true;
        }
        for (index, step) in self.plan.passes.iter().enumerate() {
            step.each_value(|value, _| {
                let life = &mut lives[value.index()];
                if !run.steps.contains(&index) {
                    others[value.index()] = true;
                    return;
                }
                let size = match values[value.index()].layout.rows {
                    0 | 1 => run.width(),
                    rows => rows * run.stride(),
                };
                let from = life.map_or(index, |l| l.from);
                *life = Some(Passing {
                    size,
                    from,
                    to: index,
                });
            });
        }
        let alone = |(life, other): (Option<Passing>, bool)| life.filter(|_| !other);
        lives.into_iter().zip(others).map(alone).collect()
    }

    pub fn value(&self, id: ValueId) -> &Value {
        &self.plan.values[id.index()]
    }

    pub fn place(&self, id: ValueId) -> Place {
        Place {
            offset: self.value(id).offset,
            of_strip: self.of_strip[id.index()],
        }
    }
}

/// The parts of `strips` whose steps all run on strips; alone a step gains nothing.
fn usable(strips: &Strips, plan: &Plan, stripped: impl Fn(&Pass) -> bool) -> Vec<Strips> {
    let mut runs = Vec::new();
    let mut start = strips.steps.start;
    for end in strips.steps.start..=strips.steps.end {
        if end < strips.steps.end && stripped(&plan.passes[end]) {
            continue;
        }
        if end - start > 1 {
            let columns = strips.columns;
            runs.push(Strips {
                steps: start..end,
                columns,
            });
        }
        start = end + 1;
    }
    runs
}
