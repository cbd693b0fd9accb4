//! Steps that follow those of a fit that has ended.

use bayes_nn_autodiff::Var;

use super::Advi;
use crate::Schedule;

/// Further steps of a fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extension {
    /// Steps that were done before.
    pub(crate) from: u64,
    /// Steps that follow.
    pub(crate) steps: u64,
    /// The factor on the learning rate in all of them; the schedule from its beginning where there is
    /// none.
    pub(crate) factor: Option<f64>,
}

impl Extension {
    fn end(&self) -> u64 {
        self.from.saturating_add(self.steps)
    }

    fn factor<'g>(&self, schedule: Schedule, step: Var<'g>) -> Var<'g> {
        match self.factor {
            Some(factor) => Var::from(factor),
            None => schedule.factor(step - self.from as f64, self.steps),
        }
    }
}

impl Advi {
    /// All steps there are to be at the most, those of an extension among them.
    pub(crate) fn last_step(&self) -> u64 {
        let extended = self.extension.as_ref().map(Extension::end);
        extended.unwrap_or(self.step_count())
    }

    /// The steps over whose end the guide is averaged: their number, and that of those before.
    pub(super) fn averaged_steps(&self) -> (u64, u64) {
        match &self.extension {
            Some(extension) => (extension.steps, extension.from),
            None => (self.step_count(), 0),
        }
    }

    /// The factor on the learning rate at a step, of so many that were set.
    pub(super) fn rate_factor<'g>(&self, step: Var<'g>, steps: Var<'g>) -> Var<'g> {
        match &self.extension {
            Some(extension) => extension.factor(self.rate_schedule(), step),
            None => self.rate_schedule().factor_of(step, steps),
        }
    }
}
