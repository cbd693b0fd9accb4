//! Networks as parts of other models, and other models as parts of networks, a short program each.
//!
//! `cargo run --release --example hybrids -- --help`

mod autoencoder;
#[path = "../mnist/files.rs"]
mod files;
#[path = "../mnist/glyphs.rs"]
mod glyphs;
mod inside;
mod last_layer;
mod mixture;
mod page;
mod random;
mod random_walk;
mod rotating;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::prelude::*;
use clap::{Parser, ValueEnum};

use rotating::Moons;

/// Fits hybrids of networks and statistical models.
#[derive(Parser)]
#[command(name = "hybrids")]
struct Arguments {
    /// Which of them
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Program::value_variants().iter().copied())]
    only: Vec<Program>,

    /// Folder with `moons/rotating_moons_5000.csv` and the IDX files of MNIST in `mnist`; without it moons
    /// and digits are drawn by the program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Samples the random walk by NUTS, too
    #[arg(long)]
    nuts: bool,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/hybrids")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Program {
    Mixture,
    RandomWalk,
    Inside,
    LastLayer,
    Autoencoder,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hybrids: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let seed = arguments.seed;
    let mut parts = Vec::new();
    for program in &arguments.only {
        let begin = Instant::now();
        parts.push(match program {
            Program::Mixture => mixture::tell(seed)?,
            Program::RandomWalk => {
                let moons = match &arguments.data {
                    Some(folder) => Moons::read(&folder.join("moons/rotating_moons_5000.csv"))?,
                    None => Moons::drawn(8, seed)?,
                };
                random_walk::tell(&moons, arguments.nuts, seed)?
            }
            Program::Inside => inside::tell(seed)?,
            Program::LastLayer => last_layer::tell(seed)?,
            Program::Autoencoder => {
                let [train, test] = digits(arguments)?;
                autoencoder::tell(&train, &test, seed)?
            }
        });
        println!("{program:?} took {:.0} s", begin.elapsed().as_secs_f64());
    }
    page::write(&arguments.out, seed, &parts)?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

/// Images to learn from, and others.
fn digits(arguments: &Arguments) -> Result<[Dataset; 2], Box<dyn Error>> {
    let Some(folder) = &arguments.data else {
        return Ok([glyphs::drawn(3_000, 1)?, glyphs::drawn(200, 2)?]);
    };
    let folder = folder.join("mnist");
    Ok([
        files::read(&folder, "train")?,
        files::read(&folder, "t10k")?,
    ])
}
