//! How a posterior was found, what there is to warn of, and how it is shown.

use std::fmt;
use std::sync::Arc;

use bayes_nn_inference::diagnostics::Summary;
use bayes_nn_inference::{AdviFit, NutsFit, SgldFit, Site};

use super::Posterior;
use super::warnings::{of_fit, of_run, of_summary};

/// Rows of the printed table at the most.
const ROWS: usize = 30;

/// How a posterior was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// Elsewhere: it was put together from a model, data and draws.
    Imported,
    /// By variational inference: ELBO and its curve, convergence, restarts, seconds.
    Advi(Arc<AdviFit>),
    /// By the No-U-Turn Sampler: chains with statistics of every draw, and what was tuned.
    Nuts(Arc<NutsFit>),
    /// By stochastic gradient Langevin dynamics: chains, and the sizes of their steps.
    Sgld(Arc<SgldFit>),
}

impl<M> Posterior<M> {
    /// What should not be passed over.
    ///
    /// Of chains: those that do not agree, few effective draws; of NUTS also those that failed, or
    /// the sink of their draws, divergences, trajectories cut short, energies that were not explored, a
    /// device that is slower than the CPU, a precision that is too coarse. Of a variational fit: that
    /// it had not converged, and restarts that failed.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings_about(&self.summary_of_chains(|_| true))
    }

    fn warnings_about(&self, summary: &Summary) -> Vec<String> {
        let mut warnings = match self.origin() {
            Origin::Nuts(fit) => of_run(fit),
            Origin::Advi(fit) => of_fit(fit),
            Origin::Imported | Origin::Sgld(_) => Vec::new(),
        };
        warnings.extend(of_summary(summary, self.nonempty().count()));
        warnings
    }
}

impl<M> fmt::Display for Posterior<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fit = match self.origin() {
            Origin::Advi(fit) => return fit.fmt(f),
            Origin::Nuts(fit) => Some(fit),
            Origin::Imported | Origin::Sgld(_) => None,
        };
        if let Some(fit) = fit {
            let chains = fit.chains();
            let draws: Vec<String> = chains.iter().map(|c| c.draws().len().to_string()).collect();
            writeln!(
                f,
                "{} chains of {} draws, {} gradients of {:.1} us, {:.2} s",
                chains.len(),
                draws.join(", "),
                fit.gradients(),
                1e6 * fit.seconds_per_gradient(),
                fit.seconds()
            )?;
        }
        if self.table().is_none() {
            return write!(f, "a guide over {}", Site::list(self.sites()));
        }
        let sites = self.sites();
        let mut shown = self.summary_of_chains(|name| sites.iter().any(|site| site.name == name));
        let warnings = self.warnings_about(&shown);
        let more = shown.rows.len().saturating_sub(ROWS);
        shown.rows.truncate(ROWS);
        write!(f, "{shown}")?;
        if more > 0 {
            write!(f, "\n... and {more} more")?;
        }
        for warning in warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}
