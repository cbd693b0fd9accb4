//! The result of Pathfinder.

use std::fmt;

use super::Pathfinder;
use crate::columns::Concerns;
use crate::diagnostics::k_hat_threshold;
use crate::{DrawSource, DrawTable, Elbo, Fit, PathFailure, Site};

/// How many nats a path may lie below the best one before it is said.
const FAR_BELOW: f64 = 10.0;
/// The share of draws that are distinct below which it is said.
const FEW: f64 = 0.1;

/// The end of one path.
#[derive(Clone, Debug)]
pub struct Path {
    pub(crate) seed: u64,
    pub(crate) iterations: u64,
    pub(crate) gradients: u64,
    pub(crate) log_probs: u64,
    pub(crate) outcome: Result<Elbo, PathFailure>,
}

impl Path {
    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Steps of the optimiser.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Log densities with gradients that it took.
    pub fn gradients(&self) -> u64 {
        self.gradients
    }

    /// Log densities without gradients that its normals took.
    pub fn log_probs(&self) -> u64 {
        self.log_probs
    }

    /// The ELBO of its normal, or why it was dropped.
    pub fn outcome(&self) -> Result<Elbo, &PathFailure> {
        self.outcome.as_ref().copied()
    }
}

/// Draws near the modes of a density.
#[derive(Clone, Debug)]
pub struct PathfinderFit {
    pub(crate) settings: Pathfinder,
    pub(crate) paths: Vec<Path>,
    pub(crate) k_hat: f64,
    pub(crate) distinct: usize,
    pub(crate) table: DrawTable,
    pub(crate) seconds: f64,
    pub(crate) concerns: Concerns,
}

impl PathfinderFit {
    /// The settings of the fit, without its display of progress.
    pub fn settings(&self) -> &Pathfinder {
        &self.settings
    }

    /// All paths, in the order of their seeds; those that were dropped, too.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The named parts of the unconstrained vector.
    pub fn sites(&self) -> &[Site] {
        self.table.sites()
    }

    /// The ELBO of the best path's normal.
    pub fn elbo(&self) -> Elbo {
        let elbos = self.paths.iter().filter_map(|path| path.outcome().ok());
        let best = elbos.reduce(|a, b| if b.mean > a.mean { b } else { a });
        best.unwrap_or(Elbo {
            mean: f64::NEG_INFINITY,
            mcse: 0.0,
        })
    }

    /// The shape of the largest importance weights of the proposals: below
    /// [`k_hat_threshold`] averages of the draws are those of the posterior, from 1 on they are
    /// those of the normals' best draws and mean nothing else. A part of the posterior at which no
    /// normal has draws is not seen.
    pub fn k_hat(&self) -> f64 {
        self.k_hat
    }

    /// The draws in unconstrained space. Of proposals with large weights there are copies, which
    /// diagnostics of chains, such as effective draws, do not know of.
    pub fn draws(&self) -> &DrawTable {
        &self.table
    }

    /// How many of the draws are different.
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// Log densities with gradients, of all paths.
    pub fn gradients(&self) -> u64 {
        self.paths.iter().map(Path::gradients).sum()
    }

    /// Log densities without gradients, of all paths and proposals.
    pub fn log_probs(&self) -> u64 {
        self.paths.iter().map(Path::log_probs).sum()
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    fn threshold(&self) -> f64 {
        k_hat_threshold(self.settings.proposals)
    }
}

impl Fit for PathfinderFit {
    fn method(&self) -> &'static str {
        "Pathfinder"
    }

    fn source(&self) -> DrawSource {
        self.table.clone().into()
    }

    /// Draws that are not the posterior's by k-hat, or copies of a few; paths that were dropped, or
    /// ended far below the best; what single precision is too coarse for; data far from the scale
    /// that the density supposes.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.k_hat > self.threshold() {
            warnings.push(format!(
                "the draws are near a mode, but not of the posterior: k-hat is {:.2}, above {:.2}; \
                 begin NUTS there (`start_at(Start::Pathfinder)`), or fit a guide",
                self.k_hat,
                self.threshold()
            ));
        }
        let draws = self.table.draws();
        if (self.distinct as f64) < FEW * draws as f64 {
            warnings.push(format!(
                "only {} of {draws} draws are different: the others are copies",
                self.distinct
            ));
        }
        let best = self.elbo();
        for (number, path) in self.paths.iter().enumerate() {
            match path.outcome() {
                Err(failure) => warnings.push(format!("path {number} {failure}")),
                Ok(elbo) if elbo.mean < best.mean - FAR_BELOW => warnings.push(format!(
                    "the ELBO of path {number} is {:.1}, and {:.1} of the best: it ended at a lower \
                     mode, or on its way",
                    elbo.mean, best.mean
                )),
                Ok(_) => {}
            }
        }
        let Concerns { coarse, scale } = self.concerns.clone();
        warnings.extend(coarse.into_iter().chain(scale));
        warnings
    }
}

impl fmt::Display for PathfinderFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "draws      {}, {} of them different",
            self.table.draws(),
            self.distinct
        )?;
        writeln!(
            f,
            "gradients  {}, and {} log densities, in {:.3} s",
            self.gradients(),
            self.log_probs(),
            self.seconds
        )?;
        let meaning = match self.k_hat {
            k if k <= self.threshold() => "where normals reach, the draws are of the posterior",
            k if k < 1.0 => "the draws are near the posterior, but not of it",
            _ => "the draws are near a mode, and not of the posterior",
        };
        writeln!(f, "k-hat      {:.2}: {meaning}", self.k_hat)?;
        write!(f, "paths      seed  steps  ELBO")?;
        for path in &self.paths {
            write!(f, "\n           {:<5} {:<6} ", path.seed, path.iterations)?;
            match path.outcome() {
                Ok(elbo) => write!(f, "{elbo}")?,
                Err(failure) => write!(f, "dropped: it {failure}")?,
            }
        }
        Ok(())
    }
}
