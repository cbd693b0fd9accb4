//! Calibrates the sampler on simulated data and prints the table, as Markdown.

use std::process::ExitCode;

use bayes_nn_validation::Error;
use bayes_nn_validation::sbc::{self, Settings};
use clap::Parser;

/// Simulates data from models, and checks that the posteriors know what made them; plants bugs,
/// and checks that they are found.
#[derive(Parser)]
struct Arguments {
    /// Data sets of each model
    #[arg(long, default_value_t = 1_000)]
    simulations: usize,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sbc: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all right models passed and all wrong ones failed.
fn run(arguments: &Arguments) -> Result<bool, Error> {
    let settings = Settings {
        simulations: arguments.simulations,
        seed: arguments.seed,
        ..Settings::default()
    };
    let lines = sbc::run(&settings, |line| {
        let (worst, p) = line.worst();
        eprintln!("{}: smallest p {p:.1e}, of {worst}", line.title());
    })?;
    println!("{}", sbc::markdown(&lines));
    println!("{}", sbc::explanation(&settings, &lines));
    Ok(sbc::passes(&lines))
}
