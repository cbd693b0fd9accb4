//! Networks of the size of MNIST by the estimator that networks have unless told otherwise: products
//! with weights are drawn, and the KL divergence from the prior is in closed form.

use bayes_nn::nn::Network;
use bayes_nn::prelude::*;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{Outcome, Steps, data, last_elbo};

#[derive(Args)]
pub struct Products {
    #[command(flatten)]
    steps: Steps,
    #[arg(long, value_enum)]
    net: Net,
}

#[derive(Clone, Copy, ValueEnum)]
enum Net {
    /// 784-400-400-10
    Dense,
    /// 20 and 50 filters of 5 by 5, each with a pool of 2 by 2, and 500 dense units
    Conv,
}

impl Net {
    fn network(self) -> Network {
        match self {
            Net::Dense => Mlp::new([data::PIXELS, 400, 400, data::CLASSES])
                .activation(Relu)
                .prior(Normal::new(0.0, 1.0))
                .into(),
            Net::Conv => bayes_nn_benches::convolutional().into(),
        }
    }
}

/// Milliseconds of a step.
pub fn steps(products: &Products) -> Outcome {
    let Products { steps, net } = products;
    let train = data::read_images(&steps.data, data::IMAGES)?;
    let bnn = Bnn::new(net.network(), Categorical);
    let advi = steps.rate(Advi::mean_field()).elbo_draws(2);
    let fit = bnn.fit(&train, &advi)?;
    let result = fit.advi().ok_or("it was fitted by ADVI")?;
    Ok(json!({
        "ms_per_step": 1e3 * result.seconds() / result.steps() as f64,
        "compile_seconds": result.setup_seconds(),
        "elbo": last_elbo(result),
    }))
}
