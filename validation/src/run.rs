//! What a run of the sampler left, whatever its model.

use bayes_nn::diagnostics::{Summary, SummaryRow};
use bayes_nn::model::{self, Data, Model};
use bayes_nn::{Error, Nuts};

/// Moments and diagnostics of all variables of a model, and what they cost.
#[derive(Clone, Debug)]
pub struct Run {
    /// One row for each element of each variable.
    pub summary: Summary,
    /// Divergent trajectories after the warm-up.
    pub divergences: usize,
    /// Trajectories that the limit of doublings ended.
    pub depth_reached: usize,
    /// Draws that double precision rejected.
    pub rejected: u64,
    /// Gradients of all chains, warm-up included.
    pub gradients: u64,
    /// Seconds from start to end, compilation included.
    pub seconds: f64,
}

impl Run {
    /// Samples a model.
    ///
    /// # Errors
    /// Those of [`model::fit`].
    pub fn of<M: Model + Clone>(
        model: &M,
        data: impl Into<Data>,
        nuts: &Nuts,
    ) -> Result<Run, Error> {
        let samples = model::fit(model, data, nuts)?;
        let fit = samples.nuts().unwrap();
        Ok(Run {
            summary: samples.summary()?,
            divergences: fit.divergences(),
            depth_reached: fit.depth_reached(),
            rejected: fit.rejected(),
            gradients: fit.gradients(),
            seconds: fit.seconds(),
        })
    }

    /// The row of a scalar, as `beta[0]`.
    pub fn row(&self, name: &str) -> Option<&SummaryRow> {
        self.summary.rows.iter().find(|row| row.name == name)
    }
}
