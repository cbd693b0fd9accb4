//! Standard normal numbers, as many as the parameters of a network of the size of MNIST.

use std::time::Instant;

use bayes_nn::Precision;
use bayes_nn_autodiff::NoiseKind;
use bayes_nn_benches::program_on;
use serde_json::json;

use crate::Outcome;

const COUNT: usize = 500_000;
/// Times that all are drawn in a call, and calls that are timed, of which the median is reported.
const TIMES: u64 = 20;
const CALLS: usize = 25;

/// Nanoseconds of one number on two threads.
pub fn nanoseconds(precision: Precision) -> Outcome {
    let mut replicas = program_on(2, precision, |g| {
        (g.noise(NoiseKind::Normal, 0, [COUNT]), Vec::new())
    });
    let program = replicas.program_mut(0);
    program.run(TIMES)?;
    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begin = Instant::now();
        program.run(TIMES)?;
        calls.push(begin.elapsed().as_secs_f64());
    }
    calls.sort_by(f64::total_cmp);
    let each = calls[CALLS / 2] / (TIMES as f64 * COUNT as f64);
    Ok(json!({ "nanoseconds": 1e9 * each }))
}
