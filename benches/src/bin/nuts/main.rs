//! Our sampler beside the crate nuts-rs on the same densities, for `cargo xtask bench --nuts-rs`:
//! effective draws per gradient, and seconds per gradient.

mod ours;
mod table;
mod targets;
mod theirs;

use std::error::Error;
use std::path::PathBuf;

use bayes_nn::diagnostics::ess_bulk;
use bayes_nn::nuts::{LowRank, Metric, WarmupSchedule};
use clap::Parser;
use targets::Target;

/// Prints a table, and writes it to the file that the options name.
#[derive(Parser)]
struct Arguments {
    /// Seeds, each a run of every sampler on every target
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Chains of a run
    #[arg(long, default_value_t = 2)]
    chains: usize,
    /// Draws of a chain, and of its warm-up
    #[arg(long, default_value_t = 1_000)]
    draws: usize,
    /// Only the targets whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Two moons from a file with the columns x1, x2, y and is_test; drawn if there is none
    #[arg(long)]
    moons: Option<PathBuf>,
    /// Where to write the page
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How long a run is, and its seed.
#[derive(Clone, Copy)]
struct Length {
    seed: u64,
    chains: usize,
    draws: usize,
}

/// Who samples, and how.
#[derive(Clone, Copy, PartialEq)]
enum Sampler {
    Ours(Metric, WarmupSchedule),
    NutsRs { low_rank: bool },
}

/// All samplers with the names that they have in the table.
fn samplers() -> [(&'static str, Sampler); 5] {
    use WarmupSchedule::{Growing, Stan};
    let low_rank = Metric::LowRank(LowRank::new());
    [
        ("ours", Sampler::Ours(Metric::Fisher, Growing)),
        ("nuts-rs", Sampler::NutsRs { low_rank: false }),
        ("ours, Stan's windows", Sampler::Ours(Metric::Fisher, Stan)),
        ("ours, low rank", Sampler::Ours(low_rank, Growing)),
        ("nuts-rs, low rank", Sampler::NutsRs { low_rank: true }),
    ]
}

/// The draws of a run and what they cost.
#[derive(Default)]
struct Sampled {
    /// Draws of each chain, `[draws, dim]`.
    chains: Vec<Vec<f64>>,
    dim: usize,
    /// Gradients of the draws, and those with warm-up.
    gradients: u64,
    all_gradients: u64,
    divergences: usize,
    /// The mean acceptance of the draws, where the sampler reports it.
    acceptance: Option<f64>,
    /// Of everything.
    seconds: f64,
}

/// What one run says.
struct Measured {
    ess: f64,
    gradients: f64,
    all_gradients: f64,
    divergences: f64,
    acceptance: Option<f64>,
    seconds: f64,
}

impl Sampler {
    fn measure(self, target: &Target, length: Length) -> Result<Measured, Box<dyn Error>> {
        let sampled = match self {
            Sampler::Ours(metric, schedule) => ours::sample(target, length, metric, schedule)?,
            Sampler::NutsRs { low_rank } => theirs::sample(target, length, low_rank)?,
        };
        Ok(Measured {
            ess: smallest_ess(&sampled, target)?,
            gradients: sampled.gradients as f64,
            all_gradients: sampled.all_gradients as f64,
            divergences: sampled.divergences as f64,
            acceptance: sampled.acceptance,
            seconds: sampled.seconds,
        })
    }
}

/// The smallest bulk effective sample size of a target's scalars.
fn smallest_ess(sampled: &Sampled, target: &Target) -> Result<f64, Box<dyn Error>> {
    let chains = sampled.chains.iter();
    let chains: Vec<Vec<Vec<f64>>> = chains
        .map(|draws| target.quantities(draws, sampled.dim))
        .collect();
    let mut smallest = f64::INFINITY;
    for scalar in 0..chains[0].len() {
        let draws: Vec<&[f64]> = chains.iter().map(|c| c[scalar].as_slice()).collect();
        smallest = smallest.min(ess_bulk(&draws)?);
    }
    Ok(smallest)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut blocks = Vec::new();
    for target in Target::all(arguments.moons.as_deref())? {
        let only = arguments.only.as_deref().unwrap_or_default();
        if !target.name.contains(only) {
            continue;
        }
        let mut runs: Vec<Vec<Measured>> = samplers().map(|_| Vec::new()).into();
        // In turn, so that what slows the machine slows all.
        for seed in 1..=arguments.seeds * target.spread {
            for ((name, sampler), runs) in samplers().iter().zip(&mut runs) {
                let length = Length {
                    seed,
                    chains: arguments.chains,
                    draws: arguments.draws,
                };
                let measured = sampler.measure(&target, length)?;
                let rate = 1e3 * measured.ess / measured.gradients;
                eprintln!(
                    "{}, seed {seed}, {name}: {rate:.3} per 1000 gradients, {} divergences",
                    target.name, measured.divergences
                );
                runs.push(measured);
            }
        }
        blocks.push((target.name, runs));
    }
    let page = table::page(&blocks, &samplers().map(|(name, _)| name));
    println!("{page}");
    if let Some(path) = arguments.out {
        std::fs::write(path, page)?;
    }
    Ok(())
}
