//! Automatic relevance determination.

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::{Distribution, InverseGamma};
use bayes_nn_models::model::Trace;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::{Each, ParameterInfo, Prior};

/// Weights of one variance for each input of a layer, which is learned, so that the weights of an input
/// that does not matter become small together: automatic relevance determination (MacKay 1994, "Bayesian
/// non-linear modelling for the prediction competition"; Neal 1996, *Bayesian Learning for Neural
/// Networks*, section 1.2.3), a Bayesian group lasso.
///
/// ```text
/// weight = sqrt(variance) * raw,   raw ~ Normal(0, 1)
/// variance ~ InverseGamma(1 / 2, 1 / (2 fan_in))
/// ```
///
/// The weights of an input are Cauchy together, with the scale `1 / sqrt(fan_in)`: inputs may differ by any
/// factor. There is no scale of all; where many inputs are next to 0, [`horseshoe`](super::horseshoe())
/// learns from some of them how small the others are.
///
/// Of a parameter `layer0.weight` the variables are `layer0.weight.raw` and `layer0.weight.variance`.
/// Biases have the prior that they have where nothing is said.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior};
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(20, 0.2, 0)?;
/// let net = Mlp::new([2, 10, 1]).prior_for("layer0.weight", prior::ard());
/// let fit = Bnn::new(net, Bernoulli).fit(&data, &Advi::mean_field().steps(50))?;
/// let variances = fit.draws(10, 0)?.variable("layer0.weight.variance")?.mean();
/// assert!(variances.len() == 2 && variances.iter().all(|variance| *variance > 0.0));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn ard() -> Ard {
    Ard {
        each: Each::Input,
        concentration: 0.5,
    }
}

/// The prior that [`ard`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ard {
    pub(in crate::nn) each: Each,
    pub(in crate::nn) concentration: f64,
}

impl Ard {
    /// What has a variance of its own; each input unless set.
    #[must_use]
    pub fn each(self, each: Each) -> Ard {
        Ard { each, ..self }
    }

    /// The distribution `InverseGamma(concentration, concentration / fan_in)` of variances instead, with
    /// `concentration > 0`: the larger, the less variances differ.
    #[must_use]
    pub fn concentration(self, concentration: f64) -> Ard {
        Ard {
            concentration,
            ..self
        }
    }
}

impl Prior for Ard {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        self.each.declare(trace, parameter, |weight| {
            let scale = self.concentration / parameter.fan_in.max(1) as f64;
            let variance = InverseGamma::new(self.concentration, scale).expand(weight.scales);
            let start = weight.size();
            let variance = weight.own("variance", variance, 2.0 * start.ln());
            weight.times(variance.sqrt(), start)
        })
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
