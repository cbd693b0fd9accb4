//! What there is to warn of in a posterior, and how it is shown.

use std::fmt;

use bayes_nn_inference::diagnostics::Summary;
use bayes_nn_inference::{DrawSource, Site};

use super::Posterior;
use super::modes::Modes;

/// Rows of the printed table at the most.
const ROWS: usize = 30;
/// R-hat of chains that do not agree (Vehtari et al. 2021, section 4).
pub(crate) const LARGE_R_HAT: f64 = 1.01;
/// Effective draws a chain below which there is a warning (the same, section 4).
const SMALL_ESS_PER_CHAIN: f64 = 100.0;
/// R-hat above which chains may be in modes of their own, and how many variables, those of the
/// largest R-hat, are looked at for them.
const APART: f64 = 1.05;
const LOOKED_AT: usize = 20;

impl<M> Posterior<M> {
    /// What should not be passed over: what the fit itself [warns of](bayes_nn_inference::Fit::warnings),
    /// and of chains those that do not agree or have few effective draws. Chains do not agree because
    /// the posterior is multimodal where a variable of large R-hat has two peaks with few draws between
    /// them, whose log densities are about the same.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings_about(&self.summary_of_chains(|_| true))
    }

    fn warnings_about(&self, summary: &Summary) -> Vec<String> {
        let fit = self.fit.iter();
        let mut warnings: Vec<String> = fit.flat_map(|fit| fit.warnings()).collect();
        let modes = self.modes(summary);
        warnings.extend(of_summary(summary, self.nonempty().count(), modes));
        warnings.extend(self.explained.and_then(|explained| explained.warning()));
        warnings
    }

    /// Modes that chains seldom leave, with the variable that shows them: of those that do, the one of
    /// the largest R-hat.
    fn modes(&self, summary: &Summary) -> Option<(String, f64, Modes)> {
        let rows = summary.rows.iter();
        let mut apart: Vec<(f64, &String)> = rows
            .filter_map(|row| Some((row.r_hat.filter(|r_hat| *r_hat > APART)?, &row.name)))
            .collect();
        apart.sort_by(|a, b| b.0.total_cmp(&a.0));
        apart.truncate(LOOKED_AT);
        if apart.is_empty() || self.nonempty().count() < 2 {
            return None;
        }
        let scalars = self.scalars();
        let length = scalars.first()?.1.first()?.len();
        let log_probs: Option<Vec<Vec<f64>>> = self.nuts().map(|fit| {
            let drawn = fit.chains().iter().map(|chain| chain.draws().statistics());
            let drawn = drawn.filter(|draws| !draws.is_empty());
            drawn
                .map(|draws| draws.iter().take(length).map(|s| s.log_prob).collect())
                .collect()
        });
        apart.into_iter().find_map(|(r_hat, name)| {
            let (_, chains) = scalars.iter().find(|(own, _)| own == name)?;
            let modes = Modes::of(chains, log_probs.as_deref())?;
            Some((name.clone(), r_hat, modes))
        })
    }
}

impl<M> Posterior<M> {
    /// Says how much of its rows the fit of a network explains.
    fn show_explained(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.explained {
            Some(explained) => write!(f, "\nexplains   {explained}"),
            None => Ok(()),
        }
    }

    /// Says what a fit to rows that were changed at random is one of.
    fn show_augmented(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.augmented.is_empty() {
            true => Ok(()),
            false => write!(
                f,
                "\naugmented  rows are {}, anew at every step: what was fitted, and the ELBO, are of changed \
                 rows, each of the data counted once; predictions read rows as they are",
                self.augmented.join("; ")
            ),
        }
    }
}

impl<M> fmt::Display for Posterior<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.source(), &self.fit) {
            (DrawSource::Guide(_), Some(fit)) => {
                fit.fmt(f)?;
                if let Some(agreement) = &self.agreement {
                    write!(f, "\nR-hat      {agreement}")?;
                }
                self.show_augmented(f)?;
                self.show_explained(f)?;
                if let Some(warning) = self.explained.and_then(|explained| explained.warning()) {
                    write!(f, "\nwarning: {warning}")?;
                }
                return self.show_classes(f);
            }
            (DrawSource::Guide(_), None) => {
                return write!(f, "a guide over {}", Site::list(self.sites()));
            }
            (DrawSource::Table(_), Some(fit)) => {
                write!(f, "{fit}")?;
                self.show_augmented(f)?;
                writeln!(f)?;
            }
            (DrawSource::Table(_), None) => {}
        }
        let sites = self.sites();
        let mut shown = self.summary_of_chains(|name| sites.iter().any(|site| site.name == name));
        // What is wrong with the numbers comes before them.
        for warning in self.warnings_about(&shown) {
            writeln!(f, "warning: {warning}")?;
        }
        let more = shown.rows.len().saturating_sub(ROWS);
        shown.rows.truncate(ROWS);
        write!(f, "{shown}")?;
        if more > 0 {
            write!(f, "\n... and {more} more")?;
        }
        self.show_explained(f)?;
        self.show_classes(f)
    }
}

/// Of any chains, so many, by the summary of their variables.
fn of_summary(
    summary: &Summary,
    chains: usize,
    modes: Option<(String, f64, Modes)>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let rows = summary.rows.iter();
    let worst = rows
        .clone()
        .filter_map(|row| Some((row.r_hat?, &row.name)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((name, r_hat, modes)) = modes {
        warnings.push(format!(
            "the posterior is multimodal, and chains seldom go from one mode to another: {modes} \
             (R-hat of `{name}` is {r_hat:.3}); how many draws are of which mode is chance: take up \
             into the model what tells the modes apart, as by `Ordered` or a sign, or use each by itself",
            modes = modes.described(&name),
        ));
    } else if let Some((r_hat, name)) = worst.filter(|(r_hat, _)| *r_hat > LARGE_R_HAT) {
        let who = match chains {
            1 => "the two halves of the chain",
            _ => "the chains",
        };
        warnings.push(format!(
            "{who} do not agree: R-hat of `{name}` is {r_hat:.3}, above {LARGE_R_HAT}; \
             draw more"
        ));
    }
    let least = rows
        .filter_map(|row| {
            let ess = row.ess_bulk.into_iter().chain(row.ess_tail);
            Some((ess.reduce(f64::min)?, &row.name))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let enough = SMALL_ESS_PER_CHAIN * chains as f64;
    if let Some((ess, name)) = least.filter(|(ess, _)| *ess < enough) {
        warnings.push(format!(
            "the draws of `{name}` are worth {ess:.0} independent ones, fewer than {enough}: \
             draw more"
        ));
    }
    warnings
}
