//! What a fit says of itself.

use std::fmt;

use bayes_nn_kernels::Runtime;

use super::elbo::ENOUGH_FOR_K_HAT;
use super::{AdviFit, Family, MOST_COORDINATES, Stop};
use crate::columns::Concerns;
use crate::diagnostics::k_hat_threshold;
use crate::{DrawSource, Evidence, Fit};

/// The largest k-hat of a guide whose averages are those of the posterior.
fn threshold() -> f64 {
    k_hat_threshold(ENOUGH_FOR_K_HAT)
}

impl AdviFit {
    /// That the guide has not the shape of the posterior, and what would have.
    fn misfit(&self) -> Option<String> {
        let k_hat = self.k_hat().filter(|k| *k > threshold());
        let k_hat = k_hat.map(|k_hat| format!("k-hat is {k_hat:.2}, above {:.2}: ", threshold()));
        let narrow = self.narrow();
        if k_hat.is_none() && narrow.is_none() {
            return None;
        }
        let is_independent = self.approximation().family() == Family::MeanField;
        let may_be_narrow = is_independent && self.sd_shares().is_none();
        let problem = match narrow.is_some() || may_be_narrow {
            true => {
                let narrow = narrow.map_or(String::new(), |narrow| format!(" ({narrow})"));
                let better = match self.approximation().dim() > MOST_COORDINATES {
                    true => "`Advi::low_rank(10)` has the widest of their correlations",
                    false => "`Advi::full_rank()` has their correlations",
                };
                format!(
                    "standard deviations are too small where variables depend on one another{narrow}; \
                     {better}, and NUTS the posterior itself"
                )
            }
            false => {
                "the posterior is not normal, and its means and standard deviations may differ; \
                      NUTS samples the posterior itself"
                    .into()
            }
        };
        Some(k_hat.unwrap_or_default() + &problem)
    }
}

impl AdviFit {
    /// That somebody ended the fit early.
    fn interrupted(&self) -> Option<String> {
        (self.stop() == Stop::Interrupted).then(|| {
            format!(
                "the fit was interrupted at step {}; it can be resumed",
                self.steps()
            )
        })
    }

    /// A line on held-out rows, if there are any.
    fn show_scores(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(last), Some(best)) = (self.curve().scores().last(), self.curve().best_score())
        else {
            return Ok(());
        };
        let (rows, score, step) = (best.score.rows, best.score, best.step);
        match (self.settings().patience, self.stop()) {
            (None, _) if best.step == last.step => {
                writeln!(f, "validation {score}, the best of all ({rows} rows)")
            }
            (None, _) => writeln!(
                f,
                "validation {}; at best {score} after {step} steps ({rows} rows)",
                last.score
            ),
            (Some(patience), Stop::Validation) => writeln!(
                f,
                "validation {score} after {step} steps, whose guide is kept: none of {patience} scores \
                 since was better ({rows} rows)"
            ),
            (Some(_), _) => writeln!(
                f,
                "validation {score} after {step} steps, whose guide is kept ({rows} rows)"
            ),
        }
    }
}

impl AdviFit {
    /// Whether the scale of data bears on the fit: steps in the guide's own spread that have come to
    /// their end do not ask for it.
    fn supposes_unit_scale(&self) -> bool {
        let convergence = self.parts.convergence;
        !(convergence.converged && matches!(convergence.evidence, Evidence::Stages { .. }))
    }
}

impl Fit for AdviFit {
    fn method(&self) -> &'static str {
        match self.parts.approximation.family() {
            Family::Point => "MAP",
            _ => "ADVI",
        }
    }

    fn source(&self) -> DrawSource {
        self.parts.approximation.clone().into()
    }

    /// The guides of the restarts of a network that were not kept.
    fn others(&self) -> Vec<DrawSource> {
        let others = self.restarts().iter().filter(|r| r.seed != self.seed());
        let guides = others.filter_map(|restart| restart.approximation.as_ref());
        guides.map(DrawSource::from).collect()
    }

    /// What single precision was too coarse for; that it had not converged, or has not the shape of
    /// the posterior; restarts that failed; data far from the scale that it supposes.
    fn warnings(&self) -> Vec<String> {
        let convergence = self.parts.convergence;
        let Concerns { coarse, scale } = self.parts.concerns.clone();
        let advice = match convergence.evidence {
            Evidence::Windows { .. } if self.parts.stop == Stop::Validation => {
                "held-out rows ended it, so its uncertainty may not have settled"
            }
            Evidence::Windows { .. } => "give it more steps",
            Evidence::Slope { .. } => {
                "the log density may have no maximum, as where the scale of a hierarchy runs to zero: \
                 take `Advi::mean_field()` or NUTS"
            }
            Evidence::Stages { .. } => {
                "the posterior is far from normal: sample it by NUTS, write the model in variables \
                 that depend less on one another, or raise `budget`"
            }
        };
        let not_converged =
            (!convergence.converged && coarse.is_empty() && self.stop() != Stop::Interrupted)
                .then(|| format!("the fit had not converged ({convergence}): {advice}"));
        let failed = self.parts.restarts.iter().filter_map(|restart| {
            let error = restart.outcome.as_ref().err()?;
            Some(format!(
                "the restart of seed {} failed: {error}",
                restart.seed
            ))
        });
        let tempered = self.tempered().into_iter();
        let interrupted = self.interrupted().into_iter();
        let coarse = interrupted.chain(coarse);
        let warnings = coarse.chain(tempered).chain(not_converged);
        let warnings = warnings.chain(self.misfit());
        let scale = scale.into_iter().filter(|_| self.supposes_unit_scale());
        warnings.chain(failed).chain(scale).collect()
    }

    /// Those of the fit.
    fn runtime(&self) -> Runtime {
        self.parts.settings.runtime()
    }
}

impl fmt::Display for AdviFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, seconds) = (self.steps(), self.parts.seconds);
        let rate = steps as f64 / seconds.max(1e-9);
        match self.parts.convergence.evidence {
            Evidence::Windows { .. } => writeln!(f, "steps      {steps}")?,
            Evidence::Slope { .. } => writeln!(
                f,
                "steps      {steps} by L-BFGS ({} gradients in all)",
                self.gradients()
            )?,
            Evidence::Stages { .. } => writeln!(
                f,
                "steps      {steps} by natural gradients ({} gradients in all)",
                self.gradients()
            )?,
        }
        writeln!(
            f,
            "seconds    {seconds:.2} ({rate:.0} steps/s, after {:.3} s of setting up)",
            self.parts.setup_seconds
        )?;
        let is_point = self.parts.approximation.family() == Family::Point;
        match is_point {
            true => writeln!(f, "log prob   {:.2} nats, of a point", self.parts.elbo.mean)?,
            false => writeln!(f, "ELBO       {}", self.parts.elbo)?,
        }
        let moved = || {
            self.parts
                .sds_moved
                .iter()
                .map(|(site, ratio)| (*ratio, site))
        };
        let by_ratio = |a: &(f64, &String), b: &(f64, &String)| a.0.total_cmp(&b.0);
        if let (Some(least), Some(most)) = (moved().min_by(by_ratio), moved().max_by(by_ratio)) {
            write!(
                f,
                "sds        {:.2} times those at the start (`{}`)",
                least.0, least.1
            )?;
            match self.parts.sds_moved.len() {
                1 => writeln!(f)?,
                _ => writeln!(f, " to {:.2} (`{}`)", most.0, most.1)?,
            }
        }
        for line in self.tempered().into_iter().chain(self.annealing()) {
            writeln!(f, "posterior  {line}")?;
        }
        self.show_scores(f)?;
        write!(f, "converged  {}", self.parts.convergence)?;
        if let Some(k_hat) = self.k_hat() {
            let meaning = match k_hat {
                k if k <= threshold() => "draws can be weighted to those of the posterior",
                k if k < 1.0 => "the guide is near the posterior, but has not its shape",
                _ => "the guide has not the shape of the posterior",
            };
            write!(f, "\nk-hat      {k_hat:.2}: {meaning}")?;
        }
        if self.parts.restarts.len() > 1 {
            let header = if is_point { "log prob" } else { "ELBO" };
            write!(f, "\nrestarts   seed  {header}")?;
            for restart in &self.parts.restarts {
                write!(f, "\n           {:<5} ", restart.seed)?;
                match &restart.outcome {
                    Ok((elbo, convergence)) => {
                        let converged = if convergence.converged {
                            ""
                        } else {
                            ", not converged"
                        };
                        let kept = if restart.seed == self.parts.seed {
                            ", kept"
                        } else {
                            ""
                        };
                        write!(f, "{elbo}{converged}{kept}")?;
                    }
                    Err(error) => write!(f, "failed: {error}")?,
                }
            }
        }
        // The table has the others.
        let Concerns { coarse, scale } = &self.parts.concerns;
        let scale = scale.iter().filter(|_| self.supposes_unit_scale());
        let interrupted = self.interrupted();
        for concern in interrupted.iter().chain(coarse).chain(scale) {
            write!(f, "\nwarning: {concern}")?;
        }
        Ok(())
    }
}
