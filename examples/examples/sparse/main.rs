//! Networks that do without most of their inputs, units and weights: which of a hundred columns matter, and
//! how small a network for handwritten digits can be.
//!
//! `cargo run --release --example sparse -- --help`

mod digits;
mod friedman;
mod page;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nn::{Relevance, Sparse, prior, prior::Each};
use bayes_nn::prelude::*;
use clap::Parser;

use friedman::{COLUMNS, MATTER};
use page::{Found, Summary};

/// Rows of the table, and rows that no fit has seen.
const ROWS: usize = 200;
const NEW_ROWS: usize = 1_000;
/// Draws of the weights behind every prediction and every size.
const DRAWS: usize = 200;
const HIDDEN: usize = 16;

/// Finds which columns of a table matter, and which weights of a network for digits.
#[derive(Parser)]
#[command(name = "sparse")]
struct Arguments {
    /// Folder with the four IDX files of MNIST, plain or with the ending .gz; without it there are no
    /// digits, only tables that the program draws
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Tables, each with a seed of its own
    #[arg(long, default_value_t = 1)]
    tables: u64,

    /// Steps of the fit to digits
    #[arg(long, default_value_t = 10_000)]
    steps: u64,

    /// Seed of everything random, and of the first table
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html, summary.json and the tables, friedman-SEED.csv
    #[arg(long, value_name = "DIR", default_value = "target/sparse")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sparse: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&arguments.out)?;
    let mut friedman = Vec::new();
    for seed in arguments.seed..arguments.seed + arguments.tables {
        let train = friedman::drawn(ROWS, seed)?;
        let name = format!("friedman-{seed}.csv");
        fs::write(arguments.out.join(name), friedman::csv(&train))?;
        for (prior, net, by) in nets() {
            let found = find(prior, (net, by), &train, seed)?;
            println!(
                "table {seed}, {prior}: area under the curve {:.3}, {} of {} columns in use matter, RMSE {:.2}",
                found.area, found.right, found.used, found.rmse
            );
            friedman.push(found);
        }
    }
    let digits = arguments.data.as_deref();
    let digits = digits.map(|folder| digits::told(folder, arguments.steps, arguments.seed));
    let digits = digits.transpose()?;
    for row in digits.iter().flat_map(|digits| &digits.rows) {
        println!(
            "digits, {}: {} weights, {:.2} % wrong, {:.2} s to predict",
            row.network,
            row.weights,
            100.0 * row.error,
            row.predict_seconds
        );
    }
    page::write(&arguments.out, &Summary { friedman, digits })?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

/// How a posterior is found.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Advi,
    Nuts,
}

/// The networks, which differ in the prior of what they read the columns by. Independent normals see that
/// columns act, and give up those that do by curvature alone, which chains find.
fn nets() -> [(&'static str, Mlp, By); 5] {
    let net = || Mlp::new([COLUMNS, HIDDEN, 1]).activation(Activation::Silu);
    let first = "layer0.weight";
    let horseshoe = prior::horseshoe().each(Each::Input).global(0.1);
    let spike_slab = prior::spike_slab(0.1).each(Each::Input);
    [
        ("one scale", net(), By::Advi),
        ("ARD", net().prior_for(first, prior::ard()), By::Advi),
        (
            "spike and slab",
            net().prior_for(first, spike_slab),
            By::Advi,
        ),
        ("horseshoe", net().prior_for(first, horseshoe), By::Advi),
        (
            "horseshoe by NUTS",
            net().prior_for(first, horseshoe),
            By::Nuts,
        ),
    ]
}

fn find(
    prior: &'static str,
    (net, by): (Mlp, By),
    train: &Dataset,
    seed: u64,
) -> Result<Found, Box<dyn Error>> {
    let begin = Instant::now();
    let train = train.standardized().standardize_target();
    let (x, y) = (train.standardization(), train.target_standardization());
    let bnn = Bnn::new(net, Gaussian::new());
    let bar = Bar::new(prior);
    let fit = match by {
        By::Advi => {
            let advi = Advi::mean_field().steps(8_000).restarts(1);
            bnn.fit(&train, &advi.seed(seed).progress(bar))?
        }
        By::Nuts => {
            let nuts = Nuts::new().precision(Precision::F32);
            let nuts = nuts.warmup(300).draws(300).seed(seed).progress(bar);
            bnn.fit(&train, &nuts)?
        }
    };
    let columns = fit.relevance("layer0.weight", DRAWS)?;
    let unused = Relevance::unused(&columns);
    let sizes: Vec<f64> = columns.iter().map(|column| column.size).collect();
    let new = friedman::drawn(NEW_ROWS, seed + 1_000)?;
    let new = new.standardized_by(x.ok_or("it was standardised")?)?;
    let new = new.standardize_target_by(y.ok_or("it was standardised")?)?;
    let score = fit.score(&new, Predict::draws(DRAWS))?;
    Ok(Found {
        prior,
        seed,
        area: friedman::area(&sizes),
        rmse: score.regression().ok_or("targets are numbers")?.rmse,
        used: COLUMNS - unused.len(),
        right: MATTER - unused.iter().filter(|column| **column < MATTER).count(),
        elbo: fit.advi().map(|fit| fit.elbo().mean),
        seconds: begin.elapsed().as_secs_f64(),
        columns,
    })
}
