//! A guide without the weights of which it cannot say that they are not 0.

use super::{Approximation, Family};
use crate::check::setting;
use crate::{InferenceError, Site, SiteSupport};

impl Approximation {
    /// This guide with a share of the weights of networks removed, which are 0 from then on, without
    /// a spread: those with the least signal-to-noise ratio, `|mean| / sd` (Graves 2011, "Practical
    /// variational inference for neural networks"; Blundell et al. 2015, "Weight uncertainty in
    /// neural networks", section 5.2). The share is of all weights together, whatever their layer.
    ///
    /// Weights are the elements of sites over the real numbers in which fits begin at random around 0
    /// ([`Begin`](crate::Begin)), as in the parameters of layers by their fan-in. Biases, points
    /// and all other sites stay as they are.
    ///
    /// ```
    /// use bayes_nn_inference::{Approximation, Begin, Site, SiteSupport};
    /// let mut weight = Site::new("weight", [4], 0);
    /// weight.begin = Some(Begin { mean: 0.0, spread: 1.0, sd: 0.1 });
    /// weight.support = Some(SiteSupport::Real);
    /// let sites = vec![weight, Site::new("level", [], 4)];
    /// let (mean, sd) = (vec![3.0, -0.4, 1.0, -5.0, 0.1], vec![1.0, 0.1, 2.0, 4.0, 9.0]);
    /// let pruned = Approximation::independent(sites, mean, sd)?.pruned(0.5)?;
    /// assert_eq!(pruned.mean(), [3.0, -0.4, 0.0, 0.0, 0.1]);
    /// assert_eq!(pruned.sd(), [1.0, 0.1, 0.0, 0.0, 9.0]);
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// A share that is not between 0 and 1; a guide that is not of independent normals; sites of which
    /// none has weights.
    pub fn pruned(&self, share: f64) -> Result<Approximation, InferenceError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(setting("share", share, "from 0 to 1"));
        }
        let refuse = |problem| Err(InferenceError::Guide { problem });
        if self.family != Family::MeanField {
            let family = self.family;
            return refuse(format!(
                "is of the family {family:?}, and weights are removed from independent normals \
                 alone: `Advi::mean_field()`"
            ));
        }
        let weights = self.sites.iter().filter(|site| self.has_weights(site));
        let mut elements: Vec<usize> = weights.flat_map(Site::range).collect();
        if elements.is_empty() {
            return refuse(format!(
                "is of {}, and has no weights that could be removed",
                Site::list(&self.sites)
            ));
        }
        let ratio = |element: usize| self.mean[element].abs() / self.diagonal[element];
        elements.sort_by(|a, b| ratio(*a).total_cmp(&ratio(*b)));
        let removed = (share * elements.len() as f64).round() as usize;
        let mut pruned = self.clone();
        for values in [&mut pruned.mean, &mut pruned.diagonal] {
            let mut kept = values.to_vec();
            for element in &elements[..removed] {
                kept[*element] = 0.0;
            }
            *values = kept.into();
        }
        Ok(pruned)
    }

    /// Whether 0 stands for a weight that is not there.
    pub(super) fn has_weights(&self, site: &Site) -> bool {
        let is_real = site.support == Some(SiteSupport::Real);
        let begin = site.begin;
        let around_0 = begin.is_some_and(|begin| begin.mean == 0.0 && begin.spread > 0.0);
        is_real && around_0 && !self.family.has_point(site)
    }
}
