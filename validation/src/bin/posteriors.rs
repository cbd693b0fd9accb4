//! Samples the posteriors with known answers and prints how far off each is, as Markdown.

use std::path::PathBuf;
use std::process::ExitCode;

use bayes_nn::{Nuts, Precision};
use bayes_nn_validation::data::Folder;
use bayes_nn_validation::posteriors::{self, ALL, Line, Posterior};
use bayes_nn_validation::{Error, judge};
use clap::Parser;

/// Samples posteriors that others have computed by very long runs, and compares.
#[derive(Parser)]
struct Arguments {
    /// Only these; all unless given
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// The folder of reference data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("posteriors: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all passed.
fn run(arguments: Arguments) -> Result<bool, Error> {
    let folder = Folder::find(arguments.data)?;
    let chosen: Vec<&'static Posterior> = match arguments.only.is_empty() {
        true => ALL.iter().collect(),
        false => {
            let named = arguments.only.iter().map(|name| posteriors::find(name));
            named.collect::<Result<_, _>>()?
        }
    };
    let mut passed = true;
    for (precision, title) in [
        (Precision::F64, "Trajectories of double precision"),
        (Precision::F32, "Trajectories of single precision"),
    ] {
        let nuts = Nuts::new().seed(arguments.seed).precision(precision);
        eprintln!("{title}");
        let lines = judged(&chosen, &folder, &nuts)?;
        println!("{title}:\n\n{}", posteriors::markdown(&lines));
        passed &= lines.iter().all(|line| line.problems.is_empty());
    }
    println!("{}", judge::EXPLANATION);
    Ok(passed)
}

fn judged(chosen: &[&'static Posterior], folder: &Folder, nuts: &Nuts) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for posterior in chosen {
        eprintln!("  {}", posterior.name);
        let line = posterior.judge(folder, nuts)?;
        eprintln!(
            "    {:.1} s; {}",
            line.run.seconds,
            match line.problems.is_empty() {
                true => "passed".to_owned(),
                false => line.problems.join("; "),
            }
        );
        lines.push(line);
    }
    Ok(lines)
}
