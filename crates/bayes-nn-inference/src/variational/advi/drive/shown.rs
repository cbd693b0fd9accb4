//! What others see of a restart that runs.

use std::ops::ControlFlow;
use std::sync::PoisonError;

use bayes_nn_autodiff::Var;
use bayes_nn_kernels::Run;

use super::super::Approximation;
use super::super::states::blocks;
use super::Restarted;
use crate::{Density, InferenceError, Snapshot, Update};

impl Restarted {
    /// Shows the steps since the last look to whom they concern, and whether the callback wants the
    /// fit to end.
    pub(super) fn is_ended_from_outside(
        &mut self,
        density: &dyn Density,
        run: &Run,
        replica: usize,
    ) -> Result<bool, InferenceError> {
        let elbos = &self.curve.elbos[self.looked..];
        if let Some(progress) = &self.advi.progress {
            progress.update(Update {
                restart: self.restart,
                step: self.curve.elbos.len() as u64,
                elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
                ..self.upcoming(density)
            });
        }
        let ends = self.call_back(density, run, replica, elbos)?;
        self.looked = self.curve.elbos.len();
        Ok(ends)
    }

    /// How far it is to its end.
    fn upcoming(&self, density: &dyn Density) -> Update {
        let done = self.curve.elbos.len() as f64;
        let steps = Var::from(self.steps as f64);
        let factor = self.advi.rate_factor(Var::from(done), steps).number();
        Update {
            steps: self.steps,
            may_end_sooner: self.tests() || self.advi.patience.is_some(),
            epoch: self.advi.steps_of_epoch(density),
            learning_rate: factor.map(|factor| factor * self.advi.rate()),
            score: self.curve.scores.last().map(|scored| scored.score),
            seconds_left: Some(self.seconds / done * (self.steps as f64 - done)),
            ..Update::default()
        }
    }

    /// Whether the callback wants the fit to end.
    fn call_back(
        &self,
        density: &dyn Density,
        run: &Run,
        replica: usize,
        elbos: &[f64],
    ) -> Result<bool, InferenceError> {
        let Some(callback) = &self.advi.callback else {
            return Ok(false);
        };
        let blocks = blocks(&self.advi, density, run, replica, false)?;
        let guide = Approximation::from_blocks(&self.advi.layout(density), blocks);
        let snapshot = Snapshot {
            restart: self.restart,
            step: self.curve.elbos.len() as u64,
            elbos,
            mean: guide.mean(),
            sd: &guide.sd(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(callback(&snapshot) == ControlFlow::Break(()))
    }
}
