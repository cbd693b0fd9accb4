//! Steps that follow those of a fit that has ended.

use bayes_nn_autodiff::Var;

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
    pub(super) fn end(&self) -> u64 {
        self.from.saturating_add(self.steps)
    }

    pub(super) fn factor_at<'g>(&self, schedule: Schedule, step: Var<'g>) -> Var<'g> {
        match self.factor {
            Some(factor) => Var::from(factor),
            None => schedule.factor(step - self.from as f64, self.steps),
        }
    }
}
