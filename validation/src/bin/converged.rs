//! Runs fits that ended by themselves once more for ten times as many gradients, and prints in
//! Markdown how far that moved them: what `converged` promises, and whether it holds.

use std::path::PathBuf;
use std::process::ExitCode;

use bayes_nn::prelude::*;
use bayes_nn_validation::Error;
use bayes_nn_validation::data::Folder;
use bayes_nn_validation::posteriors::{ALL, simulated};
use bayes_nn_validation::run::Run;
use bayes_nn_validation::table::table;
use clap::Parser;

/// Whether a longer run moves fits that have converged, and those that have not.
#[derive(Parser)]
struct Arguments {
    /// Only posteriors whose names contain one of these; all unless given
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Seeds from 1 to this
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// The folder of reference data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How much longer the second run is.
const LONGER: u64 = 10;
/// A fit has moved if a mean did by more than this part of its standard deviation, or a standard
/// deviation by more than this part of itself.
const MOVED: f64 = 0.1;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("converged: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One fit, and how far ten times its gradients moved it.
struct Pair {
    converged: bool,
    mean: f64,
    sd: f64,
    k_hat: f64,
}

impl Pair {
    fn of(fit: &Run, longer: &Run) -> Option<Pair> {
        let (a, b) = (fit.guide.as_ref()?, longer.guide.as_ref()?);
        let (of_a, of_b) = (a.sd(), b.sd());
        let means = a.mean().iter().zip(b.mean()).zip(&of_b);
        let sds = of_a.iter().zip(&of_b);
        Some(Pair {
            converged: fit.converged?,
            mean: means.fold(0.0, |most, ((a, b), sd)| most.max((a - b).abs() / sd)),
            sd: sds.fold(0.0, |most, (a, b)| most.max((a / b - 1.0).abs())),
            k_hat: fit.k_hat.unwrap_or(f64::NAN),
        })
    }

    fn moved(&self) -> bool {
        self.mean > MOVED || self.sd > MOVED
    }
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let folder = Folder::find(arguments.data.clone())?;
    let only = &arguments.only;
    let chosen = |name: &str| only.is_empty() || only.iter().any(|part| name.contains(part));
    for (title, advi) in [
        ("Mean-field", Advi::mean_field()),
        ("Full rank", Advi::full_rank()),
    ] {
        let (mut rows, mut all) = (Vec::new(), Vec::new());
        for posterior in ALL.iter().chain(simulated::ALL) {
            if !chosen(posterior.name) {
                continue;
            }
            let mut pairs = Vec::new();
            for seed in 1..=arguments.seeds {
                let advi = advi.clone().seed(seed);
                let fit = posterior.sample(&folder, &advi.clone().into())?;
                let longer = advi
                    .tolerance(f64::MIN_POSITIVE)
                    .budget(LONGER * fit.gradients);
                let longer = posterior.sample(&folder, &longer.into())?;
                pairs.extend(Pair::of(&fit, &longer));
            }
            eprintln!("{title}: {}", posterior.name);
            rows.push(row(posterior.name, &pairs));
            all.extend(pairs);
        }
        let header = [
            "posterior",
            "converged",
            "means moved by",
            "sds moved by",
            "said yes, moved",
            "said no, did not",
            "k-hat",
        ];
        rows.push(row("all", &all));
        println!("{title}:\n\n{}", table(header, &rows));
    }
    println!(
        "Fits with default settings, seeds 1 to {}, and the same with at least {LONGER} times the \
         gradients and no end before. Means are moved by so much in standard deviations of the longer \
         fit, standard deviations by that part of themselves: the most over variables and seeds. A fit \
         moved if one of either is above {MOVED}. k-hat is the largest over seeds.",
        arguments.seeds
    );
    Ok(())
}

fn row(name: &str, pairs: &[Pair]) -> [String; 7] {
    let count = |of: &dyn Fn(&Pair) -> bool| pairs.iter().filter(|pair| of(pair)).count();
    let most = |of: fn(&Pair) -> f64| pairs.iter().map(of).fold(0.0, f64::max);
    [
        name.to_owned(),
        format!("{} of {}", count(&|pair| pair.converged), pairs.len()),
        format!("{:.3}", most(|pair| pair.mean)),
        format!("{:.3}", most(|pair| pair.sd)),
        count(&|pair| pair.converged && pair.moved()).to_string(),
        count(&|pair| !pair.converged && !pair.moved()).to_string(),
        format!("{:.2}", most(|pair| pair.k_hat)),
    ]
}
