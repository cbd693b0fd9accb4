//! Where the time of a step goes, for `cargo xtask bench --profile WORKLOAD`.

use bayes_nn::model;
use bayes_nn::prelude::*;
use clap::{Parser, ValueEnum};

/// Prints the passes of a step with time, bytes, operations and share.
#[derive(Parser)]
struct Arguments {
    /// Which work
    workload: Workload,
    /// Over how many steps
    #[arg(long, default_value_t = 2_000)]
    steps: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Workload {
    /// The moons network on all 500 rows, single precision
    Moons,
    /// The same in double precision
    MoonsF64,
    /// The moons network on minibatches of 50
    Minibatch,
    /// The moons network with a full-rank guide
    FullRank,
    /// 784-400-400-10 on minibatches of 128 of random images
    Image,
    /// The same to its mode, by Adam
    ImageMap,
    /// The same by IVON
    ImageIvon,
    /// 20@5x5, pool, 50@5x5, pool, dense 500 on minibatches of 128 of random images
    Conv,
    /// The same to its mode, by Adam
    ConvMap,
    /// The same by IVON
    ConvIvon,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let moons = || -> Result<_, Box<dyn std::error::Error>> {
        let (train, _) = datasets::moons(1000, 0.2, 0)?
            .standardized()
            .split(0.5, 0)?;
        let net = Mlp::new([2, 5, 5, 1])
            .activation(Tanh)
            .without_bias()
            .prior(Normal::new(0.0, 1.0));
        Ok((Bnn::new(net, Bernoulli), train))
    };
    let (advi, (bnn, data)) = match arguments.workload {
        Workload::Moons => (Advi::mean_field().full_batch(), moons()?),
        Workload::MoonsF64 => {
            let advi = Advi::mean_field().full_batch();
            (advi.precision(Precision::F64), moons()?)
        }
        Workload::Minibatch => (Advi::mean_field().batch(50), moons()?),
        Workload::FullRank => (Advi::full_rank().full_batch(), moons()?),
        Workload::Image
        | Workload::ImageMap
        | Workload::ImageIvon
        | Workload::Conv
        | Workload::ConvMap
        | Workload::ConvIvon => {
            const ROWS: usize = 2_000;
            let x: Vec<f64> = (0..ROWS * 784)
                .map(|i| (i as f64 * 0.7).sin().max(0.0))
                .collect();
            let y: Vec<f64> = (0..ROWS).map(|row| (row % 10) as f64).collect();
            let bnn = match arguments.workload {
                Workload::Conv | Workload::ConvMap | Workload::ConvIvon => {
                    Bnn::new(bayes_nn_benches::convolutional(), Categorical)
                }
                _ => Bnn::new(
                    Mlp::new([784, 400, 400, 10])
                        .activation(Relu)
                        .prior(Normal::new(0.0, 1.0)),
                    Categorical,
                ),
            };
            let work = (bnn, Dataset::new(&x, 784, &y)?);
            let advi = match arguments.workload {
                Workload::ImageMap | Workload::ConvMap => Advi::map(),
                Workload::ImageIvon | Workload::ConvIvon => {
                    Advi::mean_field().optimizer(Optimizer::ivon())
                }
                _ => Advi::mean_field(),
            };
            (advi.batch(128), work)
        }
    };
    // Weights are drawn, not products with them: what the peers do.
    let advi = advi
        .steps(1_000_000)
        .local_reparameterization(false)
        .closed_form_priors(false);
    print!("{}", model::profile(&bnn, &data, &advi, arguments.steps)?);
    Ok(())
}
