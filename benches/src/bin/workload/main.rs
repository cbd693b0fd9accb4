//! The work that is measured beside other libraries, as a user of the facade would write it: one
//! subcommand for each row of `cargo xtask bench --peers`, each printing one line of JSON.

mod data;
mod image;
mod memory;
mod moons;
mod noise;
mod nuts;
mod products;
mod step;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use bayes_nn::{Device, Precision};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// What one workload prints, or why it could not.
type Outcome = Result<serde_json::Value, Box<dyn Error>>;

#[derive(Parser)]
#[command(
    name = "workload",
    about = "One measured piece of work, reported as JSON"
)]
struct Arguments {
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Writes the data sets that every program and peer reads
    Data {
        /// The folder to write into
        #[arg(long)]
        out: PathBuf,
    },
    /// Steps of mean-field ADVI of the two-moons network
    Moons(Steps),
    /// Restarts of the two-moons fit all at once, beside one fit
    Restarts {
        #[command(flatten)]
        steps: Steps,
        #[arg(long)]
        count: usize,
    },
    /// A fit, then predictions of the test rows
    Process {
        #[command(flatten)]
        steps: Steps,
        /// Draws of the weights
        #[arg(long, default_value_t = 2_000)]
        draws: usize,
    },
    /// Predictions of a square grid after a short fit
    Grid {
        #[command(flatten)]
        steps: Steps,
        /// Points along each side
        #[arg(long, default_value_t = 100)]
        side: usize,
        /// Draws of the weights
        #[arg(long, default_value_t = 2_000)]
        draws: usize,
    },
    /// The ELBO of the first step, printed as soon as it is known
    FirstElbo {
        /// The folder of the data
        #[arg(long)]
        data: PathBuf,
    },
    /// Steps of a 784-400-400-10 network on synthetic images
    Image(image::Image),
    /// Predictions of all synthetic images by that network
    Predict(image::Predict),
    /// How fast the pass is that updates all its parameters, beside one that only reads and writes
    Update(Steps),
    /// Nanoseconds of one of many standard normal numbers
    Noise {
        #[arg(long, value_enum, default_value_t = Digits::F32)]
        precision: Digits,
    },
    /// Steps of a dense or a convolutional network with products drawn, as networks are fitted unless
    /// told otherwise
    Products(products::Products),
    /// Draws of the two-moons network by NUTS
    Nuts(nuts::Run),
    /// The smallest bulk ESS of scalars in a file of raw doubles, [chains, draws, scalars]
    Ess {
        /// The file
        file: PathBuf,
        #[arg(long)]
        chains: usize,
        #[arg(long)]
        draws: usize,
    },
    /// Seconds of one step of a network of any size on synthetic data
    Step(step::Size),
}

#[derive(Args)]
struct Steps {
    /// The folder of the data
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    steps: u64,
    #[arg(long, value_enum, default_value_t = Digits::F32)]
    precision: Digits,
    /// Rows in a minibatch; without it, all rows in every step
    #[arg(long)]
    batch: Option<usize>,
    #[arg(long, default_value_t = 0.01)]
    learning_rate: f64,
    /// Where it runs: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: Device,
}

#[derive(Clone, Copy, ValueEnum)]
enum Digits {
    F32,
    F64,
}

impl Digits {
    fn precision(self) -> Precision {
        match self {
            Digits::F32 => Precision::F32,
            Digits::F64 => Precision::F64,
        }
    }
}

impl Steps {
    fn precision(&self) -> Precision {
        self.precision.precision()
    }

    /// Adam over the last step's parameters, one draw a step: what all peers do.
    fn advi(&self) -> bayes_nn::Advi {
        let advi = bayes_nn::Advi::mean_field()
            .local_reparameterization(false)
            .closed_form_priors(false)
            .initial_sd(0.1);
        self.rate(advi)
    }

    /// These settings with what the options say, at a constant rate.
    fn rate(&self, advi: bayes_nn::Advi) -> bayes_nn::Advi {
        let advi = advi
            .steps(self.steps)
            .learning_rate(self.learning_rate)
            .schedule(bayes_nn::Schedule::Constant)
            .averaging(0.0)
            .seed(1)
            .device(self.device.clone())
            .precision(self.precision());
        match self.batch {
            Some(rows) => advi.batch(rows),
            None => advi.full_batch(),
        }
    }
}

/// The mean of the last tenth of the ELBOs of the steps: what shows that two programs did the
/// same work.
fn last_elbo(fit: &bayes_nn::AdviFit) -> f64 {
    let elbos = fit.curve().elbos();
    let last = &elbos[elbos.len() - elbos.len().div_ceil(10)..];
    last.iter().sum::<f64>() / last.len() as f64
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().work {
        Work::Data { out } => data::write(&out),
        Work::Moons(steps) => moons::steps(&steps),
        Work::Restarts { steps, count } => moons::restarts(&steps, count),
        Work::Process { steps, draws } => moons::process(&steps, draws),
        Work::Grid { steps, side, draws } => moons::grid(&steps, side, draws),
        Work::FirstElbo { data } => moons::first_elbo(&data),
        Work::Image(image) => image::steps(&image),
        Work::Predict(predict) => image::predict(&predict),
        Work::Update(steps) => image::update(&steps),
        Work::Noise { precision } => noise::nanoseconds(precision.precision()),
        Work::Products(products) => products::steps(&products),
        Work::Nuts(run) => nuts::sample(&run),
        Work::Ess {
            file,
            chains,
            draws,
        } => nuts::of_file(&file, chains, draws),
        Work::Step(size) => step::seconds(&size),
    };
    match outcome {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("workload: {error}");
            ExitCode::FAILURE
        }
    }
}
