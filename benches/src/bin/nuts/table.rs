//! The page that is written.

use std::fmt::Write as _;

use crate::Measured;

const NOTES: &str = "\
Written by `cargo xtask bench --nuts-rs`, which makes all of it again.

Every sampler draws from the same densities, compiled once: a hundred correlated normals on scales
from 0.1 to 10, Neal's funnel in ten dimensions, logistic regression with 25 weights, and the
two-moons network 2-5-5-1. Settings are those of the libraries (acceptance 0.8, at most ten
doublings), chains run one after the other on one core from starts between -2 and 2. The effective
sample size is the smallest rank-normalised bulk ESS of all coordinates, of the network's logits at
50 test rows, by the same function for all. Numbers per gradient do not depend on the machine;
times do, samplers take turns. Rates are geometric means over the seeds, with the least and the
largest behind; times are medians, divergences means of a run. A gradient's time holds the density
and what the sampler does around it. On the funnel all samplers are wrong, and the numbers are as
wild as that: it gets six times as many seeds.
";

/// All runs, of each target and sampler.
pub fn page(blocks: &[(&str, Vec<Vec<Measured>>)], names: &[&str]) -> String {
    let mut page = format!("# Beside nuts-rs\n\n{NOTES}\n## Ours over theirs, diagonal metric\n\n");
    page.push_str(
        "| target | ESS per gradient, ratio | time per gradient, ratio |\n|---|---|---|\n",
    );
    for (target, runs) in blocks {
        let rate = mean_rate(&runs[0]) / mean_rate(&runs[1]);
        let time = median(&runs[0], time) / median(&runs[1], time);
        let _ = writeln!(page, "| {target} | {rate:.2} | {time:.2} |");
    }
    page.push_str("\n## All samplers\n\n");
    page.push_str(
        "| target | sampler | ESS per 1000 gradients | with warm-up | ESS/s, with warm-up \
         | µs per gradient | divergences | acceptance |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (target, runs) in blocks {
        for (name, runs) in names.iter().zip(runs) {
            let rates: Vec<f64> = runs.iter().map(rate).collect();
            let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
            let most = rates.iter().copied().fold(0.0, f64::max);
            let acceptance = match runs[0].acceptance {
                Some(_) => format!("{:.2}", median(runs, |run| run.acceptance.unwrap_or(0.0))),
                None => String::new(),
            };
            let _ = writeln!(
                page,
                "| {target} | {name} | {} ({} to {}) | {} | {} | {} | {:.0} | {acceptance} |",
                digits(mean_rate(runs)),
                digits(least),
                digits(most),
                digits(geometric_mean(runs, |run| 1e3 * run.ess / run.all_gradients)),
                digits(geometric_mean(runs, |run| run.ess / run.seconds)),
                digits(1e6 * median(runs, time)),
                runs.iter().map(|run| run.divergences).sum::<f64>() / runs.len() as f64,
            );
        }
    }
    page
}

/// Effective draws of a thousand gradients.
fn rate(run: &Measured) -> f64 {
    1e3 * run.ess / run.gradients
}

/// Seconds of a gradient.
fn time(run: &Measured) -> f64 {
    run.seconds / run.all_gradients
}

fn mean_rate(runs: &[Measured]) -> f64 {
    geometric_mean(runs, rate)
}

fn geometric_mean(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let logarithms = runs.iter().map(|run| of(run).ln());
    (logarithms.sum::<f64>() / runs.len() as f64).exp()
}

fn median(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Three digits.
fn digits(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}
