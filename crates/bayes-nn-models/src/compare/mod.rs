//! A fit beside a reference for the same posterior: where they differ by more than noise, and whether
//! that matters for what is predicted.

mod predictions;
mod sites;
mod table;

use std::fmt;

use bayes_nn_inference::diagnostics::k_hat_threshold;
use bayes_nn_inference::nuts::{CompiledDensity, LogDensity};
use bayes_nn_inference::{Density, InferenceError, Site};

use crate::error::Error;
use crate::model::{Data, DrawSource, Model, ModelDensity, Posterior, Predictive};
use crate::predict::Predict;

pub use predictions::{Predicted, PredictiveComparison};
pub use sites::SiteComparison;

/// Draws of either side, unless said otherwise.
const DRAWS: usize = 1000;
/// Rows of the printed table at the most.
const ROWS: usize = 30;

/// Compares a posterior with a reference, usually a variational fit with chains of NUTS, on the
/// data that both have learnt from. [`compare_on`] takes other rows, which say more about predictions.
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
/// let nuts = model::fit(&line, &data, &Nuts::new().draws(500))?;
/// let comparison = compare(&advi, &nuts)?;
/// println!("{comparison}");
/// // Slope and offset are correlated, which independent normals answer by being narrow.
/// assert!(comparison.sites[0].sd_ratio().unwrap().value < 0.6);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn compare<M: Model>(
    fit: &Posterior<M>,
    reference: &Posterior<M>,
) -> Result<Comparison, Error> {
    compare_on(
        fit,
        reference,
        &reference.predictive.data,
        Predict::draws(DRAWS),
    )
}

/// Compares a posterior with a reference for the same, and what both predict for rows of one's own,
/// held-out ones at best. Where the rows lack an observed column, its
/// predictions are compared, but not scored.
///
/// `how` says how many draws of either side are used, their seed, and what the predictive
/// intervals are to hold. Both sides see the same observation noise. Scores are on the scale
/// that the model sees. A variable with numbers for values takes memory for draws times rows.
///
/// # Errors
/// A fit and chains of different variables, or of different models or data; fewer than 25 draws;
/// chains without draws; a column that is missing and needed; values that are not finite.
pub fn compare_on<M: Model>(
    fit: &Posterior<M>,
    reference: &Posterior<M>,
    rows: impl Into<Data>,
    how: Predict,
) -> Result<Comparison, Error> {
    how.check()?;
    check_one_posterior(fit, reference)?;
    let (draws, seed) = (how.draws, how.seed);
    let fitted = &fit.predictive.data;
    let rows = rows.into().encoded_as(fitted)?;
    Predictive::<M>::check_no_new_names(fitted, &rows, "a comparison")?;
    // First of all, because it asks for draws enough.
    let k_hat = match fit.approximation() {
        Some(_) => fit.psis(draws, seed)?.k_hat,
        None => None,
    };
    let predictions = predictions::compared(
        fit.predictive.forecasts(&rows, how)?,
        reference.predictive.forecasts(&rows, how)?,
        how,
    )?;
    Ok(Comparison {
        methods: methods(fit, reference),
        k_hat,
        sites: sites::compared(&fit.draws(draws, seed)?, &reference.summary()?),
        predictions,
        draws,
        warnings: reference.warnings(),
    })
}

/// Checks that both have the same variables, and the same density of them.
fn check_one_posterior<M: Model>(
    fit: &Posterior<M>,
    reference: &Posterior<M>,
) -> Result<(), Error> {
    let (own, theirs) = (fit.sites(), reference.sites());
    if !Site::agree(own, theirs) {
        return Err(Error::OtherModel {
            found: Site::list(own),
            expected: Site::list(theirs),
        });
    }
    let guide_draw;
    let z = match reference.source() {
        DrawSource::Table(table) => table.row(0),
        DrawSource::Guide(guide) => {
            guide_draw = guide.draws(1, 0)?;
            Some(&*guide_draw)
        }
    };
    let z = z.ok_or(InferenceError::NoDraws)?;
    let fitted = log_density(&fit.predictive, z)?;
    let sampled = log_density(&reference.predictive, z)?;
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

/// What both were found by, numbered if it is the same.
fn methods<M>(fit: &Posterior<M>, reference: &Posterior<M>) -> [String; 2] {
    let [own, theirs] = [fit.method(), reference.method()].map(str::to_owned);
    match own == theirs {
        true => [own + " (1)", theirs + " (2)"],
        false => [own, theirs],
    }
}

/// How a posterior differs from a reference; see [`compare`].
///
/// Shown with `{}` it is a table of the variables, one of the predictions, and a verdict. The
/// verdict is about predictions: variables of a model with symmetries (the hidden units of a
/// network, which can be exchanged, or have their signs flipped) do not match one by one even
/// where both say the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The methods that found the posterior and the reference.
    pub methods: [String; 2],
    /// Every element of every site and deterministic, in the order of the model.
    pub sites: Vec<SiteComparison>,
    /// Every observed variable.
    pub predictions: Vec<PredictiveComparison>,
    /// PSIS k-hat of the fit; see [`Posterior::psis`].
    pub k_hat: Option<f64>,
    /// Draws of either side that the predictions are made of, and draws behind `k_hat`.
    pub draws: usize,
    /// What the reference has to warn of: chains that are not to be trusted are no measure.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// In words: what the chains of the reference warn of, whether predictions of the fit can be
    /// trusted, how far its variables can, and what k-hat says to that. A line for each.
    pub fn verdict(&self) -> Vec<String> {
        let [fit, reference] = &self.methods;
        let warnings = self.warnings.iter();
        let mut lines: Vec<String> = warnings
            .map(|w| format!("{reference} warns: {w}."))
            .collect();
        if self.sites.iter().any(|site| !site.has_reference()) {
            lines.push(format!(
                "Variables on which the chains of {reference} do not agree have no reference, and no \
                 verdict is passed on them. If the model has symmetries, such as hidden units that \
                 can be exchanged, only predictions can be compared."
            ));
        }
        let predictions = self.predictions.iter().map(|p| p.verdict(&self.methods));
        lines.extend(predictions);
        lines.push(sites::verdict(&self.sites, reference));
        let agree = self.predictions.iter().all(|p| p.agrees());
        let threshold = k_hat_threshold(self.draws);
        lines.push(match self.k_hat {
            Some(k) if k <= threshold => format!(
                "PSIS k-hat is {k:.2}, below {threshold:.2}: the fit is near the posterior in all \
                 directions, and its draws can be reweighted to it."
            ),
            Some(k) => format!(
                "PSIS k-hat is {k:.2}, not below {threshold:.2}: the draws of the fit cannot be \
                 reweighted to the posterior. Fits of models with many equal modes fail this also \
                 where they predict well."
            ),
            None => format!("There is no PSIS k-hat: the draws of {fit} come from no guide."),
        });
        let differ = self.sites.iter().any(SiteComparison::differs);
        if differ && agree && !self.predictions.is_empty() {
            lines.push(format!(
                "Variables differ where predictions hardly do. If the model has symmetries, such as \
                 hidden units that can be exchanged, only predictions can be compared; if it has \
                 none, what {fit} says of single variables is off by what the table shows."
            ));
        }
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
        write!(f, "{}", table::aligned(&self.site_headers(), &rows))?;
        if left_out > 0 {
            writeln!(f, "... and {left_out} more that differ less")?;
        }
        writeln!(f, "{}", self.note())?;
        for prediction in &self.predictions {
            writeln!(f, "\n{}", prediction.heading())?;
            write!(
                f,
                "{}",
                table::aligned(&self.prediction_headers(), &prediction.cells())
            )?;
        }
        for line in self.verdict() {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}
