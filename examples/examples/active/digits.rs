//! Images of digits, and which of them are labelled at first.

use std::error::Error;
use std::path::Path;

use crate::{files, glyphs};
use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Images to learn from, and images to test with.
pub struct Digits {
    pub train: Dataset,
    pub test: Dataset,
    /// How many times each image to learn from is there, one after the other.
    copies: usize,
}

impl Digits {
    /// Those of MNIST, in the folder of its four IDX files.
    pub fn read(folder: &Path) -> Result<Digits, Box<dyn Error>> {
        Ok(Digits {
            train: files::read(folder, "train")?,
            test: files::read(folder, "t10k")?,
            copies: 1,
        })
    }

    /// Those that the program draws.
    pub fn drawn() -> Result<Digits, Box<dyn Error>> {
        Ok(Digits {
            train: glyphs::drawn(3_000, 1)?,
            test: glyphs::drawn(1_000, 2)?,
            copies: 1,
        })
    }

    /// With every image to learn from twice.
    pub fn twice(self) -> Result<Digits, Box<dyn Error>> {
        let twice: Vec<usize> = (0..2 * self.train.rows()).map(|row| row / 2).collect();
        Ok(Digits {
            train: self.train.select(&twice)?,
            copies: 2,
            ..self
        })
    }

    /// Images without a label in random order, with their copies beside them.
    pub fn open<'a>(&self, known: &'a [usize], seed: u64) -> impl Iterator<Item = usize> + use<'a> {
        let copies = self.copies;
        let of = move |image: usize| (copies * image)..(copies * (image + 1));
        let is_open = |row: &usize| !known.contains(row);
        let images = 0..self.train.rows() / copies;
        let images = images.filter(|image| of(*image).any(|row| is_open(&row)));
        let images = shuffled(images.collect(), seed);
        images.into_iter().flat_map(of).filter(is_open)
    }
}

/// Row numbers in random order.
pub fn shuffled(mut rows: Vec<usize>, seed: u64) -> Vec<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for last in (1..rows.len()).rev() {
        rows.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
    }
    rows
}

/// Two images of each digit, at random.
pub fn two_of_each(digits: &Dataset, seed: u64) -> Vec<usize> {
    let rows = shuffled((0..digits.rows()).collect(), seed);
    let of = |digit: u8| {
        let mut own = rows
            .iter()
            .filter(move |row| digits.y()[**row] == f64::from(digit));
        [own.next(), own.next()]
    };
    (0..10).flat_map(of).flatten().copied().collect()
}
