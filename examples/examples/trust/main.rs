//! Can the approximation be trusted? The network of the `moons` example by mean-field ADVI, by
//! full-rank ADVI and by NUTS, which is exact: surfaces side by side, and the comparison.
//!
//! `cargo run --release --example trust -- --help`

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nuts::WarmupSchedule;
use bayes_nn::plots::{Agreement, ColorMap, Surface};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::{Comparison, compare_on};
use clap::Parser;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 1000;
/// Points along each side of the surfaces.
const GRID: usize = 80;

/// Fits one network by ADVI and by NUTS, and says where they differ.
#[derive(Parser)]
#[command(name = "trust")]
struct Arguments {
    /// Steps of each variational fit
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,

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
    #[arg(long, value_name = "DIR", default_value = "target/trust")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trust: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let data = datasets::moons(1000, 0.2, arguments.seed)?.standardized();
    let (train, test) = data.split(0.5, arguments.seed)?;
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    let bnn = Bnn::new(net, Bernoulli);

    let settle = |advi: Advi| {
        advi.steps(arguments.steps)
            .restarts(4)
            .schedule(Schedule::Cosine { last: 0.01 })
            .seed(arguments.seed)
            .device(arguments.device.clone())
    };
    let mean_field = settle(Advi::mean_field()).learning_rate(0.03);
    let mean_field = bnn.fit(&train, &mean_field.progress(Bar::new("mean-field")))?;
    println!("Mean-field ADVI\n{mean_field}\n");
    let full_rank = settle(Advi::full_rank()).progress(Bar::new("full rank "));
    let full_rank = bnn.fit(&train, &full_rank)?;
    println!("Full-rank ADVI\n{full_rank}\n");
    let nuts = Nuts::new()
        .warmup(arguments.draws)
        .draws(arguments.draws)
        .chains(arguments.chains.into())
        // Of the two schedules the one with few divergences after so short a warm-up.
        .schedule(WarmupSchedule::Stan)
        .seed(arguments.seed)
        .device(arguments.device.clone())
        .progress(Bar::new("NUTS      "));
    let nuts = bnn.fit(&train, &nuts)?;
    let (fit, chains) = (nuts.nuts().unwrap(), arguments.chains);
    println!(
        "NUTS: {chains} chains of {} draws, {} divergences, {:.1} s\n",
        arguments.draws,
        fit.divergences(),
        fit.seconds()
    );

    let how = Predict::draws(DRAWS).seed(arguments.seed);
    let comparisons = [
        (
            "Mean-field ADVI",
            compare_on(&mean_field, &nuts, &test, how)?,
        ),
        ("Full-rank ADVI", compare_on(&full_rank, &nuts, &test, how)?),
    ];
    for (name, comparison) in &comparisons {
        println!("{name} against NUTS\n\n{comparison}\n");
    }

    let grid = datasets::grid(-3.0, 3.0, GRID)?;
    let surfaces = [
        mean_field.predict(&grid, DRAWS)?,
        full_rank.predict(&grid, DRAWS)?,
        nuts.predict(&grid, DRAWS)?,
    ];
    let pictures = pictures(&surfaces, &test, &comparisons)?;
    let page = page(&comparisons, &pictures);
    fs::create_dir_all(&arguments.out)?;
    for (name, svg, _) in &pictures {
        fs::write(arguments.out.join(format!("{name}.svg")), svg)?;
    }
    let path = arguments.out.join("report.html");
    page.write(&path)?;
    say_where(&path, begin);
    Ok(())
}

fn say_where(report: &Path, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    println!("{seconds:.1} s in all; see {}", report.display());
}

/// A name, the SVG and a caption.
type Picture = (&'static str, String, &'static str);

fn pictures(
    surfaces: &[Prediction; 3],
    test: &Dataset,
    comparisons: &[(&str, Comparison); 2],
) -> Result<Vec<Picture>, Box<dyn Error>> {
    let axis = datasets::grid_axis(-3.0, 3.0, GRID)?;
    let [a, b, c] = surfaces;
    let beside = |values: fn(&Prediction) -> &[f64]| {
        Surface::new(&axis, &axis, values(a))
            .name("mean-field ADVI")
            .beside("full-rank ADVI", values(b))
            .beside("NUTS", values(c))
            .x_label("x1")
            .y_label("x2")
            .size(960, 390)
    };
    let probability = beside(Prediction::mean)
        .points(test.x(), test.y())
        .title("Probability of class 1")
        .value_label("p(y = 1)")
        .colors(ColorMap::Diverging)
        .range(0.0, 1.0)
        .contour(0.5)
        .to_svg()?;
    let epistemic = beside(Prediction::epistemic)
        .title("Epistemic uncertainty")
        .value_label("mutual information, nats")
        .to_svg()?;
    let mut pictures = vec![
        (
            "probability",
            probability,
            "Where the three put the boundary, and how sure they are; points are held out.",
        ),
        (
            "epistemic",
            epistemic,
            "How much the draws of the weights disagree. An approximation that leaves out modes \
             and correlations is too sure, above all away from the data.",
        ),
    ];
    for (name, (title, comparison)) in ["mean-field", "full-rank"].into_iter().zip(comparisons) {
        let y = &comparison.predictions[0];
        let svg = Agreement::new(&y.reference.mean, &y.fit.mean)
            .range(0.0, 1.0)
            .title(format!("{title} against NUTS"))
            .x_label("p(y = 1) by NUTS")
            .y_label("p(y = 1) by ADVI")
            .to_svg()?;
        pictures.push((name, svg, "Predicted probabilities of the held-out points."));
    }
    Ok(pictures)
}

fn page(comparisons: &[(&str, Comparison); 2], pictures: &[Picture]) -> Report {
    let mut report = Report::new("Can the approximation be trusted?").text(
        "A network of 2-5-5-1 tanh units on two moons, its 40 weights with the prior N(0, 1). \
         Variational inference fits one normal to the posterior of the weights, with independent \
         weights (mean-field) or with any covariance (full rank); NUTS draws from the posterior \
         itself. What counts is what they predict: weights cannot be matched one by one, since \
         hidden units can be exchanged and have their signs flipped.",
    );
    report = report.section("Surfaces");
    for (_, svg, caption) in &pictures[..2] {
        report = report.figure(svg, caption);
    }
    for ((name, comparison), (_, svg, caption)) in comparisons.iter().zip(&pictures[2..]) {
        report = report
            .section(format!("{name} against NUTS"))
            .figure(svg, caption)
            .comparison(comparison);
    }
    report
}
