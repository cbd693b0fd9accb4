//! Handwritten digits by Bayesian networks, dense and convolutional, as they come.
//!
//! `cargo run --release --example mnist -- --help`

mod files;
mod glyphs;
mod pictures;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nn::{Conv2d, Flatten, MaxPool2d, Network, Rescale};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use clap::{Parser, ValueEnum};
use serde::Serialize;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 50;
/// Steps on digits that the program draws, which show how it goes and not how well.
const FEW_STEPS: u64 = 3_000;

/// Fits a Bayesian network to handwritten digits and scores it.
#[derive(Parser)]
#[command(name = "mnist")]
struct Arguments {
    /// The network: two dense layers of 400, two convolutions as LeNet has them, or those of the
    /// post of 2016
    #[arg(long, value_enum, default_value_t = Net::Dense)]
    net: Net,

    /// Folder with the four IDX files of MNIST, plain or with the ending .gz; without it digits are
    /// drawn by the program, 6,000 to train on and 1,000 to test with
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Steps; without it as many as the fit needs, or 3,000 on digits that the program draws
    #[arg(long)]
    steps: Option<u64>,

    /// Rows of a minibatch, unless the library chooses
    #[arg(long)]
    batch: Option<usize>,

    /// Learning rate, unless the library chooses
    #[arg(long)]
    rate: Option<f64>,

    /// How much of the divergence from the prior counts; below 1 weights are more certain than the
    /// posterior has them, and fit better in few steps
    #[arg(long)]
    temperature: Option<f64>,

    /// What moves the guide: Adam on means and standard deviations, or natural gradients as IVON has them
    #[arg(long, value_enum, default_value_t = By::Adam)]
    optimizer: By,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Holds a tenth of the training images out, and ends the fit where they have been predicted no
    /// better for so many scores
    #[arg(long)]
    patience: Option<usize>,

    /// Shares of the weights to remove, those whose mean is smallest beside their standard deviation,
    /// with a score of what is left of each
    #[arg(long, value_name = "SHARE", value_delimiter = ',')]
    prune: Vec<f64>,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/mnist")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Net {
    Dense,
    Conv,
    Post,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum By {
    Adam,
    Ivon,
}

impl Net {
    /// Ten log probabilities of an image of 28 by 28 bytes.
    fn network(self) -> Network {
        let images = match self {
            Net::Dense => Sequential::new(),
            Net::Conv | Net::Post => Sequential::new().input([1, 28, 28]),
        };
        let images = images.layer(Rescale::pixels());
        let conv = |net: Sequential, outputs| net.layer(Conv2d::new(outputs, [5, 5]));
        let net = match self {
            Net::Dense => images
                .layer(Dense::new(400))
                .layer(Relu)
                .layer(Dense::new(400))
                .layer(Relu),
            Net::Conv => conv(conv(images, 20).layer(MaxPool2d::new([2, 2])), 50)
                .layer(MaxPool2d::new([2, 2]))
                .layer(Flatten)
                .layer(Dense::new(500))
                .layer(Relu),
            Net::Post => conv(
                conv(images, 32).layer(Tanh).layer(MaxPool2d::new([2, 2])),
                32,
            )
            .layer(Tanh)
            .layer(MaxPool2d::new([2, 2]))
            .layer(Flatten)
            .layer(Dense::new(256))
            .layer(Tanh),
        };
        net.layer(Dense::new(10)).into()
    }
}

#[derive(Serialize)]
struct Summary {
    net: Net,
    method: &'static str,
    optimizer: By,
    temperature: Option<f64>,
    seed: u64,
    train_rows: usize,
    weights: usize,
    steps: u64,
    error: f64,
    nll: f64,
    ece: f64,
    seconds: f64,
    pruned: Vec<Pruned>,
}

/// Scores of what is left when a share of the weights is removed.
#[derive(Serialize)]
struct Pruned {
    share: f64,
    error: f64,
    nll: f64,
    ece: f64,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mnist: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let (train, test) = match &arguments.data {
        Some(folder) => (files::read(folder, "train")?, files::read(folder, "t10k")?),
        None => (glyphs::drawn(6_000, 1)?, glyphs::drawn(1_000, 2)?),
    };
    let bnn = Bnn::new(arguments.net.network(), Categorical);
    let mut advi = Advi::mean_field()
        .seed(arguments.seed)
        .progress(Bar::new("fit"));
    let few = arguments.data.is_none().then_some(FEW_STEPS);
    if let Some(steps) = arguments.steps.or(few) {
        advi = advi.steps(steps);
    }
    if let Some(temperature) = arguments.temperature {
        advi = advi.temperature(temperature);
    }
    if arguments.optimizer == By::Ivon {
        advi = advi.optimizer(Optimizer::ivon());
    }
    if let Some(rows) = arguments.batch {
        advi = advi.batch(rows);
    }
    if let Some(rate) = arguments.rate {
        advi = advi.learning_rate(rate);
    }
    let fit = match arguments.patience {
        Some(scores) => {
            let (train, valid) = train.split(0.9, arguments.seed)?;
            bnn.fit_validated(&train, &valid, &advi.patience(scores))?
        }
        None => bnn.fit(&train, &advi)?,
    };
    println!("{fit}");
    println!("fitted in {:.1} s", begin.elapsed().as_secs_f64());
    let prediction = fit.predict(&test, DRAWS)?;
    let score = prediction.score(test.y())?;
    println!("{score}");
    let classes = score.classification().ok_or("digits are classes")?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("everything took {seconds:.1} s");
    let mut pruned = Vec::with_capacity(arguments.prune.len());
    for &share in &arguments.prune {
        let score = fit.pruned(share)?.score(&test, Predict::draws(DRAWS))?;
        println!("without {:.1} % of the weights:\n{score}", 100.0 * share);
        let classes = score.classification().ok_or("digits are classes")?;
        pruned.push(Pruned {
            share,
            error: 1.0 - classes.accuracy,
            nll: classes.log_loss,
            ece: classes.ece,
        });
    }
    let advi = fit.advi().ok_or("it was fitted by ADVI")?;
    fs::create_dir_all(&arguments.out)?;
    let summary = Summary {
        net: arguments.net,
        method: "ADVI",
        optimizer: arguments.optimizer,
        temperature: arguments.temperature,
        seed: arguments.seed,
        train_rows: train.rows(),
        weights: advi.approximation().dim(),
        steps: advi.steps(),
        error: 1.0 - classes.accuracy,
        nll: classes.log_loss,
        ece: classes.ece,
        seconds,
        pruned,
    };
    let path = arguments.out.join("summary.json");
    fs::write(&path, serde_json::to_string_pretty(&summary)?)?;
    println!("wrote {}", path.display());
    let report = Report::new("Handwritten digits").fit(&fit)?;
    let report = pictures::predicted(report, &test, &prediction)?;
    let path = arguments.out.join("report.html");
    report.write(&path)?;
    println!("wrote {}", path.display());
    Ok(())
}
