//! Two moons turned by another angle in each of several groups: one network for all, a network for each,
//! and networks around a shared one.
//!
//! After T. Wiecki's "Hierarchical Bayesian Neural Networks with Informative Priors" (2018), with its data:
//! `cargo run --release --example hierarchical -- --help`

mod groups;
mod page;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bayes_nn::nn::{Hierarchical, Pooling};
use bayes_nn::prelude::*;
use clap::Parser;

use groups::Points;
use page::{Row, Summary};

/// Draws of the weights behind every prediction.
const DRAWS: usize = 500;
/// Rows of a group that is new.
const FEW: usize = 10;

/// Fits networks to groups of rows that differ, and says what sharing is worth.
#[derive(Parser)]
#[command(name = "hierarchical")]
struct Arguments {
    /// Reads the points from a CSV file with the columns group, is_test, x1, x2, y; without it, six
    /// groups are drawn
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,

    /// Samples by NUTS, too
    #[arg(long)]
    nuts: bool,

    /// Leaves each group out in turn, and learns it from ten of its rows; only the last one unless set
    #[arg(long)]
    each: bool,

    /// Starts of each fit, of which the one with the best ELBO is kept
    #[arg(long, default_value_t = 6)]
    restarts: usize,

    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Folder for report.html and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/hierarchical")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hierarchical: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Which parameters belong to groups.
#[derive(Clone, Copy, PartialEq)]
enum Net {
    Shared,
    Own,
    AllLayers,
    /// Features are shared, and each group reads them in its own way. Among which layers may differ,
    /// five-fold cross-validation on the published training points prefers this: 87.0 % right, the first
    /// layer 85.6 %, all layers 84.4 %.
    LastLayer,
}

impl Net {
    const ALL: [(Net, &str); 4] = [
        (Net::Shared, "one network for all groups"),
        (Net::Own, "a network for each group"),
        (Net::AllLayers, "all layers around shared ones"),
        (Net::LastLayer, "the last layer around a shared one"),
    ];

    fn bnn(self) -> Bnn {
        let net = Mlp::new([2, 5, 5, 1]).activation(Tanh);
        let net = Hierarchical::over(net.prior(Normal::new(0.0, 3.0)), "group");
        let net = net.scale_prior(HalfNormal::new(0.3));
        let net = match self {
            Net::Shared => net.pooling(Pooling::Complete),
            Net::Own => net.pooling(Pooling::None),
            Net::AllLayers => net,
            Net::LastLayer => net.only(["layer2"]),
        };
        Bnn::new(net, Bernoulli)
    }
}

/// The divergence from the prior sets in by and by, so that what groups share is found before it costs
/// anything to differ; a guide of some directions sees that shared and own weights make up for each other.
fn advi(arguments: &Arguments, name: &str) -> Advi {
    Advi::low_rank(40)
        .kl_annealing(0.8)
        .steps(10_000)
        .learning_rate(0.02)
        .restarts(arguments.restarts)
        .seed(arguments.seed)
        .progress(Bar::new(name))
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let [train, test] = match &arguments.data {
        Some(path) => groups::read(path)?,
        None => groups::drawn(6, arguments.seed)?,
    };
    let (data, unseen) = (train.data()?, test.data()?);
    let mut rows = Vec::new();
    let mut fits = Vec::new();
    for (net, name) in Net::ALL {
        let begin = Instant::now();
        let fit = net.bnn().fit(&data, &advi(arguments, name))?;
        let accuracy = test.accuracy(fit.predict(&unseen, DRAWS)?.mean());
        rows.push(Row {
            fit: name.to_owned(),
            accuracy,
            seconds: begin.elapsed().as_secs_f64(),
            elbo: fit.advi().map(|fit| fit.elbo().mean),
        });
        println!("{name}: {:.1} %", 100.0 * accuracy);
        fits.push(fit);
    }
    if arguments.nuts {
        let begin = Instant::now();
        let nuts = Nuts::new().seed(arguments.seed).progress(Bar::new("NUTS"));
        let fit = Net::LastLayer.bnn().fit(&data, &nuts)?;
        println!("{fit}");
        rows.push(Row {
            fit: "the last layer around a shared one, by NUTS".to_owned(),
            accuracy: test.accuracy(fit.predict(&unseen, 4 * DRAWS)?.mean()),
            seconds: begin.elapsed().as_secs_f64(),
            elbo: None,
        });
    }
    let [_, own, all, partial] = &fits[..] else {
        return Err("there are four fits".into());
    };
    println!("{partial}");

    let mut scales = Vec::new();
    for variable in all.draws(DRAWS, 0)?.variables() {
        if variable.name().ends_with("group_scale") {
            let mean = variable.values().iter().sum::<f64>() / DRAWS as f64;
            println!("{}: {mean:.2}", variable.name());
            scales.push((variable.name().to_owned(), mean));
        }
    }
    let names = train.names();
    let first = if arguments.each { 0 } else { names.len() - 1 };
    let mut left_out = Vec::new();
    for name in &names[first..] {
        let (with_others, alone) = from_few(arguments, &train, &test, name)?;
        println!(
            "group {name} from {FEW} rows: {:.1} %, by these alone {:.1} %",
            100.0 * with_others,
            100.0 * alone
        );
        left_out.push((name.clone(), with_others, alone));
    }

    let summary = Summary {
        seed: arguments.seed,
        rows,
        scales,
        left_out,
    };
    page::write(&arguments.out, &summary, &train, [own, partial])?;
    println!("{}", arguments.out.join("report.html").display());
    Ok(())
}

/// How well a group is told of which ten rows are known: with all rows of the others, and alone.
fn from_few(
    arguments: &Arguments,
    train: &Points,
    test: &Points,
    name: &str,
) -> Result<(f64, f64), Box<dyn Error>> {
    let unseen = test.of(|group| if group == name { usize::MAX } else { 0 });
    let accuracy = |net: Net, points: Points| -> Result<f64, Box<dyn Error>> {
        let advi = advi(arguments, &format!("group {name}"));
        let fit = net.bnn().fit(&points.data()?, &advi)?;
        Ok(unseen.accuracy(fit.predict(&unseen.data()?, DRAWS)?.mean()))
    };
    let few = train.of(|group| if group == name { FEW } else { usize::MAX });
    let alone = train.of(|group| if group == name { FEW } else { 0 });
    Ok((accuracy(Net::LastLayer, few)?, accuracy(Net::Own, alone)?))
}
