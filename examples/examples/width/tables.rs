//! The tables: a curve, two moons and, from files, yachts.

use std::error::Error;
use std::fs;
use std::path::Path;

use bayes_nn::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Rows to learn from and others.
pub struct Split {
    pub name: &'static str,
    pub train: Dataset,
    pub test: Dataset,
}

/// A curve in one column with a gap, `y = x^3 / 10` and noise of standard deviation 0.3, as in
/// Hernández-Lobato and Adams 2015, figure 1, scaled.
pub fn curve(seed: u64) -> Result<Split, Box<dyn Error>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || ((random.next_u64() >> 11) as f64 + 0.5) / 2f64.powi(53);
    let mut rows = |count: usize| -> Result<Dataset, Box<dyn Error>> {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let side = if uniform() < 0.5 { -1.0 } else { 1.0 };
            let place = side * (1.0 + 3.0 * uniform());
            // Twelve uniform numbers are normal enough.
            let noise = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            x.push(place);
            y.push(place.powi(3) / 10.0 + 0.3 * noise);
        }
        Ok(Dataset::new(&x, 1, &y)?)
    };
    split("curve", rows(40)?, rows(400)?)
}

/// Two moons of the noise 0.3.
pub fn moons(seed: u64) -> Result<Split, Box<dyn Error>> {
    let train = datasets::moons(200, 0.3, seed)?.standardized();
    let test = datasets::moons(1_000, 0.3, seed + 1_000)?;
    let constants = train.standardization().ok_or("it was standardised")?;
    let test = test.standardized_by(constants)?;
    Ok(Split {
        name: "moons",
        train,
        test,
    })
}

/// A split of the yachts, in `DIR/yacht/data`.
pub fn yacht(data: &Path, number: usize) -> Result<Split, Box<dyn Error>> {
    let folder = data.join("yacht").join("data");
    let numbers = |name: &str| -> Result<Vec<f64>, Box<dyn Error>> {
        let text = fs::read_to_string(folder.join(name))?;
        let numbers = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(numbers)
    };
    let table = numbers("data.txt")?;
    let rows = |kind: &str| -> Result<Dataset, Box<dyn Error>> {
        let (mut x, mut y) = (Vec::<f64>::new(), Vec::<f64>::new());
        for row in numbers(&format!("index_{kind}_{number}.txt"))? {
            let row = &table[7 * row as usize..][..7];
            x.extend(&row[..6]);
            y.push(row[6]);
        }
        Ok(Dataset::new(&x, 6, &y)?)
    };
    split("yacht", rows("train")?, rows("test")?)
}

/// Both standardised by the rows to learn from.
fn split(name: &'static str, train: Dataset, test: Dataset) -> Result<Split, Box<dyn Error>> {
    let train = train.standardized().standardize_target();
    let (x, y) = (train.standardization(), train.target_standardization());
    let test = test.standardized_by(x.ok_or("it was standardised")?)?;
    let test = test.standardize_target_by(y.ok_or("it was standardised")?)?;
    Ok(Split { name, train, test })
}
