//! How certain what a network for digits makes of them is: by unit and layer, between draws of its weights
//! and between fits from several starts; and whether units that are least certain are missed least.
//!
//! After S. Kornblith, M. Norouzi, H. Lee and G. Hinton, "Similarity of neural network representations
//! revisited" (2019): `cargo run --release --example representations -- --help`

#[path = "../mnist/files.rs"]
mod files;
#[path = "../mnist/glyphs.rs"]
mod glyphs;
mod page;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nn::{Rescale, Sparse};
use bayes_nn::prelude::*;
use bayes_nn::{Representation, Representations};
use clap::Parser;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use page::{Dropped, Summary};

/// Looks into a Bayesian network for digits.
#[derive(Parser, Serialize)]
#[command(name = "representations")]
struct Arguments {
    /// Folder with the four IDX files of MNIST, plain or with the ending .gz; without it digits are drawn by
    /// the program, 6,000 to learn from and 1,000 to test with
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    data: Option<PathBuf>,

    /// Steps of each fit; 6,000, or 2,000 on digits that the program draws
    #[arg(long)]
    steps: Option<u64>,

    /// Fits, each from another start
    #[arg(long, default_value_t = 2)]
    fits: u64,

    /// Draws of the weights
    #[arg(long, default_value_t = 50)]
    draws: usize,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/representations")]
    #[serde(skip)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("representations: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Images that the network is looked at with: of those that it learned from, so that what is chosen by them
/// has seen no test image.
const IMAGES: usize = 2_000;
/// Shares of the units of a layer that are dropped, and sets that are dropped at random.
const SHARES: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
const SETS: u64 = 3;
/// Draws of the weights behind what is predicted of the test images.
const TEST_DRAWS: usize = 20;

fn network() -> Bnn {
    let images = Sequential::new()
        .input([1, 28, 28])
        .layer(Rescale::pixels());
    let net = images
        .layer(Conv2d::new(8, [5, 5]).stride([2, 2]))
        .layer(Relu)
        .layer(Flatten)
        .layer(Dense::new(100))
        .layer(Relu)
        .layer(Dense::new(10));
    Bnn::new(net, Categorical)
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let (train, test, steps) = match &arguments.data {
        Some(folder) => {
            let read = |part| files::read(folder, part);
            (read("train")?, read("t10k")?, 6_000)
        }
        None => (glyphs::drawn(6_000, 1)?, glyphs::drawn(1_000, 2)?, 2_000),
    };
    let looked_at = train.select(&(0..IMAGES).collect::<Vec<_>>())?;
    let how = Predict::draws(arguments.draws).seed(arguments.seed);
    let mut found: Vec<Representations> = Vec::new();
    let mut first = None;
    for seed in (0..arguments.fits).map(|fit| arguments.seed + fit) {
        let advi = Advi::mean_field()
            .steps(arguments.steps.unwrap_or(steps))
            .restarts(1)
            .seed(seed)
            .progress(Bar::new("fit"));
        let fit = network().fit(&train, &advi)?;
        found.push(fit.representations(&looked_at, how)?);
        first.get_or_insert(fit);
        println!("fit {seed}: {:.0} s", begin.elapsed().as_secs_f64());
    }
    let fit = first.ok_or("there must be a fit")?;
    let accuracy = |fit: &Posterior<Bnn>| -> Result<f64, Box<dyn Error>> {
        let score = fit.score(&test, Predict::draws(TEST_DRAWS))?;
        Ok(score.classification().ok_or("digits are classes")?.accuracy)
    };
    let mut dropped = Vec::new();
    // What reads the units of a layer are the weights of the next.
    for (layer, readers) in [("layer0", "layer1.weight"), ("layer1", "layer2.weight")] {
        let units = by_certainty(found[0].layer(layer)?);
        for share in SHARES {
            let count = (share * units.len() as f64).round() as usize;
            let without = |dropped: &[usize]| accuracy(&fit.without(readers, dropped)?);
            let mut at_random = 0.0;
            for set in 0..SETS {
                let units = shuffled(units.clone(), arguments.seed + set);
                at_random += without(&units[..count])? / SETS as f64;
            }
            dropped.push(Dropped {
                layer,
                share,
                least_certain: without(&units[..count])?,
                at_random,
                most_certain: without(&units[units.len() - count..])?,
            });
            println!("{}", dropped[dropped.len() - 1]);
        }
    }
    let whole = accuracy(&fit)?;
    let summary = Summary::new(arguments, &found, whole, dropped, begin.elapsed())?;
    page::write(&arguments.out, &summary, &fit, &found[0])?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

/// The units of a layer, the one with the least signal to noise first.
fn by_certainty(layer: &Representation) -> Vec<usize> {
    let mut units: Vec<usize> = (0..layer.units().len()).collect();
    let ratio = |unit: &usize| layer.units()[*unit].signal_to_noise();
    units.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    units
}

fn shuffled(mut units: Vec<usize>, seed: u64) -> Vec<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for last in (1..units.len()).rev() {
        units.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
    }
    units
}
