//! The validator: what every plan promises, checked before raw pointers trust it.
//!
//! `memory` checks where values lie and when, `passes` what each pass does with them. A plan that
//! breaks a rule is a mistake of this library; the error names the pass and the value.

mod memory;
mod passes;
#[cfg(test)]
mod tests;

use std::fmt;

use super::{Plan, ValueId};

/// A plan that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The number of the pass, if it is one that breaks the rule.
    pub pass: Option<usize>,
    /// The value in question.
    pub value: Option<ValueId>,
    /// The rule.
    pub rule: Rule,
}

/// What a plan promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// Every value that is named exists.
    #[error("the value is not among those of the plan")]
    Exists,
    /// The rows and columns of a layout are those of the shape, and rows do not overlap.
    #[error("the layout does not fit the shape")]
    Layout,
    /// A value ends before its arena does.
    #[error("the value reaches beyond the arena")]
    InsideArena,
    /// A view ends before its home does.
    #[error("the value reaches beyond the memory in which it lies")]
    InsideHome,
    /// Two values of different homes do not overlap while both are needed.
    #[error("the value overlaps another that is needed at the same time")]
    Apart,
    /// A pass that is no fused group writes no memory that it reads.
    #[error("the pass writes what it reads")]
    ReadsApart,
    /// What is read was given or written before.
    #[error("the value is read before it is written")]
    WrittenBefore,
    /// Each operand of a group is read inside its value.
    #[error("the group reads beyond the end of the value")]
    OperandInside,
    /// An instruction reads registers of earlier instructions, and operands that exist.
    #[error("an instruction names what is not there")]
    Instruction,
    /// What a group stores or reduces has the shape of the group, or of its results.
    #[error("the result does not fit the rows and columns of the group")]
    ResultShape,
    /// Shapes and axes of a pass fit each other.
    #[error("the shapes of the pass do not fit each other")]
    Shapes,
    /// Indices are indices, and real numbers are real numbers.
    #[error("the value is of the wrong kind")]
    Kind,
    /// A state is an input, and of inputs only states are written, by values of their shape.
    #[error("the state is no input, or what is written over the input is no next value of it")]
    State,
    /// Hoisted passes depend on data alone.
    #[error("a hoisted pass depends on what changes from step to step")]
    Hoisted,
    /// What is repeated for every draw of a step comes after hoisted passes, and holds all means
    /// over draws.
    #[error("what is repeated for every draw is not where it should be")]
    Evaluations,
    /// Strips are consecutive passes that walk the same long columns.
    #[error("the strips are no runs of passes over columns")]
    Strips,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the plan is wrong")?;
        if let Some(pass) = self.pass {
            write!(f, " at pass {pass}")?;
        }
        if let Some(value) = self.value {
            write!(f, " for value {}", value.0)?;
        }
        write!(f, ": {}", self.rule)
    }
}

impl std::error::Error for PlanError {}

impl Rule {
    /// The rule broken by a pass.
    fn by(self, pass: usize, value: impl Into<Option<ValueId>>) -> PlanError {
        PlanError {
            pass: Some(pass),
            value: value.into(),
            rule: self,
        }
    }

    /// The rule broken by a value.
    fn of(self, value: ValueId) -> PlanError {
        PlanError {
            pass: None,
            value: Some(value),
            rule: self,
        }
    }

    fn holds(self, holds: bool, pass: usize, value: ValueId) -> Result<(), PlanError> {
        match holds {
            true => Ok(()),
            false => Err(self.by(pass, value)),
        }
    }
}

impl Plan {
    /// Checks every rule.
    ///
    /// # Errors
    /// The first rule that is broken, with the pass and the value.
    pub(crate) fn validate(&self) -> Result<(), PlanError> {
        self.names_exist()?;
        self.values_fit()?;
        self.passes_fit()?;
        self.states_fit()?;
        self.hoisted_fits()?;
        self.evaluations_fit()?;
        self.strips_fit()?;
        self.reads_are_apart()?;
        self.reads_follow_writes()?;
        self.memory_is_apart()
    }
}
