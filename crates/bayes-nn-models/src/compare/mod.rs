//! A variational fit beside the draws of NUTS from the same posterior: where they differ by more
//! than noise, and whether that matters for what is predicted.

mod predictions;
mod sites;
mod table;

use std::fmt;

use bayes_nn_inference::diagnostics::k_hat_threshold;
use bayes_nn_inference::nuts::{CompiledDensity, LogDensity};
use bayes_nn_inference::{Density, InferenceError, Site};

use crate::error::Error;
use crate::model::{Data, DrawSource, Model, ModelDensity, Posterior, Predictive, check_draws};
use crate::predict::Predict;

pub use predictions::{Predicted, PredictiveComparison};
pub use sites::SiteComparison;

/// Draws of either side, unless said otherwise.
const DRAWS: usize = 1000;
/// Rows of the printed table at the most.
const ROWS: usize = 30;

/// Compares a variational fit with draws of NUTS from the same posterior, on the data that both
/// have learnt from. [`compare_on`] takes other rows, which say more about predictions.
///
/// # Errors
/// As [`compare_on`].
///
/// ```
/// use bayes_nn::model::{self, Batch, Data, Trace};
/// use bayes_nn::distributions::Normal;
/// use bayes_nn::{Advi, Nuts, compare};
///
/// fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
///     let slope = trace.sample("slope", Normal::new(0.0, 2.0));
///     let offset = trace.sample("offset", Normal::new(0.0, 2.0));
///     trace.observe("y", Normal::new(slope * data.column("x") + offset, 0.5), data.column("y"));
/// }
///
/// let x = [1.0, 1.5, 2.0, 2.5, 3.0];
/// let data = Data::new().column("x", &x)?.column("y", &[2.1, 3.2, 3.9, 5.1, 5.8])?;
/// let advi = model::fit(&line, &data, &Advi::mean_field().steps(5_000))?;
/// let nuts = model::sample(&line, &data, &Nuts::new().draws(500))?;
/// let comparison = compare(&advi, &nuts)?;
/// println!("{comparison}");
/// // Slope and offset are correlated, which independent normals answer by being narrow.
/// assert!(comparison.sites[0].sd_ratio().unwrap().value < 0.6);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn compare<M: Model>(advi: &Posterior<M>, nuts: &Posterior<M>) -> Result<Comparison, Error> {
    compare_on(advi, nuts, &nuts.predictive.data, Predict::draws(DRAWS))
}

/// Compares a variational fit with draws of NUTS from the same posterior, and what both predict
/// for rows of one's own, held-out ones at best. Where the rows lack an observed column, its
/// predictions are compared, but not scored.
///
/// `how` says how many draws of either side are used, their seed, and what the predictive
/// intervals are to hold. Both sides see the same observation noise. Scores are on the scale that the model sees. A variable with numbers
/// for values takes memory for draws times rows.
///
/// # Errors
/// A fit and chains of different variables, or of different models or data; fewer than 25 draws;
/// chains without draws; a column that is missing and needed; values that are not finite.
pub fn compare_on<M: Model>(
    advi: &Posterior<M>,
    nuts: &Posterior<M>,
    rows: impl Into<Data>,
    how: Predict,
) -> Result<Comparison, Error> {
    how.check()?;
    check_one_posterior(advi, nuts)?;
    let (draws, seed) = (how.draws, how.seed);
    let rows = rows.into();
    // First of all, because it asks for draws enough.
    let k_hat = match advi.approximation() {
        Some(_) => advi.psis(draws, seed)?.k_hat,
        None => None,
    };
    let predictions = predictions::compared(
        advi.predictive.forecasts(&rows, how)?,
        nuts.predictive.forecasts(&rows, how)?,
        how,
    )?;
    Ok(Comparison {
        k_hat,
        sites: sites::compared(&advi.draws(draws, seed)?, &nuts.summary()?),
        predictions,
        draws,
        warnings: nuts.warnings(),
    })
}

/// Checks that both have the same variables, and the same density of them.
fn check_one_posterior<M: Model>(advi: &Posterior<M>, nuts: &Posterior<M>) -> Result<(), Error> {
    let (own, theirs) = (advi.sites(), nuts.sites());
    if own != theirs {
        return Err(Error::OtherModel {
            found: Site::list(own),
            expected: Site::list(theirs),
        });
    }
    let guide_draw;
    let z = match nuts.source() {
        DrawSource::Table(table) => table.row(0),
        DrawSource::Guide(guide) => {
            guide_draw = guide.draws(1, 0);
            Some(&*guide_draw)
        }
    };
    let Some(z) = z else {
        return check_draws(0);
    };
    let fitted = log_density(&advi.predictive, z)?;
    let sampled = log_density(&nuts.predictive, z)?;
    // The same program gives the same bits; the order of columns may change the program.
    match (fitted - sampled).abs() <= 1e-9 * (1.0 + sampled.abs()) {
        true => Ok(()),
        false => Err(Error::OtherPosterior { fitted, sampled }),
    }
}

fn log_density<M: Model>(of: &Predictive<M>, z: &[f64]) -> Result<f64, Error> {
    let density = ModelDensity::new(&of.model, of.data.clone())?;
    let mut gradient = vec![0.0; density.dim()];
    let value = CompiledDensity::new(&density)?.log_prob_grad(z, &mut gradient);
    Ok(value.map_err(|error| InferenceError::Density(error.into()))?)
}

/// A number with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = (1.0 - self.error.abs().log10().floor()).clamp(2.0, 6.0);
        // An error of 0 has no digits.
        let decimals = if self.error > 0.0 {
            decimals as usize
        } else {
            2
        };
        let value = format!("{:.decimals$}", self.value);
        // No minus before a zero.
        let value = match value.trim_start_matches(['-', '0', '.']) {
            "" => value.trim_start_matches('-').to_owned(),
            _ => value,
        };
        write!(f, "{value} ± {:.decimals$}", self.error)
    }
}

/// How a variational fit differs from the draws of NUTS; see [`compare`].
///
/// Shown with `{}` it is a table of the variables, one of the predictions, and a verdict. The
/// verdict is about predictions: variables of a model with symmetries (the hidden units of a
/// network, which can be exchanged, or have their signs flipped) do not match one by one even
/// where both say the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Every element of every site and deterministic, in the order of the model.
    pub sites: Vec<SiteComparison>,
    /// Every observed variable.
    pub predictions: Vec<PredictiveComparison>,
    /// PSIS k-hat of the fit; see [`Posterior::psis`].
    pub k_hat: Option<f64>,
    /// Draws of either side that the predictions are made of, and draws behind `k_hat`.
    pub draws: usize,
    /// What NUTS has to warn of: chains that are not to be trusted are no measure.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// In words: whether predictions of the variational fit can be trusted, how far its variables
    /// can, and what k-hat and the chains say to that. A line for each.
    pub fn verdict(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.predictions.iter().map(|p| p.verdict()).collect();
        lines.push(sites::verdict(&self.sites));
        let agree = self.predictions.iter().all(|p| p.agrees());
        let threshold = k_hat_threshold(self.draws);
        let k_hat = self.k_hat.map_or("none".to_owned(), |k| format!("{k:.2}"));
        lines.push(match self.k_hat.is_some_and(|k| k <= threshold) {
            true => format!(
                "PSIS k-hat is {k_hat}, below {threshold:.2}: the fit is near the posterior in all \
                 directions, and its draws can be reweighted to it."
            ),
            false => format!(
                "PSIS k-hat is {k_hat}, not below {threshold:.2}: the draws of the fit cannot be \
                 reweighted to the posterior. Networks always fail this in the space of their \
                 weights, also where they predict well."
            ),
        });
        let differ = self.sites.iter().any(SiteComparison::differs);
        if differ && agree && !self.predictions.is_empty() {
            lines.push(
                "Variables differ where predictions hardly do. If the model has symmetries, such as \
                 hidden units that can be exchanged, only predictions can be compared; if it has \
                 none, what ADVI says of single variables is off by what the table shows."
                    .to_owned(),
            );
        }
        lines.extend(self.warnings.iter().map(|w| format!("NUTS warns: {w}.")));
        lines
    }

    /// The sites of a table: all, or the thirty whose means or spreads differ most, in the order
    /// of the model; and how many are left out.
    pub fn shown(&self) -> (Vec<&SiteComparison>, usize) {
        let mut order: Vec<usize> = (0..self.sites.len()).collect();
        let size = |&site: &usize| self.sites[site].size();
        order.sort_by(|a, b| size(b).total_cmp(&size(a)));
        order.truncate(ROWS);
        order.sort_unstable();
        let left_out = self.sites.len() - order.len();
        (
            order.into_iter().map(|s| &self.sites[s]).collect(),
            left_out,
        )
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, left_out) = self.shown();
        let rows: Vec<_> = shown.into_iter().map(SiteComparison::cells).collect();
        write!(f, "{}", table::aligned(&SiteComparison::HEADERS, &rows))?;
        if left_out > 0 {
            writeln!(f, "... and {left_out} more that differ less")?;
        }
        writeln!(f, "{}", SiteComparison::NOTE)?;
        for prediction in &self.predictions {
            writeln!(f, "\n{}", prediction.heading())?;
            write!(
                f,
                "{}",
                table::aligned(&PredictiveComparison::HEADERS, &prediction.cells())
            )?;
        }
        for line in self.verdict() {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}
