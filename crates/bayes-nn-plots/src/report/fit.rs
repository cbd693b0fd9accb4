//! What a page says of a fit: how it went, whether to trust it, what it found, how it predicts.

use std::path::Path;

use bayes_nn_inference::diagnostics::{Summary, SummaryRow};
use bayes_nn_inference::{AdviFit, DrawSource, Site};
use bayes_nn_models::model::{Draws, Variable};
use bayes_nn_models::{Model, Posterior};

use super::{Report, ReportError};
use crate::plots::{Densities, Lines, Series};

/// Scalars of which every one is summarised; of more each variable as a whole.
const SUMMARIZED: usize = 2_000;
/// Rows of a table at the most.
const ROWS: usize = 60;
/// Scalars whose densities are drawn.
const DENSITIES: usize = 40;
/// Draws of a guide behind its pictures and numbers.
pub(super) const DRAWS: usize = 1_000;

/// A page on a fit in one line.
pub trait WriteReport {
    /// Writes a page of HTML with what the fit says of itself, its warnings, its curves or traces, and the
    /// posterior of its variables, replacing what is there: [`Report::fit`].
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let coin = model::from_fn(|trace, data| {
    ///     let p = trace.sample("p", Uniform::new(0.0, 1.0));
    ///     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
    /// });
    /// let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0])?;
    /// let fit = model::fit(&coin, &data, &Nuts::new().chains(2).seed(1))?;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-coin-{}.html", std::process::id()));
    /// fit.report(&path)?;
    /// assert!(std::fs::read_to_string(&path)?.contains("R-hat"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Report::fit`] and [`Report::write`].
    fn report(&self, path: impl AsRef<Path>) -> Result<(), ReportError>;
}

impl<M: Model> WriteReport for Posterior<M> {
    fn report(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        Report::new("A fit").fit(self)?.write(path)
    }
}

impl Report {
    /// Adds what a fit says of itself and what it found: of a variational fit the ELBO of every step, scores
    /// of held-out rows, how far spreads have moved and densities; of chains intervals with R-hat, pairs with
    /// divergences, traces, ranks and energies; of both means, intervals and diagnostics, the prior beside the
    /// posterior, of a network how certain its layers are ([`Report::representations`]), and where the data of the fit are in memory, what was observed beside what the posterior
    /// draws in its place. Of more than 2,000 scalars each variable is summed up in one row.
    ///
    /// # Errors
    /// Draws that are not finite; a picture that cannot be drawn.
    pub fn fit<M: Model>(self, fit: &Posterior<M>) -> Result<Report, ReportError> {
        let mut report = self.section("The fit").code(&fit.to_string());
        if let Some(encoding) = fit.encoding() {
            report = report.section("The data").code(&encoding.to_string());
        }
        if let Some(advi) = fit.advi() {
            report = report.section("How it went").curves(advi)?;
        }
        report = report.section("The posterior");
        let scalars: usize = fit.sites().iter().map(|site| site.shape.elements()).sum();
        if scalars > SUMMARIZED {
            return report.sites(fit).layers(fit)?.checks(fit);
        }
        // A run that was stopped in its warm-up has no draws.
        if fit.table().is_some_and(|table| table.draws() == 0) {
            return Ok(report.text("There are no draws."));
        }
        let summary = fit.summary()?;
        report = report.summary(&summary, fit.source());
        report = match fit.source() {
            DrawSource::Guide(_) => report.densities(fit.sites(), &fit.draws(DRAWS, 0)?)?,
            DrawSource::Table(_) => report.chains(fit, &summary)?,
        };
        report.prior(fit)?.layers(fit)?.checks(fit)
    }

    /// The curves of a variational fit.
    fn curves(self, fit: &AdviFit) -> Result<Report, ReportError> {
        let elbos = fit.curve().elbos();
        let mut report = self;
        if !elbos.is_empty() {
            let steps: Vec<f64> = (1..=elbos.len()).map(|step| step as f64).collect();
            let picture = Lines::new()
                .title("The ELBO of every step")
                .x_label("step")
                .y_label("ELBO (nats of the full data)")
                .y_quantiles(0.02, 1.0)
                .series(Series::new("ELBO", &steps, elbos).smoothed(elbos.len() / 100))
                .to_svg()?;
            let caption = "How far the objective of the fit rose, and whether it still does.";
            report = report.figure(&picture, caption);
        }
        let scores = fit.curve().scores();
        if !scores.is_empty() {
            let steps: Vec<f64> = scores.iter().map(|scored| scored.step as f64).collect();
            let values = scores.iter().map(|scored| scored.score.log_likelihood);
            let picture = Lines::new()
                .title("Held-out rows")
                .x_label("step")
                .y_label("log likelihood (nats a row)")
                .series(Series::new(
                    "held-out rows",
                    &steps,
                    &values.collect::<Vec<_>>(),
                ))
                .to_svg()?;
            let caption = "How well rows that are not learned from are predicted.";
            report = report.figure(&picture, caption);
        }
        let moved = fit.sds_moved().iter().take(ROWS);
        let moved: Vec<[String; 2]> = moved
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

    /// Every variable in one row.
    fn sites<M>(self, fit: &Posterior<M>) -> Report {
        let rows: Vec<[String; 3]> = fit
            .sites()
            .iter()
            .map(|site| {
                let elements = site.shape.elements().to_string();
                [site.name.clone(), site.shape.to_string(), elements]
            })
            .collect();
        self.table(&["variable", "shape", "elements"], &rows)
    }

    /// Means, intervals and diagnostics; where there are too many, those whose R-hat is largest.
    fn summary(self, summary: &Summary, source: &DrawSource) -> Report {
        let mut rows: Vec<_> = summary.rows.iter().collect();
        let of_chains = matches!(source, DrawSource::Table(_));
        let all = rows.len();
        if of_chains && all > ROWS {
            let r_hat = |row: &&SummaryRow| row.r_hat.unwrap_or(0.0);
            rows.sort_by(|a, b| r_hat(b).total_cmp(&r_hat(a)));
        }
        rows.truncate(ROWS);
        let number = |value: Option<f64>, digits: usize| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        let significant = |value: Option<f64>| value.map_or(String::new(), significant);
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let mut cells = vec![row.name.clone(), significant(row.mean), significant(row.sd)];
                cells.extend([0, 1].map(|end| significant(row.hdi.map(|hdi| hdi[end]))));
                if of_chains {
                    cells.extend([row.ess_bulk, row.ess_tail].map(|ess| number(ess, 0)));
                    cells.push(number(row.r_hat, 3));
                }
                cells
            })
            .collect();
        let percent = 100.0 * summary.hdi_probability;
        let [lower, upper] = ["from", "to"].map(|end| format!("{percent:.0} % {end}"));
        let mut headers = vec!["", "mean", "sd", &lower, &upper];
        if of_chains {
            headers.extend(["ESS, bulk", "ESS, tails", "R-hat"]);
        }
        let report = match all <= ROWS {
            true => self,
            false if of_chains => self.text(&format!(
                "The {ROWS} of {all} scalars whose R-hat is largest."
            )),
            false => self.text(&format!("The first {ROWS} of {all} scalars.")),
        };
        report.table(&headers, &cells)
    }

    /// Densities of the first scalars of draws.
    fn densities(self, sites: &[Site], draws: &Draws) -> Result<Report, ReportError> {
        let scalars = scalars(sites, draws);
        let mut picture = Densities::new().title("Densities").x_label("value");
        for Scalar {
            name,
            values,
            bounds,
        } in scalars.iter().take(DENSITIES)
        {
            picture = picture.draws(name, values).within(*bounds);
        }
        let caption = match scalars.len() {
            0 => return Ok(self),
            n if n > DENSITIES => format!("The first {DENSITIES} of {n} scalars."),
            _ => "What is known of each scalar after the data.".to_owned(),
        };
        Ok(self.figure(&picture.to_svg()?, &caption))
    }
}

/// A scalar of draws.
pub(super) struct Scalar {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
    /// Between which numbers it lies.
    pub(super) bounds: (f64, f64),
}

/// Every scalar of draws.
pub(super) fn scalars(sites: &[Site], draws: &Draws) -> Vec<Scalar> {
    let of = |variable: &Variable| -> Vec<Scalar> {
        let elements = 0..variable.shape().elements();
        let scalar = |element| Scalar {
            name: variable.label(element),
            values: variable.element(element),
            bounds: bounds(sites, variable.name(), element),
        };
        elements.map(scalar).collect()
    };
    draws.variables().iter().flat_map(of).collect()
}

/// Between which numbers an element of a variable lies; infinite for one that is no site.
pub(super) fn bounds(sites: &[Site], variable: &str, element: usize) -> (f64, f64) {
    let site = sites.iter().find(|site| site.name == variable);
    let support = site.and_then(|site| site.support.as_ref());
    support.map_or((f64::NEG_INFINITY, f64::INFINITY), |support| {
        support.bounds(element)
    })
}

/// Three significant digits.
fn significant(value: f64) -> String {
    let digits = match value.abs() {
        v if v == 0.0 || (1e-3..1e6).contains(&v) => {
            (2.0 - v.max(1e-3).log10().floor()).clamp(0.0, 6.0) as usize
        }
        _ => return format!("{value:.2e}"),
    };
    format!("{value:.digits$}")
}
