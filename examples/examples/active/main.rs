//! Which images of digits to ask the labels of: from twenty on, a few at a time, those that a Bayesian
//! network would learn most from, beside those that chance picks.
//!
//! After A. Kirsch, J. van Amersfoort and Y. Gal, "BatchBALD" (2019):
//! `cargo run --release --example active -- --help`

mod digits;
#[path = "../mnist/files.rs"]
mod files;
#[path = "../mnist/glyphs.rs"]
mod glyphs;
mod page;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::Acquisition;
use bayes_nn::nn::{Augment, Conv2d, Flatten, Network, Rescale, prior};
use bayes_nn::prelude::*;
use clap::{Parser, ValueEnum};
use serde::Serialize;

use digits::Digits;
use page::{Point, Run};

/// Learns digits from as few labels as it can.
#[derive(Parser, Serialize)]
#[command(name = "active")]
struct Arguments {
    /// Folder with the four IDX files of MNIST, plain or with the ending .gz; without it digits are drawn by
    /// the program, 3,000 to choose from and 1,000 to test with
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    data: Option<PathBuf>,

    /// By what images are chosen
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [By::BatchBald, By::Random])]
    by: Vec<By>,

    /// Labels that are asked for at a time
    #[arg(long, default_value_t = 5)]
    batch: usize,

    /// Ends a run at so many labels; 300, or 60 on digits that the program draws
    #[arg(long)]
    most: Option<usize>,

    /// Ends a run at this share of right answers on the test images
    #[arg(long, default_value_t = 0.95)]
    until: f64,

    /// Images of a pool, drawn anew each time from those without a label
    #[arg(long, default_value_t = 5_000)]
    pool: usize,

    /// Draws of the weights
    #[arg(long, default_value_t = 40)]
    draws: usize,

    /// Runs by each, with first labels of their own
    #[arg(long, default_value_t = 1)]
    runs: u64,

    /// Has every image to choose from twice, both in the same pool
    #[arg(long)]
    twice: bool,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/active")]
    #[serde(skip)]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum By {
    Bald,
    BatchBald,
    Epig,
    Entropy,
    Random,
}

impl By {
    fn acquisition(self) -> Acquisition {
        match self {
            By::Bald => Acquisition::Bald,
            By::BatchBald => Acquisition::BatchBald,
            By::Epig => Acquisition::Epig,
            By::Entropy => Acquisition::Entropy,
            By::Random => Acquisition::Random,
        }
    }
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("active: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Draws of the weights behind what is predicted of the test images.
const TEST_DRAWS: usize = 10;

/// Ten log probabilities of an image, which is shifted a little in every step of a fit.
fn network() -> Network {
    let net = Sequential::new()
        .input([1, 28, 28])
        .layer(Rescale::pixels());
    let net = net.layer(Augment::new().shift(2));
    let net = net.layer(Conv2d::new(8, [5, 5]).stride([2, 2])).layer(Relu);
    let net = net
        .layer(Conv2d::new(16, [5, 5]).stride([2, 2]))
        .layer(Relu);
    let net = net.layer(Flatten).layer(Dense::new(64)).layer(Relu);
    let net = net.layer(Dense::new(10)).prior(prior::fan_in());
    net.into()
}

/// With as few labels as this, the posterior of 20,000 weights is wide: its best guide of independent weights
/// has the prior for most of them, and tells no digit from another. At a temperature of 0.01 labels count a
/// hundred times. That, and where the guide begins, was chosen on training images that were held out.
fn advi(rows: usize, seed: u64) -> Advi {
    let advi = Advi::mean_field()
        .batch(rows.min(64))
        .steps(500)
        .learning_rate(0.005);
    advi.temperature(0.01)
        .initial_sd(0.02)
        .restarts(1)
        .seed(seed)
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let (digits, most) = match &arguments.data {
        Some(folder) => (Digits::read(folder)?, 300),
        None => (Digits::drawn()?, 60),
    };
    let digits = if arguments.twice {
        digits.twice()?
    } else {
        digits
    };
    let most = arguments.most.unwrap_or(most);
    let mut runs = Vec::new();
    for by in &arguments.by {
        for seed in (0..arguments.runs).map(|run| arguments.seed + run) {
            runs.push(learn(arguments, &digits, *by, seed, most)?);
        }
    }
    page::write(arguments, &digits, &runs)?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

/// Asks for labels until the test images are known well enough.
fn learn(
    arguments: &Arguments,
    digits: &Digits,
    by: By,
    seed: u64,
    most: usize,
) -> Result<Run, Box<dyn Error>> {
    let (begin, bnn) = (Instant::now(), Bnn::new(network(), Categorical));
    let mut known = digits::two_of_each(&digits.train, seed);
    let mut curve: Vec<Point> = Vec::new();
    let mut asked = Vec::new();
    loop {
        let fit = bnn.fit(&digits.train.select(&known)?, &advi(known.len(), seed))?;
        let score = fit.score(&digits.test, Predict::draws(TEST_DRAWS))?;
        let accuracy = score.classification().ok_or("digits are classes")?.accuracy;
        let (labels, seconds) = (known.len(), begin.elapsed().as_secs_f64());
        println!(
            "{by:?}, seed {seed}: {labels} labels, {:.2} % right, {seconds:.0} s",
            100.0 * accuracy
        );
        curve.push(Point { labels, accuracy });
        if accuracy >= arguments.until || labels + arguments.batch > most {
            return Ok(Run::new(by, seed, seconds, curve, asked));
        }
        let open = digits.open(&known, seed.wrapping_mul(1_000_003) + labels as u64);
        let open: Vec<usize> = open.take(arguments.pool).collect();
        let pool = digits.train.select(&open)?;
        let how = by.acquisition().draws(arguments.draws).seed(labels as u64);
        let chosen = fit.acquire(&pool, arguments.batch, how)?;
        let chosen: Vec<usize> = chosen.rows().iter().map(|row| open[*row]).collect();
        asked.extend(&chosen);
        known.extend(chosen);
    }
}
