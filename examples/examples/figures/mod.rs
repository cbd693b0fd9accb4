//! What the reports of networks have in common: how a fit went and how far its spreads have moved.

use bayes_nn::AdviFit;
use bayes_nn::plots::{Lines, PlotError, Series};
use bayes_nn::report::Report;

/// Rows of a table at the most.
const ROWS: usize = 30;

/// A section on a fit: what it says of itself, its curves, and its spreads before and after.
pub fn fitted(report: Report, fit: &AdviFit) -> Result<Report, PlotError> {
    let elbos = fit.curve().elbos();
    let steps: Vec<f64> = (1..=elbos.len()).map(|step| step as f64).collect();
    let elbo = Lines::new()
        .title("The ELBO of every step")
        .x_label("step")
        .y_label("ELBO (nats of the full data)")
        .y_quantiles(0.02, 1.0)
        .series(Series::new("ELBO", &steps, elbos).smoothed(elbos.len() / 100))
        .to_svg()?;
    let mut report = report.section("The fit").code(&fit.to_string()).figure(
        &elbo,
        "How far the objective of the fit rose, and whether it still does.",
    );
    let scores = fit.curve().scores();
    if !scores.is_empty() {
        let steps: Vec<f64> = scores.iter().map(|scored| scored.step as f64).collect();
        let values = scores.iter().map(|scored| scored.score.log_likelihood);
        let values: Vec<f64> = values.collect();
        let picture = Lines::new()
            .title("Held-out rows")
            .x_label("step")
            .y_label("log likelihood (nats a row)")
            .series(Series::new("held-out rows", &steps, &values))
            .to_svg()?;
        report = report.figure(
            &picture,
            "How well rows that are not learned from are predicted.",
        );
    }
    let moved: Vec<[String; 2]> = (fit.sds_moved().iter().take(ROWS))
        .map(|(site, ratio)| [site.clone(), format!("{ratio:.2}")])
        .collect();
    Ok(match moved.is_empty() {
        true => report,
        false => report
            .text(
                "Standard deviations after the fit, as a multiple of those at its start: where all \
                 are near 1, the fit has learned means and no uncertainty.",
            )
            .table(&["parameter", "sds, times those at the start"], &moved),
    })
}
