//! Comparing a run with a reference.

use crate::reference::Moments;
use crate::run::Run;

/// A difference of means in standard errors that a right sampler never shows in practice.
pub const LARGEST_Z: f64 = 5.0;
/// The largest relative difference of standard deviations.
pub const LARGEST_SD_ERROR: f64 = 0.1;
/// Above this, chains do not agree.
pub const LARGEST_R_HAT: f64 = 1.01;
/// The largest share of trajectories that may diverge, if the run warns of it. At an acceptance of
/// 0.8 a few do where a scale is drawn, in other samplers, too: where it is large, the likelihood is
/// narrow in its logarithm, and one step in some thousand goes too far.
pub const LARGEST_DIVERGENT_SHARE: f64 = 0.002;

/// How it is judged, for those who read the table.
pub const EXPLANATION: &str = "\
Four chains of 1000 draws after 1000 of warm-up, with the default settings of NUTS, and once more
with trajectories of single precision, whose draws double precision accepts or rejects. A posterior
passes if every mean lies within 5 standard errors of the reference (those of both sides together), every standard deviation within 10 %, every R-hat is below 1.01,
and no trajectory diverged, or fewer than 0.2 % did and the run warns of it, as the non-centred eight
schools do with Stan and NumPyro, too. The centred eight schools are a funnel that no step size fits: there
the sampler has to say so by divergences or R-hat, and then only the means are judged.
ESS is the smallest bulk ESS of the parameters compared; gradients and seconds include warm-up,
seconds compilation, too.";

/// The worst of everything, with the scalar that shows it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// How many scalars were compared.
    pub parameters: usize,
    /// Difference of means in units of both Monte Carlo standard errors together.
    pub z: (f64, String),
    /// Ratio of standard deviations, ours over theirs, that is farthest from 1.
    pub sd_ratio: (f64, String),
    /// Difference of standard deviations in units of the Monte Carlo standard error of ours.
    pub sd_z: (f64, String),
    /// R-hat.
    pub r_hat: (f64, String),
    /// Effective sample size of the bulk.
    pub ess: (f64, String),
    /// Scalars of the reference that the run does not have, or not enough of.
    pub missing: Vec<String>,
}

impl Verdict {
    /// Compares a run with a reference.
    pub fn of(run: &Run, reference: &[Moments]) -> Verdict {
        let none = |value| (value, String::new());
        let mut verdict = Verdict {
            parameters: reference.len(),
            z: none(0.0),
            sd_ratio: none(1.0),
            sd_z: none(0.0),
            r_hat: none(0.0),
            ess: none(f64::INFINITY),
            missing: Vec::new(),
        };
        for theirs in reference {
            let seen = verdict.see(run, theirs);
            if seen.is_none() {
                verdict.missing.push(theirs.name.clone());
            }
        }
        verdict
    }

    fn see(&mut self, run: &Run, theirs: &Moments) -> Option<()> {
        let ours = run.row(&theirs.name)?;
        let note = |worst: &mut (f64, String), value: f64, badness: fn(f64) -> f64| {
            if badness(value) > badness(worst.0) || value.is_nan() {
                *worst = (value, theirs.name.clone());
            }
        };
        let (mean, sd) = (ours.mean?, ours.sd?);
        let z = (mean - theirs.mean).abs() / ours.mcse_mean?.hypot(theirs.mcse);
        note(&mut self.z, z, |z| z);
        note(&mut self.sd_ratio, sd / theirs.sd, |ratio| ratio.ln().abs());
        let sd_z = (sd - theirs.sd).abs() / ours.mcse_sd?;
        note(&mut self.sd_z, sd_z, |z| z);
        note(&mut self.r_hat, ours.r_hat?, |r_hat| r_hat);
        note(&mut self.ess, ours.ess_bulk?, |ess| -ess);
        Some(())
    }

    /// What is not as it should be, in words; nothing if all is well.
    pub fn problems(&self, run: &Run) -> Vec<String> {
        let mut problems = self.wrong_means();
        let mut check = |holds: bool, what: &str, worst: &(f64, String)| {
            if !holds {
                problems.push(format!("{what} of {} is {:.4}", worst.1, worst.0));
            }
        };
        let sd_error = (self.sd_ratio.0 - 1.0).abs();
        check(sd_error <= LARGEST_SD_ERROR, "sd ratio", &self.sd_ratio);
        check(self.r_hat.0 < LARGEST_R_HAT, "R-hat", &self.r_hat);
        let divergences = run.divergences;
        let few = (divergences as f64) < LARGEST_DIVERGENT_SHARE * run.trajectories as f64;
        let warned = run
            .warnings
            .iter()
            .any(|warning| warning.contains("diverged"));
        if divergences > 0 && !(few && warned) {
            problems.push(format!("{divergences} divergences"));
        }
        problems
    }

    /// Means that are not those of the reference, or are not there; the part of the problems that
    /// no warning of the sampler excuses.
    pub fn wrong_means(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.missing.is_empty() {
            problems.push(format!("no draws of {}", self.missing.join(", ")));
        }
        if self.z.0 >= LARGEST_Z || self.z.0.is_nan() {
            problems.push(format!("z of {} is {:.4}", self.z.1, self.z.0));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn::Draws;
    use bayes_nn::diagnostics::{Summary, SummaryRow};

    fn row(name: &str, mean: f64, sd: f64, r_hat: f64) -> SummaryRow {
        SummaryRow {
            name: name.to_owned(),
            mean: Some(mean),
            sd: Some(sd),
            hdi: None,
            ess_bulk: Some(1_000.0),
            ess_tail: None,
            r_hat: Some(r_hat),
            mcse_mean: Some(0.03),
            mcse_sd: Some(0.02),
        }
    }

    fn problems(row: SummaryRow, divergences: usize, warning: &str) -> Vec<String> {
        let run = Run {
            summary: Summary {
                rows: vec![row],
                hdi_probability: 0.89,
            },
            draws: Draws::default(),
            warnings: vec![warning.to_owned()],
            converged: None,
            trajectories: 4_000,
            divergences,
            depth_reached: 0,
            rejected: 0,
            gradients: 1,
            warmup_gradients: 0,
            log_probs: 0,
            k_hat: None,
            guide: None,
            seconds: 1.0,
        };
        let reference = Moments {
            name: "x".to_owned(),
            mean: 1.0,
            mcse: 0.04,
            sd: 1.0,
        };
        Verdict::of(&run, &[reference]).problems(&run)
    }

    #[test]
    fn each_limit_is_watched() {
        let right = || row("x", 1.2, 1.05, 1.001);
        assert!(problems(right(), 0, "").is_empty());
        assert!(problems(right(), 7, "7 of 4000 trajectories diverged").is_empty());
        assert_eq!(problems(right(), 2, "nothing of it"), ["2 divergences"]);
        for (wrong, divergences, said) in [
            (row("x", 1.26, 1.0, 1.0), 0, "z of x is 5.2000"),
            (row("x", 1.0, 0.89, 1.0), 0, "sd ratio of x is 0.8900"),
            (row("x", 1.0, 1.0, 1.011), 0, "R-hat of x is 1.0110"),
            (row("x", 1.0, 1.0, f64::NAN), 0, "R-hat of x is NaN"),
            (right(), 8, "8 divergences"),
            (row("y", 1.0, 1.0, 1.0), 0, "no draws of x"),
        ] {
            let problems = problems(wrong, divergences, "some diverged");
            assert!(problems.iter().any(|p| p == said), "{problems:?}");
        }
    }
}
