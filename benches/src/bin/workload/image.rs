//! A network of the size that is usual for MNIST, the memory that its fit takes, and the time
//! that no fit of it can do without.

use std::time::Instant;

use bayes_nn::prelude::*;
use bayes_nn::{Precision, model};
use bayes_nn_kernels::KernelError;
use bayes_nn_kernels::profile::Limits;
use clap::Args;
use serde_json::{Value, json};

use crate::{Outcome, Steps, data, last_elbo, memory};

/// Vectors as long as the parameters that mean-field ADVI with Adam cannot do without: means and
/// standard deviations, their gradients, and two moments of each.
const VECTORS: usize = 8;
/// Those of them that a step must read and write, since the next step needs them: all but the
/// gradients.
const KEPT: usize = 6;

/// Units of a hidden layer, unless it is told otherwise.
const WIDTH: usize = 400;
/// Rows and columns of a large product.
const LARGE: usize = 1024;
/// Calls that are timed, of which the median is reported.
const CALLS: usize = 5;

/// Numbers that no cache holds, 256 MiB of them.
const LENGTH: usize = 1 << 26;

#[derive(Args)]
pub struct Image {
    #[command(flatten)]
    steps: Steps,
    /// How many of the rows to use
    #[arg(long, default_value_t = data::IMAGES)]
    rows: usize,
    /// Width of both hidden layers
    #[arg(long, default_value_t = WIDTH)]
    hidden: usize,
    /// Also measures what memory and arithmetic of the device reach, and says how far a step is
    /// from that
    #[arg(long)]
    floor: bool,
}

#[derive(Args)]
pub struct Predict {
    #[command(flatten)]
    steps: Steps,
    /// Draws of the weights
    #[arg(long)]
    draws: usize,
}

/// Inputs, units of two hidden layers, classes.
fn sizes(hidden: usize) -> [usize; 4] {
    [data::PIXELS, hidden, hidden, data::CLASSES]
}

fn network(sizes: [usize; 4]) -> Bnn {
    let net = Mlp::new(sizes)
        .activation(Relu)
        .prior(Normal::new(0.0, 1.0));
    Bnn::new(net, Categorical)
}

/// Milliseconds of a step, and bytes of the process at its largest.
pub fn steps(image: &Image) -> Outcome {
    let Image { steps, rows, .. } = image;
    let train = data::read_images(&steps.data, *rows)?;
    let sizes = sizes(image.hidden);
    let bnn = network(sizes);
    let parameters = bnn.parameters(&train)?;
    let parameters: usize = parameters.iter().map(|p| p.shape.elements()).sum();
    let fit = bnn.fit(&train, &steps.advi().elbo_draws(2))?;
    let result = fit.advi().unwrap();
    let peak = memory::peak_bytes()?;
    let of_data = size_of::<f32>() * rows * (data::PIXELS + 1);
    let needed = size_of::<f32>() * VECTORS * parameters;
    let ms_per_step = 1e3 * result.seconds() / result.steps() as f64;
    let mut report = json!({
        "ms_per_step": ms_per_step,
        "compile_seconds": result.setup_seconds(),
        "elbo": last_elbo(result),
        "parameters": parameters,
        "peak_bytes": peak,
        "data_bytes": of_data,
        "needed_bytes": needed,
        "memory_ratio": peak.saturating_sub(of_data) as f64 / needed as f64,
    });
    if image.floor {
        let batch = steps.batch.unwrap_or(*rows);
        let (floor, ms) = floor(steps, &sizes, parameters, batch)?;
        report["floor"] = floor;
        report["over_floor"] = (ms_per_step / ms).into();
    }
    Ok(report)
}

/// Seconds of predicting all rows, and the operations a second of its products over those of a product of large
/// matrices.
pub fn predict(predict: &Predict) -> Outcome {
    let Predict { steps, draws } = predict;
    let train = data::read_images(&steps.data, data::IMAGES)?;
    let sizes = sizes(WIDTH);
    let fit = network(sizes).fit(&train, &steps.advi().elbo_draws(2))?;
    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begin = Instant::now();
        fit.predict(&train, *draws)?;
        calls.push(begin.elapsed().as_secs_f64());
    }
    calls.sort_by(f64::total_cmp);
    let seconds = calls[CALLS / 2];
    let weights: usize = sizes.windows(2).map(|layer| layer[0] * layer[1]).sum();
    let operations = 2.0 * (weights * data::IMAGES * draws) as f64;
    let limits = Limits::measured(&steps.device, steps.precision(), LENGTH, LARGE)?;
    Ok(json!({
        "seconds": seconds,
        "operations_per_second": operations / seconds,
        "share": operations / seconds / limits.rate,
    }))
}

/// Bytes a second that the pass moves which updates all parameters, over those of a pass that does nothing else with as
/// many bytes.
pub fn update(steps: &Steps) -> Outcome {
    let train = data::read_images(&steps.data, data::IMAGES)?;
    let bnn = network(sizes(WIDTH));
    let profile = model::profile(&bnn, &train, &steps.advi(), steps.steps)?;
    // It reads and writes means, spreads, and the moments of both.
    let (pass, seconds) = (profile.passes.iter())
        .max_by_key(|(pass, _)| pass.elements)
        .ok_or("a step has passes")?;
    let limits = profile.limits.ok_or("the machine was not measured")?;
    let bytes = size_of::<f32>() * pass.elements;
    let rate = bytes as f64 / seconds;
    Ok(json!({
        "bytes_per_second": rate,
        "update_share": rate / limits.bandwidth,
        "milliseconds": 1e3 * seconds,
    }))
}

/// What was counted and measured, and the longer of two times in milliseconds: that in which
/// memory moves what a step must read and write, and that in which the device does the arithmetic
/// of its products. What a step does beyond that (noise, draws, gradients on their way) may stay
/// in caches, and counts as nothing.
fn floor(
    steps: &Steps,
    sizes: &[usize],
    parameters: usize,
    batch: usize,
) -> Result<(Value, f64), KernelError> {
    let precision = steps.precision();
    let element = match precision {
        Precision::F32 => size_of::<f32>(),
        Precision::F64 => size_of::<f64>(),
    };
    let bytes = element * (2 * KEPT * parameters + batch * (sizes[0] + 1));
    let weights = sizes.windows(2).map(|layer| layer[0] * layer[1]);
    // Forwards, to the weights, and to the inputs, which of the first layer are the data.
    let products = 3 * weights.sum::<usize>() - sizes[0] * sizes[1];
    let operations = 2 * batch * products;
    let n = if steps.device.is_cpu() { LARGE } else { 4096 };
    let limits = Limits::measured(&steps.device, precision, LENGTH, n)?;
    let (memory, arithmetic) = (
        1e3 * bytes as f64 / limits.bandwidth,
        1e3 * operations as f64 / limits.rate,
    );
    let report = json!({
        "bytes": bytes,
        "operations": operations,
        "bytes_per_second": limits.bandwidth,
        "operations_per_second": limits.rate,
        "memory_ms": memory,
        "arithmetic_ms": arithmetic,
    });
    Ok((report, memory.max(arithmetic)))
}
