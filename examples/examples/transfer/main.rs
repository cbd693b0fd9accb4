//! What a network learned of some digits helps it to learn others from few labels: its posterior is the
//! next prior. And five tasks one after the other, none of which is forgotten.
//!
//! `cargo run --release --example transfer -- --help`

mod digits;
mod few;
mod page;
mod tasks;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use bayes_nn::nn::prior::{self, FanIn};
use bayes_nn::nn::{InformedPrior, Rescale};
use bayes_nn::prelude::*;
use bayes_nn::{Approximation, Start};
use clap::{Parser, ValueEnum};

use digits::Digits;
use page::Summary;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 50;
/// Units of each of the two hidden layers.
const WIDTH: usize = 100;

/// Transfers what is known of digits: to others with few labels, and from task to task.
#[derive(Parser)]
#[command(name = "transfer")]
struct Arguments {
    /// Folder with the four IDX files of MNIST, plain or with the ending .gz; without it digits are drawn
    /// by the program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// How many times all is done, with seeds that count up
    #[arg(long)]
    seeds: Option<u64>,

    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// What is done: new digits from few labels, tasks one after the other, or both
    #[arg(long, value_enum, default_value_t = Part::Both)]
    part: Part,

    /// Labels of each new digit
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50, 100])]
    labels: Vec<usize>,

    /// How much the divergence from the prior counts with few labels and in tasks, in all ways. Where it counts once,
    /// independent normals of so many weights stay at their prior: chosen, as the widening, on training
    /// images that no fit has seen
    #[arg(long, default_value_t = 0.1)]
    temperature: f64,

    /// By how much the prior is wider than the posterior, where that is not learned
    #[arg(long, default_value_t = 3.0)]
    widening: f64,

    /// The same from one task to the next, chosen in the same way: below 1 what was learned counts for more
    /// than its rows, which keeps features that belong together from moving together
    #[arg(long, default_value_t = 0.3)]
    task_widening: f64,

    /// Scores training images that no fit has seen, not the test images: to choose settings by
    #[arg(long)]
    validate: bool,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/transfer")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Few,
    Tasks,
    Both,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transfer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Normal weights whose variance is 2 by the number of inputs.
fn usual() -> FanIn {
    prior::fan_in().scaled(2f64.sqrt())
}

/// Features of an image by two hidden layers, and a head of this name that reads classes from them. The
/// features have an informed prior, or as all else the library's.
fn network(
    head: &str,
    classes: usize,
    informed: Option<InformedPrior>,
) -> Result<Bnn, bayes_nn::Error> {
    let hidden = |net: Sequential| net.layer(Dense::new(WIDTH)).layer(Relu);
    let features = hidden(hidden(Sequential::new().layer(Rescale::pixels())));
    let net = Network::new()
        .input("x", [784])
        .add("features", features, ["x"])
        .add(head, Dense::new(classes), ["features"]);
    let net = match informed {
        Some(informed) => {
            let features = informed.only(["features"])?;
            net.prior(features.otherwise(usual()))
        }
        None => net.prior(usual()),
    };
    Ok(Bnn::new(net, Categorical))
}

/// The share of images whose digit is told.
fn accuracy(fit: &Posterior<Bnn>, test: &Dataset) -> Result<f64, Box<dyn Error>> {
    let score = fit.score(test, Predict::draws(DRAWS))?;
    Ok(score.classification().ok_or("digits are classes")?.accuracy)
}

/// The means of the features, as a start.
fn start(guide: &Approximation) -> Start {
    let sites = guide.sites().iter();
    let features = sites.filter(|site| site.name.starts_with("features"));
    Start::values(features.map(|site| (site.name.clone(), guide.mean()[site.range()].to_vec())))
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let digits = match &arguments.data {
        Some(folder) => Digits::read(folder)?,
        None => Digits::drawn()?,
    };
    let seeds = arguments.seeds.unwrap_or(digits.seeds);
    let mut summary = Summary::default();
    for seed in arguments.seed..arguments.seed + seeds {
        if arguments.part != Part::Tasks {
            summary.few.extend(few::learned(arguments, &digits, seed)?);
        }
        if arguments.part != Part::Few {
            for by_posterior in [true, false] {
                summary
                    .tasks
                    .extend(tasks::learned(arguments, &digits, seed, by_posterior)?);
            }
        }
    }
    summary.write(&arguments.out)?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}
