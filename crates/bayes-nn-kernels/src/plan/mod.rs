//! The plan: which passes, in which order, from which memory to which.
//!
//! A plan knows no device and no precision. Its stages are called by `planning`: `hoist` finds what
//! depends on data alone, `lower` turns nodes into passes and values (`views` says how they are
//! read, `concat` where parts are computed), `fuse` puts element-wise nodes into groups, `postpone` moves some to later groups,
//! `group` writes down instructions, `order` brings passes over long columns together, and `place`
//! decides where every value lives. This file has the plan itself and `pass` what
//! it consists of, which the stages fill in and a backend reads.

mod allocate;
mod concat;
mod draft;
mod draws;
mod fuse;
mod group;
mod hoist;
pub mod layout;
mod lower;
mod order;
mod pass;
mod place;
mod planning;
mod postpone;
mod products;
mod request;
mod rewrite;
mod strips;
mod validate;
mod views;
mod windows;

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_autodiff::{InputId, Kind, Shape};

pub(crate) use allocate::{Passing, allocate};
pub use layout::{Access, Layout, RowStarts};
pub use pass::{
    FusedGroup, GroupReduction, Instruction, Operand, Pass, ReduceMiddle, Selection, Store,
    TriangularSolve,
};
pub(crate) use products::is_large;
pub use products::{MatMul, ProductByGroup};
pub use request::{Request, Role};
pub(crate) use rewrite::{Function, Rewritten, rewrite};
pub use strips::Strips;
pub use validate::{PlanError, Rule};
pub use windows::{Convolution, Pool};

use crate::error::KernelError;

/// A graph made ready to be run: passes over values with a place in one arena.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything that has a place in memory.
    pub(crate) values: Vec<Value>,
    /// What is done, in this order, in every step of the program.
    pub(crate) passes: Vec<Pass>,
    /// How many of the first passes are hoisted: they depend on data alone, and give the same until
    /// data are written again.
    pub(crate) hoisted: usize,
    /// Which passes are run once for each draw of a step, one draw after the other; none where a
    /// step has one draw.
    pub(crate) evaluations: Range<usize>,
    /// How many draws there are: in draw `d` the noise of these passes is that of streams `d`
    /// further on.
    pub(crate) draws: usize,
    /// Which consecutive passes may be run strip by strip, in their order.
    pub(crate) strips: Vec<Strips>,
    /// What is written from outside, states included.
    pub(crate) inputs: Vec<Input>,
    /// The inputs that a step replaces by their next values, or that are set between steps.
    pub(crate) states: Vec<ValueId>,
    /// What can be read after a step: what was asked for, then what is recorded.
    pub(crate) outputs: Vec<ValueId>,
    /// Values that are known already.
    pub(crate) constants: Vec<(ValueId, Arc<[f64]>)>,
    /// How many elements of real numbers the arena holds.
    pub(crate) floats: usize,
    /// How many elements of indices the arena holds.
    pub(crate) indices: usize,
}

/// The place of a value among those of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tensor in memory. Several values may share memory: views, and a state with its next value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its shape.
    pub shape: Shape,
    /// In which of the two arenas it lies.
    pub kind: Kind,
    /// How its elements lie from `offset` on.
    pub layout: Layout,
    /// Where it starts in the arena, in elements.
    pub offset: usize,
    /// Whether its memory is kept from step to step: that of inputs, constants and records, and of
    /// what hoisted passes compute for others. It comes before all other memory of its arena.
    pub lasts: bool,
    /// The value whose memory this is: itself, what it is a view or a part of, or the state
    /// that it is written over.
    pub home: ValueId,
}

/// An input or state.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in the graph.
    pub name: String,
    /// Its number in the graph.
    pub id: InputId,
    /// Where its value lies.
    pub value: ValueId,
    /// How its value changes.
    pub role: Role,
    /// Whether [hoisted passes](Plan::hoisted) depend on it.
    pub hoisted: bool,
}

impl Plan {
    /// What is done, in this order: hoisted passes, then those of every step.
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }

    /// How many of the first passes depend on data alone: they give the same until data are
    /// written again.
    pub fn hoisted(&self) -> usize {
        self.hoisted
    }

    /// Which passes are run once for each draw of a step, one draw after the other; none where a
    /// step has one draw.
    pub fn evaluations(&self) -> Range<usize> {
        self.evaluations.clone()
    }

    /// How many draws there are in a step.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// Which passes may be run strip by strip, in their order.
    pub fn strips(&self) -> &[Strips] {
        &self.strips
    }

    /// A value of the plan.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// What is written from outside, states included.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Whether several ranks that run this plan meet in it. Minibatches are then cut in as many
    /// parts as there are ranks; any other plan is run by one rank alone.
    pub fn has_all_reduce(&self) -> bool {
        let meets = |pass: &Pass| matches!(pass, Pass::AllReduceMean { .. });
        self.passes.iter().any(meets)
    }

    /// The place of an input among those of the plan.
    pub(crate) fn number_of(&self, id: InputId) -> Result<usize, KernelError> {
        let number = self.inputs.iter().position(|input| input.id == id);
        number.ok_or(KernelError::NoInput { index: id.index() })
    }

    /// Checks that input number `number` can hold so many values: `find` gives the place of the
    /// first that satisfies a condition, and `get` the value at a place.
    pub(crate) fn check_values(
        &self,
        number: usize,
        count: usize,
        find: impl FnOnce(fn(f64) -> bool) -> Option<usize>,
        get: impl FnOnce(usize) -> f64,
    ) -> Result<(), KernelError> {
        fn is_no_index(value: f64) -> bool {
            value.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&value)
        }
        let input = &self.inputs[number];
        let Value { shape, kind, .. } = *self.value(input.value);
        if count != shape.elements() {
            return Err(KernelError::Length {
                name: input.name.clone(),
                shape,
                got: count,
            });
        }
        let wrong = match kind {
            Kind::Float => None,
            Kind::Index => find(is_no_index),
        };
        match wrong {
            None => Ok(()),
            Some(position) => Err(KernelError::Index {
                name: input.name.clone(),
                value: get(position),
                position,
                length: u32::MAX as usize + 1,
            }),
        }
    }

    /// That an input is bound to data.
    pub(crate) fn bound(&self, number: usize) -> KernelError {
        let name = self.inputs[number].name.clone();
        KernelError::Bound { name }
    }

    /// That an input has no value.
    pub(crate) fn unset(&self, input: &Input) -> KernelError {
        KernelError::Unset {
            name: input.name.clone(),
            shape: self.value(input.value).shape,
        }
    }
}
