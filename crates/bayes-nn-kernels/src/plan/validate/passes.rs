//! Rules about passes: shapes, kinds, operands, states, hoisting and strips.

use std::ops::Range;

use bayes_nn_autodiff::{Kind, Shape};

use super::super::layout::BEYOND;
use super::super::{FusedGroup, Instruction, MatMul, Pass, Plan, RowStarts, Value, ValueId};
use super::{PlanError, Rule};

impl Plan {
    /// Every pass finds the shapes and kinds that it expects.
    pub(super) fn passes_fit(&self) -> Result<(), PlanError> {
        let values = |id: ValueId| &self.values[id.index()];
        let shape = |id: ValueId| values(id).shape;
        for (number, pass) in self.passes.iter().enumerate() {
            let fits = |holds: bool, value: ValueId| Rule::Shapes.holds(holds, number, value);
            let is = |kind: Kind, value: ValueId| {
                Rule::Kind.holds(values(value).kind == kind, number, value)
            };
            let alike = |a: ValueId, b: ValueId| is(values(a).kind, b);
            match pass {
                Pass::Fused(group) => self.group_fits(number, group)?,
                Pass::MatMul(product) => {
                    let MatMul { m, n, k, .. } = *product;
                    let turned = |[a, b]: [usize; 2], turned: bool| match turned {
                        true => Shape::from([b, a]),
                        false => Shape::from([a, b]),
                    };
                    let MatMul {
                        left, right, out, ..
                    } = *product;
                    fits(shape(left) == turned([m, k], product.transpose_left), left)?;
                    fits(
                        shape(right) == turned([k, n], product.transpose_right),
                        right,
                    )?;
                    fits(shape(out) == Shape::from([m, n]), out)?;
                    for id in [left, right, out] {
                        is(Kind::Float, id)?;
                    }
                }
                Pass::Cholesky { matrix, out } => {
                    let square = matches!(*shape(*matrix), [m, n] if m == n);
                    fits(square, *matrix)?;
                    fits(shape(*out) == shape(*matrix), *out)?;
                    is(Kind::Float, *matrix)?;
                    is(Kind::Float, *out)?;
                }
                Pass::TriangularSolve {
                    triangle,
                    right,
                    out,
                    ..
                } => {
                    let size = match *shape(*triangle) {
                        [m, n] if m == n => Some(n),
                        _ => None,
                    };
                    fits(size.is_some(), *triangle)?;
                    fits(shape(*right).first().copied() == size, *right)?;
                    fits(shape(*out) == shape(*right), *out)?;
                    for id in [*triangle, *right, *out] {
                        is(Kind::Float, id)?;
                    }
                }
                Pass::ReduceMiddle {
                    source,
                    out,
                    outer,
                    length,
                    ..
                } => {
                    let results = shape(*out).elements();
                    let divides = *outer == 0 || results.is_multiple_of(*outer);
                    fits(divides, *out)?;
                    fits(shape(*source).elements() == results * length, *source)?;
                    is(Kind::Float, *source)?;
                    is(Kind::Float, *out)?;
                }
                Pass::Copy {
                    source,
                    offset,
                    out,
                } => {
                    let end = offset + shape(*out).elements();
                    fits(end <= shape(*source).elements(), *source)?;
                    alike(*source, *out)?;
                }
                Pass::Transpose { source, out } => {
                    let turned = matches!((&*shape(*source), &*shape(*out)),
                        ([a, b], [c, d]) if a == d && b == c);
                    fits(turned, *out)?;
                    alike(*source, *out)?;
                }
                Pass::Concat { parts, out, axis } => {
                    let whole = shape(*out);
                    fits(*axis < whole.rank(), *out)?;
                    for (start, part) in parts {
                        let own = shape(*part);
                        fits(same_beside(&own, &whole, *axis), *part)?;
                        fits(start + own[*axis] <= whole[*axis], *part)?;
                        alike(*part, *out)?;
                    }
                }
                Pass::Gather {
                    source,
                    index,
                    out,
                    axis,
                } => {
                    is(Kind::Index, *index)?;
                    alike(*source, *out)?;
                    fits(same_beside(&shape(*out), &shape(*source), *axis), *out)?;
                    fits(shape(*out)[*axis] == shape(*index).elements(), *index)?;
                }
                Pass::Scatter {
                    source,
                    index,
                    out,
                    axis,
                } => {
                    is(Kind::Index, *index)?;
                    is(Kind::Float, *source)?;
                    is(Kind::Float, *out)?;
                    fits(same_beside(&shape(*out), &shape(*source), *axis), *out)?;
                    fits(shape(*source)[*axis] == shape(*index).elements(), *index)?;
                }
                Pass::Batch { rows, out, .. } => {
                    is(Kind::Index, *out)?;
                    fits(*rows > 0 && u32::try_from(*rows).is_ok(), *out)?;
                }
                Pass::AllReduceMean { source, out } => {
                    is(Kind::Float, *source)?;
                    is(Kind::Float, *out)?;
                    let (from, to) = (&values(*source).layout, &values(*out).layout);
                    let lie_alike =
                        (from.rows, from.columns, from.stride) == (to.rows, to.columns, to.stride);
                    fits(lie_alike, *out)?;
                }
                Pass::MeanOverDraws { source, out } => {
                    is(Kind::Float, *source)?;
                    is(Kind::Float, *out)?;
                    fits(shape(*source) == shape(*out), *out)?;
                    let repeated = self.evaluations.contains(&number);
                    Rule::Evaluations.holds(repeated, number, *out)?;
                }
                Pass::Record { source, rows, out } => {
                    alike(*source, *out)?;
                    let elements = shape(*source).elements();
                    fits(shape(*out) == Shape::from([*rows, elements]), *out)?;
                    fits(*rows > 0 && values(*out).layout.is_contiguous(), *out)?;
                }
            }
        }
        Ok(())
    }

    fn group_fits(&self, number: usize, group: &FusedGroup) -> Result<(), PlanError> {
        let values = |id: ValueId| &self.values[id.index()];
        let (rows, columns) = (group.rows, group.columns);
        for operand in &group.operands {
            let (id, value) = (operand.value, values(operand.value));
            Rule::Kind.holds(value.kind == Kind::Float, number, id)?;
            let (inside, last) = match &operand.access.rows {
                RowStarts::Every(stride) => (true, rows.saturating_sub(1) * stride),
                RowStarts::Listed(starts) => {
                    let last = starts.iter().copied().max().unwrap_or(0);
                    (starts.len() >= rows && last < BEYOND, last as usize)
                }
            };
            let last = last + if operand.access.advances { columns } else { 1 };
            let inside = inside && last <= elements_end(value);
            let nothing = rows * columns == 0;
            Rule::OperandInside.holds(inside || nothing, number, id)?;
        }
        for (register, instruction) in group.instructions.iter().enumerate() {
            let known = match instruction {
                Instruction::Load(operand) => *operand < group.operands.len(),
                Instruction::Constant(_)
                | Instruction::Step
                | Instruction::Noise { .. }
                | Instruction::Unary(..)
                | Instruction::Binary(..)
                | Instruction::Select(..) => instruction.arguments().all(|a| a < register),
            };
            if !known {
                return Err(Rule::Instruction.by(number, None));
            }
        }
        for store in &group.stores {
            let (id, layout) = (store.value, &values(store.value).layout);
            let known = store.register < group.instructions.len();
            Rule::Instruction.holds(known, number, id)?;
            Rule::Kind.holds(values(id).kind == Kind::Float, number, id)?;
            let fits = (layout.rows, layout.columns) == (rows, columns);
            Rule::ResultShape.holds(fits || rows * columns == 0, number, id)?;
        }
        for reduction in &group.reductions {
            let id = reduction.value;
            let known = reduction.register < group.instructions.len();
            Rule::Instruction.holds(known, number, id)?;
            Rule::Kind.holds(values(id).kind == Kind::Float, number, id)?;
            let fits = values(id).shape.elements() * reduction.rows == rows;
            Rule::ResultShape.holds(fits || rows * columns == 0, number, id)?;
        }
        Ok(())
    }

    /// Every state is an input, and of inputs nothing but a state is written, by a value of its
    /// shape.
    pub(super) fn states_fit(&self) -> Result<(), PlanError> {
        let mut is_input = vec![false; self.values.len()];
        let mut is_state = vec![false; self.values.len()];
        for input in &self.inputs {
            is_input[input.value.index()] = true;
        }
        for id in &self.states {
            is_state[id.index()] = true;
        }
        if let Some(id) = self.states.iter().find(|id| !is_input[id.index()]) {
            return Err(Rule::State.of(*id));
        }
        for (number, pass) in self.passes.iter().enumerate() {
            let mut wrong = None;
            pass.each_value(|id, writes| {
                let home = self.values[id.index()].home;
                let shape = |id: ValueId| self.values[id.index()].shape;
                let fits = is_state[home.index()] && shape(id) == shape(home);
                if writes && is_input[home.index()] && !fits {
                    wrong = Some(id);
                }
            });
            if let Some(id) = wrong {
                return Err(Rule::State.by(number, id));
            }
        }
        Ok(())
    }

    /// Hoisted passes read nothing that changes from step to step.
    pub(super) fn hoisted_fits(&self) -> Result<(), PlanError> {
        if self.hoisted > self.passes.len() {
            return Err(Rule::Hoisted.by(self.passes.len(), None));
        }
        let home = |id: ValueId| self.values[id.index()].home.index();
        let (mut changes, mut rereads) = (vec![false; self.values.len()], Vec::new());
        for id in &self.states {
            changes[home(*id)] = true;
        }
        for input in self.inputs.iter().filter(|input| !input.hoisted) {
            rereads.push(home(input.value));
        }
        for home in rereads {
            changes[home] = true;
        }
        for (number, pass) in self.passes[..self.hoisted].iter().enumerate() {
            let of_the_step = match pass {
                Pass::Fused(group) => group.instructions.iter().any(|i| match i {
                    Instruction::Noise { .. } | Instruction::Step => true,
                    Instruction::Load(_)
                    | Instruction::Constant(_)
                    | Instruction::Unary(..)
                    | Instruction::Binary(..)
                    | Instruction::Select(..) => false,
                }),
                Pass::Batch { .. }
                | Pass::AllReduceMean { .. }
                | Pass::MeanOverDraws { .. }
                | Pass::Record { .. } => true,
                Pass::MatMul(_)
                | Pass::Cholesky { .. }
                | Pass::TriangularSolve { .. }
                | Pass::ReduceMiddle { .. }
                | Pass::Copy { .. }
                | Pass::Transpose { .. }
                | Pass::Concat { .. }
                | Pass::Gather { .. }
                | Pass::Scatter { .. } => false,
            };
            let mut changing = None;
            pass.each_value(|id, _| changing = changing.or(changes[home(id)].then_some(id)));
            if of_the_step || changing.is_some() {
                return Err(Rule::Hoisted.by(number, changing));
            }
        }
        Ok(())
    }

    /// Repeated passes come after hoisted ones, and there are some where a step has several draws.
    pub(super) fn evaluations_fit(&self) -> Result<(), PlanError> {
        let Range { start, end } = self.evaluations;
        let inside = self.hoisted <= start && start <= end && end <= self.passes.len();
        let some = (self.draws > 1) == (start < end) && self.draws > 0;
        match inside && some {
            true => Ok(()),
            false => Err(Rule::Evaluations.by(start, None)),
        }
    }

    /// Strips are consecutive passes over the same columns, all of one stage: hoisted, or before,
    /// in or after the loop over draws.
    pub(super) fn strips_fit(&self) -> Result<(), PlanError> {
        let mut end = 0;
        for run in &self.strips {
            let passes = &run.passes;
            let Range { start, end: last } = self.evaluations;
            let mut stages = [self.hoisted, start, last].into_iter();
            let across = stages.any(|stage| passes.start < stage && passes.end > stage);
            let inside = end <= passes.start && passes.end <= self.passes.len();
            if !inside || across || passes.len() < 2 || run.columns == 0 {
                return Err(Rule::Strips.by(passes.start, None));
            }
            for number in passes.clone() {
                let walks = match &self.passes[number] {
                    Pass::Fused(group) => group.columns == run.columns,
                    Pass::MatMul(product) => [product.n, product.k].contains(&run.columns),
                    Pass::ReduceMiddle { out, .. } => {
                        self.values[out.index()].layout.columns == run.columns
                    }
                    Pass::Cholesky { .. }
                    | Pass::TriangularSolve { .. }
                    | Pass::Copy { .. }
                    | Pass::Transpose { .. }
                    | Pass::Concat { .. }
                    | Pass::Gather { .. }
                    | Pass::Scatter { .. }
                    | Pass::Batch { .. }
                    | Pass::AllReduceMean { .. }
                    | Pass::MeanOverDraws { .. }
                    | Pass::Record { .. } => false,
                };
                if !walks {
                    return Err(Rule::Strips.by(number, None));
                }
            }
            end = passes.end;
        }
        Ok(())
    }
}

/// Elements from the first to the last of a value.
fn elements_end(value: &Value) -> usize {
    let layout = &value.layout;
    match layout.rows * layout.columns {
        0 => 0,
        _ => (layout.rows - 1) * layout.stride + layout.columns,
    }
}

/// Whether two shapes have the same axes but one, which both have.
fn same_beside(a: &Shape, b: &Shape, axis: usize) -> bool {
    let beside = |shape: &Shape, i: usize| i == axis || shape[i] == b[i];
    a.rank() == b.rank() && axis < a.rank() && (0..a.rank()).all(|i| beside(a, i))
}
