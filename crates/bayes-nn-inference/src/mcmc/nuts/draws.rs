//! The draws of a chain.

use std::ops::Range;

use super::archive::Archive;
use super::statistics::Statistics;
use crate::InferenceError;

/// Draws as flat rows, with their statistics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnconstrainedDraws {
    dim: usize,
    positions: Vec<f64>,
    statistics: Vec<Statistics>,
}

impl UnconstrainedDraws {
    /// Draws with their statistics: `positions` is row-major `[draws, dim]`, or empty where draws
    /// were not kept.
    ///
    /// ```
    /// use bayes_nn_inference::nuts::{Statistics, UnconstrainedDraws};
    /// let statistics = vec![Statistics::from_row([-1.0, 1.5, 0.1, 3.0, 7.0, 0.0, 0.4, 0.9]); 2];
    /// let draws = UnconstrainedDraws::from_parts(3, vec![0.5; 6], statistics.clone())?;
    /// assert_eq!((draws.len(), draws.draw(1)), (2, Some(&[0.5; 3][..])));
    /// assert!(UnconstrainedDraws::from_parts(3, vec![0.5; 5], statistics).is_err());
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`InferenceError::Parts`] for positions that are not those of as many draws as there are
    /// statistics, and for ones that are not finite.
    pub fn from_parts(
        dim: usize,
        positions: Vec<f64>,
        statistics: Vec<Statistics>,
    ) -> Result<UnconstrainedDraws, InferenceError> {
        let draws = statistics.len();
        let refuse = |problem| Err(InferenceError::Parts { problem });
        if !positions.is_empty() && draws.checked_mul(dim) != Some(positions.len()) {
            let numbers = positions.len();
            return refuse(format!(
                "has {numbers} numbers for {draws} draws of length {dim}"
            ));
        }
        match positions.iter().find(|value| !value.is_finite()) {
            Some(value) => refuse(format!("has a draw with the value {value}")),
            None => Ok(UnconstrainedDraws {
                dim,
                positions,
                statistics,
            }),
        }
    }

    pub(super) fn new(dim: usize) -> UnconstrainedDraws {
        UnconstrainedDraws {
            dim,
            ..UnconstrainedDraws::default()
        }
    }

    /// Saves or loads the statistics and, where they are kept, the positions.
    pub(super) fn archive(&mut self, archive: &mut Archive, kept: bool) {
        let length = archive.length(self.statistics.len());
        self.statistics
            .resize(length, Statistics::from_row([0.0; 8]));
        for statistics in &mut self.statistics {
            let mut row = statistics.row();
            row.iter_mut().for_each(|value| archive.f64(value));
            *statistics = Statistics::from_row(row);
        }
        let width = if kept { self.dim } else { 0 };
        archive.exactly(length * width, &mut self.positions);
    }

    pub(super) fn push(&mut self, position: Option<&[f64]>, statistics: Statistics) {
        self.positions.extend(position.into_iter().flatten());
        self.statistics.push(statistics);
    }

    /// Some of the draws.
    pub(super) fn part(&self, draws: Range<usize>) -> UnconstrainedDraws {
        let kept = !self.positions.is_empty();
        let width = if kept { self.dim } else { 0 };
        UnconstrainedDraws {
            dim: self.dim,
            positions: self.positions[draws.start * width..draws.end * width].to_vec(),
            statistics: self.statistics[draws].to_vec(),
        }
    }

    /// Number of draws made.
    pub fn len(&self) -> usize {
        self.statistics.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.statistics.is_empty()
    }

    /// Length of a draw.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The draws in unconstrained space, row-major `[draws, dim]`; empty if they were not kept.
    pub fn positions(&self) -> &[f64] {
        &self.positions
    }

    /// One draw, `[dim]`; `None` beyond the last one, or if draws were not kept.
    pub fn draw(&self, draw: usize) -> Option<&[f64]> {
        self.positions.get(draw * self.dim..(draw + 1) * self.dim)
    }

    /// One coordinate of all draws.
    pub fn column(&self, coordinate: usize) -> Vec<f64> {
        let values = self.positions.iter().skip(coordinate);
        values.step_by(self.dim.max(1)).copied().collect()
    }

    /// The statistics of each draw.
    pub fn statistics(&self) -> &[Statistics] {
        &self.statistics
    }

    /// How many trajectories diverged.
    pub fn divergences(&self) -> usize {
        self.statistics.iter().filter(|s| s.diverging).count()
    }
}
