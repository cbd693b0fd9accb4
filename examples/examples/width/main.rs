//! Networks that find how wide they have to be: of the units that are given, those that are in use.
//!
//! `cargo run --release --example width -- --help`

mod page;
mod tables;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nn::{Relevance, Sparse, prior, prior::Each};
use bayes_nn::prelude::*;
use clap::Parser;

use page::{Row, Searched, Summary};
use tables::Split;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 500;
/// Starts of each fit, of which the one with the best ELBO is kept. The divergence from the prior sets in by
/// and by: at once, it leaves a wide network a straight line.
const RESTARTS: usize = 3;
/// Units that fits under a horseshoe begin with.
const NARROW: usize = 20;
/// What a search tries.
const GRID: [usize; 6] = [2, 5, 10, 20, 50, 100];

/// Fits networks of very different widths, and says which units they use.
#[derive(Parser)]
#[command(name = "width")]
struct Arguments {
    /// Folder with the table of yachts, DIR/yacht/data; without it there are a curve and two moons, which
    /// the program draws
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Hidden units that are given
    #[arg(long, value_name = "UNITS", value_delimiter = ',', default_values_t = [10, 100])]
    widths: Vec<usize>,

    /// Steps of each fit
    #[arg(long, default_value_t = 12_000)]
    steps: u64,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/width")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("width: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is known of the width beforehand.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// All weights are N(0, 1).
    Nothing,
    /// A horseshoe scale for each hidden unit.
    Horseshoe,
    /// A probability for each hidden unit that falls from one to the next.
    Sticks,
}

impl Known {
    const ALL: [(Known, &str); 3] = [
        (Known::Nothing, "N(0, 1)"),
        (Known::Horseshoe, "horseshoe of units"),
        (Known::Sticks, "stick-breaking"),
    ];

    fn net(self, features: usize, width: usize) -> Mlp {
        let net = Mlp::new([features, width, 1]).activation(Tanh);
        match self {
            Known::Nothing => net.prior(Normal::new(0.0, 1.0)),
            Known::Horseshoe => net.prior_for(
                "layer1.weight",
                prior::horseshoe().each(Each::Input).begin_with(NARROW),
            ),
            Known::Sticks => net.prior_for("layer1.weight", prior::stick_breaking(5.0)),
        }
    }
}

/// A network with the head that suits the target.
fn bnn(net: Mlp, data: &Dataset) -> Bnn {
    match data.target_standardization() {
        Some(_) => Bnn::new(net, Gaussian::new()),
        None => Bnn::new(net, Bernoulli),
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut splits = vec![
        tables::curve(arguments.seed)?,
        tables::moons(arguments.seed)?,
    ];
    if let Some(folder) = &arguments.data {
        splits.push(tables::yacht(folder, arguments.seed as usize % 20)?);
    }
    let mut summary = Summary::default();
    let mut curves = Vec::new();
    for split in &splits {
        for (known, prior) in Known::ALL {
            for width in &arguments.widths {
                let (row, fit) = fitted(arguments, split, (known, prior), *width)?;
                println!("{row}");
                if split.name == "curve" {
                    curves.push((format!("{prior}, {width} units"), fit));
                }
                summary.rows.push(row);
            }
        }
        let searched = search(arguments, split)?;
        println!("{searched}");
        summary.searched.push(searched);
    }
    page::write(&arguments.out, &summary, &splits[0], &curves)?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

fn advi(arguments: &Arguments, name: &str) -> Advi {
    Advi::mean_field()
        .steps(arguments.steps)
        .kl_annealing(0.5)
        .restarts(RESTARTS)
        .seed(arguments.seed)
        .progress(Bar::new(name))
}

/// A network of this width, and the one that is left of it without the units that are not in use.
fn fitted(
    arguments: &Arguments,
    split: &Split,
    (known, prior): (Known, &'static str),
    width: usize,
) -> Result<(Row, Posterior<Bnn>), Box<dyn Error>> {
    let begin = Instant::now();
    let net = known.net(split.train.features(), width);
    let advi = advi(arguments, &format!("{}, {prior}, {width}", split.name));
    let fit = bnn(net, &split.train).fit(&split.train, &advi)?;
    let seconds = begin.elapsed().as_secs_f64();
    let unused = match known {
        Known::Nothing => Vec::new(),
        _ => Relevance::unused(&fit.relevance("layer1.weight", DRAWS)?),
    };
    let small = fit.without("layer1.weight", &unused)?.compact()?;
    let prediction = fit.predict(&split.test, DRAWS)?;
    let epistemic = prediction.epistemic().iter().sum::<f64>() / split.test.rows() as f64;
    Ok((
        Row {
            table: split.name,
            prior,
            width,
            used: width - unused.len(),
            log_score: log_score(&fit, &split.test)?,
            log_score_of_used: log_score(&small, &split.test)?,
            epistemic,
            seconds,
        },
        small,
    ))
}

/// The width of the grid with the best score on a fifth of the rows, fitted again to all of them.
fn search(arguments: &Arguments, split: &Split) -> Result<Searched, Box<dyn Error>> {
    let begin = Instant::now();
    let (train, valid) = split.train.split(0.8, arguments.seed)?;
    let fit = |width: usize, data: &Dataset| {
        let net = Mlp::new([data.features(), width, 1]).activation(Tanh);
        let advi = advi(arguments, &format!("{}, grid, {width}", split.name));
        bnn(net, &split.train).fit(data, &advi)
    };
    let mut best = (f64::NEG_INFINITY, GRID[0]);
    for width in GRID {
        let score = log_score(&fit(width, &train)?, &valid)?;
        if score > best.0 {
            best = (score, width);
        }
    }
    let log_score = log_score(&fit(best.1, &split.train)?, &split.test)?;
    Ok(Searched {
        table: split.name,
        width: best.1,
        log_score,
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// Nats a row.
fn log_score(fit: &Posterior<Bnn>, data: &Dataset) -> Result<f64, Box<dyn Error>> {
    let score = fit.score(data, Predict::draws(DRAWS))?;
    let of_classes = score.classification().map(|score| -score.log_loss);
    let of_numbers = score.regression().map(|score| score.log_likelihood);
    Ok(of_classes
        .or(of_numbers)
        .ok_or("targets are numbers or classes")?)
}
