//! Recurrent networks with uncertainty: the next number of a series, and digits read row by row.
//!
//! `cargo run --release --example sequence -- --help`

#[path = "../mnist/files.rs"]
mod files;
mod series;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nn::{Gru, Lstm, Rescale};
use bayes_nn::plots::{Lines, Series};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::scores::RegressionScore;
use clap::{Parser, ValueEnum};
use serde::Serialize;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 50;
/// Steps on the series.
const STEPS: u64 = 15_000;

/// Fits a recurrent network to sequences and scores it.
#[derive(Parser)]
#[command(name = "sequence")]
struct Arguments {
    /// The recurrent layer
    #[arg(long, value_enum, default_value_t = Net::Gru)]
    net: Net,

    /// Numbers in its state; 16 for the series and 100 for digits unless set
    #[arg(long)]
    units: Option<usize>,

    /// Folder with the four IDX files of MNIST, whose images are read as sequences of 28 rows;
    /// without it a series is drawn, of which the next number is predicted
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Steps at the most; without it as many as the fit needs, or 15,000 for the series
    #[arg(long)]
    steps: Option<u64>,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/sequence")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Net {
    Gru,
    Lstm,
}

impl Net {
    fn layer(self, net: Sequential, units: usize) -> Sequential {
        match self {
            Net::Gru => net.layer(Gru::new(units)),
            Net::Lstm => net.layer(Lstm::new(units)),
        }
    }
}

#[derive(Default, Serialize)]
struct Summary {
    net: Option<Net>,
    method: &'static str,
    seed: u64,
    train_rows: usize,
    steps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nll: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ece: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rmse: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_likelihood: Option<f64>,
    seconds: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let told = match &arguments.data {
        Some(folder) => digits(&arguments, folder),
        None => series(&arguments),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sequence: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The fit of a network, which rows held out of the training rows may end.
fn fitted(
    arguments: &Arguments,
    bnn: &Bnn,
    data: &Dataset,
    steps: Option<u64>,
) -> Result<Posterior<Bnn>, Box<dyn Error>> {
    let (train, valid) = data.split(0.9, arguments.seed)?;
    let mut advi = Advi::mean_field()
        .seed(arguments.seed)
        .progress(Bar::new("fit"));
    if let Some(steps) = arguments.steps.or(steps) {
        advi = advi.steps(steps);
    }
    let fit = bnn.fit_validated(&train, &valid, &advi)?;
    println!("{fit}");
    Ok(fit)
}

/// The next number of a series, in the range that was learned from and beyond.
fn series(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let train = series::windows(1_200, usize::MAX, 1)?;
    let test = series::windows(300, 150, 2)?;
    let net = Sequential::new().input([series::WINDOW, 1]);
    let net = arguments.net.layer(net, arguments.units.unwrap_or(16));
    let bnn = Bnn::new(net.layer(Dense::new(1)), Gaussian::new());
    let fit = fitted(arguments, &bnn, &train, Some(STEPS))?;

    let prediction = fit.predict(&test, DRAWS)?;
    let familiar: Vec<usize> = (0..150 - series::WINDOW).collect();
    let strange: Vec<usize> = (150..test.rows()).collect();
    let score = |rows: &[usize]| -> Result<RegressionScore, Box<dyn Error>> {
        let score = fit.score(&test.select(rows)?, Predict::draws(DRAWS))?;
        Ok(*score.regression().ok_or("the series has numbers")?)
    };
    let (near, far) = (score(&familiar)?, score(&strange)?);
    println!("As strong as what was learned from\n{near}\nTwice as strong\n{far}");

    let time: Vec<f64> = (0..test.rows()).map(|row| row as f64).collect();
    let (lower, upper) = prediction.interval().ok_or("the series has numbers")?;
    let forecast = Lines::new()
        .title("The next number, with its 95 % interval")
        .x_label("time")
        .y_label("number")
        .series(Series::new("predicted", &time, prediction.mean()).band(lower, upper))
        .series(Series::new("observed", &time, test.y()))
        .to_svg()?;
    let epistemic: Vec<f64> = prediction.epistemic().iter().map(|v| v.sqrt()).collect();
    let aleatoric: Vec<f64> = prediction.aleatoric().iter().map(|v| v.sqrt()).collect();
    let uncertainty = Lines::new()
        .title("What is not known")
        .x_label("time")
        .y_label("standard deviation")
        .series(Series::new("epistemic: of the weights", &time, &epistemic))
        .series(Series::new("aleatoric: noise", &time, &aleatoric))
        .to_svg()?;
    let advi = fit.advi().ok_or("it was fitted by ADVI")?;
    let report = Report::new("A recurrent network with uncertainty").text(
        "A network reads 24 numbers of a series and predicts the next. From time 126 on the series is \
         twice as strong as it ever was in what the network learned from: that it does not know.",
    );
    let report = report.fit(&fit)?
        .section("Predictions")
        .code(&format!("familiar\n{near}\n\ntwice as strong\n{far}"))
        .figure(
            &forecast,
            "The series and what is predicted one step ahead.",
        )
        .figure(
            &uncertainty,
            "The part that more data would remove grows where the series is strange, though by less than \
             the errors do.",
        );
    let summary = Summary {
        rmse: Some(near.rmse),
        log_likelihood: Some(near.log_likelihood),
        seconds: begin.elapsed().as_secs_f64(),
        ..summary(arguments, &train, advi)
    };
    write(arguments, &report, &summary)
}

/// Digits, whose images are sequences of 28 rows.
fn digits(arguments: &Arguments, folder: &Path) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let (train, test) = (files::read(folder, "train")?, files::read(folder, "t10k")?);
    let net = Sequential::new().input([28, 28]).layer(Rescale::pixels());
    let net = arguments.net.layer(net, arguments.units.unwrap_or(100));
    let bnn = Bnn::new(net.layer(Dense::new(10)), Categorical);
    let fit = fitted(arguments, &bnn, &train, None)?;
    let score = fit.score(&test, Predict::draws(DRAWS))?;
    println!("{score}");
    let classes = score.classification().ok_or("digits are classes")?;
    let advi = fit.advi().ok_or("it was fitted by ADVI")?;
    let report = Report::new("Digits, read row by row");
    let report = report
        .fit(&fit)?
        .section("Predictions")
        .code(&score.to_string());
    let summary = Summary {
        error: Some(1.0 - classes.accuracy),
        nll: Some(classes.log_loss),
        ece: Some(classes.ece),
        seconds: begin.elapsed().as_secs_f64(),
        ..summary(arguments, &train, advi)
    };
    write(arguments, &report, &summary)
}

fn summary(arguments: &Arguments, train: &Dataset, fit: &bayes_nn::AdviFit) -> Summary {
    Summary {
        net: Some(arguments.net),
        method: "ADVI",
        seed: arguments.seed,
        train_rows: train.rows(),
        steps: fit.steps(),
        ..Summary::default()
    }
}

fn write(arguments: &Arguments, report: &Report, summary: &Summary) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&arguments.out)?;
    let path = arguments.out.join("summary.json");
    fs::write(path, serde_json::to_string_pretty(summary)?)?;
    let path = arguments.out.join("report.html");
    report.write(&path)?;
    println!("wrote {}", path.display());
    Ok(())
}
