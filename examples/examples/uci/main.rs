//! Regression on tables: a Bayesian network of 50 units on the sets that papers compare themselves by.
//!
//! `cargo run --release --example uci -- --help`

mod sets;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bayes_nn::prelude::*;
use bayes_nn::scores::RegressionScore;
use clap::Parser;

#[derive(Parser)]
#[command(name = "uci")]
struct Arguments {
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[arg(long, default_value = "all")]
    set: String,
    #[arg(long, default_value_t = 20)]
    splits: usize,
    #[arg(long)]
    steps: Option<u64>,
    #[arg(long)]
    lr: Option<f64>,
    #[arg(long)]
    batch: Option<usize>,
    #[arg(long)]
    sd: Option<f64>,
    #[arg(long)]
    validate: bool,
    #[arg(long)]
    old: bool,
    #[arg(long)]
    draws_local: bool,
    #[arg(long, default_value_t = 0)]
    prior: u8,
}

fn main() -> ExitCode {
    match tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("uci: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let names: Vec<&str> = match arguments.set.as_str() {
        "all" => vec![
            "yacht",
            "bostonHousing",
            "energy",
            "concrete",
            "power-plant",
        ],
        name => vec![name],
    };
    for name in names {
        let set = sets::Set::read(&arguments.data, name)?;
        let begin = Instant::now();
        let scores = Mutex::new(Vec::new());
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let split = next.fetch_add(1, Ordering::Relaxed);
                        if split >= arguments.splits {
                            break;
                        }
                        match one(arguments, &set, split) {
                            Ok(s) => scores.lock().unwrap().push((split, s)),
                            Err(e) => eprintln!("{name} {split}: {e}"),
                        }
                    }
                });
            }
        });
        let scores = scores.into_inner().unwrap();
        let of = |f: &dyn Fn(&(RegressionScore, bool, f64, u64)) -> f64| {
            let values: Vec<f64> = scores.iter().map(|(_, s)| f(s)).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
            (mean, (var / n).sqrt())
        };
        let (rmse, rse) = of(&|s| s.0.rmse);
        let (ll, lse) = of(&|s| s.0.log_likelihood);
        let conv = scores.iter().filter(|(_, s)| s.1).count();
        println!(
            "{name:<14} rmse {rmse:.3} ± {rse:.3}  ll {ll:.3} ± {lse:.3}  converged {conv}/{} elbo {:.2} steps {} {:.1} s",
            scores.len(),
            of(&|s| s.2).0,
            scores[0].1.3,
            begin.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn one(
    a: &Arguments,
    set: &sets::Set,
    split: usize,
) -> Result<(RegressionScore, bool, f64, u64), Box<dyn Error>> {
    let (mut train, mut test) = set.split(split)?;
    if a.validate {
        (train, test) = train.split(0.9, split as u64)?;
    }
    let net = Mlp::new([train.features(), 50, 1]).activation(Relu);
    let net = match a.prior {
        1 => net.prior(Fan),
        2 => net.prior(bayes_nn::nn::prior::learned_scale()),
        _ => net,
    };
    let bnn = Bnn::new(net, Gaussian::new());
    let mut advi = Advi::mean_field().threads(1).seed(split as u64);
    if let Some(s) = a.steps {
        advi = advi.steps(s);
    }
    if let Some(s) = a.lr {
        advi = advi.learning_rate(s);
    }
    if let Some(s) = a.batch {
        advi = advi.batch(s);
    }
    if let Some(s) = a.sd {
        advi = advi.initial_sd(s);
    }
    if a.old {
        advi = advi
            .local_reparameterization(false)
            .closed_form_priors(false)
            .schedule(Schedule::Constant)
            .averaging(0.25)
            .initial_sd(0.1)
            .batch(train.rows());
    }
    if a.draws_local {
        advi = advi.local_reparameterization(false);
    }
    let fit = bnn.fit(&train, &advi)?;
    let score = fit.score(&test, Predict::draws(200))?;
    let advi = fit.advi().unwrap();
    if split == 0 {
        eprintln!("{advi}");
    }
    Ok((
        *score.regression().unwrap(),
        advi.convergence().converged,
        advi.elbo().mean / train.rows() as f64,
        advi.steps(),
    ))
}

use bayes_nn::Var;
use bayes_nn::distributions::Distribution;
use bayes_nn::model::Trace;
use bayes_nn::nn::{ParameterInfo, Prior};
#[derive(Clone, Copy, Debug)]
struct Fan;
impl Prior for Fan {
    fn declare<'g>(&self, trace: &Trace<'g>, p: &ParameterInfo) -> Var<'g> {
        let sd = if p.shape.rank() > 1 {
            (p.fan_in as f64).sqrt().recip()
        } else {
            1.0
        };
        trace.sample(&p.name, Normal::new(0.0, sd).expand(p.shape))
    }
}
