//! How near a method comes to a reference with its default settings.

use crate::posteriors::Posterior;
use crate::reference::Moments;
use crate::run::Run;
use crate::table::table;

/// A mean is near within so many standard deviations of the reference.
pub const NEAR_MEAN: f64 = 0.25;
/// A standard deviation is near within this share of that of the reference.
pub const NEAR_SD: f64 = 0.25;

/// A run of a method beside a reference.
#[derive(Clone, Debug)]
pub struct Accuracy {
    /// The posterior.
    pub posterior: &'static str,
    /// The seed.
    pub seed: u64,
    /// Share of means that are near.
    pub means: f64,
    /// Share of standard deviations that are near.
    pub sds: f64,
    /// The largest R-hat, of chains.
    pub r_hat: Option<f64>,
    /// The smallest bulk ESS, of chains.
    pub ess: Option<f64>,
    /// What was run.
    pub run: Run,
}

impl Accuracy {
    /// Compares.
    pub fn of(posterior: &Posterior, seed: u64, run: Run, reference: &[Moments]) -> Accuracy {
        let (mut means, mut sds) = (0, 0);
        let (mut r_hat, mut ess) = (None::<f64>, None::<f64>);
        for theirs in reference {
            let Some(ours) = run.row(&theirs.name) else {
                continue;
            };
            let near = |value: Option<f64>, right: f64, allowed: f64| {
                value.is_some_and(|value| (value - right).abs() <= allowed)
            };
            means += usize::from(near(ours.mean, theirs.mean, NEAR_MEAN * theirs.sd));
            sds += usize::from(near(ours.sd, theirs.sd, NEAR_SD * theirs.sd));
            if run.converged.is_none() {
                // R-hat of chains that never moved is not a number.
                let own = ours.r_hat.filter(|own| !own.is_nan());
                let own = own.unwrap_or(f64::INFINITY);
                r_hat = Some(r_hat.map_or(own, |worst| worst.max(own)));
                let own = ours.ess_bulk.unwrap_or(0.0);
                ess = Some(ess.map_or(own, |worst| worst.min(own)));
            }
        }
        let share = |count: usize| count as f64 / reference.len() as f64;
        Accuracy {
            posterior: posterior.name,
            seed,
            means: share(means),
            sds: share(sds),
            r_hat,
            ess,
            run,
        }
    }

    fn cells(&self) -> [String; 11] {
        let run = &self.run;
        let chains = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
        };
        [
            self.posterior.to_owned(),
            self.seed.to_string(),
            format!("{:.2}", self.means),
            format!("{:.2}", self.sds),
            chains(self.r_hat, 4),
            chains(self.ess, 0),
            run.divergences.to_string(),
            run.gradients.to_string(),
            run.warmup_gradients.to_string(),
            format!("{:.2}", run.seconds),
            match run.converged {
                Some(true) => format!("converged, {} warnings", run.warnings.len()),
                Some(false) => format!("not converged, {} warnings", run.warnings.len()),
                None => format!("{} warnings", run.warnings.len()),
            },
        ]
    }
}

/// All runs as Markdown.
pub fn markdown(all: &[Accuracy]) -> String {
    let header = [
        "posterior",
        "seed",
        "means near",
        "sds near",
        "max R-hat",
        "min bulk ESS",
        "divergences",
        "gradients",
        "of the warm-up",
        "seconds",
        "said",
    ];
    table(header, &all.iter().map(Accuracy::cells).collect::<Vec<_>>())
}

/// The mean over posteriors of the shares of means and of standard deviations that are near.
pub fn shares(all: &[Accuracy]) -> (f64, f64) {
    // Every posterior has as many seeds as the others.
    let mean = |of: fn(&Accuracy) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    (mean(|one| one.means), mean(|one| one.sds))
}
