//! Everything about this repository that is run by hand or by CI: `cargo xtask --help`.

mod arviz_check;
mod bench;
mod ci;
mod command;
mod deny;
mod figures;
mod gpu;
mod kernels_check;
mod machine;
mod peers;
mod python;
mod saved_check;
mod sections;
mod validation;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Automation of the bayes-nn repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// What CI runs: tests, formatting, lints, documentation, the main example.
    Ci {
        /// All but `cargo test`.
        #[arg(long)]
        lints: bool,
    },
    /// The criterion benches; with --peers, the same work beside other libraries.
    Bench(Bench),
    /// CUDA's kernels without a GPU: compiled for two architectures, and run on the host.
    KernelsCheck {
        /// All tests of operations and many random models, too; takes some minutes.
        #[arg(long)]
        long: bool,
    },
    /// Tests on a GPU, and the same work there in torch and JAX; writes benches/GPU.md.
    Gpu {
        /// Only copies executables, peers and a script into this folder, for a machine without cargo
        #[arg(long, value_name = "DIR")]
        stage: Option<PathBuf>,
        /// Only makes the table, of what is staged in this folder, and writes it there
        #[arg(long, value_name = "DIR", conflicts_with = "stage")]
        measure: Option<PathBuf>,
        /// Only these rows of the table; nothing is written
        #[arg(long, value_name = "ROW", num_args = 1.., requires = "measure")]
        only: Vec<String>,
        /// How often each program runs
        #[arg(long, default_value_t = 3, requires = "measure", value_parser = clap::value_parser!(u32).range(1..))]
        repeats: u32,
    },
    /// Plots of the time of a step against rows, parameters, threads and draws.
    Figures,
    /// Samples posteriors with known answers by NUTS; writes validation/RESULTS.md.
    Posteriors {
        /// Only these; nothing is written
        #[arg(long, value_name = "NAME", num_args = 1..)]
        only: Vec<String>,
        /// The folder of reference data; BAYES_NN_DATA or ../shared/data unless given
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Runs a method with its default settings on all posteriors; writes validation/RESULTS.md.
    Defaults {
        /// nuts, mean-field or full-rank; nuts with another metric: fisher, variance, low-rank, stan
        #[arg(long, default_value = "nuts")]
        method: String,
        /// Only posteriors whose names contain one of these; nothing is written
        #[arg(long, value_name = "NAME", num_args = 1..)]
        only: Vec<String>,
    },
    /// Puts Pathfinder beside mean-field ADVI; writes validation/RESULTS.md.
    Pathfinder,
    /// Runs variational fits on for ten times their gradients; writes validation/RESULTS.md.
    Converged,
    /// Computes the references of simulated posteriors by long runs; writes validation/references.
    References {
        /// Only these
        #[arg(long, value_name = "NAME", num_args = 1..)]
        only: Vec<String>,
    },
    /// Simulation-based calibration of NUTS; writes validation/RESULTS.md.
    Sbc {
        /// Data sets of each model; nothing is written for fewer than 1000
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        simulations: u32,
    },
    /// Licences, duplicates, sources and advisories of all dependencies, by cargo-deny.
    Deny,
    /// Writes stores of draws, opens them with Python's ArviZ, and compares its numbers with ours.
    ArvizCheck,
    /// Saves fits of every kind, loads them in another process, and opens the files with Python.
    SavedCheck,
}

#[derive(clap::Args)]
struct Bench {
    /// Only the benches whose name contains this
    #[arg(conflicts_with = "peers")]
    filter: Option<String>,
    /// Saves the run under this name
    #[arg(long, value_name = "NAME", conflicts_with = "peers")]
    save: Option<String>,
    /// Compares the run with one that was saved
    #[arg(long, value_name = "NAME", conflicts_with = "peers")]
    baseline: Option<String>,
    /// Prints where the time of a step of this workload goes
    #[arg(long, value_name = "WORKLOAD", conflicts_with_all = ["peers", "save", "baseline", "filter"])]
    profile: Option<String>,
    /// Runs PyMC, NumPyro, JAX and torch on the same work, and writes benches/RESULTS.md
    #[arg(long)]
    peers: bool,
    /// Runs our NUTS and the crate nuts-rs on the same densities, and writes benches/NUTS.md
    #[arg(long, conflicts_with_all = ["peers", "save", "baseline", "filter", "profile"])]
    nuts_rs: bool,
    /// Streams files of 4 GB, made in this folder, and writes benches/STREAMS.md
    #[arg(long, value_name = "DIR", conflicts_with_all = ["peers", "save", "baseline", "filter", "profile", "nuts_rs"])]
    streams: Option<PathBuf>,
    /// Only these rows of the table; nothing is written
    #[arg(long, value_name = "ROW", num_args = 1.., requires = "peers")]
    only: Vec<String>,
    /// How often each program runs
    #[arg(long, default_value_t = 3, requires = "peers", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// To which all programs are held; without it, the best of this machine
    #[arg(long, requires = "peers", value_enum)]
    isa: Option<peers::isa::Isa>,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Ci { lints } => ci::run(lints),
        Task::Bench(bench) if bench.peers => {
            peers::run(&bench.only, bench.repeats as usize, bench.isa)
        }
        Task::Bench(bench) if bench.nuts_rs => bench::nuts_rs(),
        Task::Bench(Bench {
            streams: Some(folder),
            ..
        }) => bench::streams(&folder),
        Task::Bench(Bench {
            profile: Some(workload),
            ..
        }) => bench::profile(&workload),
        Task::Bench(Bench {
            filter,
            save,
            baseline,
            ..
        }) => bench::run(filter.as_deref(), save.as_deref(), baseline.as_deref()),
        Task::KernelsCheck { long } => kernels_check::run(match long {
            true => kernels_check::Extent::Long,
            false => kernels_check::Extent::Usual,
        }),
        Task::Gpu {
            measure: Some(folder),
            only,
            repeats,
            ..
        } => peers::gpu::run(&folder, &only, repeats as usize),
        Task::Gpu { stage, .. } => gpu::run(stage.as_deref()),
        Task::Figures => figures::run(),
        Task::Posteriors { only, data } => validation::posteriors(&only, data),
        Task::Defaults { method, only } => validation::defaults(&method, &only),
        Task::Pathfinder => validation::pathfinder(),
        Task::Converged => validation::converged(),
        Task::References { only } => validation::references(&only),
        Task::Sbc { simulations } => validation::sbc(simulations),
        Task::Deny => deny::run(),
        Task::ArvizCheck => arviz_check::run(),
        Task::SavedCheck => saved_check::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
