//! Variables one by one: means and standard deviations of both sides.

use bayes_nn_inference::diagnostics::{Summary, SummaryRow};

use super::Estimate;
use crate::model::{Draws, LARGE_R_HAT, summarized};

/// Differences beyond so many standard errors are not noise: one in 16,000 right ones is.
const NOISE: f64 = 4.0;
/// Differences from which on a variable is said to differ, as shares of a standard deviation:
/// conventions, below which no reader would act on them.
const LARGE: f64 = 0.1;

/// One element of a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteComparison {
    /// Of the fit, whose draws are taken as one chain.
    pub fit: SummaryRow,
    /// Of all chains of the reference, or of draws of its guide.
    pub reference: SummaryRow,
}

impl SiteComparison {
    /// The variable, with the indices of the element.
    pub fn name(&self) -> &str {
        &self.reference.name
    }

    /// The mean of the fit less that of the reference, in units of the standard deviation of the
    /// reference. The error is the Monte Carlo error of both means. None where the draws do not vary,
    /// or do not give an error.
    pub fn difference(&self) -> Option<Estimate> {
        let (a, b) = (&self.fit, &self.reference);
        let unit = b.sd.filter(|sd| *sd > 0.0)?;
        Some(Estimate {
            value: (a.mean? - b.mean?) / unit,
            error: a.mcse_mean?.hypot(b.mcse_mean?) / unit,
        })
    }

    /// The standard deviation of the fit by that of the reference. The error is the Monte Carlo error
    /// of both. None as for [`SiteComparison::difference`].
    pub fn sd_ratio(&self) -> Option<Estimate> {
        let (a, b) = (&self.fit, &self.reference);
        let own = a.sd.filter(|sd| *sd > 0.0)?;
        let unit = b.sd.filter(|sd| *sd > 0.0)?;
        let value = own / unit;
        Some(Estimate {
            value,
            error: value * (a.mcse_sd? / own).hypot(b.mcse_sd? / unit),
        })
    }

    /// Whether the chains of the reference agree on it: R-hat is at most 1.01, or there is none.
    pub fn has_reference(&self) -> bool {
        self.reference
            .r_hat
            .is_none_or(|r_hat| r_hat <= LARGE_R_HAT)
    }

    /// Whether mean or standard deviation differ by more than noise, and by a tenth of the
    /// standard deviation of the reference or more.
    pub fn differs(&self) -> bool {
        let large = |estimate: Option<Estimate>, at: f64| {
            estimate.is_some_and(|e| e.is_beyond_noise(at) && (e.value - at).abs() >= LARGE)
        };
        self.has_reference() && (large(self.difference(), 0.0) || large(self.sd_ratio(), 1.0))
    }

    /// How much there is to see: the larger of the difference and the logarithm of the ratio.
    pub(super) fn size(&self) -> f64 {
        let difference = self.difference().map_or(0.0, |e| e.value.abs());
        let ratio = self.sd_ratio().map_or(0.0, |e| e.value.ln().abs());
        difference.max(ratio)
    }
}

impl Estimate {
    pub(super) fn is_beyond_noise(&self, at: f64) -> bool {
        (self.value - at).abs() > NOISE * self.error
    }
}

/// All variables of both sides.
pub(super) fn compared(fit: &Draws, reference: &Summary) -> Vec<SiteComparison> {
    let fit = summarized(&[fit], |_| true).rows.into_iter();
    let pairs = fit.zip(reference.rows.iter().cloned());
    pairs
        .map(|(fit, reference)| SiteComparison { fit, reference })
        .collect()
}

/// What there is to say of them, in words.
pub(super) fn verdict(sites: &[SiteComparison], reference: &str) -> String {
    let different = sites.iter().filter(|site| site.differs());
    let mut ratios: Vec<f64> = different
        .clone()
        .filter_map(|site| Some(site.sd_ratio()?.value))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let farthest = different
        .filter_map(|site| Some((site.difference()?.value, site.name())))
        .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let (Some((difference, name)), [narrowest, .., widest] | [narrowest @ widest]) =
        (farthest, &ratios[..])
    else {
        return format!(
            "No variable of {} differs by more than noise and {LARGE} sd.",
            sites.len()
        );
    };
    format!(
        "{} of {} variables differ by more than noise and {LARGE} sd: their sds are {narrowest:.2} \
         to {widest:.2} of those of {reference}, and the mean farthest off is that of `{name}`, by \
         {difference:.2} sd.",
        ratios.len(),
        sites.len()
    )
}
