//! The regularised horseshoe prior.

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::{Distribution, HalfCauchy, InverseGamma};
use bayes_nn_models::model::Trace;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::{Each, ParameterInfo, Prior};

/// Weights most of which are next to 0 while some are as large as data want them: normal ones times half-
/// Cauchy scales, one for each weight, each input or each unit, and one for all.
///
/// ```text
/// weight = scale * raw,   raw ~ Normal(0, 1)
/// scale^2 = c^2 s^2 / (c^2 + s^2),   s = global * local
/// local ~ HalfCauchy(1),   global ~ HalfCauchy(1),   c^2 ~ InverseGamma(2, 6)
/// ```
///
/// (Carvalho, Polson and Scott 2010, "The horseshoe estimator for sparse signals"; Piironen and Vehtari
/// 2017, "Sparsity information and regularization in the horseshoe and other shrinkage priors", equation
/// 2.8, for `c`, which bounds what is not shrunk; Ghosh, Yao and Doshi-Velez 2019, "Model selection in
/// Bayesian neural networks via horseshoe priors", for scales of units and the distribution of `c`.)
///
/// Of a parameter `layer0.weight` the variables are `layer0.weight.raw`, `.local`, `.global` and `.slab`,
/// which is `c^2`. A half-Cauchy scale is often written as two inverse-gamma ones, of which the second has
/// a closed-form update: here that one is integrated out, and guides are log-normal in the scales. Weights
/// are not centred at 0 with a scale of their own, but multiplied by it, so that a scale can fall although
/// its weights have spread (Ghosh et al., section 4).
///
/// Biases have the prior that they have where nothing is said.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior, prior::Each};
/// use bayes_nn::prelude::*;
/// // A line in the first of four columns.
/// let number = |i: usize| (i as f64 * 0.754_877_666).fract() * 2.0 - 1.0;
/// let x: Vec<f64> = (0..240).map(|i| number(i * i + i)).collect();
/// let y: Vec<f64> = x.chunks(4).map(|x| 2.0 * x[0]).collect();
/// let data = Dataset::new(&x, 4, &y)?;
/// let net = Mlp::new([4, 1]).prior(prior::horseshoe().each(Each::Input));
/// let fit = Bnn::new(net, Gaussian::new()).fit(&data, &Advi::mean_field().seed(1))?;
/// let weights = fit.draws(500, 0)?.variable("layer0.weight")?.mean();
/// assert!((weights[0] - 2.0).abs() < 0.05);
/// assert!(weights[1..].iter().all(|weight| weight.abs() < 0.02), "{weights:?}");
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn horseshoe() -> Horseshoe {
    Horseshoe {
        each: Each::Weight,
        global: 1.0,
        concentration: 2.0,
        scale: 6.0,
        begin_with: None,
    }
}

/// The prior that [`horseshoe`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Horseshoe {
    pub(in crate::nn) each: Each,
    pub(in crate::nn) global: f64,
    pub(in crate::nn) concentration: f64,
    pub(in crate::nn) scale: f64,
    pub(in crate::nn) begin_with: Option<usize>,
}

impl Horseshoe {
    /// What has a scale of its own; each weight unless set.
    #[must_use]
    pub fn each(self, each: Each) -> Horseshoe {
        Horseshoe { each, ..self }
    }

    /// The median of the scale of all, `> 0`. Where `p` of `d` are expected to differ from 0, and one of
    /// them to have the size `s`, `s p / (d - p)` says so (Piironen and Vehtari 2017, equation 3.12).
    #[must_use]
    pub fn global(self, median: f64) -> Horseshoe {
        Horseshoe {
            global: median,
            ..self
        }
    }

    /// Lets fits begin with the first `inputs` in use alone, 1 or more, of scales of inputs ([`Each::Input`]): as
    /// those of a narrower layer, beside which the scales of all others begin small. For a wide layer of hidden
    /// units, of which any can stand for another: where variational fits begin with a small part of a function
    /// in each of a thousand units, they find none of the parts worth its divergence and give up all.
    #[must_use]
    pub fn begin_with(self, inputs: usize) -> Horseshoe {
        Horseshoe {
            begin_with: Some(inputs),
            ..self
        }
    }

    /// The distribution `InverseGamma(concentration, scale)` of the largest variance instead; both are
    /// positive.
    #[must_use]
    pub fn slab(self, concentration: f64, scale: f64) -> Horseshoe {
        Horseshoe {
            concentration,
            scale,
            ..self
        }
    }
}

impl Prior for Horseshoe {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        self.each.declare(trace, parameter, |weight| {
            let all = weight.scales.elements();
            let inputs = self.begin_with.unwrap_or(all);
            let fits = self.begin_with.is_none() || (inputs > 0 && self.each == Each::Input);
            let expected = "1 or more, and of scales of inputs (`Each::Input`)";
            weight.check(fits, "begin_with", inputs as f64, expected);
            let (weight, first) = weight.narrowed(inputs);
            let start = weight.size();
            // What the other inputs add is then small beside what the first do, all of them together.
            let above = if first < all { (all as f64).ln() } else { 0.0 };
            let local = HalfCauchy::new(1.0).expand(weight.scales);
            let begin = |input| if input < first { above } else { 0.0 };
            let local = weight.own_each("local", local, begin);
            let global = HalfCauchy::new(self.global);
            let global = weight.own("global", global, start.ln() - above);
            let slab = InverseGamma::new(self.concentration, self.scale);
            let mode = self.scale / (self.concentration + 1.0);
            let slab = weight.own("slab", slab, mode.ln());
            let scale = global * local;
            weight.times(scale / (1.0 + scale * scale / slab).sqrt(), start)
        })
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
