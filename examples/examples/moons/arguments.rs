//! The command line.

use std::path::PathBuf;

use bayes_nn::Device;
use clap::{Parser, ValueEnum};

/// Fits a Bayesian neural network to two moons and writes a report.
#[derive(Parser)]
#[command(name = "moons")]
pub struct Arguments {
    /// Reads the data from a CSV file with the columns x1, x2, y (0 or 1) and is_test (0 or 1);
    /// without it, 1000 points are made
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Steps of each of the two fits
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: u64,

    /// Rows in a minibatch of the second fit
    #[arg(long, default_value_t = 50, value_parser = positive)]
    pub batch: usize,

    /// Starts of each fit, of which the one with the best ELBO is kept
    #[arg(long, default_value_t = 4, value_parser = positive)]
    pub restarts: usize,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Numbers to calculate with
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,

    /// Where fits and predictions run: cpu, cuda, cuda:N, cuda:N,M (a group) or best. CUDA needs a
    /// build with `--features cuda`, a group one with `--features nccl`
    #[arg(long, default_value = "cpu")]
    pub device: Device,

    /// Folder for report.html, summary.json and the pictures
    #[arg(long, value_name = "DIR", default_value = "target/moons")]
    pub out: PathBuf,
}

/// Single or double precision.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Precision {
    /// Single precision
    F32,
    /// Double precision
    F64,
}

impl From<Precision> for bayes_nn::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F64 => Self::F64,
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}
