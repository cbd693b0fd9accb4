//! Runs a method with its default settings on all posteriors, and prints in Markdown how near it
//! comes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nuts::{LowRank, Metric, WarmupSchedule};
use bayes_nn::{Advi, Nuts, Pathfinder};
use bayes_nn_validation::Error;
use bayes_nn_validation::accuracy::{self, Accuracy};
use bayes_nn_validation::data::Folder;
use bayes_nn_validation::posteriors::{ALL, Posterior, simulated};
use bayes_nn_validation::run::Method;
use clap::{Parser, ValueEnum};

/// Runs a method as it comes, beside references.
#[derive(Parser)]
struct Arguments {
    /// The method
    #[arg(long, value_enum)]
    method: Name,
    /// Only posteriors whose names contain one of these; all unless given
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Seeds from 1 to this
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// The folder of reference data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Nuts,
    /// NUTS with this metric instead
    Fisher,
    Variance,
    LowRank,
    /// NUTS with Stan's windows and variances
    Stan,
    MeanField,
    FullRank,
    Pathfinder,
}

impl Name {
    fn method(self) -> Method {
        let nuts = Nuts::new();
        match self {
            Name::Nuts => nuts.into(),
            Name::Fisher => nuts.metric(Metric::Fisher).into(),
            Name::Variance => nuts.metric(Metric::Variance).into(),
            Name::LowRank => nuts.metric(Metric::LowRank(LowRank::new())).into(),
            Name::Stan => nuts
                .metric(Metric::Variance)
                .schedule(WarmupSchedule::Stan)
                .into(),
            Name::MeanField => Advi::mean_field().into(),
            Name::FullRank => Advi::full_rank().into(),
            Name::Pathfinder => Pathfinder::new().into(),
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("defaults: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Error> {
    let folder = Folder::find(arguments.data)?;
    let chosen = |posterior: &&Posterior| {
        let only = &arguments.only;
        only.is_empty()
            || only
                .iter()
                .any(|part| posterior.name.contains(part.as_str()))
    };
    for (title, posteriors) in [
        ("Posteriors with known answers", ALL),
        ("Posteriors of simulated data", simulated::ALL),
    ] {
        let mut all = Vec::new();
        for posterior in posteriors.iter().filter(chosen) {
            let reference = match posterior.reference(&folder) {
                Ok(reference) => reference,
                Err(error) => {
                    println!("{}: {error}\n", posterior.name);
                    continue;
                }
            };
            for seed in 1..=arguments.seeds {
                let begin = Instant::now();
                match posterior.sample(&folder, &arguments.method.method().seed(seed)) {
                    Ok(run) => all.push(Accuracy::of(posterior, seed, run, &reference)),
                    Err(error) => println!("{} at seed {seed}: {error}\n", posterior.name),
                }
                eprintln!(
                    "{} {seed}: {:.1} s",
                    posterior.name,
                    begin.elapsed().as_secs_f64()
                );
            }
        }
        if all.is_empty() {
            continue;
        }
        println!("{title}:\n\n{}", accuracy::markdown(&all));
    }
    println!("{}", accuracy::legend(arguments.seeds));
    Ok(())
}
