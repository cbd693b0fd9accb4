//! What is written: the report and `summary.json`.

use std::error::Error;
use std::fmt;
use std::path::Path;

use bayes_nn::plots::Regression;
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use serde::Serialize;

use crate::tables::Split;

/// What a network of a width comes to.
#[derive(Serialize)]
pub struct Row {
    pub table: &'static str,
    pub prior: &'static str,
    pub width: usize,
    /// Units in use.
    pub used: usize,
    /// Nats a row, on rows that no fit has seen: of the whole network, and of the units in use.
    pub log_score: f64,
    pub log_score_of_used: f64,
    /// What more data would say of them, on average: the variance of means, or nats of classes.
    pub epistemic: f64,
    pub seconds: f64,
}

/// What a search over widths comes to.
#[derive(Serialize)]
pub struct Searched {
    pub table: &'static str,
    pub width: usize,
    pub log_score: f64,
    pub seconds: f64,
}

#[derive(Default, Serialize)]
pub struct Summary {
    pub rows: Vec<Row>,
    pub searched: Vec<Searched>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            table,
            prior,
            width,
            used,
            ..
        } = self;
        let [score, small, epistemic, seconds] = [
            self.log_score,
            self.log_score_of_used,
            self.epistemic,
            self.seconds,
        ];
        write!(
            f,
            "{table}, {prior}: {used} of {width} units, log score {score:.3}, without the others \
             {small:.3}, epistemic {epistemic:.3}, {seconds:.1} s"
        )
    }
}

impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Searched {
            table,
            width,
            log_score,
            seconds,
        } = self;
        write!(
            f,
            "{table}, search: {width} units, log score {log_score:.3}, {seconds:.1} s"
        )
    }
}

/// Writes both into a folder, with pictures of the curve by these fits.
pub fn write(
    out: &Path,
    summary: &Summary,
    curve: &Split,
    fits: &[(String, Posterior<Bnn>)],
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let rows = summary.rows.iter().map(|row| {
        [
            row.table.to_owned(),
            row.prior.to_owned(),
            row.width.to_string(),
            row.used.to_string(),
            format!("{:.3}", row.log_score),
            format!("{:.3}", row.log_score_of_used),
            format!("{:.3}", row.epistemic),
            format!("{:.1}", row.seconds),
        ]
    });
    let headers = [
        "table",
        "prior",
        "units",
        "in use",
        "log score (nats a row)",
        "of those in use",
        "epistemic (variance, or nats)",
        "seconds",
    ];
    let searched = summary.searched.iter().map(|searched| {
        [
            searched.table.to_owned(),
            searched.width.to_string(),
            format!("{:.3}", searched.log_score),
            format!("{:.1}", searched.seconds),
        ]
    });
    let mut page = Report::new("Widths that are learned")
        .section("Units that are given, and units in use")
        .table(&headers, &rows.collect::<Vec<_>>())
        .section("A search over widths")
        .table(
            &["table", "units", "log score (nats a row)", "seconds"],
            &searched.collect::<Vec<_>>(),
        )
        .section("The curve");
    let constants = curve.train.standardization().ok_or("it was standardised")?;
    let of_target = curve
        .train
        .target_standardization()
        .ok_or("it was standardised")?;
    let seen = (0..curve.train.rows()).map(|row| curve.train.row(row)[0]);
    let seen = constants.invert(&seen.collect::<Vec<f64>>())?;
    let y = of_target.invert(curve.train.y())?;
    let places: Vec<f64> = (0..121).map(|i| f64::from(i) / 10.0 - 6.0).collect();
    let rows = Dataset::new(&places, 1, &places)?.standardized_by(constants)?;
    for (name, fit) in fits {
        let prediction = fit.predict(&rows, 500)?;
        let picture = Regression::new(&seen, &y).prediction(&places, &prediction);
        page = page.figure(&picture.to_svg()?, name);
    }
    page.write(out.join("report.html"))?;
    let summary = serde_json::to_string_pretty(summary)?;
    Ok(std::fs::write(out.join("summary.json"), summary)?)
}
