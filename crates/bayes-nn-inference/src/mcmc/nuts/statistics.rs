//! What is recorded about every draw.

/// How one draw came about.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// The log density at the draw, in nats.
    pub log_prob: f64,
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
            self.log_prob,
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
            log_prob: row[0],
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

/// What a transition reports beside the state that it leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Info {
    /// What is recorded of the draw.
    pub statistics: Statistics,
    /// Leapfrog steps from the start of the trajectory to the draw, in the direction of time; 0 if
    /// the chain stayed where it was.
    pub moved: i64,
}
