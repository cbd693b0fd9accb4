//! A network of the size that is usual for MNIST, and the memory that its fit takes.

use bayes_nn::prelude::*;

use crate::{Outcome, Steps, data, last_elbo, memory};

/// Layers of the network.
const SIZES: [usize; 4] = [data::PIXELS, 400, 400, data::CLASSES];

/// Vectors as long as the parameters that mean-field ADVI with Adam cannot do without: means and
/// standard deviations, their gradients, and two moments of each.
const VECTORS: usize = 8;

/// Milliseconds of a step, and bytes of the process at its largest.
pub fn steps(steps: &Steps, rows: usize) -> Outcome {
    let train = data::read_images(&steps.data, rows)?;
    let net = Mlp::new(SIZES)
        .activation(Relu)
        .prior(Normal::new(0.0, 1.0));
    let parameters: usize = net
        .parameters()
        .iter()
        .map(|(_, shape)| shape.elements())
        .sum();
    let bnn = Bnn::new(net, Categorical);
    let fit = bnn.fit(&train, steps.advi().elbo_draws(2))?;
    let result = fit.result();
    let peak = memory::peak_bytes()?;
    let of_data = size_of::<f64>() * rows * (data::PIXELS + 1);
    let needed = size_of::<f32>() * VECTORS * parameters;
    Ok(serde_json::json!({
        "ms_per_step": 1e3 * result.seconds() / result.steps() as f64,
        "compile_seconds": result.setup_seconds(),
        "elbo": last_elbo(result),
        "parameters": parameters,
        "peak_bytes": peak,
        "data_bytes": of_data,
        "needed_bytes": needed,
        "memory_ratio": peak.saturating_sub(of_data) as f64 / needed as f64,
    }))
}
