//! Who pays back a loan: logistic regression on the German credit data.

use bayes_nn::distributions::{Bernoulli, Distribution, Normal};
use bayes_nn::model::{Data, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Features standardised, a column of ones last.
pub fn logistic_regression(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let (table, columns) = folder.numbers("inference_gym/data/german.data-numeric")?;
    let rows: Vec<&[f64]> = table.chunks(columns).collect();
    let features = columns - 1;
    let moments: Vec<(f64, f64)> = (0..features)
        .map(|feature| {
            let mean = |f: &dyn Fn(f64) -> f64| {
                rows.iter().map(|row| f(row[feature])).sum::<f64>() / rows.len() as f64
            };
            let center = mean(&|x| x);
            (center, mean(&|x| (x - center) * (x - center)).sqrt())
        })
        .collect();
    let standardized = |row: &&[f64]| -> Vec<f64> {
        let scaled = row
            .iter()
            .zip(&moments)
            .map(|(x, (mean, sd))| (x - mean) / sd);
        scaled.chain([1.0]).collect()
    };
    let x: Vec<f64> = rows.iter().flat_map(standardized).collect();
    // The last column is 1 for a good customer, 2 for a bad one.
    let label: Vec<f64> = rows.iter().map(|row| row[features] - 1.0).collect();

    let data = Data::new()
        .matrix("x", &x, columns)?
        .column("label", &label)?;
    let model = from_fn(move |trace, data| {
        let weights = trace.sample("weights", Normal::new(0.0, 1.0).expand([columns]));
        let logits = weights.matmul(data.matrix("x"));
        trace.observe("label", Bernoulli::logits(logits), data.column("label"));
    });
    Ok(Run::of(&model, data, method)?)
}
