//! Bayesian deep learning on two moons, from data to posterior, as a report.
//!
//! The story of Thomas Wiecki's "Bayesian Deep Learning" (2016): a small network with normal
//! priors on its weights, fitted by variational inference, first on all the data, then on
//! minibatches; predictions with their uncertainty; the posterior of every weight.
//!
//! `cargo run --release --example moons -- --help`

mod arguments;
mod page;
mod pictures;
mod story;
mod summary;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match story::tell(&arguments::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("moons: {error}");
            ExitCode::FAILURE
        }
    }
}
