//! What is written: the report, `summary.json`, and the tables of Friedman's function for other programs.

use std::error::Error;
use std::path::Path;

use bayes_nn::nn::Relevance;
use bayes_nn::plots::Intervals;
use bayes_nn::report::Report;
use serde::Serialize;

use crate::digits::Digits;
use crate::friedman::MATTER;

/// What a prior comes to on a table of Friedman's function.
#[derive(Serialize)]
pub struct Found {
    pub prior: &'static str,
    pub seed: u64,
    /// The area under the curve of which columns matter.
    pub area: f64,
    /// The root mean squared error on new rows, of which the noise is 1.
    pub rmse: f64,
    /// Columns in use, and how many of them matter.
    pub used: usize,
    pub right: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elbo: Option<f64>,
    pub seconds: f64,
    #[serde(skip)]
    pub columns: Vec<Relevance>,
}

#[derive(Serialize)]
pub struct Summary {
    pub friedman: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<Digits>,
}

/// Writes both into a folder.
pub fn write(out: &Path, summary: &Summary) -> Result<(), Box<dyn Error>> {
    let rows = summary.friedman.iter().map(|found| {
        [
            found.prior.to_owned(),
            found.seed.to_string(),
            format!("{:.3}", found.area),
            format!("{} of {}", found.right, found.used),
            format!("{:.2}", found.rmse),
            found
                .elbo
                .map_or(String::new(), |elbo| format!("{elbo:.1}")),
            format!("{:.0}", found.seconds),
        ]
    });
    let headers = [
        "prior",
        "seed",
        "area under the curve",
        "in use that matter",
        "RMSE",
        "ELBO (nats)",
        "seconds",
    ];
    let mut page = Report::new("Sparse networks")
        .section("Which of 100 columns matter")
        .text("Friedman's first function of columns 1 to 5 and of 6 to 10; 200 rows, noise of standard deviation 1.")
        .table(&headers, &rows.collect::<Vec<_>>());
    let mut shown: Vec<&str> = Vec::new();
    for found in &summary.friedman {
        if !shown.contains(&found.prior) {
            shown.push(found.prior);
            let caption = format!(
                "{}: the size of the weights of each column, 90 % intervals.",
                found.prior
            );
            page = page.figure(&sizes(&found.columns)?, &caption);
        }
    }
    if let Some(digits) = &summary.digits {
        page = of_digits(page, digits);
    }
    page.write(out.join("report.html"))?;
    let summary = serde_json::to_string_pretty(summary)?;
    Ok(std::fs::write(out.join("summary.json"), summary)?)
}

/// The sizes of columns, of those that matter apart.
fn sizes(columns: &[Relevance]) -> Result<String, Box<dyn Error>> {
    let series = |plot: Intervals, name: &str, from: usize, to: usize| {
        let part = &columns[from..to];
        let x: Vec<f64> = (from..to).map(|column| (column + 1) as f64).collect();
        let of = |value: fn(&Relevance) -> f64| part.iter().map(value).collect::<Vec<f64>>();
        let (low, high) = (of(|r| r.interval[0]), of(|r| r.interval[1]));
        plot.series(name, &x, &of(|r| r.size), &low, &high)
    };
    let plot = Intervals::new().x_label("column").y_label("size");
    let plot = series(plot, "matter", 0, MATTER);
    Ok(series(plot, "do not", MATTER, columns.len()).to_svg()?)
}

fn of_digits(page: Report, digits: &Digits) -> Report {
    let rows = digits.rows.iter().map(|row| {
        [
            row.network.clone(),
            row.weights.to_string(),
            format!("{:.2} %", 100.0 * row.error),
            format!("{:.4}", row.nll),
            format!("{:.2}", row.predict_seconds),
        ]
    });
    let held_out = digits.held_out.iter();
    let held_out =
        held_out.map(|(fold, error)| [format!("{fold}"), format!("{:.2} %", 100.0 * error)]);
    page.section("Handwritten digits, 784-300-100-10")
        .table(
            &[
                "network",
                "weights that are not 0",
                "test error",
                "log loss",
                "seconds to predict",
            ],
            &rows.collect::<Vec<_>>(),
        )
        .table(
            &["times fewer weights", "error on held-out digits"],
            &held_out.collect::<Vec<_>>(),
        )
}
