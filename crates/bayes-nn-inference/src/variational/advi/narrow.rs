//! Standard deviations that independent normals lack where variables depend on one another.

use super::{AdviFit, Family};
use crate::variational::natural::{Guide, metric_of};

/// A share of a standard deviation below which a fit says so.
const SMALL: f64 = 0.8;

impl AdviFit {
    /// Standard deviations of the guide as shares of those that a normal distribution with
    /// correlations has near the posterior, `[dim]`, of the unconstrained variables. Independent
    /// normals have the spread that is left when all other variables are held, which is less where
    /// variables depend on one another: `sqrt(1 - r^2)` of two whose correlation is `r` (Turner and
    /// Sahani 2011, "Two problems with variational expectation maximisation for time-series models",
    /// section 4).
    ///
    /// The normal distribution is the one in whose metric the means of the fit moved, a guide of the
    /// first steps: shares are off by some hundredths. Of mean-field fits by natural gradients;
    /// nothing of others, which do not know it.
    pub fn sd_shares(&self) -> Option<Vec<f64>> {
        let guide = self.approximation();
        if guide.family() != Family::MeanField {
            return None;
        }
        let training = self.parts.training.as_ref()?;
        let mut restarts = training.restarts.iter();
        let kept = restarts.find(|trained| self.settings().seed_of(trained.restart) == self.seed());
        let metric = metric_of(&kept?.states, guide.dim()).ok().flatten()?;
        let (own, joint) = (guide.sd(), metric.sd());
        Some(
            own.iter()
                .zip(joint)
                .map(|(own, joint)| own / joint)
                .collect(),
        )
    }

    /// The smallest share, by its element, and how many are small; nothing where none is.
    pub(super) fn narrow(&self) -> Option<String> {
        let shares = self.sd_shares()?;
        let small = shares.iter().filter(|share| **share < SMALL).count();
        let (place, share) = (shares.iter().enumerate()).min_by(|a, b| a.1.total_cmp(b.1))?;
        let mut sites = self.approximation().sites().iter();
        let site = sites.find(|site| site.range().contains(&place))?;
        let element = site.element(place - site.range().start);
        (small > 0).then(|| {
            format!(
                "that of {element} is about {share:.2} of what it is with correlations, and of {} \
                 there {} below {SMALL}",
                shares.len(),
                match small {
                    1 => "is 1".to_owned(),
                    small => format!("are {small}"),
                }
            )
        })
    }
}
