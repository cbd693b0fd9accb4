//! What is written: the report and `summary.json`.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use bayes_nn::plots::{Lines, Series};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::{Representations, Similarity};
use serde::Serialize;

use crate::Arguments;

/// How many of the test images are right without a share of the units of a layer.
#[derive(Serialize)]
pub struct Dropped {
    pub layer: &'static str,
    pub share: f64,
    pub least_certain: f64,
    pub at_random: f64,
    pub most_certain: f64,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, random, most] = [self.least_certain, self.at_random, self.most_certain]
            .map(|accuracy| 100.0 * accuracy);
        write!(
            f,
            "{} without {:.0} % of its units: {least:.2} % right without the least certain, {random:.2} % without \
             some at random, {most:.2} % without the most certain",
            self.layer,
            100.0 * self.share
        )
    }
}

/// A layer, in the draws of the first fit and between fits.
#[derive(Serialize)]
struct Layer {
    name: String,
    units: usize,
    signal_to_noise: f64,
    units_above_1: f64,
    units_without_signal: f64,
    weights_median: f64,
    /// CKA, mean and standard deviation over pairs.
    between_draws: [f64; 2],
    between_fits: Vec<[f64; 2]>,
}

#[derive(Serialize)]
pub struct Summary<'a> {
    settings: &'a Arguments,
    seconds: f64,
    accuracy: f64,
    layers: Vec<Layer>,
    /// CKA of each layer of the first fit with each of the second.
    across: Vec<Vec<f64>>,
    dropped: Vec<Dropped>,
}

fn pair(similarity: Similarity) -> [f64; 2] {
    [similarity.mean, similarity.sd]
}

impl<'a> Summary<'a> {
    pub fn new(
        settings: &'a Arguments,
        found: &[Representations],
        accuracy: f64,
        dropped: Vec<Dropped>,
        took: Duration,
    ) -> Result<Summary<'a>, bayes_nn::Error> {
        let mut layers = Vec::new();
        let mut across = Vec::new();
        for layer in found[0].layers() {
            let share = |of: fn(f64) -> bool| {
                let units = layer.units().iter();
                let count = units.filter(|unit| of(unit.signal_to_noise())).count();
                count as f64 / layer.units().len() as f64
            };
            let mut between_fits = Vec::new();
            for other in &found[1..] {
                between_fits.push(pair(layer.similarity(other.layer(layer.name())?)?));
            }
            if let Some(other) = found.get(1) {
                let others = other.layers().iter();
                let row = others.map(|other| Ok(layer.similarity(other)?.mean));
                across.push(row.collect::<Result<Vec<f64>, bayes_nn::Error>>()?);
            }
            layers.push(Layer {
                name: layer.name().to_owned(),
                units: layer.units().len(),
                signal_to_noise: layer.signal_to_noise(),
                units_above_1: share(|ratio| ratio > 1.0),
                units_without_signal: share(|ratio| ratio == 0.0),
                weights_median: layer
                    .weights()
                    .first()
                    .map_or(0.0, |weights| weights.median()),
                between_draws: pair(layer.similarity_of_draws()?),
                between_fits,
            });
        }
        Ok(Summary {
            settings,
            seconds: took.as_secs_f64(),
            accuracy,
            layers,
            across,
            dropped,
        })
    }
}

/// Writes both into a folder.
pub fn write(
    out: &Path,
    summary: &Summary<'_>,
    fit: &Posterior<Bnn>,
    found: &Representations,
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let json = serde_json::to_string_pretty(summary)?;
    std::fs::write(out.join("summary.json"), json)?;
    let mut report = Report::new("What a network makes of digits, and how certain it is")
        .section("The fit")
        .code(&fit.to_string())
        .representations(found)?
        .section("Between draws and between fits");
    let rows = summary.layers.iter().map(|layer| {
        let show = |[mean, sd]: [f64; 2]| format!("{mean:.3} ± {sd:.3}");
        let fits = layer.between_fits.iter().map(|pair| show(*pair));
        let fits = fits.collect::<Vec<_>>().join(", ");
        [layer.name.clone(), show(layer.between_draws), fits]
    });
    let head = [
        "layer",
        "CKA of two draws",
        "CKA with fits from other starts",
    ];
    report = report.table(&head, &rows.collect::<Vec<_>>());
    if !summary.across.is_empty() {
        report = report.text(
            "Each layer of the first fit (rows) with each of the second (columns): what corresponds should be most \
             alike.",
        );
        let names = summary.layers.iter().map(|layer| layer.name.as_str());
        let head: Vec<&str> = [""].into_iter().chain(names).collect();
        let rows = summary
            .layers
            .iter()
            .zip(&summary.across)
            .map(|(layer, row)| {
                let numbers = row.iter().map(|cka| format!("{cka:.3}"));
                [layer.name.clone()]
                    .into_iter()
                    .chain(numbers)
                    .collect::<Vec<_>>()
            });
        report = report.table(&head, &rows.collect::<Vec<_>>());
    }
    report = report.section("Without some of the units").text(&format!(
        "All units: {:.2} % of the test images are right.",
        100.0 * summary.accuracy
    ));
    for layer in ["layer0", "layer1"] {
        let of = |accuracy: fn(&Dropped) -> f64| -> Vec<f64> {
            let own = summary
                .dropped
                .iter()
                .filter(|dropped| dropped.layer == layer);
            let drawn = own.map(|dropped| 100.0 * accuracy(dropped));
            [100.0 * summary.accuracy]
                .into_iter()
                .chain(drawn)
                .collect()
        };
        let own = summary
            .dropped
            .iter()
            .filter(|dropped| dropped.layer == layer);
        let shares = own.map(|dropped| 100.0 * dropped.share);
        let shares: Vec<f64> = [0.0].into_iter().chain(shares).collect();
        let least = of(|dropped| dropped.least_certain);
        let random = of(|dropped| dropped.at_random);
        let most = of(|dropped| dropped.most_certain);
        let picture = Lines::new()
            .title(format!("Without units of {layer}"))
            .x_label("% of its units dropped")
            .y_label("% of test images right")
            .series(Series::new("least certain first", &shares, &least))
            .series(Series::new("at random", &shares, &random))
            .series(Series::new("most certain first", &shares, &most))
            .to_svg()?;
        report = report.figure(
            &picture,
            "Certain is what has much signal to noise on images that were learned from.",
        );
    }
    report.write(out.join("report.html"))?;
    Ok(())
}
