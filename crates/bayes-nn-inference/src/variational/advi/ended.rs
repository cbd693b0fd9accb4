//! A restart that has ended, and the fit that it is.

use super::elbo::Judged;
use super::interrupted::interrupted;
use super::precision::coarse_means;
use super::training::Trained;
use super::{Advi, AdviFit, AdviParts, Approximation, Curve, Elbo, Stop};
use crate::columns::Concerns;
use crate::{Convergence, Density, Divergence, Evidence, InferenceError, NonFinite};

/// Steps whose ELBOs say how good a fit is on its way.
const LAST_ELBOS: usize = 100;

/// A restart that has ended.
pub(super) struct Ended {
    /// The settings, with the seed of the restart.
    pub(super) advi: Advi,
    /// The guide's parameters, in the order of its blocks.
    pub(super) blocks: Vec<Vec<f64>>,
    pub(super) curve: Curve,
    pub(super) convergence: Convergence,
    pub(super) stop: Stop,
    pub(super) gradients: u64,
    pub(super) setup_seconds: f64,
    pub(super) seconds: f64,
    /// Where its training is.
    pub(super) training: Option<Trained>,
}

impl Ended {
    /// The fit, with its final ELBO.
    pub(super) fn finish(
        self,
        density: &dyn Density,
        judged: Result<Judged, InferenceError>,
        concerns: &Concerns,
    ) -> Result<AdviFit, InferenceError> {
        let Ended { advi, blocks, .. } = self;
        let approximation = Approximation::from_blocks(&advi.layout(density), blocks);
        let judged = judged.map_err(|error| {
            interrupted(error, advi.seed, self.curve.elbos(), || {
                Ok(approximation.clone())
            })
        });
        let Judged { elbo, k_hat } = judged?;
        if !elbo.mean.is_finite() || !elbo.mcse.is_finite() {
            return Err(InferenceError::NotFinite(Box::new(Divergence {
                step: self.curve.elbos.len() as u64,
                seed: advi.seed,
                what: NonFinite::FinalElbo,
                term: None,
                advice: "some draws of the fitted guide have no finite log density; more steps \
                         or a smaller learning rate may help"
                    .to_owned(),
                last_good: approximation,
                elbos: self.curve.elbos,
            })));
        }
        let sds_moved = match self.convergence.evidence {
            Evidence::Windows { .. } => advi.sds_moved(density, &approximation)?,
            _ => Vec::new(),
        };
        let mut concerns = concerns.clone();
        concerns.coarse.extend(coarse_means(&advi, &approximation));
        let parts = AdviParts {
            convergence: (self.convergence)
                .in_numbers_that_are_too_coarse(!concerns.coarse.is_empty()),
            approximation,
            curve: self.curve,
            elbo,
            k_hat,
            stop: self.stop,
            seed: advi.seed,
            settings: advi.recorded(),
            gradients: self.gradients,
            setup_seconds: self.setup_seconds,
            seconds: self.seconds,
            restarts: Vec::new(),
            sds_moved,
            concerns,
            training: None,
        };
        Ok(AdviFit { parts })
    }
}

/// A fit as it is on its way, with the mean of its last ELBOs for an ELBO.
pub(super) fn judged_by_curve(
    advi: &Advi,
    density: &dyn Density,
    trained: &Trained,
    concerns: &Concerns,
) -> Result<AdviFit, InferenceError> {
    let advi = Advi {
        seed: advi.seed_of(trained.restart),
        tries: trained.tries,
        ..advi.clone()
    };
    let elbos = trained.curve.elbos();
    let last = &elbos[elbos.len().saturating_sub(LAST_ELBOS)..];
    let elbo = match Elbo::of(last) {
        // One step has no error.
        Elbo { mean, mcse } if mcse.is_nan() => Elbo { mean, mcse: 0.0 },
        elbo => elbo,
    };
    let blocks = match &trained.kept {
        Some(kept) => kept.clone(),
        None => trained.blocks(&advi, density)?,
    };
    let ended = Ended {
        blocks,
        curve: trained.curve.clone(),
        convergence: (trained.convergence).unwrap_or_else(|| advi.test(density, &trained.curve)),
        stop: Stop::Interrupted,
        gradients: (trained.gradients).unwrap_or(elbos.len() as u64 * advi.samples as u64),
        setup_seconds: trained.setup_seconds,
        seconds: trained.seconds,
        training: None,
        advi,
    };
    let judged = Judged { elbo, k_hat: None };
    ended.finish(density, Ok(judged), concerns)
}
