//! Eight schools: one model written in two ways, of which the sampler can explore only one.
//!
//! The effects of coaching on test scores in eight schools (Rubin 1981; Gelman et al.,
//! *Bayesian Data Analysis*, section 5.5). The effects share a mean and a spread. Where the
//! spread is small, effects that are written as `Normal(mean, spread)` have almost no room: a
//! funnel, in whose neck every step size is too large. NUTS says so by divergences. Effects that
//! are written as `mean + spread * standard` have room everywhere. (Steps are a little smaller
//! than by default: the long tail of the spread wants it.)
//!
//! `cargo run --release --example eight_schools -- --help`

use std::process::ExitCode;

use bayes_nn::distributions::{Distribution, HalfCauchy, Normal};
use bayes_nn::model::{self, Batch, Data, Model, Posterior, Trace};
use bayes_nn::prelude::Nuts;
use bayes_nn::{Device, Error};
use clap::Parser;

/// The estimated effect of each school, and its standard error.
const EFFECT: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERROR: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// Samples the eight-schools model centred and non-centred, and compares what came out.
#[derive(Parser)]
#[command(name = "eight_schools")]
struct Arguments {
    /// Draws of each chain, after as many of warm-up
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    draws: u64,

    /// Chains
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    chains: u16,

    /// Acceptance that the step size is tuned for
    #[arg(long, default_value_t = 0.9)]
    target_accept: f64,

    /// Where densities are computed: cpu, cuda, cuda:N or best. CUDA needs a build with
    /// `--features cuda`; for eight schools the CPU is far faster
    #[arg(long, default_value = "cpu")]
    device: Device,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The effects as the textbook writes them.
fn centred<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 5.0));
    let spread = trace.sample("spread", HalfCauchy::new(5.0));
    let effects = trace.sample("effect", Normal::new(mean, spread).expand([8]));
    let measured = Normal::new(effects, data.column("error"));
    trace.observe("measured", measured, data.column("measured"));
}

/// The same density, by variables that do not depend on each other before the data do it.
fn non_centred<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 5.0));
    let spread = trace.sample("spread", HalfCauchy::new(5.0));
    let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([8]));
    let effects = trace.deterministic("effect", mean + spread * standard);
    let measured = Normal::new(effects, data.column("error"));
    trace.observe("measured", measured, data.column("measured"));
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eight_schools: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Error> {
    let data = Data::new()
        .column("measured", &EFFECT)?
        .column("error", &ERROR)?;
    let nuts = Nuts::new()
        .draws(arguments.draws)
        .warmup(arguments.draws)
        .chains(arguments.chains.into())
        .target_accept(arguments.target_accept)
        .seed(arguments.seed)
        .device(arguments.device.clone());

    println!("Centred: effect ~ Normal(mean, spread)\n");
    let centred = model::fit(&centred, &data, &nuts)?;
    println!("{centred}\n");
    explain(&centred)?;

    println!("\nNon-centred: effect = mean + spread * standard\n");
    let non_centred = model::fit(&non_centred, &data, &nuts)?;
    println!("{non_centred}\n");
    explain(&non_centred)?;

    println!("\nBoth are one density, so these should agree:\n");
    println!("              centred           non-centred");
    for name in ["mean", "spread", "effect"] {
        let (a, b) = (centred.all_draws()?, non_centred.all_draws()?);
        let (a, b) = (a.variable(name)?, b.variable(name)?);
        for element in 0..a.shape().elements() {
            let place = match a.shape().elements() {
                1 => String::new(),
                _ => format!("[{element}]"),
            };
            println!(
                "{:<10} {:>6.2} +- {:>5.2}     {:>6.2} +- {:>5.2}",
                format!("{name}{place}"),
                a.mean()[element],
                a.sd()[element],
                b.mean()[element],
                b.sd()[element]
            );
        }
    }
    Ok(())
}

/// How far into the neck the chains came, and where they diverged.
fn explain<M: Model>(samples: &Posterior<M>) -> Result<(), Error> {
    let (mut diverged, mut others) = (Vec::new(), Vec::new());
    for (draws, chain) in samples
        .chains()
        .iter()
        .zip(samples.nuts().unwrap().chains())
    {
        let spread = draws.variable("spread")?.values().iter();
        for (spread, statistics) in spread.zip(chain.draws().statistics()) {
            match statistics.diverging {
                true => diverged.push(*spread),
                false => others.push(*spread),
            }
        }
    }
    let smallest = others
        .iter()
        .chain(&diverged)
        .fold(f64::INFINITY, |a, b| a.min(*b));
    println!("smallest spread that was drawn     {smallest:.4}");
    println!(
        "median spread                      {:.2}",
        median(&mut others)
    );
    match diverged.len() {
        0 => println!("no trajectory diverged"),
        count => println!(
            "median spread where it diverged    {:.2} ({count} trajectories)",
            median(&mut diverged)
        ),
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
