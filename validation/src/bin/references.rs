//! Writes the references of simulated posteriors: moments of long runs with small steps.

use std::process::ExitCode;

use bayes_nn::Nuts;
use bayes_nn::nuts::{LowRank, Metric};
use bayes_nn_validation::data::Folder;
use bayes_nn_validation::posteriors::{Posterior, simulated};
use bayes_nn_validation::{Error, reference};
use clap::Parser;

/// Computes posteriors of simulated data by very long runs.
#[derive(Parser)]
struct Arguments {
    /// Only these; all unless given
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
}

/// Chains agree at this R-hat; above it there is no reference.
const R_HAT: f64 = 1.005;
const HOW: &str = "4 chains of 5000 draws after 1500 of warm-up by NUTS, low-rank metric, \
                   acceptance 0.95; cargo xtask references";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("references: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all chains agree.
fn run(arguments: &Arguments) -> Result<bool, Error> {
    let only = &arguments.only;
    let chosen = |p: &&Posterior| only.is_empty() || only.iter().any(|name| name == p.name);
    let folder = Folder::find(None)?;
    let nuts = Nuts::new().draws(5_000).warmup(1_500).target_accept(0.95);
    let nuts = nuts.metric(Metric::LowRank(LowRank::new())).seed(20);
    let mut agree = true;
    for posterior in simulated::ALL.iter().filter(chosen) {
        let run = posterior.sample_reference(&folder, &nuts.clone().into())?;
        let r_hats = run.summary.rows.iter().filter_map(|row| row.r_hat);
        let r_hat = r_hats.fold(0.0, f64::max);
        println!(
            "{}: R-hat {r_hat:.4}, {} divergences, {} gradients, {:.0} s",
            posterior.name, run.divergences, run.gradients, run.seconds
        );
        if r_hat < R_HAT {
            reference::write(posterior.name, HOW, &run)?;
        } else {
            agree = false;
        }
    }
    Ok(agree)
}
