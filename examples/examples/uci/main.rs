//! Regression on tables: a Bayesian network of 50 units on the sets by which papers compare
//! themselves, with their standard splits.
//!
//! `cargo run --release --example uci -- --help`

#[path = "../figures/mod.rs"]
mod figures;
mod pictures;
mod sets;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::Precision;
use bayes_nn::nn::HeteroscedasticGaussian;
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use clap::{Parser, ValueEnum};
use serde::Serialize;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 200;
/// The sets, by the names of their folders.
const SETS: [&str; 5] = [
    "yacht",
    "bostonHousing",
    "energy",
    "concrete",
    "power-plant",
];

/// Fits a network to each split of a set and scores it on the rows that the split leaves out.
#[derive(Parser)]
#[command(name = "uci")]
struct Arguments {
    /// Folder of the sets, each with its splits in DIR/NAME/data; without it a table is drawn
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// One set, or all of them
    #[arg(long, value_name = "NAME", default_value = "all")]
    set: String,

    /// Splits of each set
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    splits: u16,

    /// The noise of the targets: one for all rows, or one that depends on the row
    #[arg(long, value_enum, default_value_t = Noise::Homoscedastic)]
    noise: Noise,

    /// How the posterior is found
    #[arg(long, value_enum, default_value_t = By::Advi)]
    method: By,

    /// Scores rows held out of the training rows instead of the test rows, for choosing settings
    #[arg(long)]
    validate: bool,

    /// Learning rate, unless the library chooses
    #[arg(long)]
    rate: Option<f64>,

    /// Rows of a minibatch, unless the library chooses; 0 for all rows in every step
    #[arg(long)]
    batch: Option<usize>,

    /// Steps, unless the library chooses; of NUTS draws of each chain, after as many to warm up
    #[arg(long)]
    steps: Option<u64>,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/uci")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Noise {
    Homoscedastic,
    Heteroscedastic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum By {
    Advi,
    Nuts,
}

/// A mean over splits, with its standard error.
#[derive(Serialize)]
struct Mean {
    mean: f64,
    standard_error: f64,
}

impl Mean {
    fn of(values: &[f64]) -> Mean {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Mean {
            mean,
            standard_error: (squares / (n - 1.0) / n).sqrt(),
        }
    }
}

#[derive(Serialize)]
struct Summary {
    set: String,
    method: By,
    noise: Noise,
    splits: usize,
    rmse: Mean,
    log_likelihood: Mean,
    coverage: Mean,
    /// Fits that had nothing to warn of: that converged, or whose chains agree.
    without_warning: usize,
    seconds: f64,
}

impl Summary {
    fn row(&self) -> [String; 4] {
        let mean = |mean: &Mean| format!("{:.3} ± {:.3}", mean.mean, mean.standard_error);
        [
            self.set.clone(),
            mean(&self.rmse),
            mean(&self.log_likelihood),
            format!("{:.1} %", 100.0 * self.coverage.mean),
        ]
    }
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("uci: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let names = match (arguments.set.as_str(), &arguments.data) {
        (_, None) => vec!["drawn"],
        ("all", _) => SETS.to_vec(),
        (name, _) => vec![name],
    };
    let mut summaries = Vec::new();
    let mut report = Report::new("Regression on tables");
    for name in names {
        let set = match &arguments.data {
            Some(folder) => sets::Set::read(folder, name)?,
            None => sets::Set::drawn(500),
        };
        let (summary, grown) = over_splits(arguments, name, &set, report)?;
        report = grown;
        println!(
            "{name:<14} RMSE {:.3} ± {:.3}   log likelihood {:.3} ± {:.3}   in 95 % intervals {:.1} %   \
             no warning in {} of {} fits   {:.1} s",
            summary.rmse.mean,
            summary.rmse.standard_error,
            summary.log_likelihood.mean,
            summary.log_likelihood.standard_error,
            100.0 * summary.coverage.mean,
            summary.without_warning,
            summary.splits,
            summary.seconds
        );
        summaries.push(summary);
    }
    fs::create_dir_all(&arguments.out)?;
    let path = arguments.out.join("summary.json");
    fs::write(&path, serde_json::to_string_pretty(&summaries)?)?;
    println!("wrote {}", path.display());
    let table: Vec<[String; 4]> = summaries.iter().map(Summary::row).collect();
    let headers = ["set", "RMSE", "log likelihood", "in 95 % intervals"];
    let path = arguments.out.join("report.html");
    let report = report.section("All splits").table(&headers, &table);
    report.write(&path)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The scores over all splits, and the report with a section on the first of them.
fn over_splits(
    arguments: &Arguments,
    name: &str,
    set: &sets::Set,
    mut report: Report,
) -> Result<(Summary, Report), Box<dyn Error>> {
    let begin = Instant::now();
    let (mut rmse, mut log_likelihood, mut coverage) = (Vec::new(), Vec::new(), Vec::new());
    let mut without_warning = 0;
    for split in 0..usize::from(arguments.splits) {
        let (mut train, mut test) = set.split(split)?;
        if arguments.validate {
            (train, test) = train.split(0.9, split as u64)?;
        }
        let fit = fitted(arguments, &train, split as u64)?;
        let score = fit.score(&test, Predict::draws(DRAWS))?;
        let score = score.regression().ok_or("targets are numbers")?;
        if split == 0 {
            report = pictures::split(report, name, &fit, &test, DRAWS)?;
        }
        rmse.push(score.rmse);
        log_likelihood.push(score.log_likelihood);
        coverage.push(score.coverage);
        without_warning += usize::from(fit.warnings().is_empty());
    }
    let summary = Summary {
        set: name.to_owned(),
        method: arguments.method,
        noise: arguments.noise,
        splits: rmse.len(),
        rmse: Mean::of(&rmse),
        log_likelihood: Mean::of(&log_likelihood),
        coverage: Mean::of(&coverage),
        without_warning,
        seconds: begin.elapsed().as_secs_f64(),
    };
    Ok((summary, report))
}

fn fitted(
    arguments: &Arguments,
    train: &Dataset,
    seed: u64,
) -> Result<Posterior<Bnn>, Box<dyn Error>> {
    let net = |outputs| Mlp::new([train.features(), 50, outputs]).activation(Relu);
    let bnn = match arguments.noise {
        Noise::Homoscedastic => Bnn::new(net(1), Gaussian::new()),
        Noise::Heteroscedastic => Bnn::new(net(2), HeteroscedasticGaussian::new()),
    };
    Ok(match arguments.method {
        By::Advi => {
            let mut advi = Advi::mean_field().seed(seed);
            if let Some(rate) = arguments.rate {
                advi = advi.learning_rate(rate);
            }
            match arguments.batch {
                Some(0) => advi = advi.full_batch(),
                Some(rows) => advi = advi.batch(rows),
                None => {}
            }
            if let Some(steps) = arguments.steps {
                advi = advi.steps(steps);
            }
            bnn.fit(train, &advi)?
        }
        By::Nuts => {
            // Each draw is accepted by the density in double precision.
            let mut nuts = Nuts::new().precision(Precision::F32).seed(seed);
            if let Some(draws) = arguments.steps {
                nuts = nuts.draws(draws).warmup(draws);
            }
            bnn.fit(train, &nuts)?
        }
    })
}
