//! Friedman's first function, twice: of a hundred columns ten matter.

use std::error::Error;
use std::f64::consts::PI;
use std::fmt::Write;

use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub const COLUMNS: usize = 100;
/// The columns that matter are the first.
pub const MATTER: usize = 10;

/// Rows of uniform columns, with the sum of Friedman's first function (Friedman 1991, "Multivariate
/// adaptive regression splines", equation 61) of the first five and of the next five, and standard normal
/// noise.
pub fn drawn(rows: usize, seed: u64) -> Result<Dataset, Box<dyn Error>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || ((random.next_u64() >> 11) as f64 + 0.5) / 2f64.powi(53);
    let x: Vec<f64> = (0..rows * COLUMNS).map(|_| uniform()).collect();
    let value = |x: &[f64]| {
        let parabola = 20.0 * (x[2] - 0.5).powi(2);
        10.0 * (PI * x[0] * x[1]).sin() + parabola + 10.0 * x[3] + 5.0 * x[4]
    };
    let y: Vec<f64> = x
        .chunks(COLUMNS)
        .map(|x| {
            let noise = (-2.0 * uniform().ln()).sqrt() * (2.0 * PI * uniform()).cos();
            value(&x[..5]) + value(&x[5..10]) + noise
        })
        .collect();
    Ok(Dataset::new(&x, COLUMNS, &y)?)
}

/// The area under the receiver operating characteristic of scores: the probability that a column that
/// matters has a higher one than a column that does not.
pub fn area(scores: &[f64]) -> f64 {
    let (matter, others) = scores.split_at(MATTER);
    let pairs = matter
        .iter()
        .flat_map(|a| others.iter().map(move |b| (a, b)));
    let won = pairs.map(|(a, b)| f64::from(a > b) + 0.5 * f64::from(a == b));
    won.sum::<f64>() / (matter.len() * others.len()) as f64
}

/// The rows as CSV, for other programs.
pub fn csv(data: &Dataset) -> String {
    let mut text = String::new();
    for row in 0..data.rows() {
        for x in data.row(row) {
            let _ = write!(text, "{x},");
        }
        let _ = writeln!(text, "{}", data.y()[row]);
    }
    text
}
