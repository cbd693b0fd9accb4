//! Rules about passes: shapes, kinds, operands, states, hoisting and strips.

use std::ops::Range;

use bayes_nn_autodiff::{Kind, Shape, Window};

use super::super::layout::BEYOND;
use super::super::{FusedGroup, Instruction, Pass, Plan, RowStarts, ValueId};
use super::{PlanError, Rule};

impl Plan {
    /// Every pass finds the shapes and kinds that it expects.
    pub(super) fn passes_fit(&self) -> Result<(), PlanError> {
        let shape = |id: ValueId| self.value(id).shape;
        let layout = |id: ValueId| self.value(id).layout;
        for (number, pass) in self.passes.iter().enumerate() {
            let fits = |holds: bool, value: ValueId| Rule::Shapes.holds(holds, number, value);
            let is = |kind: Kind, value: ValueId| {
                Rule::Kind.holds(self.value(value).kind == kind, number, value)
            };
            let are = |values: &[ValueId]| values.iter().try_for_each(|id| is(Kind::Float, *id));
            let alike = |a: ValueId, b: ValueId| is(self.value(a).kind, b);
            match *pass {
                Pass::Fused(ref group) => self.group_fits(number, group)?,
                Pass::MatMul(ref product) => {
                    let (left, right, out) = (product.left, product.right, product.out);
                    let (m, n, k) = (product.m, product.n, product.k);
                    let turned = |a: usize, b: usize, turned: bool| match turned {
                        true => Shape::from([b, a]),
                        false => Shape::from([a, b]),
                    };
                    fits(shape(left) == turned(m, k, product.transpose_left), left)?;
                    fits(shape(right) == turned(k, n, product.transpose_right), right)?;
                    fits(shape(out) == turned(m, n, false), out)?;
                    are(&[left, right, out])?;
                }
                Pass::ProductByGroup(ref product) => {
                    are(&product.sides)?;
                    let [input, weight, output] = product.sides.map(shape);
                    fits(weight.rank() == 3, product.sides[1])?;
                    let [groups, outputs, inputs] = [weight[0], weight[1], weight[2]];
                    let rows = output.columns();
                    let of_rows = |length| match product.index {
                        Some(_) => Shape::from([length, rows]),
                        None => Shape::from([groups, length, rows]),
                    };
                    fits(input == of_rows(inputs), product.sides[0])?;
                    fits(output == of_rows(outputs), product.sides[2])?;
                    if let Some(index) = product.index {
                        is(Kind::Index, index)?;
                        fits(shape(index) == Shape::from([rows]), index)?;
                    }
                }
                Pass::Cholesky { matrix, out } => {
                    fits(square(&shape(matrix)).is_some(), matrix)?;
                    fits(shape(out) == shape(matrix), out)?;
                    are(&[matrix, out])?;
                }
                Pass::TriangularSolve(ref solve) => {
                    let (triangle, right, out) = (solve.triangle, solve.right, solve.out);
                    let size = square(&shape(triangle));
                    fits(size.is_some(), triangle)?;
                    fits(shape(right).first().copied() == size, right)?;
                    fits(shape(out) == shape(right), out)?;
                    are(&[triangle, right, out])?;
                }
                Pass::Convolution(ref convolution) => {
                    let values = convolution.sides;
                    are(&values)?;
                    let [image, weight, output] = values.map(shape);
                    fits(image.rank() == 4, values[0])?;
                    let groups = convolution.groups;
                    let places = places(&convolution.window, &image);
                    fits(places.is_some() && groups > 0, values[0])?;
                    let [height, width] = convolution.window.size;
                    let outputs = output[0];
                    let expected = Shape::from([image[0] / groups.max(1), height, width, outputs]);
                    fits(weight == expected && image[0] % groups == 0, values[1])?;
                    let expected = places.map(|[y, x]| Shape::from([outputs, y, x, image[3]]));
                    fits(Some(output) == expected && outputs % groups == 0, values[2])?;
                }
                Pass::Pool(ref pool) | Pass::Unpool(ref pool) => {
                    let (keys, source, out) = (pool.keys, pool.source, pool.out);
                    are(&[keys, source, out])?;
                    let image = shape(keys);
                    fits(image.rank() == 4, keys)?;
                    let places = places(&pool.window, &image);
                    let pooled = places.map(|[y, x]| Shape::from([image[0], y, x, image[3]]));
                    let (like_keys, like_pooled) = match pass {
                        Pass::Pool(_) => (source, out),
                        _ => (out, source),
                    };
                    fits(shape(like_keys) == image, like_keys)?;
                    fits(Some(shape(like_pooled)) == pooled, like_pooled)?;
                }
                Pass::ReduceMiddle(ref reduce) => {
                    let (source, out, outer) = (reduce.source, reduce.out, reduce.outer);
                    let results = shape(out).elements();
                    fits(outer == 0 || results.is_multiple_of(outer), out)?;
                    fits(shape(source).elements() == results * reduce.length, source)?;
                    are(&[source, out])?;
                }
                Pass::Copy {
                    source,
                    offset,
                    out,
                } => {
                    let end = offset + shape(out).elements();
                    fits(end <= shape(source).elements(), source)?;
                    alike(source, out)?;
                }
                Pass::Transpose { source, out } => {
                    let turned = matches!((&*shape(source), &*shape(out)),
                        ([a, b], [c, d]) if a == d && b == c);
                    fits(turned, out)?;
                    alike(source, out)?;
                }
                Pass::Concat {
                    ref parts,
                    out,
                    axis,
                } => {
                    let whole = shape(out);
                    fits(axis < whole.rank(), out)?;
                    for &(start, part) in parts {
                        let own = shape(part);
                        fits(same_beside(&own, &whole, axis), part)?;
                        fits(start + own[axis] <= whole[axis], part)?;
                        alike(part, out)?;
                    }
                }
                Pass::Gather(ref taken) => {
                    let (source, index, out) = (taken.source, taken.index, taken.out);
                    is(Kind::Index, index)?;
                    alike(source, out)?;
                    fits(same_beside(&shape(out), &shape(source), taken.axis), out)?;
                    fits(shape(out)[taken.axis] == shape(index).elements(), index)?;
                }
                Pass::Scatter(ref added) => {
                    let (source, index, out) = (added.source, added.index, added.out);
                    is(Kind::Index, index)?;
                    are(&[source, out])?;
                    fits(same_beside(&shape(out), &shape(source), added.axis), out)?;
                    fits(shape(source)[added.axis] == shape(index).elements(), index)?;
                }
                Pass::Batch { rows, out, .. } => {
                    is(Kind::Index, out)?;
                    fits(rows > 0 && u32::try_from(rows).is_ok(), out)?;
                }
                Pass::AllReduceMean { source, out } => {
                    are(&[source, out])?;
                    let lies = |id| (layout(id).rows, layout(id).columns, layout(id).stride);
                    fits(lies(source) == lies(out), out)?;
                }
                Pass::MeanOverDraws { source, out } => {
                    are(&[source, out])?;
                    fits(shape(source) == shape(out), out)?;
                    let repeated = self.evaluations.contains(&number);
                    Rule::Evaluations.holds(repeated, number, out)?;
                }
                Pass::Record { source, rows, out } => {
                    alike(source, out)?;
                    let elements = shape(source).elements();
                    fits(shape(out) == Shape::from([rows, elements]), out)?;
                    fits(rows > 0 && layout(out).is_contiguous(), out)?;
                }
            }
        }
        Ok(())
    }

    fn group_fits(&self, number: usize, group: &FusedGroup) -> Result<(), PlanError> {
        let (rows, columns) = (group.rows, group.columns);
        let nothing = rows * columns == 0;
        let is_float =
            |id: ValueId| Rule::Kind.holds(self.value(id).kind == Kind::Float, number, id);
        for operand in &group.operands {
            let (id, access) = (operand.value, &operand.access);
            is_float(id)?;
            let last = match &access.rows {
                RowStarts::Every(stride) => Some(rows.saturating_sub(1) * stride),
                RowStarts::Listed(starts) if starts.len() < rows => None,
                RowStarts::Listed(starts) => {
                    let last = starts[..rows].iter().max();
                    last.filter(|last| **last < BEYOND)
                        .map(|last| *last as usize)
                }
            };
            let read = if access.advances { columns } else { 1 };
            let value = self.value(id);
            let inside = last.is_some_and(|last| value.offset + last + read <= value.extent().end);
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
        let stored = group.stores.iter().map(|store| {
            let layout = &self.value(store.value).layout;
            let fits = (layout.rows, layout.columns) == (rows, columns);
            (store.register, store.value, fits)
        });
        let reduced = group.reductions.iter().map(|reduction| {
            let results = self.value(reduction.value).shape.elements();
            let fits = results * reduction.rows == rows;
            (reduction.register, reduction.value, fits)
        });
        for (register, id, fits) in stored.chain(reduced) {
            let known = register < group.instructions.len();
            Rule::Instruction.holds(known, number, id)?;
            is_float(id)?;
            Rule::ResultShape.holds(fits || nothing, number, id)?;
        }
        Ok(())
    }

    /// Every state is an input, and of inputs nothing but a state is written, by a value of its
    /// shape.
    pub(super) fn states_fit(&self) -> Result<(), PlanError> {
        let is_input = self.marked(self.inputs.iter().map(|input| input.value));
        let is_state = self.marked(self.states.iter().copied());
        if let Some(id) = self.states.iter().find(|id| !is_input[id.index()]) {
            return Err(Rule::State.of(*id));
        }
        for (number, pass) in self.passes.iter().enumerate() {
            let mut wrong = None;
            pass.each_value(|id, writes| {
                let home = self.value(id).home;
                let same_shape = self.value(id).shape == self.value(home).shape;
                let fits = is_state[home.index()] && same_shape;
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
        let home = |id: ValueId| self.value(id).home;
        let given = self.inputs.iter().filter(|input| !input.hoisted);
        let changing = given
            .map(|input| input.value)
            .chain(self.states.iter().copied());
        let changes = self.marked(changing.map(home));
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
                | Pass::ProductByGroup(_)
                | Pass::Cholesky { .. }
                | Pass::Convolution(_)
                | Pass::Pool(_)
                | Pass::Unpool(_)
                | Pass::TriangularSolve { .. }
                | Pass::ReduceMiddle { .. }
                | Pass::Copy { .. }
                | Pass::Transpose { .. }
                | Pass::Concat { .. }
                | Pass::Gather { .. }
                | Pass::Scatter { .. } => false,
            };
            let mut changing = None;
            pass.each_value(|id, _| {
                changing = changing.or(changes[home(id).index()].then_some(id))
            });
            if of_the_step || changing.is_some() {
                return Err(Rule::Hoisted.by(number, changing));
            }
        }
        Ok(())
    }

    /// Of each value whether it is among these.
    fn marked(&self, values: impl Iterator<Item = ValueId>) -> Vec<bool> {
        let mut marked = vec![false; self.values.len()];
        values.for_each(|id| marked[id.index()] = true);
        marked
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
                let columns = |id: ValueId| self.values[id.index()].layout.columns;
                let walk = self.passes[number].walk(columns);
                let walks = walk.is_some_and(|(columns, _)| columns == run.columns);
                if !walks {
                    return Err(Rule::Strips.by(number, None));
                }
            }
            end = passes.end;
        }
        Ok(())
    }
}

/// How many places a window has over images along height and width.
fn places(window: &Window, image: &Shape) -> Option<[usize; 2]> {
    Some([window.places(0, image[1])?, window.places(1, image[2])?])
}

/// The length of both axes of a square matrix.
fn square(shape: &Shape) -> Option<usize> {
    match **shape {
        [m, n] if m == n => Some(n),
        _ => None,
    }
}

/// Whether two shapes have the same axes but one, which both have.
fn same_beside(a: &Shape, b: &Shape, axis: usize) -> bool {
    let beside = |shape: &Shape, i: usize| i == axis || shape[i] == b[i];
    a.rank() == b.rank() && axis < a.rank() && (0..a.rank()).all(|i| beside(a, i))
}
