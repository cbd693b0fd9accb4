//! What the data said, and whether the model can tell such data: prior beside posterior, and the posterior predictive
//! checks.

use bayes_nn_inference::DrawSource;
use bayes_nn_models::model::Draws;
use bayes_nn_models::{Error, Model, Posterior, Replications, Task};

use super::fit::{DRAWS, scalars};
use super::{Report, ReportError};
use crate::plots::{LooPit, PredictiveCheck, PriorPosterior};

/// Scalars whose prior stands beside their posterior, and draws of the prior.
const BESIDE_PRIOR: usize = 12;
const PRIOR_DRAWS: usize = 2_000;
/// Data sets that are drawn in place of the observed one, and the fewest that say anything.
const DATA_SETS: usize = 100;
const FEWEST: usize = 10;
/// Values that are drawn at the most for a check, and products of values and variables: about a second.
const VALUES: usize = 10_000_000;
const PRODUCTS: usize = 2_000_000_000;
/// Observations without which their transforms say nothing.
const OBSERVATIONS: usize = 8;

impl Report {
    /// Densities of the prior and of the posterior, of first elements of variables before others.
    pub(super) fn prior<M: Model>(self, fit: &Posterior<M>) -> Result<Report, ReportError> {
        let section = |report: Report| report.section("Prior and posterior");
        let prior = match fit.prior_draws(PRIOR_DRAWS, 0) {
            Ok(draws) => draws,
            Err(error) => {
                let why = format!("The prior cannot be drawn from: {error}.");
                return Ok(section(self).text(&why));
            }
        };
        let posterior = match fit.source() {
            DrawSource::Guide(_) => fit.draws(DRAWS, 0)?,
            DrawSource::Table(_) => fit.all_draws()?,
        };
        let posterior = scalars(fit.sites(), &posterior);
        let chosen = first_elements(&prior);
        let mut picture = PriorPosterior::new().title("Prior and posterior");
        let mut shown = 0;
        for (name, before) in &chosen {
            let after = posterior.iter().find(|scalar| scalar.name == *name);
            if let (Some(after), true) = (after, shown < BESIDE_PRIOR) {
                picture = (picture.scalar(name, before, &after.values)).within(after.bounds);
                shown += 1;
            }
        }
        if shown == 0 {
            return Ok(self);
        }
        let more = match posterior.len() {
            n if n > shown => format!(" {shown} of {n} scalars."),
            _ => String::new(),
        };
        let caption = format!(
            "What was known of a scalar before the data, and what is after them: where both are alike, the data say \
             nothing of it.{more}"
        );
        Ok(section(self).figure(&picture.to_svg()?, &caption))
    }

    /// Posterior predictive checks of what the data of the fit observe, where these are in memory and not too many.
    pub(super) fn checks<M: Model>(self, fit: &Posterior<M>) -> Result<Report, ReportError> {
        let Some(rows) = fit.rows() else {
            return Ok(self);
        };
        let variables: usize = fit.sites().iter().map(|site| site.shape.elements()).sum();
        let affordable = (VALUES / rows).min(PRODUCTS / rows / variables.max(1));
        if affordable < FEWEST {
            return Ok(self);
        }
        let all = match fit.replications(DATA_SETS.min(affordable), 0) {
            Ok(all) if all.is_empty() => return Ok(self),
            Ok(all) => all,
            Err(error) => {
                let why = format!("What is observed cannot be drawn: {error}.");
                return Ok(self.section("Observed and drawn").text(&why));
            }
        };
        let mut report = self.section("Observed and drawn");
        for check in &all {
            report = report.check(fit, check)?;
            let has_transforms = matches!(check.task(), Task::Counts | Task::Regression);
            let draws = fit.table().map_or(DRAWS, |table| table.draws());
            if has_transforms && check.observed().len() >= OBSERVATIONS && draws <= affordable {
                report = report.transforms(fit, check)?;
            }
        }
        Ok(report)
    }

    fn check<M: Model>(
        self,
        fit: &Posterior<M>,
        check: &Replications,
    ) -> Result<Report, ReportError> {
        let name = named(fit, check);
        let picture = PredictiveCheck::new(check.observed(), check.drawn())
            .title(format!("Posterior predictive check of {name}"))
            .x_label(name)
            .class_names(check.classes())
            .within(check.bounds())
            .to_svg()?;
        let caption = "What was observed, and what the posterior draws in its place: a model that describes the data \
                       draws data that look alike.";
        Ok(self.figure(&picture, caption))
    }

    fn transforms<M: Model>(
        self,
        fit: &Posterior<M>,
        check: &Replications,
    ) -> Result<Report, ReportError> {
        let transforms = fit.loo(check.name()).and_then(|loo| {
            let transforms = fit.loo_pit(check.name())?;
            Ok((loo, transforms))
        });
        let (loo, transforms) = match transforms {
            Ok(found) => found,
            // Values of one event are not left out one by one, and few draws have no tail.
            Err(Error::NotPointwise { .. } | Error::Diagnostics(_)) => return Ok(self),
            Err(error) => return Err(error.into()),
        };
        let name = named(fit, check);
        let picture = LooPit::new(&transforms)
            .title(format!("Each value of {name} by the others"))
            .to_svg()?;
        let caption = format!(
            "Leave-one-out probabilities of smaller values, which are uniform where the model is right. Above the band \
             at the left and below it at the right: predictions are too narrow; the reverse: too wide; above it \
             everywhere: too high. {loo}."
        );
        Ok(self.figure(&picture, &caption))
    }
}

/// What tables and pictures call an observed variable: the target by its name in the table.
fn named<M: Model>(fit: &Posterior<M>, check: &Replications) -> String {
    match fit.encoding() {
        Some(encoding) => encoding.target_name().to_owned(),
        None => check.name().to_owned(),
    }
}

/// The scalars of draws, the first of each variable before all others.
fn first_elements(draws: &Draws) -> Vec<(String, Vec<f64>)> {
    let mut scalars: Vec<(usize, (String, Vec<f64>))> = Vec::new();
    for variable in draws.variables() {
        let elements = 0..variable.shape().elements().min(BESIDE_PRIOR);
        scalars.extend(elements.map(|e| (e, (variable.label(e), variable.element(e)))));
    }
    scalars.sort_by_key(|(element, _)| *element);
    scalars.into_iter().map(|(_, scalar)| scalar).collect()
}
