//! What single precision makes of the means of a guide.

use bayes_nn_kernels::Precision;

use super::{Advi, Approximation};
use crate::Optimizer;
use crate::columns::{half_ulp, shortened};

/// Rounding to single precision may change a mean by this part of its standard deviation.
const ROUNDING: f64 = 0.01;

/// The sites whose means single precision cannot hold: whose numbers are so far apart there that
/// a step of the optimiser is rounded away, or the posterior lies between a few of them.
pub(super) fn coarse_means(advi: &Advi, guide: &Approximation) -> Vec<String> {
    if advi.runtime().precision == Precision::F64 {
        return Vec::new();
    }
    // The steps of the others are as large as their gradients.
    let step = match advi.optimizer {
        Optimizer::Adam { .. } | Optimizer::AdagradWindow { .. } => advi.rate(),
        Optimizer::Sgd { .. } | Optimizer::Ivon { .. } => f64::INFINITY,
    };
    let sd = guide.sd();
    let coarse = guide.sites().iter().filter_map(|site| {
        let coarse = |&element: &usize| {
            let half_ulp = half_ulp(guide.mean()[element]);
            half_ulp > step || sd[element] > 0.0 && half_ulp > ROUNDING * sd[element]
        };
        let element = site.range().find(coarse)?;
        let mean = guide.mean()[element];
        Some(format!(
            "single precision is too coarse for `{}`: around its mean {mean} numbers are {:.1e} \
             apart, while the optimiser takes steps of {:.1e} and the guide has the sd {:.1e}; set \
             `precision(F64)`, or shift the variable",
            site.name,
            2.0 * half_ulp(mean),
            advi.rate(),
            sd[element],
        ))
    });
    shortened(coarse.collect(), "variables")
}
