//! Images of digits, and some of them.

use std::error::Error;
use std::path::Path;

use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

#[path = "../mnist/files.rs"]
mod files;
#[path = "../mnist/glyphs.rs"]
mod glyphs;

/// Images to learn from and others, and how long fits of them run.
pub struct Digits {
    pub train: Dataset,
    pub test: Dataset,
    /// Steps of a fit of many images, of one of few, and of one of a pair.
    pub steps: u64,
    pub few_steps: u64,
    pub task_steps: u64,
    pub seeds: u64,
}

impl Digits {
    pub fn read(folder: &Path) -> Result<Digits, Box<dyn Error>> {
        Ok(Digits {
            train: files::read(folder, "train")?,
            test: files::read(folder, "t10k")?,
            steps: 4_000,
            few_steps: 2_000,
            task_steps: 2_000,
            seeds: 5,
        })
    }

    pub fn drawn() -> Result<Digits, Box<dyn Error>> {
        Ok(Digits {
            train: glyphs::drawn(6_000, 1)?,
            test: glyphs::drawn(1_000, 2)?,
            steps: 1_500,
            few_steps: 1_000,
            task_steps: 1_000,
            seeds: 1,
        })
    }
}

/// The images of these digits, whose classes are their places among them.
pub fn of_digits(data: &Dataset, digits: &[u8]) -> Result<Dataset, Box<dyn Error>> {
    let place = |label: f64| digits.iter().position(|digit| f64::from(*digit) == label);
    let rows: Vec<usize> = (0..data.rows())
        .filter(|row| place(data.y()[*row]).is_some())
        .collect();
    let labels: Vec<u8> = rows
        .iter()
        .filter_map(|row| place(data.y()[*row]))
        .map(|place| place as u8)
        .collect();
    let images = data.select(&rows)?;
    let pixels: Vec<u8> = images.x().iter().map(|pixel| *pixel as u8).collect();
    Ok(Dataset::new(pixels, data.features(), labels)?)
}

/// So many images of each class, drawn by a seed, and the first 5,000 of the others.
pub fn few(data: &Dataset, each: usize, seed: u64) -> Result<(Dataset, Dataset), Box<dyn Error>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut rows: Vec<usize> = (0..data.rows()).collect();
    for last in (1..rows.len()).rev() {
        rows.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
    }
    let mut counts = [0; 10];
    let (mut chosen, mut others) = (Vec::new(), Vec::new());
    for row in rows {
        let count = &mut counts[data.y()[row] as usize];
        *count += 1;
        match *count <= each {
            true => chosen.push(row),
            false => others.push(row),
        }
    }
    others.truncate(5_000);
    Ok((data.select(&chosen)?, data.select(&others)?))
}
