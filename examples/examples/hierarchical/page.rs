//! What is written: the report and `summary.json`.

use std::error::Error;
use std::path::Path;

use bayes_nn::plots::{ColorMap, Surface};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use serde::Serialize;

use crate::groups::Points;

/// What a fit comes to on points that it has not seen.
#[derive(Serialize)]
pub struct Row {
    pub fit: String,
    pub accuracy: f64,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elbo: Option<f64>,
}

#[derive(Serialize)]
pub struct Summary {
    pub seed: u64,
    pub rows: Vec<Row>,
    /// By how much groups differ, layer by layer.
    pub scales: Vec<(String, f64)>,
    /// Of groups that were left out: the name, accuracy by partial pooling and by ten rows alone.
    pub left_out: Vec<(String, f64, f64)>,
}

/// Writes both into a folder. The fits are a network for each group and networks around a shared one.
pub fn write(
    out: &Path,
    summary: &Summary,
    train: &Points,
    fits: [&Posterior<Bnn>; 2],
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    report(summary, train, fits)?.write(out.join("report.html"))?;
    let summary = serde_json::to_string_pretty(summary)?;
    Ok(std::fs::write(out.join("summary.json"), summary)?)
}

fn report(
    summary: &Summary,
    train: &Points,
    fits: [&Posterior<Bnn>; 2],
) -> Result<Report, Box<dyn Error>> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let rows = summary.rows.iter().map(|row| {
        let elbo = row.elbo.map_or(String::new(), |elbo| format!("{elbo:.1}"));
        [
            row.fit.clone(),
            percent(row.accuracy),
            elbo,
            format!("{:.0}", row.seconds),
        ]
    });
    let scales = summary.scales.iter();
    let scales = scales.map(|(name, mean)| [name.clone(), format!("{mean:.2}")]);
    let left = summary.left_out.iter();
    let left = left.map(|(name, own, alone)| [name.clone(), percent(*own), percent(*alone)]);
    let mut page = Report::new("Hierarchical networks")
        .section("Points that no fit has seen")
        .table(
            &["fit", "right", "ELBO (nats)", "seconds"],
            &rows.collect::<Vec<_>>(),
        )
        .section("Which layers differ by group")
        .table(&["scale", "mean"], &scales.collect::<Vec<_>>())
        .section("A group of which ten rows are known")
        .table(
            &["group", "with the others", "alone"],
            &left.collect::<Vec<_>>(),
        )
        .section("The classes of some groups");
    for name in train.names().iter().take(4) {
        let svg = group(train, name, fits)?;
        page = page.figure(&svg, &format!("Group {name}: the probability of class 1."));
    }
    Ok(page.fit(fits[1])?)
}

/// Points of the grid along an axis.
const GRID: usize = 60;
const DRAWS: usize = 200;

/// The probability of class 1 over the plane in a group, by a network of its own and by one around a
/// shared one.
fn group(train: &Points, name: &str, fits: [&Posterior<Bnn>; 2]) -> Result<String, Box<dyn Error>> {
    let axis: Vec<f64> = (0..GRID)
        .map(|i| 6.0 * i as f64 / (GRID - 1) as f64 - 3.0)
        .collect();
    let x: Vec<f64> = axis
        .iter()
        .flat_map(|x2| axis.iter().flat_map(|x1| [*x1, *x2]))
        .collect();
    let words = vec![name; GRID * GRID];
    let grid = Data::new().matrix("x", &x, 2)?.groups("group", &words)?;
    let [own, shared] =
        fits.map(|fit| Ok::<_, bayes_nn::Error>(fit.predict(&grid, DRAWS)?.mean().to_vec()));
    let (own, shared) = (own?, shared?);
    let points = train.of(|group| if group == name { usize::MAX } else { 0 });
    let surface = Surface::new(&axis, &axis, &own)
        .name("by its own rows")
        .beside("around a shared network", &shared)
        .points(&points.x, &points.y)
        .class_names(["class 0", "class 1"])
        .colors(ColorMap::Diverging)
        .range(0.0, 1.0)
        .contour(0.5)
        .value_label("probability")
        .x_label("x1")
        .y_label("x2");
    Ok(surface.to_svg()?)
}
