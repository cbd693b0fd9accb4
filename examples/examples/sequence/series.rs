//! A series that is drawn: a noisy oscillation whose strength comes and goes.

use std::error::Error;
use std::f64::consts::TAU;

use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Numbers that the next is predicted from.
pub const WINDOW: usize = 24;

/// Windows of a series of so many numbers, each with the number after it; from `stronger` on the
/// oscillation is twice as strong as it ever was before.
pub fn windows(length: usize, stronger: usize, seed: u64) -> Result<Dataset, Box<dyn Error>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (random.next_u64() >> 11) as f64 / 2f64.powi(53);
    let number = |t: usize| {
        // Twelve uniform numbers are normal enough.
        let noise = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let turn = |period: f64| (TAU * t as f64 / period).sin();
        let strength = if t < stronger { 1.0 } else { 2.0 };
        strength * turn(17.0) * (1.0 + 0.5 * turn(140.0)) + 0.1 * noise
    };
    let series: Vec<f64> = (0..length).map(number).collect();
    let rows = series.windows(WINDOW + 1);
    let x: Vec<f64> = rows
        .clone()
        .flat_map(|row| &row[..WINDOW])
        .copied()
        .collect();
    let y: Vec<f64> = rows.map(|row| row[WINDOW]).collect();
    Ok(Dataset::new(x, WINDOW, y)?)
}
