//! Scores of held-out rows while a fit runs, and its early end.

use bayes_nn_kernels::Run;

use super::states::blocks;
use super::{Advi, Approximation, Curve, Scored};
use crate::check::{at_least_one, setting};
use crate::{Density, InferenceError, Scorer, Scoring};

/// Scores of a fit at the most.
const SCORES: u64 = 100;
/// Draws of the guide behind each.
const DRAWS: usize = 5;
/// Predictions of a row that take as long as a tenth of its gradient: one takes a third of the time.
const SHARE: f64 = 0.3;
/// Rows whose prediction takes as long as a draw of the weights, and as long as reading the guide.
const ROWS_OF_DRAW: f64 = 100.0;
const ROWS_OF_GUIDE: f64 = 500.0;
/// Rows that are scored if there are as many, whatever that takes.
const FEW_ROWS: usize = 64;
/// The seed of the noise of scores.
const SEED: u64 = 0x3c6e_f372_fe94_f82b;

impl Advi {
    /// Ends the fit once so many scores of the held-out rows in a row were no better than the best
    /// before, and keeps the guide of the best score, by the log likelihood, however the fit ends.
    /// Off unless set: held-out rows then change nothing of the fit.
    ///
    /// Rows are held out by `Bnn::fit_validated`, or another density with
    /// [`Density::held_out`]. They are scored after each epoch, or where a fit would have more than
    /// 100 of them, or no minibatches, after each hundredth of its steps: by five draws, and
    /// where rows are many by some of them, so that scores take about a tenth of the fit at the most.
    pub fn patience(mut self, scores: usize) -> Advi {
        self.by_optimizer = true;
        self.patience = Some(scores);
        self
    }

    /// Checks that what is said of held-out rows fits the density.
    pub(super) fn check_held_out(&self, density: &dyn Density) -> Result<(), InferenceError> {
        if let Some(patience) = self.patience {
            at_least_one("patience", patience as u64)?;
        }
        match (self.patience, density.held_out()) {
            (Some(patience), None) => {
                let allowed = "left out of a fit without held-out rows, which have a score \
                               (`Bnn::fit_validated`)";
                Err(setting("patience", patience, allowed))
            }
            (_, Some(held_out)) if self.goes_by_natural_gradients(density) => {
                let allowed = "left out of a fit by natural gradients or L-BFGS, which has no \
                               epochs; set `steps` or another setting of an optimiser";
                let value = format!("{} held-out rows", held_out.rows());
                Err(setting("validation", value, allowed))
            }
            _ => Ok(()),
        }
    }

    /// Steps of an epoch; nothing where all rows are one batch.
    pub(super) fn steps_of_epoch(&self, density: &dyn Density) -> Option<u64> {
        let (rows, batch) = (density.rows()?, self.batch?);
        Some(rows.div_ceil(batch) as u64)
    }

    /// Steps between two scores: whole epochs, as few as make no more than [`SCORES`].
    fn steps_of_score(&self, density: &dyn Density) -> u64 {
        let epoch = self.steps_of_epoch(density).unwrap_or(1);
        let fewest = self.step_count().div_ceil(SCORES);
        epoch * fewest.div_ceil(epoch)
    }
}

/// What scores the restarts of a run.
pub(super) struct Validation<'a> {
    scorer: Scorer<'a>,
    /// Steps between two scores.
    every: u64,
}

impl<'a> Validation<'a> {
    /// For a run that has begun; nothing without held-out rows.
    pub(super) fn of(
        advi: &Advi,
        density: &'a dyn Density,
        run: &Run,
    ) -> Result<Option<Validation<'a>>, InferenceError> {
        let Some(held_out) = density.held_out() else {
            return Ok(None);
        };
        let every = advi.steps_of_score(density);
        let batch = advi.batch.or(density.rows()).unwrap_or(1);
        let fitted = every as f64 * (batch * advi.samples) as f64;
        let rows = (SHARE * fitted - ROWS_OF_GUIDE) / DRAWS as f64 - ROWS_OF_DRAW;
        let guide = guide(advi, blocks(advi, density, run, 0, false)?, density);
        let how = Scoring {
            runtime: advi.runtime(),
            rows: FEW_ROWS.max(rows as usize),
            draws: DRAWS,
            seed: SEED,
        };
        let scorer = held_out
            .scorer(&guide, &how)
            .map_err(InferenceError::Density)?;
        Ok(Some(Validation { scorer, every }))
    }

    /// Steps to the next score.
    pub(super) fn until(&self, done: u64) -> u64 {
        self.every - done % self.every
    }

    /// Whether a score is due after so many steps.
    pub(super) fn is_due(&self, done: u64) -> bool {
        done.is_multiple_of(self.every)
    }
}

fn guide(advi: &Advi, blocks: Vec<Vec<f64>>, density: &dyn Density) -> Approximation {
    Approximation::from_blocks(&advi.layout(density), blocks)
}

/// The scores of a restart so far.
#[derive(Default)]
pub(super) struct Watched {
    /// The guide of the best score, in the order of its blocks, if it is to be kept.
    pub(super) kept: Option<Vec<Vec<f64>>>,
    /// Scores since the best.
    pub(super) since: usize,
}

impl Watched {
    /// Scores the guide that the fit would end with now; whether it is to.
    pub(super) fn look(
        &mut self,
        advi: &Advi,
        density: &dyn Density,
        (run, replica): (&Run, usize),
        validation: &mut Validation<'_>,
        curve: &mut Curve,
    ) -> Result<bool, InferenceError> {
        let step = curve.elbos.len() as u64;
        let averaged = advi.has_averages(curve.elbos.len());
        let blocks = blocks(advi, density, run, replica, averaged)?;
        let guide = guide(advi, blocks.clone(), density);
        let score = (validation.scorer)(&guide).map_err(InferenceError::Density)?;
        curve.scores.push(Scored { step, score });
        // Before the divergence has its weight the guide is not that of the model.
        if advi.patience.is_some() && step < advi.annealed_steps() {
            return Ok(false);
        }
        let best = curve.best.map(|best| curve.scores[best].score);
        let is_better = best.is_none_or(|best| score.log_likelihood > best.log_likelihood);
        self.since = if is_better { 0 } else { self.since + 1 };
        if is_better {
            curve.best = Some(curve.scores.len() - 1);
            self.kept = advi.patience.map(|_| blocks);
        }
        Ok(advi.patience.is_some_and(|patience| self.since >= patience))
    }
}
