//! The sets with their standard splits, as files of numbers.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use bayes_nn::prelude::*;

/// A set: its table, and which rows each split trains on.
pub struct Set {
    folder: PathBuf,
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
            folder,
        })
    }

    /// The rows to train on and those to test with, both standardised by the former.
    pub fn split(&self, split: usize) -> Result<(Dataset, Dataset), Box<dyn Error>> {
        let rows = |kind| indices(&self.folder.join(format!("index_{kind}_{split}.txt")));
        let train = self
            .rows(&rows("train")?)?
            .standardized()
            .standardize_target();
        let test = self.rows(&rows("test")?)?;
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
