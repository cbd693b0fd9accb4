//! Spike and slab: weights that are 0 or not.

use std::ops::{Add, Mul};

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::{Distribution, HalfNormal, Logistic};
use bayes_nn_models::model::Trace;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::scaled::Weight;
use super::{Each, ParameterInfo, Prior};

/// Weights that are exactly 0 but with the probability `inclusion`, each weight by itself or with all of
/// an input or of a unit: a spike at 0 and a slab.
///
/// ```text
/// weight = gate * slab * raw,   raw ~ Normal(0, 1),   slab ~ HalfNormal(1)
/// gate = clamp(1.2 sigmoid(logit) - 0.1, 0, 1)
/// logit ~ Logistic(loc, 3 / 2),   with the loc at which P(gate > 0) = inclusion
/// ```
///
/// The gate is a Bernoulli variable that is relaxed: the hard concrete distribution with the temperature
/// 2/3 (Maddison, Mnih and Teh 2017, "The concrete distribution"; Louizos, Welling and Kingma 2018,
/// "Learning sparse neural networks through L0 regularization", section 2.2), so that its logit has a
/// density and every method can fit it, while the gate is 0 or 1 exactly with a probability above 0. The
/// divergence of a guide's gates from a Bernoulli prior, `g ln(g / i) + (1 - g) ln((1 - g) / (1 - i))`,
/// has a closed form, that of a normal logit has none; it is estimated by draws.
///
/// Of a parameter `layer0.weight` the variables are `layer0.weight.raw`, `.logit` and `.slab`, and
/// `layer0.weight.gate` is kept with draws: the share of draws in which it is above 0 is the probability
/// of inclusion. Biases have the prior that they have where nothing is said.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior, prior::Each};
/// use bayes_nn::prelude::*;
/// // A line in the first of four columns.
/// let number = |i: usize| (i as f64 * 0.754_877_666).fract() * 2.0 - 1.0;
/// let x: Vec<f64> = (0..240).map(|i| number(i * i + i)).collect();
/// let y: Vec<f64> = x.chunks(4).map(|x| 2.0 * x[0]).collect();
/// let data = Dataset::new(&x, 4, &y)?;
/// let net = Mlp::new([4, 1]).prior(prior::spike_slab(0.25).each(Each::Input));
/// let fit = Bnn::new(net, Gaussian::new()).fit(&data, &Advi::mean_field().seed(1))?;
/// let draws = fit.draws(500, 0)?;
/// let included = |input| {
///     let gates = draws.variable("layer0.weight.gate").unwrap().element(input);
///     gates.iter().filter(|gate| **gate > 0.0).count() as f64 / 500.0
/// };
/// assert!(included(0) > 0.99);
/// assert!((1..4).all(|input| included(input) < 0.2));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn spike_slab(inclusion: f64) -> SpikeSlab {
    SpikeSlab {
        each: Each::Weight,
        inclusion,
    }
}

/// The prior that [`spike_slab`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpikeSlab {
    pub(in crate::nn) each: Each,
    pub(in crate::nn) inclusion: f64,
}

impl SpikeSlab {
    /// What is 0 or not as a whole; each weight unless set.
    #[must_use]
    pub fn each(self, each: Each) -> SpikeSlab {
        SpikeSlab { each, ..self }
    }
}

/// How far the sigmoid is stretched beyond 0 and 1 before it is cut.
const BEYOND: f64 = 0.1;
/// The scale of logits, the reciprocal of the temperature.
const SPREAD: f64 = 1.5;
/// Where fits begin: all gates nearly open, as the closed ones pass on no gradient.
pub(super) const OPEN: f64 = 2.0;

/// The middle of the logits of gates that are open with a probability of the logit `inclusion`.
pub(super) fn middle<T: Mul<f64, Output = T> + Add<f64, Output = T>>(inclusion: T) -> T {
    // 1.2 sigmoid(logit) - 0.1 is above 0 where the logit is above this.
    let threshold = (BEYOND / (1.0 + BEYOND)).ln();
    inclusion * SPREAD + threshold
}

/// Gates that are open with probabilities of these logits, whose own logits begin at these places, and what is
/// kept of them.
pub(super) fn gates<'g>(
    weight: &Weight<'_, 'g>,
    inclusion: Var<'g>,
    begin: impl Fn(usize) -> f64,
) -> Var<'g> {
    let logit = Logistic::new(middle(inclusion), SPREAD).expand(weight.scales);
    let logit = weight.own_each("logit", logit, begin);
    let stretched = logit.sigmoid() * (1.0 + 2.0 * BEYOND) - BEYOND;
    let gate = stretched.maximum(0.0).minimum(1.0);
    let name = format!("{}.gate", weight.parameter.name);
    weight.trace.deterministic(&name, gate)
}

impl Prior for SpikeSlab {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        self.each.declare(trace, parameter, |weight| {
            let inclusion = self.inclusion;
            let fits = inclusion > 0.0 && inclusion < 1.0;
            weight.check(fits, "inclusion", inclusion, "between 0 and 1");
            let logit = match fits {
                true => (inclusion / (1.0 - inclusion)).ln(),
                false => 0.0,
            };
            let gate = gates(&weight, logit.into(), |_| OPEN);
            let start = weight.size();
            let slab = weight.own("slab", HalfNormal::new(1.0), start.ln());
            weight.times(gate * slab, start)
        })
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
