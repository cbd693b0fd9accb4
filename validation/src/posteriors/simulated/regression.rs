//! Regressions: on raw columns, and with groups.

use bayes_nn::distributions::{Bernoulli, Distribution, HalfNormal, Normal};
use bayes_nn::model::{Data, from_fn};

use super::Simulation;
use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Columns as they come, of scales from 1e-3 to 1e5 and most of them far from zero: so far that
/// their coefficients and the intercept are all but one.
pub fn raw(_: &Folder, method: &Method) -> Result<Run, Error> {
    const ROWS: usize = 200;
    /// Mean, standard deviation and coefficient of each column.
    const COLUMNS: [(f64, f64, f64); 6] = [
        (4e-3, 1e-3, 900.0),
        (0.5, 0.2, -3.0),
        (30.0, 8.0, 0.05),
        (1990.0, 12.0, 0.04),
        (5e4, 1e4, 6e-5),
        (3e5, 1e5, -8e-6),
    ];
    let mut simulation = Simulation::new(107);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let common = simulation.normal(0.0, 1.0);
        let mut expected = -75.0;
        for (mean, sd, slope) in COLUMNS {
            let standard = 0.6 * common + 0.8 * simulation.normal(0.0, 1.0);
            let value = mean + sd * standard;
            expected += slope * value;
            x.push(value);
        }
        y.push(simulation.normal(expected, 1.5));
    }
    let data = Data::new()
        .matrix("x", &x, COLUMNS.len())?
        .column("y", &y)?;
    let widths: Vec<f64> = COLUMNS.iter().map(|(_, sd, _)| 10.0 / sd).collect();
    let model = from_fn(move |trace, data| {
        let widths = trace.graph().constant(&widths, [COLUMNS.len()]);
        let intercept = trace.sample("intercept", Normal::new(0.0, 1000.0));
        let slope = trace.sample("slope", Normal::new(0.0, widths));
        let sigma = trace.sample("sigma", HalfNormal::new(10.0));
        let mean = intercept + slope.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// Logistic regression with an intercept for each of fifty groups of twelve.
pub fn hierarchical_logistic(_: &Folder, method: &Method) -> Result<Run, Error> {
    const GROUPS: usize = 50;
    const ROWS: usize = 600;
    let mut simulation = Simulation::new(108);
    let effect = simulation.normals(GROUPS, -0.5, 0.8);
    let x = simulation.normals(2 * ROWS, 0.0, 1.0);
    let group: Vec<usize> = (0..ROWS).map(|row| row % GROUPS).collect();
    let y: Vec<f64> = (0..ROWS)
        .map(|row| {
            let logit = effect[group[row]] + 0.7 * x[2 * row] - 0.4 * x[2 * row + 1];
            simulation.bernoulli(logit)
        })
        .collect();
    let data = Data::new()
        .index("group", &group)?
        .matrix("x", &x, 2)?
        .column("y", &y)?;
    let model = from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 1.5));
        let scale = trace.sample("scale", HalfNormal::new(1.0));
        let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([GROUPS]));
        let effect = trace.deterministic("effect", mean + scale * standard);
        let slope = trace.sample("slope", Normal::new(0.0, 1.0).expand([2]));
        let logits = effect.gather(data.index("group"), 0) + slope.matmul(data.matrix("x"));
        trace.observe("y", Bernoulli::logits(logits), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}
