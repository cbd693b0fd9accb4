//! What is recorded about every draw.

use std::ops::Range;

use super::archive::Archive;

/// How one draw came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// The log density at the draw, in nats.
    pub log_density: f64,
    /// The energy at the draw: minus the log density, plus the kinetic energy of the trajectory
    /// there.
    pub energy: f64,
    /// That energy less the one at which the trajectory began.
    pub energy_error: f64,
    /// Doublings of the trajectory that were completed.
    pub depth: u32,
    /// Leapfrog steps, each one gradient.
    pub leapfrog_steps: u32,
    /// Whether the trajectory left its energy by more than 1000, or the density's domain.
    pub diverging: bool,
    /// The step size of the trajectory.
    pub step_size: f64,
    /// The mean over the trajectory of `min(1, exp(-energy error))`.
    pub acceptance: f64,
}

impl Statistics {
    /// The columns of [`Statistics::row`]: name and meaning.
    pub const COLUMNS: [(&'static str, &'static str); 8] = [
        ("lp", "log density at the draw, nats"),
        ("energy", "energy at the draw, nats"),
        ("energy_error", "energy at the draw less that of the start"),
        ("tree_depth", "doublings of the trajectory"),
        ("n_steps", "leapfrog steps, each one gradient"),
        ("diverging", "1 if the trajectory diverged, else 0"),
        ("step_size", "step size of the trajectory"),
        ("acceptance_rate", "mean acceptance over the trajectory"),
    ];

    /// The statistics as numbers, in the order of [`Statistics::COLUMNS`].
    pub fn row(&self) -> [f64; 8] {
        [
            self.log_density,
            self.energy,
            self.energy_error,
            f64::from(self.depth),
            f64::from(self.leapfrog_steps),
            f64::from(u8::from(self.diverging)),
            self.step_size,
            self.acceptance,
        ]
    }

    /// The inverse of [`Statistics::row`].
    pub fn from_row(row: [f64; 8]) -> Statistics {
        Statistics {
            log_density: row[0],
            energy: row[1],
            energy_error: row[2],
            depth: row[3] as u32,
            leapfrog_steps: row[4] as u32,
            diverging: row[5] != 0.0,
            step_size: row[6],
            acceptance: row[7],
        }
    }
}

/// Draws as flat rows, with their statistics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    dim: usize,
    positions: Vec<f64>,
    statistics: Vec<Statistics>,
}

impl Rows {
    pub(super) fn new(dim: usize) -> Rows {
        Rows {
            dim,
            ..Rows::default()
        }
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        archive.floats(&mut self.positions);
        let length = archive.length(self.statistics.len());
        self.statistics
            .resize(length, Statistics::from_row([0.0; 8]));
        for statistics in &mut self.statistics {
            let mut row = statistics.row();
            row.iter_mut().for_each(|value| archive.f64(value));
            *statistics = Statistics::from_row(row);
        }
    }

    pub(super) fn push(&mut self, position: Option<&[f64]>, statistics: Statistics) {
        self.positions.extend(position.into_iter().flatten());
        self.statistics.push(statistics);
    }

    /// Some of the draws.
    pub(super) fn part(&self, draws: Range<usize>) -> Rows {
        let kept = !self.positions.is_empty();
        let width = if kept { self.dim } else { 0 };
        Rows {
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
