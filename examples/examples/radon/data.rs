//! The houses: read from a file, or made by the model itself.

use std::path::Path;

use bayes_nn::distributions::{Distribution, Normal};
use bayes_nn::prelude::*;

/// Houses in counties.
pub struct Houses {
    /// Columns `floor` and `log_radon`, and the groups `county`.
    pub data: Data,
    /// The place of each house's county in the dimension `county`.
    pub county: Vec<usize>,
    pub floor: Vec<f64>,
    pub log_radon: Vec<f64>,
    /// Where they come from, for the reader.
    pub source: String,
}

impl Houses {
    fn new(county: &[String], floor: &[f64], log_radon: &[f64], source: String) -> Outcome {
        let data = Data::new()
            .groups("county", county)?
            .column("floor", floor)?
            .column("log_radon", log_radon)?;
        let places = data.dimension("county").ok_or("no counties")?;
        let place = |name: &String| places.position(name).unwrap_or_default();
        Ok(Houses {
            county: county.iter().map(place).collect(),
            data,
            floor: floor.to_vec(),
            log_radon: log_radon.to_vec(),
            source,
        })
    }

    /// Reads `county` (names), `floor` (0 or 1) and `log_radon`.
    pub fn read(file: &Path) -> Outcome {
        let columns = ["county", "floor", "log_radon"];
        let table = Table::read(file)?.drop_missing(columns)?;
        let names = table.categories("county")?;
        let county = table.numbers("county")?.iter();
        let county: Vec<String> = county.map(|place| names[*place as usize].clone()).collect();
        let source = format!("Read from {}.", file.display());
        let (floor, log_radon) = (table.numbers("floor")?, table.numbers("log_radon")?);
        Houses::new(&county, floor, log_radon, source)
    }

    /// How many counties there are.
    pub fn counties(&self) -> usize {
        self.data
            .dimension("county")
            .map_or(0, |county| county.len())
    }

    /// Houses of 85 counties, from one to a hundred in each, drawn from the model with its
    /// parameters near those found for the real ones.
    pub fn simulated(seed: u64) -> Outcome {
        const COUNTIES: usize = 85;
        let sizes = (0..COUNTIES).map(|c| 1 + (95.0 * (-(c as f64) / 9.0).exp()) as usize);
        let county: Vec<String> = sizes
            .enumerate()
            .flat_map(|(county, houses)| std::iter::repeat_n(format!("C{county:02}"), houses))
            .collect();
        let floor: Vec<f64> = (0..county.len()).map(|i| f64::from(i % 6 == 0)).collect();
        let truth = model::from_fn(|trace, data| {
            let a = trace.sample("a", Normal::new(1.5, 0.3).over("county"));
            let b = trace.sample("b", Normal::new(-0.7, 0.3).over("county"));
            let county = data.index("county");
            let mean = a.gather(county, 0) + b.gather(county, 0) * data.column("floor");
            trace.observe("y", Normal::new(mean, 0.7), data.column("y"));
        });
        let data = Data::new()
            .groups("county", &county)?
            .column("floor", &floor)?;
        let drawn = model::prior_predictive(&truth, &data, 1, seed)?;
        let source = "Made by the model itself, with the structure of the real set: 85 counties \
                      with 1 to 96 houses. With --csv FILE the real one is read: columns \
                      county (names), floor (0 basement, 1 first floor) and log_radon, as \
                      in the file radon.csv of PyMC's example data (919 houses in Minnesota)."
            .to_owned();
        Houses::new(&county, &floor, drawn.variable("y")?.values(), source)
    }

    /// Houses of each county.
    pub fn sizes(&self) -> Vec<f64> {
        let mut sizes = vec![0.0; self.counties()];
        self.county.iter().for_each(|&county| sizes[county] += 1.0);
        sizes
    }

    /// The mean log radon in the basements of each county, where there is any.
    pub fn basement_means(&self) -> Vec<Option<f64>> {
        let mut sums = vec![[0.0; 2]; self.counties()];
        let houses = self.county.iter().zip(&self.floor).zip(&self.log_radon);
        for ((&county, _), y) in houses.filter(|((_, floor), _)| **floor == 0.0) {
            sums[county] = [sums[county][0] + 1.0, sums[county][1] + y];
        }
        let mean = |[houses, sum]: [f64; 2]| (houses > 0.0).then_some(sum / houses);
        sums.into_iter().map(mean).collect()
    }
}

type Outcome = Result<Houses, Box<dyn std::error::Error>>;
