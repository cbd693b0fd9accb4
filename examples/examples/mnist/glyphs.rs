//! Digits drawn by strokes, shifted, slanted and of changing weight: data for where there are none.

use std::error::Error;

use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const SIDE: usize = 28;

/// The strokes of each digit, as points of a line in a square from 0 to 1, the first axis down.
const STROKES: [&[&[[f64; 2]]]; 10] = [
    &[&[
        [0.0, 0.5],
        [0.2, 0.9],
        [0.8, 0.9],
        [1.0, 0.5],
        [0.8, 0.1],
        [0.2, 0.1],
        [0.0, 0.5],
    ]],
    &[&[[0.2, 0.3], [0.0, 0.5], [1.0, 0.5]]],
    &[&[
        [0.2, 0.1],
        [0.0, 0.5],
        [0.2, 0.9],
        [0.5, 0.7],
        [1.0, 0.1],
        [1.0, 0.9],
    ]],
    &[&[
        [0.0, 0.1],
        [0.0, 0.8],
        [0.4, 0.4],
        [0.6, 0.9],
        [0.9, 0.8],
        [1.0, 0.1],
    ]],
    &[
        &[[0.0, 0.6], [0.6, 0.1], [0.6, 0.9]],
        &[[0.3, 0.7], [1.0, 0.7]],
    ],
    &[&[
        [0.0, 0.9],
        [0.0, 0.2],
        [0.4, 0.2],
        [0.5, 0.8],
        [0.9, 0.8],
        [1.0, 0.1],
    ]],
    &[&[
        [0.0, 0.7],
        [0.5, 0.1],
        [0.9, 0.2],
        [1.0, 0.6],
        [0.7, 0.9],
        [0.5, 0.2],
    ]],
    &[&[[0.0, 0.1], [0.0, 0.9], [1.0, 0.4]]],
    &[&[
        [0.5, 0.5],
        [0.2, 0.1],
        [0.0, 0.5],
        [0.2, 0.9],
        [0.5, 0.5],
        [0.8, 0.1],
        [1.0, 0.5],
        [0.8, 0.9],
        [0.5, 0.5],
    ]],
    &[&[
        [0.5, 0.8],
        [0.4, 0.1],
        [0.1, 0.2],
        [0.0, 0.6],
        [0.4, 0.9],
        [1.0, 0.6],
    ]],
];

/// So many images of 28 by 28 bytes, with their digits.
pub fn drawn(rows: usize, seed: u64) -> Result<Dataset, Box<dyn Error>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut pixels = Vec::with_capacity(rows * SIDE * SIDE);
    let mut labels = Vec::with_capacity(rows);
    for row in 0..rows {
        let digit = row % 10;
        labels.push(digit as u8);
        image(digit, &mut random, &mut pixels);
    }
    Ok(Dataset::new(pixels, SIDE * SIDE, labels)?)
}

fn image(digit: usize, random: &mut Xoshiro256PlusPlus, pixels: &mut Vec<u8>) {
    let mut uniform = |low: f64, high: f64| {
        let unit = (random.next_u64() >> 11) as f64 / 2f64.powi(53);
        low + (high - low) * unit
    };
    let (down, right) = (uniform(-3.0, 3.0), uniform(-3.0, 3.0));
    let (height, width) = (uniform(14.0, 20.0), uniform(10.0, 17.0));
    let (slant, weight) = (uniform(-0.3, 0.3), uniform(1.0, 2.0));
    let mut place = |[y, x]: [f64; 2]| {
        let y = y - 0.5 + uniform(-0.06, 0.06);
        let x = x - 0.5 + uniform(-0.06, 0.06);
        [
            14.0 + down + height * y,
            14.0 + right + width * (x - slant * y),
        ]
    };
    let lines: Vec<[[f64; 2]; 2]> = STROKES[digit]
        .iter()
        .flat_map(|stroke| {
            let points: Vec<[f64; 2]> = stroke.iter().map(|point| place(*point)).collect();
            points
                .windows(2)
                .map(|ends| [ends[0], ends[1]])
                .collect::<Vec<_>>()
        })
        .collect();
    for pixel in 0..SIDE * SIDE {
        let centre = [(pixel / SIDE) as f64 + 0.5, (pixel % SIDE) as f64 + 0.5];
        let near = lines.iter().map(|line| distance(centre, *line));
        let ink = weight + 0.5 - near.fold(f64::INFINITY, f64::min);
        pixels.push((255.0 * ink.clamp(0.0, 1.0)) as u8);
    }
}

/// How far a point is from a piece of a line.
fn distance(point: [f64; 2], [a, b]: [[f64; 2]; 2]) -> f64 {
    let (along, to) = (
        [b[0] - a[0], b[1] - a[1]],
        [point[0] - a[0], point[1] - a[1]],
    );
    let length = along[0] * along[0] + along[1] * along[1];
    let part = ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0);
    (to[0] - part * along[0]).hypot(to[1] - part * along[1])
}
