//! The result of a run of stochastic gradient Langevin dynamics.

use std::fmt;
use std::sync::Arc;

use super::Sgld;
use crate::columns::{Concerns, half_ulp, shortened};
use crate::{DrawSource, DrawTable, Fit, InferenceError, Site};

/// Draws of one chain.
#[derive(Clone, Debug)]
pub struct SgldChain {
    pub(crate) seed: u64,
    pub(crate) dim: usize,
    pub(crate) draws: Vec<f64>,
    pub(crate) error: Option<Arc<InferenceError>>,
}

impl SgldChain {
    /// The chain's seed, which determines it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of draws.
    pub fn len(&self) -> usize {
        self.draws.len() / self.dim.max(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.draws.is_empty()
    }

    /// The draws in unconstrained space, row-major `[draws, dim]`.
    pub fn draws(&self) -> &[f64] {
        &self.draws
    }

    /// Why it ended early, if its data could not be read any more.
    pub fn error(&self) -> Option<&InferenceError> {
        self.error.as_deref()
    }

    /// One coordinate of all draws.
    pub fn column(&self, coordinate: usize) -> Vec<f64> {
        let values = self.draws.iter().skip(coordinate);
        values.step_by(self.dim.max(1)).copied().collect()
    }
}

/// The chains of a run.
#[derive(Clone, Debug)]
pub struct SgldFit {
    pub(crate) settings: Sgld,
    pub(crate) sites: Vec<Site>,
    pub(crate) chains: Vec<SgldChain>,
    pub(crate) step_sizes: Vec<f64>,
    pub(crate) concerns: Concerns,
}

impl SgldFit {
    /// The settings of the run.
    pub fn settings(&self) -> &Sgld {
        &self.settings
    }

    /// The chains, in the order of their seeds.
    pub fn chains(&self) -> &[SgldChain] {
        &self.chains
    }

    /// The named parts of the unconstrained vector.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The size of the step that led to each draw, `[draws]`, the same for all chains: the weights
    /// of the draws in averages.
    pub fn step_sizes(&self) -> &[f64] {
        &self.step_sizes
    }
}

impl Fit for SgldFit {
    fn method(&self) -> &'static str {
        "SGLD"
    }

    fn source(&self) -> DrawSource {
        let chains = self.chains.iter().map(|chain| (chain.draws(), chain.len()));
        DrawTable::of_chains(&self.sites, chains).into()
    }

    /// That the run was interrupted, or chains failed; what single precision is too coarse for; data far from the scale that
    /// the density supposes.
    fn warnings(&self) -> Vec<String> {
        let Concerns { coarse, scale } = self.concerns.clone();
        let fewest = self.chains.iter().map(SgldChain::len).min().unwrap_or(0);
        let draws = self.settings.draws;
        let errors = self.chains.iter().filter_map(SgldChain::error);
        let mut warnings: Vec<String> = errors.map(ToString::to_string).collect();
        if warnings.is_empty() && (fewest as u64) < draws {
            warnings.push(format!(
                "the run was interrupted: the shortest chain has {fewest} of {draws} draws"
            ));
        }
        warnings.into_iter().chain(coarse).chain(scale).collect()
    }
}

impl fmt::Display for SgldFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chains, draws) = (self.chains.len(), self.step_sizes.len());
        write!(f, "{chains} chains of {draws} draws")
    }
}

/// The sites at which single precision rounds steps of this size away where a chain ended.
pub(super) fn rounded_away(step: f64, sites: &[Site], chains: &[SgldChain]) -> Vec<String> {
    let coarse = sites.iter().filter_map(|site| {
        let mut ends = chains.iter().filter_map(|chain| {
            let end = chain.draws.len().checked_sub(chain.dim)?;
            let mut values = chain.draws[end..][site.range()].iter();
            values.find(|value| half_ulp(**value) > step).copied()
        });
        let value = ends.next()?;
        Some(format!(
            "single precision is too coarse for `{}`: around {value} numbers are {:.1e} apart, \
             while steps are of {step:.1e}; set `precision(F64)`, or shift the variable",
            site.name,
            2.0 * half_ulp(value),
        ))
    });
    shortened(coarse.collect(), "variables")
}
