//! Whether an ELBO has stopped rising: two adjacent windows compared by their Monte Carlo error.

use std::fmt;

use crate::InferenceError;

/// Batches from whose means the Monte Carlo error of a window is estimated.
const BATCHES: usize = 20;

/// The test: the last two windows of the ELBO must have equal means.
///
/// Equal means closer than two standard errors of their difference, and closer than `tolerance`
/// times the larger of 1 nat and the absolute ELBO. The standard errors come from batch means
/// (20 a window), which allows for the correlation between steps; where the ELBO is steady, a
/// window fails by chance about once in 20 times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvergenceTest {
    /// Steps in each window. A fit too short for two of them is compared half by half.
    pub window: usize,
    /// The largest difference that counts as none, relative to the ELBO.
    pub tolerance: f64,
}

impl Default for ConvergenceTest {
    fn default() -> Self {
        ConvergenceTest {
            window: 5_000,
            tolerance: 0.005,
        }
    }
}

/// Whether a fit converged, and what says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convergence {
    /// Whether more steps would not have changed the guide.
    pub converged: bool,
    /// What says so.
    pub evidence: Evidence,
    /// Whether single precision was too coarse for the data or for where the guide went: the ELBO
    /// may then have stopped rising for want of digits, and the fit has not converged.
    pub too_coarse: bool,
}

/// What says whether a fit converged.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Evidence {
    /// The ELBO of the last two windows, compared by a [`ConvergenceTest`].
    Windows {
        /// Steps in each of the two windows; 0 when there were too few steps to tell.
        window: usize,
        /// Mean of the later window less that of the earlier, in nats.
        difference: f64,
        /// The standard error of the difference, in nats.
        standard_error: f64,
        /// The largest difference allowed besides two standard errors, in nats.
        tolerance: f64,
    },
    /// What Newton's step promises to gain, where L-BFGS ended its way to a mode.
    Slope {
        /// Nats that it promises.
        left: f64,
    },
    /// The average guides of the last two stages, the later of which took half the steps.
    Stages {
        /// The largest difference of means, in standard deviations; infinite where there was but
        /// one stage.
        mean: f64,
        /// The largest ratio of standard deviations, less 1.
        sd: f64,
    },
}

impl Convergence {
    /// The outcome for a fit whose numbers were too coarse, if they were.
    pub(crate) fn in_numbers_that_are_too_coarse(self, too_coarse: bool) -> Convergence {
        Convergence {
            converged: self.converged && !too_coarse,
            too_coarse,
            ..self
        }
    }
}

impl fmt::Display for Convergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = if self.converged { "yes" } else { "no" };
        if self.too_coarse {
            return write!(f, "{answer} (single precision is too coarse)");
        }
        match self.evidence {
            Evidence::Windows { window: 0, .. } => write!(f, "{answer} (too few steps to tell)"),
            Evidence::Windows {
                window,
                difference,
                standard_error,
                tolerance,
            } => {
                write!(
                    f,
                    "{answer} (last two windows of {window} steps differ by {difference:+.3} ± \
                     {standard_error:.3} nats"
                )?;
                match self.converged {
                    true => write!(f, ", tolerance {tolerance:.2})"),
                    false if difference.abs() > tolerance => {
                        write!(f, ", above the tolerance of {tolerance:.2})")
                    }
                    false => write!(f, ", above twice that error)"),
                }
            }
            Evidence::Slope { left } => {
                write!(f, "{answer} (another step promises {left:.0e} nats)")
            }
            Evidence::Stages { mean, .. } if mean.is_infinite() => {
                write!(f, "{answer} (the guide was still on its way)")
            }
            Evidence::Stages { mean, sd } => write!(
                f,
                "{answer} (steps of half the size moved no mean by more than {mean:.2} of its sd and \
                 no sd by more than {:.0} %)",
                100.0 * sd
            ),
        }
    }
}

impl ConvergenceTest {
    /// Tests the end of a curve of ELBOs, one a step.
    ///
    /// ```
    /// use bayes_nn_inference::ConvergenceTest;
    /// let test = ConvergenceTest { window: 1000, tolerance: 0.01 };
    /// let rising: Vec<f64> = (0..2000).map(|step| -200.0 + 0.05 * f64::from(step)).collect();
    /// assert!(!test.check(&rising).converged);
    /// let flat: Vec<f64> = (0..2000).map(|step| -100.0 + (1.7 * f64::from(step)).sin()).collect();
    /// assert!(test.check(&flat).converged);
    /// ```
    pub fn check(&self, elbos: &[f64]) -> Convergence {
        self.check_from(elbos, 1.0)
    }

    /// The same, where the ELBO counts as at least so many nats.
    pub(crate) fn check_from(&self, elbos: &[f64], least: f64) -> Convergence {
        // Whole batches only: the oldest few steps are left out.
        let batch = self.window.min(elbos.len() / 2) / BATCHES;
        let window = batch * BATCHES;
        if window == 0 {
            return Convergence {
                converged: false,
                evidence: Evidence::Windows {
                    window,
                    difference: 0.0,
                    standard_error: 0.0,
                    tolerance: 0.0,
                },
                too_coarse: false,
            };
        }
        let (rest, late) = elbos.split_at(elbos.len() - window);
        let early = &rest[rest.len() - window..];
        let ((early, early_variance), (late, late_variance)) =
            (batch_means(early, batch), batch_means(late, batch));
        let difference = late - early;
        let standard_error = (early_variance + late_variance).sqrt();
        let tolerance = self.tolerance * late.abs().max(least);
        // Two flat windows have no error at all, and differ by rounding.
        let allowed = (2.0 * standard_error).max(1e-9 * late.abs());
        Convergence {
            converged: difference.abs() <= allowed.min(tolerance),
            evidence: Evidence::Windows {
                window,
                difference,
                standard_error,
                tolerance,
            },
            too_coarse: false,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), InferenceError> {
        let problem = |value: String, allowed: &str| InferenceError::Setting {
            field: "convergence",
            value,
            allowed: allowed.to_owned(),
        };
        if self.window < BATCHES {
            return Err(problem(
                format!("a window of {} steps", self.window),
                "a window of at least 20 steps",
            ));
        }
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            return Err(problem(
                format!("a tolerance of {}", self.tolerance),
                "a tolerance that is finite and above 0",
            ));
        }
        Ok(())
    }
}

/// The mean of a window, and the variance of that mean by its batch means.
fn batch_means(values: &[f64], batch: usize) -> (f64, f64) {
    let means: Vec<f64> = values
        .chunks_exact(batch)
        .map(|chunk| chunk.iter().sum::<f64>() / batch as f64)
        .collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let squares: f64 = means.iter().map(|m| (m - mean) * (m - mean)).sum();
    (mean, squares / (n - 1.0) / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// An autoregressive curve around `level`, neighbouring steps correlated by 0.9.
    fn noisy(seed: u64, level: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut noise = 0.0;
        (0..4000)
            .map(|step| {
                let uniform = (random.next_u64() >> 11) as f64 / 2f64.powi(53) - 0.5;
                noise = 0.9 * noise + 5.0 * uniform;
                level(step) + noise
            })
            .collect()
    }

    const TEST: ConvergenceTest = ConvergenceTest {
        window: 2000,
        tolerance: 0.02,
    };

    /// Of 200 steady curves about 10 fail by chance; 30 or more would happen once in 10^7.
    #[test]
    fn steady_curves_pass_but_for_one_in_twenty() {
        let passed = (0..200).filter(|&seed| TEST.check(&noisy(seed, |_| -100.0)).converged);
        assert!(passed.count() > 170);
    }

    #[test]
    fn a_drift_beyond_the_error_does_not_pass() {
        for seed in 0..50 {
            let curve = noisy(seed, |step| -100.0 + 2e-3 * step as f64);
            assert!(!TEST.check(&curve).converged);
        }
    }

    #[test]
    fn too_few_steps_are_not_called_converged() {
        let outcome = TEST.check(&[-1.0; 39]);
        assert!(!outcome.converged);
        assert!(outcome.to_string().contains("too few steps"));
        assert!(TEST.check(&[-1.0; 40]).converged);
    }

    #[test]
    fn what_keeps_a_curve_from_being_converged_is_told() {
        let text = |slope: f64| {
            let curve = noisy(1, |step| -100.0 + slope * step as f64);
            TEST.check(&curve).to_string()
        };
        assert!(text(9e-4).ends_with("nats, above twice that error)"));
        assert!(text(1e-2).contains("nats, above the tolerance of 1."));
    }
}
