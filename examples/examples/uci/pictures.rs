//! One split of a set as a section of the report.

use std::error::Error;

use bayes_nn::plots::{Agreement, Lines, Series};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;

/// The fit of a split, what it predicts of the rows left out, and how often its intervals hold.
pub fn split(
    mut report: Report,
    name: &str,
    fit: &Posterior<Bnn>,
    test: &Dataset,
    draws: usize,
) -> Result<Report, Box<dyn Error>> {
    let scale = test
        .target_standardization()
        .ok_or("targets are standardised")?;
    let y = scale.invert(test.y())?;
    report = report.fit(fit)?;
    let prediction = fit.predict(test, draws)?;
    let predicted = Agreement::new(&y, prediction.mean())
        .title(format!("{name}: the rows that split 0 leaves out"))
        .x_label("observed")
        .y_label("predicted mean")
        .to_svg()?;
    let levels: Vec<f64> = (1..20)
        .map(|twentieth| f64::from(twentieth) / 20.0)
        .collect();
    let mut found = Vec::new();
    for level in &levels {
        let score = fit.score(test, Predict::draws(draws).interval(*level))?;
        found.push(score.regression().ok_or("targets are numbers")?.coverage);
    }
    let coverage = Agreement::new(&levels, &found)
        .range(0.0, 1.0)
        .title(format!("{name}: reliability of intervals"))
        .x_label("probability of the interval")
        .y_label("share of rows inside")
        .to_svg()?;
    let mut rows: Vec<usize> = (0..test.rows()).collect();
    rows.sort_by(|a, b| prediction.mean()[*a].total_cmp(&prediction.mean()[*b]));
    let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|row| values[*row]).collect() };
    let rank: Vec<f64> = (0..rows.len()).map(|rank| rank as f64).collect();
    let root = |values: &[f64]| -> Vec<f64> { values.iter().map(|v| v.sqrt()).collect() };
    let uncertainty = Lines::new()
        .title(format!("{name}: what is not known"))
        .x_label("rows by their predicted mean")
        .y_label("standard deviation")
        .series(Series::new(
            "epistemic",
            &rank,
            &root(&of(prediction.epistemic())),
        ))
        .series(Series::new(
            "aleatoric",
            &rank,
            &root(&of(prediction.aleatoric())),
        ))
        .to_svg()?;
    Ok(report
        .section(format!("{name}: predictions"))
        .code(&prediction.score(&y)?.to_string())
        .figure(&predicted, "What was predicted against what was observed.")
        .figure(
            &coverage,
            "How often intervals hold, against how often they should.",
        )
        .figure(
            &uncertainty,
            "The part that more data would remove, and the noise.",
        ))
}
