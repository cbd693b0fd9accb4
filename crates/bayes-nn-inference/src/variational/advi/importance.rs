//! The guide as a proposal: importance ratios to the density it was fitted to.

use bayes_nn_kernels::Precision;

use super::Approximation;
use crate::check::setting;
use crate::compiled::{CompiledDensity, first_bad_term};
use crate::diagnostics::{Psis, k_hat_threshold, psis};
use crate::log_density::{EvalError, LogDensity};
use crate::{Density, DrawTable, InferenceError, Site};

/// Proposals for each draw by weight, and the least number of them: with these the threshold of
/// k-hat is 0.7.
const PROPOSALS: usize = 4;
const LEAST_PROPOSALS: usize = 4_000;
/// Logarithms of ratios that differ by less are equal.
const EQUAL: f64 = 1e-6;

impl Approximation {
    /// `ln p - ln q` at so many draws of the guide, `[draws]` in nats, in double precision and on
    /// the full data. `p` is the density without its normaliser, so that these are importance
    /// ratios up to a constant, and their mean is an estimate of the ELBO.
    ///
    /// Draw `i` is that of [`Approximation::draws`].
    ///
    /// # Errors
    /// A density of other sites, that cannot be written, or that is not finite at a draw; a guide
    /// with coordinates that are points; more draws than memory holds.
    pub fn log_ratios(
        &self,
        density: &dyn Density,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<f64>, InferenceError> {
        if !Site::agree(density.sites(), self.sites()) {
            return Err(InferenceError::OtherDensity {
                found: Site::list(self.sites()),
                expected: Site::list(density.sites()),
            });
        }
        if let Some(site) = self.first_point() {
            return Err(InferenceError::NoSpread {
                site: site.name.clone(),
            });
        }
        let room = Vec::<f64>::new().try_reserve_exact(draws.saturating_mul(self.dim()));
        if room.is_err() {
            return Err(setting("draws", draws, "few enough to fit into memory"));
        }
        let mut compiled = CompiledDensity::new(density)?;
        let mut gradient = vec![0.0; self.dim()];
        let positions = self.draws(draws, seed)?;
        let ratio = |(draw, z): (usize, &[f64])| {
            let log_prob = match compiled.log_prob_grad(z, &mut gradient) {
                Ok(value) => value,
                Err(EvalError::Reject) => f64::NEG_INFINITY,
                Err(EvalError::Fatal(source)) => return Err(InferenceError::Density(source)),
            };
            match log_prob.is_finite() {
                true => Ok(log_prob - self.log_prob(z)),
                false => Err(InferenceError::NoRatio {
                    draw,
                    value: log_prob,
                    term: first_bad_term(density, z, Precision::F64)?.map(|term| term.name),
                }),
            }
        };
        let draws = positions.chunks_exact(self.dim().max(1)).enumerate();
        draws.map(ratio).collect()
    }

    /// Pareto-smoothed importance sampling from the guide to the density it was fitted to: the
    /// weights that turn draws of the guide into draws of the posterior, and with `k_hat` whether
    /// they can (Yao, Vehtari, Simpson and Gelman 2018, "Yes, but did it work?: Evaluating
    /// variational inference", section 3).
    ///
    /// Of ratios that are equal but for rounding `k_hat` is 0: the guide is the posterior. Below
    /// [`k_hat_threshold`](crate::diagnostics::k_hat_threshold) the guide is near the
    /// posterior. Above, it is not near in all directions at once, which for many variables is
    /// the rule: a neural network fails in the space of its weights (1.4 to 1.7 is usual) even
    /// where it predicts well. Judge that in the space of its predictions.
    ///
    /// # Errors
    /// As [`Approximation::log_ratios`], and fewer than 25 draws.
    pub fn psis(
        &self,
        density: &dyn Density,
        draws: usize,
        seed: u64,
    ) -> Result<Psis, InferenceError> {
        smoothed(&self.log_ratios(density, draws, seed)?)
    }

    /// So many draws of the density that the guide was fitted to: of four times as many draws of the
    /// guide, 4,000 at least, by their [weights](Approximation::psis), with replacement (Vehtari,
    /// Simpson, Gelman, Yao and Gabry 2024, "Pareto smoothed importance sampling"). Draws of large weight
    /// are there more than once.
    ///
    /// # Errors
    /// As [`Approximation::psis`]; [`InferenceError::TooFar`] where k-hat is above 0.7.
    pub fn resampled(
        &self,
        density: &dyn Density,
        draws: usize,
        seed: u64,
    ) -> Result<DrawTable, InferenceError> {
        let proposals = draws.saturating_mul(PROPOSALS).max(LEAST_PROPOSALS);
        let psis = self.psis(density, proposals, seed)?;
        let most = k_hat_threshold(proposals);
        if let Some(k_hat) = psis.k_hat.filter(|k_hat| *k_hat > most) {
            return Err(InferenceError::TooFar { k_hat, most });
        }
        let (dim, proposed) = (self.dim(), self.draws(proposals, seed)?);
        let chosen = psis.resample(draws, seed).into_iter();
        let rows: Vec<f64> = chosen
            .flat_map(|draw| &proposed[draw * dim..][..dim])
            .copied()
            .collect();
        DrawTable::new(self.sites().to_vec(), rows, [draws])
    }
}

/// Smoothed weights of a guide's draws, whose k-hat is 0 if they are equal but for rounding.
pub(super) fn smoothed(log_ratios: &[f64]) -> Result<Psis, InferenceError> {
    let mut psis = psis(log_ratios, 1.0)?;
    let weights = || psis.log_weights.iter().copied();
    let spread = weights().fold(f64::MIN, f64::max) - weights().fold(f64::MAX, f64::min);
    if psis.k_hat.is_none() && spread < EQUAL {
        psis.k_hat = Some(0.0);
    }
    Ok(psis)
}
