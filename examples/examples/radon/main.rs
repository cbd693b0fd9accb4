//! Radon in houses: intercepts and slopes that vary by county, by ADVI, by ADVI on minibatches
//! and by NUTS, centred and non-centred.
//!
//! The model of Gelman and Hill, *Data Analysis Using Regression and Multilevel Models* (2007),
//! chapter 13. The level of radon in a house is that of its county, and changes by the county's
//! slope if it was measured on the first floor; counties share what is known of all of them.
//!
//! `cargo run --release --example radon -- --help`

mod data;
mod pictures;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::distributions::{Distribution, HalfCauchy, Normal};
use bayes_nn::model::{Batch, Model, Posterior, Trace, Var};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::{Comparison, Start, compare};
use clap::Parser;

use data::Houses;

/// Standard deviation of the priors of the mean intercept and slope.
const WIDE: f64 = 10_000.0;

/// Fits a hierarchical regression in three ways and two forms, and compares them.
#[derive(Parser)]
#[command(name = "radon")]
struct Arguments {
    /// Reads the houses from a CSV file with the columns county (names), floor (0 or 1) and
    /// log_radon; without it, a set of the same structure is made
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Steps of each variational fit
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,

    /// Rows in a minibatch
    #[arg(long, default_value_t = 100)]
    batch: usize,

    /// Draws of each chain of NUTS, after as many of warm-up
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    draws: u64,

    /// Chains
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    chains: u16,

    /// Where densities are computed: cpu, cuda, cuda:N or best. CUDA needs a build with
    /// `--features cuda`
    #[arg(long, default_value = "cpu")]
    device: Device,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and the pictures
    #[arg(long, value_name = "DIR", default_value = "target/radon")]
    out: PathBuf,
}

/// Radon in houses, by the level and the slope of their counties.
fn observe_houses<'g>(trace: &Trace<'g>, data: &Batch<'g>, a: Var<'g>, b: Var<'g>) {
    let eps = trace.sample("eps", HalfCauchy::new(5.0));
    let county = data.index("county");
    let mean = a.gather(county, 0) + b.gather(county, 0) * data.column("floor");
    trace.observe(
        "log_radon",
        Normal::new(mean, eps),
        data.column("log_radon"),
    );
}

/// Effects as the textbook writes them: draws around their mean.
fn centred() -> impl Model + Clone {
    model::from_fn(|trace, data| {
        let mu_a = trace.sample("mu_a", Normal::new(0.0, WIDE));
        let sigma_a = trace.sample("sigma_a", HalfCauchy::new(5.0));
        let mu_b = trace.sample("mu_b", Normal::new(0.0, WIDE));
        let sigma_b = trace.sample("sigma_b", HalfCauchy::new(5.0));
        let a = trace.sample("a", Normal::new(mu_a, sigma_a).over("county"));
        let b = trace.sample("b", Normal::new(mu_b, sigma_b).over("county"));
        observe_houses(trace, data, a, b);
    })
}

/// The same density by standardised effects, which do not depend on the spread before the data
/// make them.
fn non_centred() -> impl Model + Clone {
    model::from_fn(|trace, data| {
        let mu_a = trace.sample("mu_a", Normal::new(0.0, WIDE));
        let sigma_a = trace.sample("sigma_a", HalfCauchy::new(5.0));
        let mu_b = trace.sample("mu_b", Normal::new(0.0, WIDE));
        let sigma_b = trace.sample("sigma_b", HalfCauchy::new(5.0));
        let standard_a = trace.sample("standard_a", Normal::new(0.0, 1.0).over("county"));
        let standard_b = trace.sample("standard_b", Normal::new(0.0, 1.0).over("county"));
        let a = trace.deterministic_over("a", "county", mu_a + sigma_a * standard_a);
        let b = trace.deterministic_over("b", "county", mu_b + sigma_b * standard_b);
        observe_houses(trace, data, a, b);
    })
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("radon: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that came of one form of the model.
struct Fits<M> {
    full: Posterior<M>,
    mini: Posterior<M>,
    nuts: Posterior<M>,
    comparison: Comparison,
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let houses = match &arguments.csv {
        Some(file) => Houses::read(file)?,
        None => Houses::simulated(arguments.seed)?,
    };
    let rows = houses.log_radon.len();
    println!(
        "{rows} houses in {} counties. {}\n",
        houses.counties(),
        houses.source
    );
    let centred = fit(&centred(), "centred", &houses, arguments)?;
    let non_centred = fit(&non_centred(), "non-centred", &houses, arguments)?;

    println!("Final ELBO, nats of the full data   centred            non-centred");
    for (name, a, b) in [
        (
            "ADVI",
            &centred.full.advi().unwrap(),
            &non_centred.full.advi().unwrap(),
        ),
        (
            "ADVI, minibatches",
            &centred.mini.advi().unwrap(),
            &non_centred.mini.advi().unwrap(),
        ),
    ] {
        println!("{name:<34}  {:<17}  {}", a.elbo().to_string(), b.elbo());
    }
    println!("\nWhat the counties share, by NUTS, non-centred\n");
    let mut shared = non_centred.nuts.summary()?;
    shared.rows.retain(|row| !row.name.contains('['));
    println!("{shared}");
    for (name, comparison) in [
        ("Centred", &centred.comparison),
        ("Non-centred", &non_centred.comparison),
    ] {
        println!("\n{name}: ADVI against NUTS\n\n{comparison}");
    }

    fs::create_dir_all(&arguments.out)?;
    let mut report = Report::new("Radon: intercepts and slopes that vary by county")
        .text(&format!(
            "{rows} houses in {} counties. {}",
            houses.counties(),
            houses.source
        ))
        .text(
            "log_radon ~ N(a[county] + b[county] floor, eps); a ~ N(mu_a, sigma_a) and \
             b ~ N(mu_b, sigma_b), for each county; mu_a, mu_b ~ N(0, 10000); sigma_a, sigma_b, \
             eps ~ HalfCauchy(5).",
        );
    let picture = pictures::shrinkage(&houses, &non_centred.full, &non_centred.nuts)?;
    fs::write(arguments.out.join("shrinkage.svg"), &picture)?;
    report = report.section("The counties").figure(
        &picture,
        "The level of each county with 90 % intervals, by the non-centred form: where there are \
         few houses, it is drawn towards the mean of all.",
    );
    report = section(report, "Centred", &centred, arguments)?;
    report = section(report, "Non-centred", &non_centred, arguments)?;
    let path = arguments.out.join("report.html");
    report.write(&path)?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("\n{seconds:.1} s in all; see {}", path.display());
    Ok(())
}

fn fit<M: Model + Clone>(
    model: &M,
    form: &str,
    houses: &Houses,
    arguments: &Arguments,
) -> Result<Fits<M>, bayes_nn::Error> {
    let advi = Advi::mean_field()
        .steps(arguments.steps)
        .learning_rate(0.03)
        // Draws from such wide priors are far from everything.
        .start_at(Start::Uniform)
        .schedule(Schedule::Cosine { last: 0.01 })
        .seed(arguments.seed)
        .device(arguments.device.clone());
    let data = &houses.data;
    let bar = |name: &str| Bar::new(format!("{form}, {name}"));
    let full = model::fit(model, data, &advi.clone().progress(bar("ADVI")))?;
    let mini = advi.batch(arguments.batch).progress(bar("minibatches"));
    let mini = model::fit(model, data, &mini)?;
    let nuts = Nuts::new()
        .warmup(arguments.draws)
        .draws(arguments.draws)
        .chains(arguments.chains.into())
        .seed(arguments.seed)
        .device(arguments.device.clone())
        .progress(bar("NUTS"));
    let nuts = model::fit(model, data, &nuts)?;
    let comparison = compare(&full, &nuts)?;
    Ok(Fits {
        full,
        mini,
        nuts,
        comparison,
    })
}

fn section<M: Model>(
    report: Report,
    name: &str,
    fits: &Fits<M>,
    arguments: &Arguments,
) -> Result<Report, Box<dyn Error>> {
    let file = |what: &str, svg: &str| {
        let name = format!("{what}-{}.svg", name.to_lowercase());
        fs::write(arguments.out.join(name), svg)
    };
    let elbo = pictures::elbo(&fits.mini, &fits.full)?;
    let effects = pictures::effects(&fits.comparison)?;
    file("elbo", &elbo)?;
    file("effects", &effects)?;
    // What it warns of stands where it is compared.
    let samples = fits.nuts.to_string();
    let lines = samples
        .lines()
        .filter(|line| !line.starts_with("warning: "));
    let table = lines.collect::<Vec<_>>().join("\n");
    Ok(report
        .section(name)
        .code(&format!(
            "All data\n{}\n\nMinibatches of {}\n{}",
            fits.full, arguments.batch, fits.mini
        ))
        .figure(&elbo, "The ELBO of every step, in nats of the full data.")
        .code(&table)
        .section(format!("{name}: ADVI against NUTS"))
        .figure(
            &effects,
            "Posterior means of the levels and slopes of all counties.",
        )
        .comparison(&fits.comparison))
}
