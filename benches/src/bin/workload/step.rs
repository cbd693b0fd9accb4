//! The cost of one step at any number of rows, parameters and draws.

use std::error::Error;

use bayes_nn::prelude::*;
use clap::Args;

use crate::Outcome;

/// Features of a network with hidden layers of a chosen width.
const FEATURES: usize = 32;
/// Seconds that one timed fit aims at.
const AIM: f64 = 0.25;
/// Repeats, of which the median is reported.
const REPEATS: usize = 3;
/// Most steps of a timed fit.
const MOST_STEPS: f64 = 20_000.0;

#[derive(Args)]
pub struct Size {
    /// Rows of the data
    #[arg(long, default_value_t = 500)]
    rows: usize,
    /// Width of both hidden layers of a network with 32 features and biases; without it, the
    /// two-moons network, 2-5-5-1 without
    #[arg(long)]
    hidden: Option<usize>,
    /// Rows in a minibatch; without it, all rows in every step
    #[arg(long)]
    batch: Option<usize>,
    /// Draws of the weights in each step
    #[arg(long, default_value_t = 1)]
    samples: usize,
}

/// Seconds of a step: the difference of two fits of different length, so that what happens once
/// a fit cancels out.
pub fn seconds(size: &Size) -> Outcome {
    let (net, data) = match size.hidden {
        Some(hidden) => (Mlp::new([FEATURES, hidden, hidden, 1]), rows(size.rows)?),
        None => (
            Mlp::new([2, 5, 5, 1]).without_bias(),
            datasets::moons(size.rows, 0.2, 0)?.standardized(),
        ),
    };
    let bnn = Bnn::new(net.prior(Normal::new(0.0, 1.0)), Bernoulli);
    let parameters = bnn.parameters(&data)?;
    let parameters: usize = parameters.iter().map(|p| p.shape.elements()).sum();
    let fit_seconds = |steps: u64| -> Result<f64, bayes_nn::Error> {
        let advi = Advi::mean_field()
            .steps(steps)
            .samples(size.samples)
            .learning_rate(1e-3)
            .local_reparameterization(false)
            .closed_form_priors(false)
            .averaging(0.0)
            .elbo_draws(2);
        let advi = match size.batch {
            Some(rows) => advi.batch(rows),
            None => advi.full_batch(),
        };
        Ok(bnn.fit(&data, &advi)?.advi().unwrap().seconds())
    };
    let count = |each: f64, aim: f64| (aim / each).clamp(4.0, MOST_STEPS) as u64;
    // The first steps of a process are slower; what they say is good for a second guess only.
    let some = count(fit_seconds(4)? / 4.0, AIM / 4.0);
    let steps = count(fit_seconds(some)? / some as f64, AIM);
    let mut seconds = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let difference = fit_seconds(3 * steps)? - fit_seconds(steps)?;
        seconds.push(difference / (2 * steps) as f64);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(serde_json::json!({
        "seconds_per_step": seconds[REPEATS / 2],
        "rows": size.rows,
        "parameters": parameters,
        "samples": size.samples,
    }))
}

/// Smooth features and a label that depends on them.
fn rows(rows: usize) -> Result<Dataset, Box<dyn Error>> {
    let x: Vec<f64> = (0..rows * FEATURES)
        .map(|i| (i as f64 * 0.73).sin())
        .collect();
    let y: Vec<f64> = x
        .chunks_exact(FEATURES)
        .map(|row| f64::from(row[0] > row[1]))
        .collect();
    Ok(Dataset::new(&x, FEATURES, &y)?)
}
