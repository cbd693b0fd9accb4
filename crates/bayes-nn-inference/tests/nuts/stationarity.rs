//! A transition from the density itself leads to the density itself.

use bayes_nn_inference::Nuts;
use bayes_nn_inference::nuts::Metric;

use crate::targets::{Standard, column};

/// The distribution function of the standard normal (Abramowitz and Stegun 26.2.17, 7.5e-8).
fn normal_cdf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let polynomial = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let upper = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt() * polynomial;
    if x > 0.0 { 1.0 - upper } else { upper }
}

/// Kolmogorov and Smirnov's distance from the standard normal.
fn distance(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    x.iter().enumerate().fold(0.0, |worst: f64, (i, x)| {
        let p = normal_cdf(*x);
        worst.max(p - i as f64 / n).max((i + 1) as f64 / n - p)
    })
}

#[test]
fn thinned_draws_are_standard_normal_by_kolmogorov_and_smirnov() {
    // Step sizes for which no trajectory is longer than half a period, and such that end by
    // the limit of depth or by a crude integrator.
    for (step_size, max_depth) in [(0.3, 10), (1.2, 10), (1.7, 10), (0.1, 2)] {
        let nuts = Nuts::new()
            .warmup(0)
            .initial_step(step_size)
            .max_depth(max_depth)
            .metric(Metric::Identity)
            .draws(40_000)
            .chains(2)
            .seed(17);
        let fit = nuts.sample_with(|_| Standard(2)).unwrap();
        for coordinate in 0..2 {
            let x = column(&fit, coordinate);
            // Every 40th, after the way from the start.
            let thinned: Vec<f64> = x.into_iter().skip(400).step_by(40).collect();
            let n = thinned.len() as f64;
            let distance = distance(thinned) * n.sqrt();
            // Beyond 2.23 once in 10,000 right runs.
            assert!(distance < 2.23, "{step_size}, {max_depth}: {distance}");
        }
    }
}
