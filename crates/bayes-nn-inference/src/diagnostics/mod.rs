//! Diagnostics of Markov chains and of the model: convergence, accuracy, prediction.
//!
//! Pure functions over the draws of one scalar, one slice a chain, all of one length. A value
//! that the draws do not give is an error that says why, never a NaN: too few draws, draws that
//! are all the same, a draw that is not finite.
//!
//! - Do the chains agree: [`r_hat`]. How many independent draws are they worth: [`ess_bulk`],
//!   [`ess_tail`], [`ess_quantile`], [`ess_mean`]. How far off are summaries: [`mcse_mean`],
//!   [`mcse_sd`], [`mcse_quantile`]. Did a Hamiltonian sampler reach all energies: [`e_bfmi`].
//! - Where is the posterior: [`hdi`]; all of the above in one table: [`summary()`].
//! - How does the model predict, and can importance weights be trusted: [`psis()`], [`loo`],
//!   [`loo_pit`], [`waic`].
//!
//! The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021),
//! "Rank-normalization, folding, and localization: an improved R-hat". Values equal those of
//! arviz-stats 1.3.3 to 10 digits, with these exceptions:
//!
//! - The tails of [`ess_tail`] are 5 % and 95 %, as in the paper, Stan and ArviZ 0.x; ArviZ 1.x
//!   has 11 % and 89 % unless others are passed.
//! - Infinite draws are an error, to rank-based diagnostics too.
//! - A scale below 1e-15 is not taken for a constant.
//! - Where the largest log ratios are tied, [`psis()`] leaves the weights as they are; ArviZ
//!   stops. Where most weights vanish beside the largest, k-hat is infinite; ArviZ has a NaN.
//! - [`waic`], which ArviZ 1.x has no more, is that of 0.23.4.
//!
//! ArviZ 0.x differs further: its intervals hold 94 %, the standard error of [`loo`] has the
//! divisor n, and [`psis()`] at times smooths another number of draws.
//!
//! ```
//! use bayes_nn_inference::diagnostics::{ess_bulk, mcse_mean, r_hat};
//! let wave = |phase: f64| -> Vec<f64> { (0..500).map(|s| (phase + 2.4 * f64::from(s)).sin()).collect() };
//! let (a, b) = (wave(0.0), wave(1.0));
//! let chains: [&[f64]; 2] = [&a, &b];
//! assert!(r_hat(&chains)? < 1.01 && ess_bulk(&chains)? > 400.0 && mcse_mean(&chains)? < 0.05);
//! # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
//! ```

mod autocovariance;
mod draws;
mod elpd;
mod energy;
mod error;
mod ess;
mod interval;
mod mcse;
mod pareto;
mod pit;
mod psis;
mod r_hat;
mod resample;
mod special;
mod summary;

pub use autocovariance::autocovariance;
pub use elpd::{Loo, PointwiseLogLikelihood, Waic, loo, waic};
pub use energy::e_bfmi;
pub use error::DiagnosticsError;
pub use ess::{ess_bulk, ess_mean, ess_quantile, ess_tail, relative_efficiency};
pub use interval::{HDI_PROBABILITY, hdi};
pub use mcse::{mcse_mean, mcse_quantile, mcse_sd};
pub use pit::loo_pit;
pub(crate) use psis::log_sum_exp;
pub use psis::{Psis, k_hat_threshold, psis};
pub use r_hat::r_hat;
pub(crate) use resample::by_weight;
pub(crate) use special::normal_quantile;
pub use summary::{Summary, SummaryRow, summary};
