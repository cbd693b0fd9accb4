//! The two-moons network sampled by NUTS, and the effective sample size that all programs of
//! that row are judged by.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bayes_nn::diagnostics::ess_bulk;
use bayes_nn::{Draws, Nuts};
use clap::Args;

use crate::{Digits, Outcome, data, moons};

/// Test rows whose logits are looked at.
const TEST_ROWS: usize = 50;

#[derive(Args)]
pub struct Run {
    /// The folder of the data
    #[arg(long)]
    data: PathBuf,
    /// Draws of each chain, after as many of warm-up
    #[arg(long)]
    steps: u64,
    #[arg(long, default_value_t = 2)]
    chains: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The precision of trajectories; draws are of double precision in any case
    #[arg(long, value_enum, default_value_t = Digits::F64)]
    trajectories: Digits,
}

/// Effective draws a second, of everything from the model to the draws.
pub fn sample(run: &Run) -> Outcome {
    let (train, test) = data::moons(&run.data)?;
    let nuts = Nuts::new().chains(run.chains).seed(run.seed);
    let nuts = nuts.warmup(run.steps).draws(run.steps);
    let nuts = nuts.precision(run.trajectories.precision());
    let begin = Instant::now();
    let samples = moons::network().fit(&train, &nuts)?;
    let seconds = begin.elapsed().as_secs_f64();
    let rows = &test.x()[..2 * TEST_ROWS];
    let chains: Result<Vec<Vec<Vec<f64>>>, _> =
        samples.chains().iter().map(|c| logits(c, rows)).collect();
    let ess = smallest_ess(&chains?)?;
    Ok(serde_json::json!({
        "ess_per_second": ess / seconds,
        "ess": ess,
        "seconds": seconds,
        "gradients": samples.nuts().unwrap().gradients(),
        "divergences": samples.nuts().unwrap().divergences(),
        "rejected": samples.nuts().unwrap().rejected(),
    }))
}

/// The smallest bulk ESS of the scalars in a file of raw doubles, `[chains, draws, scalars]`.
pub fn of_file(path: &Path, chains: usize, draws: usize) -> Outcome {
    let bytes = fs::read(path)?;
    let values: Vec<f64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|v| f64::from_le_bytes(*v))
        .collect();
    let scalars = values.len() / (chains * draws).max(1);
    if scalars == 0 || values.len() != chains * draws * scalars {
        return Err(format!("{} values are not of that shape", values.len()).into());
    }
    let chains: Vec<Vec<Vec<f64>>> = values
        .chunks_exact(draws * scalars)
        .map(|chain| {
            (0..scalars)
                .map(|i| chain.iter().skip(i).step_by(scalars).copied().collect())
                .collect()
        })
        .collect();
    Ok(serde_json::json!({ "ess": smallest_ess(&chains)? }))
}

/// The smallest bulk ESS of scalars, `[chain][scalar][draw]`.
fn smallest_ess(chains: &[Vec<Vec<f64>>]) -> Result<f64, Box<dyn Error>> {
    let mut smallest = f64::INFINITY;
    for scalar in 0..chains.first().map_or(0, Vec::len) {
        let draws: Vec<&[f64]> = chains.iter().map(|c| c[scalar].as_slice()).collect();
        smallest = smallest.min(ess_bulk(&draws)?);
    }
    Ok(smallest)
}

/// The logits at rows `[rows, 2]`, for each row those of all draws.
fn logits(draws: &Draws, rows: &[f64]) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let [first, second, last] = draws.variables() else {
        return Err("the network has three layers of weights".into());
    };
    let logit = |draw: usize, row: &[f64]| -> Option<f64> {
        let hidden = layer(first.draw(draw)?, row)
            .map(f64::tanh)
            .collect::<Vec<_>>();
        let hidden = layer(second.draw(draw)?, &hidden)
            .map(f64::tanh)
            .collect::<Vec<_>>();
        layer(last.draw(draw)?, &hidden).next()
    };
    let length = last.values().len() / last.shape().elements();
    rows.chunks_exact(2)
        .map(|row| {
            let of_row: Option<Vec<f64>> = (0..length).map(|draw| logit(draw, row)).collect();
            of_row.ok_or_else(|| "a draw is missing".into())
        })
        .collect()
}

/// The products of inputs with weights `[inputs, outputs]`.
fn layer(weights: &[f64], inputs: &[f64]) -> impl Iterator<Item = f64> {
    let outputs = weights.len() / inputs.len();
    (0..outputs).map(move |j| {
        let column = weights.iter().skip(j).step_by(outputs);
        column.zip(inputs).map(|(w, x)| w * x).sum()
    })
}
