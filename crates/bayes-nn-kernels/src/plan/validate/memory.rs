//! Rules about memory: where values lie, and what is alive at the same time.

use std::collections::BTreeMap;
use std::ops::Range;

use bayes_nn_autodiff::Kind;

use super::super::layout::{around, padded};
use super::super::{Pass, Plan, Value, ValueId};
use super::{PlanError, Rule};

impl Value {
    /// The elements from the first to the last.
    pub(super) fn extent(&self) -> Range<usize> {
        let layout = &self.layout;
        let length = match layout.rows * layout.columns {
            0 => 0,
            _ => (layout.rows - 1) * layout.stride + layout.columns,
        };
        self.offset..self.offset + length
    }

    /// The end of what kernels may touch: whole vectors, where the layout allows them.
    fn end(&self) -> usize {
        let layout = &self.layout;
        if layout.rows * layout.columns == 0 {
            return self.offset;
        }
        let row = match layout.row_padding {
            true => padded(layout.columns),
            false => layout.columns,
        };
        let all = (layout.rows - 1) * layout.stride + row;
        let whole = match layout.end_padding && layout.is_contiguous() {
            true => padded(layout.rows * layout.columns),
            false => 0,
        };
        self.offset + all.max(whole)
    }
}

impl Plan {
    /// All values that something names are there.
    pub(super) fn names_exist(&self) -> Result<(), PlanError> {
        let known = |id: ValueId| id.index() < self.values.len();
        let inputs = self.inputs.iter().map(|input| input.value);
        let named = inputs
            .chain(self.states.iter().copied())
            .chain(self.outputs.iter().copied())
            .chain(self.constants.iter().map(|(value, _)| *value))
            .chain(self.values.iter().map(|value| value.home));
        if let Some(id) = named.into_iter().find(|id| !known(*id)) {
            return Err(Rule::Exists.of(id));
        }
        for (number, pass) in self.passes.iter().enumerate() {
            let mut missing = None;
            pass.each_value(|value, _| missing = missing.or((!known(value)).then_some(value)));
            if let Some(value) = missing {
                return Err(Rule::Exists.by(number, value));
            }
        }
        Ok(())
    }

    /// Values lie inside their arenas, and views inside their homes.
    pub(super) fn values_fit(&self) -> Result<(), PlanError> {
        for (index, value) in self.values.iter().enumerate() {
            let id = ValueId(index as u32);
            let layout = &value.layout;
            let apart = layout.rows <= 1 || layout.stride >= layout.columns;
            if layout.rows * layout.columns != value.shape.elements() || !apart {
                return Err(Rule::Layout.of(id));
            }
            let arena = match value.kind {
                Kind::Float => self.floats,
                Kind::Index => self.indices,
            };
            if value.end() > arena {
                return Err(Rule::InsideArena.of(id));
            }
            let home = self.value(value.home);
            let memory = home.offset..home.offset + padded(home.layout.span());
            let inside = memory.start <= value.offset && value.end() <= memory.end;
            let empty = value.shape.elements() == 0;
            if home.home != value.home || home.kind != value.kind || !(inside || empty) {
                return Err(Rule::InsideHome.of(id));
            }
        }
        Ok(())
    }

    /// What is read was given, or written by an earlier pass.
    pub(super) fn reads_follow_writes(&self) -> Result<(), PlanError> {
        // What is known of each home: ranges that neither touch nor overlap, by their starts.
        let mut known: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); self.values.len()];
        let home = |id: ValueId| self.value(id).home.index();
        let given = self.inputs.iter().map(|input| input.value);
        for id in given.chain(self.constants.iter().map(|(value, _)| *value)) {
            learn(&mut known[home(id)], self.value(id).extent());
        }
        for (number, pass) in self.passes.iter().enumerate() {
            let mut written = Vec::new();
            // A concatenation whose parts were computed where they stand writes nothing of them.
            let mut missing = None;
            pass.each_value(|id, writes| match writes {
                true => written.push(id),
                false if !knows(&known[home(id)], &self.value(id).extent()) => {
                    missing = missing.or(Some(id));
                }
                false => {}
            });
            if let Some(id) = missing {
                return Err(Rule::WrittenBefore.by(number, id));
            }
            for id in written {
                learn(&mut known[home(id)], self.value(id).extent());
            }
        }
        let unknown = |id: &&ValueId| !knows(&known[home(**id)], &self.value(**id).extent());
        match self.outputs.iter().find(unknown) {
            Some(id) => Err(Rule::WrittenBefore.of(*id)),
            None => Ok(()),
        }
    }

    /// A pass that is no group writes nothing that it reads.
    pub(super) fn reads_are_apart(&self) -> Result<(), PlanError> {
        for (number, pass) in self.passes.iter().enumerate() {
            if let Pass::Concat { parts, out, axis } = pass {
                for &(start, part) in parts {
                    let target = self.target_of_part(*out, part, *axis, start);
                    let apart = !overlap(&target, &self.value(part).extent())
                        || self.value(part).kind != self.value(*out).kind;
                    Rule::ReadsApart.holds(apart, number, part)?;
                }
                continue;
            }
            if matches!(pass, Pass::Fused(_)) {
                continue;
            }
            let (mut read, mut written) = (Vec::new(), Vec::new());
            pass.each_value(|id, writes| match writes {
                true => written.push(id),
                false => read.push(id),
            });
            for out in written {
                let own = self.value(out);
                let overlaps = |id: &&ValueId| {
                    let other = self.value(**id);
                    own.kind == other.kind && overlap(&own.extent(), &other.extent())
                };
                if read.iter().any(|id| overlaps(&id)) {
                    return Err(Rule::ReadsApart.by(number, out));
                }
            }
        }
        Ok(())
    }

    /// Where a part of a concatenation is written: of `out` all that it may touch.
    fn target_of_part(
        &self,
        out: ValueId,
        part: ValueId,
        axis: usize,
        start: usize,
    ) -> Range<usize> {
        let (out, part) = (self.value(out), self.value(part));
        let [outer, _, inner] = around(&out.shape, axis);
        if outer > 1 || !out.layout.is_contiguous() {
            return out.extent();
        }
        let start = out.offset + start * inner;
        start..start + part.shape.elements()
    }

    /// No two memories overlap while both are needed.
    pub(super) fn memory_is_apart(&self) -> Result<(), PlanError> {
        let lives = self.lives();
        for kind in [Kind::Float, Kind::Index] {
            let alive = lives.iter().enumerate().filter_map(|(home, life)| {
                let is_home = self.values[home].home.index() == home;
                let wanted = is_home && self.values[home].kind == kind;
                Some((home, life.as_ref().filter(|_| wanted)?.clone()))
            });
            self.are_apart(alive.collect())?;
        }
        Ok(())
    }

    /// For each home from which pass to which its memory is needed.
    fn lives(&self) -> Vec<Option<Range<usize>>> {
        let home = |id: ValueId| self.value(id).home.index();
        let mut lives: Vec<Option<Range<usize>>> = vec![None; self.values.len()];
        let always = 0..self.passes.len() + 1;
        let given = self.inputs.iter().map(|input| input.value);
        for id in given.chain(self.constants.iter().map(|(value, _)| *value)) {
            lives[home(id)] = Some(always.clone());
        }
        for pass in &self.passes {
            if let Pass::Record { out, .. } = pass {
                lives[home(*out)] = Some(always.clone());
            }
        }
        let mut spans: Vec<Range<usize>> = (0..self.passes.len()).map(|i| i..i + 1).collect();
        for run in &self.strips {
            spans[run.passes.clone()].fill(run.passes.clone());
        }
        let mut hoisted = vec![false; self.values.len()];
        for (number, pass) in self.passes.iter().enumerate() {
            pass.each_value(|id, writes| {
                let life = &mut lives[home(id)];
                let span = &spans[number];
                let own = life.get_or_insert_with(|| span.clone());
                *own = own.start.min(span.start)..own.end.max(span.end);
                hoisted[home(id)] |= writes && number < self.hoisted;
                // What a step reads of hoisted passes has to last from step to step.
                if hoisted[home(id)] && number >= self.hoisted {
                    *own = always.clone();
                }
            });
        }
        let Range { start, end } = self.evaluations.clone();
        let mut repeated = vec![false; self.values.len()];
        for pass in &self.passes[start..end] {
            pass.each_value(|id, _| repeated[home(id)] = true);
        }
        for id in &self.outputs {
            let life = &mut lives[home(*id)];
            let first = life.as_ref().map_or(0, |life| life.start);
            *life = Some(match hoisted[home(*id)] {
                true => always.clone(),
                false => first..always.end,
            });
        }
        // What is there before the first draw or after the last is needed in all of them.
        let lasting = lives
            .iter_mut()
            .zip(repeated)
            .filter(|(_, repeated)| *repeated);
        for life in lasting.filter_map(|(life, _)| life.as_mut()) {
            *life = match (life.start < start, life.end > end) {
                (true, _) => life.start..life.end.max(end),
                (_, true) => start..life.end,
                _ => life.clone(),
            };
        }
        lives
    }

    /// Whether memories with these lives, all of one arena, are apart from one another.
    fn are_apart(&self, mut alive: Vec<(usize, Range<usize>)>) -> Result<(), PlanError> {
        alive.sort_by_key(|(_, life)| life.start);
        let mut ends: Vec<(usize, usize)> = alive.iter().map(|(h, l)| (l.end, *h)).collect();
        ends.sort_unstable();
        let mut ends = ends.into_iter().peekable();
        // What is alive, by where it starts: to where it reaches.
        let mut present: BTreeMap<usize, usize> = BTreeMap::new();
        let memory = |home: usize| {
            let value = &self.values[home];
            value.offset..value.offset + padded(value.layout.span())
        };
        for (home, life) in alive {
            while let Some((_, ended)) = ends.next_if(|(end, _)| *end <= life.start) {
                if !memory(ended).is_empty() {
                    present.remove(&memory(ended).start);
                }
            }
            let own = memory(home);
            if own.is_empty() {
                continue;
            }
            let before = present.range(..own.end).next_back();
            if before.is_some_and(|(_, end)| *end > own.start) {
                return Err(Rule::Apart.of(ValueId(home as u32)));
            }
            present.insert(own.start, own.end);
        }
        Ok(())
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Adds a range to ranges that do not touch.
fn learn(known: &mut BTreeMap<usize, usize>, range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    let Range { mut start, mut end } = range;
    while let Some((&from, &to)) = known.range(..=end).next_back()
        && to >= start
    {
        known.remove(&from);
        (start, end) = (start.min(from), end.max(to));
    }
    known.insert(start, end);
}

/// Whether a range lies in one of the ranges.
fn knows(known: &BTreeMap<usize, usize>, range: &Range<usize>) -> bool {
    let around = known.range(..=range.start).next_back();
    range.is_empty() || around.is_some_and(|(_, end)| *end >= range.end)
}
