//! The sets with their standard splits, as files of numbers.

use std::error::Error;
use std::f64::consts::PI;
use std::fs;
use std::path::{Path, PathBuf};

use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A set: its table, and which rows each split trains on.
pub struct Set {
    /// Where its splits are; of a table that was drawn they are, too.
    folder: Option<PathBuf>,
    features: Vec<usize>,
    target: usize,
    table: Vec<Vec<f64>>,
}

impl Set {
    /// Reads `DIR/NAME/data/`.
    pub fn read(data: &Path, name: &str) -> Result<Set, Box<dyn Error>> {
        let folder = data.join(name).join("data");
        let text = read(&folder.join("data.txt"))?;
        let row = |line: &str| {
            line.split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
        };
        let table = text.lines().filter(|line| !line.trim().is_empty()).map(row);
        Ok(Set {
            features: indices(&folder.join("index_features.txt"))?,
            target: indices(&folder.join("index_target.txt"))?[0],
            table: table.collect::<Result<_, _>>()?,
            folder: Some(folder),
        })
    }

    /// So many rows of Friedman's first function of five inputs of ten, with noise of sd 1 (Friedman
    /// 1991, "Multivariate adaptive regression splines", equation 56).
    pub fn drawn(rows: usize) -> Set {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut uniform = || (random.next_u64() >> 11) as f64 / 2f64.powi(53);
        let table = (0..rows).map(|_| {
            let x: Vec<f64> = (0..10).map(|_| uniform()).collect();
            // Twelve uniform numbers are normal enough.
            let noise = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            let y = 10.0 * (PI * x[0] * x[1]).sin() + 20.0 * (x[2] - 0.5).powi(2);
            [x.clone(), vec![y + 10.0 * x[3] + 5.0 * x[4] + noise]].concat()
        });
        Set {
            folder: None,
            features: (0..10).collect(),
            target: 10,
            table: table.collect(),
        }
    }

    /// The rows to train on and those to test with, both standardised by the former.
    pub fn split(&self, split: usize) -> Result<(Dataset, Dataset), Box<dyn Error>> {
        let (train, test) = match &self.folder {
            Some(folder) => {
                let rows = |kind| indices(&folder.join(format!("index_{kind}_{split}.txt")));
                (self.rows(&rows("train")?)?, self.rows(&rows("test")?)?)
            }
            None => {
                let all: Vec<usize> = (0..self.table.len()).collect();
                self.rows(&all)?.split(0.9, split as u64)?
            }
        };
        let train = train.standardized().standardize_target();
        let (x, y) = (train.standardization(), train.target_standardization());
        let test = test.standardized_by(x.expect("it was standardised"))?;
        let test = test.standardize_target_by(y.expect("it was standardised"))?;
        Ok((train, test))
    }

    fn rows(&self, rows: &[usize]) -> Result<Dataset, Box<dyn Error>> {
        let x: Vec<f64> = rows
            .iter()
            .flat_map(|&row| self.features.iter().map(move |&f| self.table[row][f]))
            .collect();
        let y: Vec<f64> = rows
            .iter()
            .map(|&row| self.table[row][self.target])
            .collect();
        Ok(Dataset::new(&x, self.features.len(), &y)?)
    }
}

fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn indices(path: &Path) -> Result<Vec<usize>, Box<dyn Error>> {
    let text = read(path)?;
    let number = |word: &str| {
        let number: f64 = word.parse()?;
        Ok(number as usize)
    };
    text.split_whitespace().map(number).collect()
}
