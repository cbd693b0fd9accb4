//! How near a method comes to a reference with its default settings.

use bayes_nn::diagnostics::k_hat_threshold;

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

    /// Whether a mean or a standard deviation is not near.
    fn misses(&self) -> bool {
        self.means < 1.0 || self.sds < 1.0
    }

    /// Whether the run says that its figures may be wrong: that it has not converged, or by k-hat,
    /// standard deviations that are too small, R-hat, divergences, or chains that are stuck or in modes
    /// of their own.
    fn doubts(&self) -> bool {
        let run = &self.run;
        let k_hat = run.k_hat.unwrap_or(0.0);
        run.converged == Some(false)
            || (run.converged.is_some() && k_hat > k_hat_threshold(K_HAT_DRAWS))
            || self.r_hat.is_some_and(|r_hat| r_hat >= AGREE)
            || run.divergences > 0
            || ["stuck", "multimodal", "standard deviations are too small"]
                .iter()
                .any(|doubt| run.warnings.iter().any(|warning| warning.contains(doubt)))
    }
}

/// Chains agree below this R-hat.
const AGREE: f64 = 1.01;
/// Draws that k-hat is of, at the most.
const K_HAT_DRAWS: usize = 1_000;

/// The runs of one posterior.
fn row(runs: &[Accuracy]) -> [String; 11] {
    let mean = |of: fn(&Accuracy) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    let range = |of: &dyn Fn(&Accuracy) -> Option<f64>, digits: usize| {
        let values: Option<Vec<f64>> = runs.iter().map(of).collect();
        values.map_or("-".to_owned(), |values| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{least:.digits$} to {most:.digits$}")
        })
    };
    let count = |of: &dyn Fn(&Accuracy) -> bool| runs.iter().filter(|run| of(run)).count();
    let misses = count(&Accuracy::misses);
    [
        runs[0].posterior.to_owned(),
        format!("{:.1} %", 100.0 * mean(|run| run.means)),
        format!("{:.1} %", 100.0 * mean(|run| run.sds)),
        format!("{misses} of {}", runs.len()),
        count(&|run| run.misses() && !run.doubts()).to_string(),
        match runs[0].run.converged {
            Some(_) => count(&|run| run.run.converged == Some(true)).to_string(),
            None => "-".to_owned(),
        },
        range(&|run| run.run.k_hat, 2),
        range(&|run| run.r_hat, 3),
        range(&|run| run.ess, 0),
        match runs[0].run.converged {
            Some(_) => "-".to_owned(),
            None => runs
                .iter()
                .map(|r| r.run.divergences)
                .sum::<usize>()
                .to_string(),
        },
        gradients(runs),
    ]
}

/// The median of the gradients, and of those of the warm-up.
fn gradients(runs: &[Accuracy]) -> String {
    let all = median(runs.iter().map(|run| run.run.gradients as f64));
    match median(runs.iter().map(|run| run.run.warmup_gradients as f64)) {
        0.0 => format!("{all:.0}"),
        warmup => format!("{all:.0} ({warmup:.0})"),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let lower = (values.len() - 1) / 2;
    (values[lower] + values[upper]) / 2.0
}

/// Runs, those of a posterior one after the other, as a table in Markdown and what it comes to.
pub fn markdown(all: &[Accuracy]) -> String {
    let header = [
        "posterior",
        "means near",
        "sds near",
        "runs that miss",
        "silent",
        "converged",
        "k-hat",
        "R-hat",
        "bulk ESS",
        "divergences",
        "gradients",
    ];
    let posteriors: Vec<&[Accuracy]> = all.chunk_by(|a, b| a.posterior == b.posterior).collect();
    let rows: Vec<_> = posteriors.iter().map(|runs| row(runs)).collect();
    let share = |of: fn(&Accuracy) -> f64| {
        let own = |runs: &&[Accuracy]| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
        100.0 * posteriors.iter().map(own).sum::<f64>() / posteriors.len() as f64
    };
    let gradients = posteriors
        .iter()
        .map(|runs| median(runs.iter().map(|run| run.run.gradients as f64)));
    let list = |of: &dyn Fn(&&Accuracy) -> bool| {
        let named = all.iter().filter(of);
        let named: Vec<String> = named
            .map(|r| format!("{} {}", r.posterior, r.seed))
            .collect();
        match named.is_empty() {
            true => "none".to_owned(),
            false => named.join(", "),
        }
    };
    format!(
        "{}\nOn average over posteriors {:.1} % of the means and {:.1} % of the sds are near. The median \
         over posteriors of the median of the gradients over seeds is {:.0}.\n\nRuns, by their seeds, \
         that miss a mean and say nothing: {}. That miss an sd only and say nothing: {}. That miss \
         nothing and say that they may: {}.\n",
        table(header, &rows),
        share(|run| run.means),
        share(|run| run.sds),
        median(gradients),
        list(&|run| run.means < 1.0 && !run.doubts()),
        list(&|run| run.means == 1.0 && run.misses() && !run.doubts()),
        list(&|run| !run.misses() && run.doubts()),
    )
}

/// What the columns of [`markdown`] are.
pub fn legend(seeds: u64) -> String {
    format!(
        "Default settings, seeds 1 to {seeds}; shares are averages over seeds, gradients medians, with \
         those of the warm-up in brackets. A mean is near within {NEAR_MEAN} standard deviations of the \
         reference, an sd within {:.0} %. A run misses if one mean or sd is not near, and is silent if it \
         says nothing of it: if it has converged with a k-hat of at most {:.2} and does not say that its \
         standard deviations are too small, or its chains agree (R-hat below {AGREE}), none is stuck and \
         no trajectory diverged. k-hat, R-hat and bulk ESS are \
         those of the worst variable, from seed to seed.",
        100.0 * NEAR_SD,
        k_hat_threshold(K_HAT_DRAWS)
    )
}
