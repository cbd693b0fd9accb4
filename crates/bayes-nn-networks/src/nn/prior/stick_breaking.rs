//! A prior of how many inputs of a layer are in use.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Bijector, Distribution, Exponential, HalfNormal};
use bayes_nn_models::model::Trace;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::spike_slab::{OPEN, gates, middle};
use super::{Each, ParameterInfo, Prior};

/// Hidden units in an order, each of which is in use with a smaller probability than the one before it, so
/// that the width of a layer is learned: weights of each input of the next layer are all 0 or none is, by
/// the stick-breaking form of the Indian buffet process (Teh, Gorur and Ghahramani 2007, "Stick-breaking
/// construction for the Indian buffet process", equation 4; Panousis, Chatzis and Theodoridis 2019,
/// "Nonparametric Bayesian deep networks with local competition", for networks).
///
/// ```text
/// weight[k, ..] = gate[k] * slab * raw[k, ..],   P(gate[k] > 0) = v[0] v[1] ... v[k],   v ~ Beta(width, 1)
/// ```
///
/// `width` is the number of units in use that is expected, however many there are. Fits begin with the first
/// `4 width` units, as those of a layer that has no others, so that what they find hardly depends on how many
/// are given. Gates are those of [`spike_slab`](super::spike_slab()). Of a parameter `layer1.weight` the
/// variables are `layer1.weight.stick`, which is `-ln v`, exponential of rate `width`, and `.raw`, `.logit` and
/// `.slab`; `layer1.weight.gate` is kept with draws.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior};
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(2, 0.2, 0)?;
/// let net = Mlp::new([2, 50, 1]).prior_for("layer1.weight", prior::stick_breaking(5.0));
/// let drawn = model::prior_predictive(&Bnn::new(net, Bernoulli), &data, 2_000, 1)?;
/// let gates = drawn.variable("layer1.weight.gate")?.values();
/// let width = gates.iter().filter(|gate| **gate > 0.0).count() as f64 / 2_000.0;
/// assert!((width - 5.0).abs() < 0.3, "{width}");
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn stick_breaking(width: f64) -> StickBreaking {
    StickBreaking { width }
}

/// The prior that [`stick_breaking`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StickBreaking {
    pub(in crate::nn) width: f64,
}

/// Fits begin with so many times the expected number of units in use; the next is with probability `exp(-4)`.
const AT_FIRST: f64 = 4.0;
/// Probabilities stay this far below 1 and their logarithms above this.
const LEAST: f64 = 1e-6;

impl Prior for StickBreaking {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        Each::Input.declare(trace, parameter, |weight| {
            let scales = weight.scales;
            let units = Shape::from([scales.elements(), 1]);
            // Sticks of the expected length.
            let sticks = Exponential::new(self.width).expand(units);
            let sticks = weight.own("stick", sticks, -self.width.max(LEAST).ln());
            // The bijector of increasing positive numbers adds up what it exponentiates.
            let lost = Bijector::PositiveOrdered.forward(sticks.ln()) + LEAST;
            let logit = -lost - (-(-lost).expm1()).ln();
            let (weight, open) = weight.narrowed((AT_FIRST * self.width).ceil() as usize);
            // The logit of a small probability is its logarithm.
            let closed = |unit: usize| middle(-((unit + 1) as f64) / self.width.max(LEAST));
            let begin = |unit| if unit < open { OPEN } else { closed(unit) };
            let gate = gates(&weight, logit.reshape(scales), begin);
            let start = weight.size();
            let slab = weight.own("slab", HalfNormal::new(1.0), start.ln());
            weight.times(gate * slab, start)
        })
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
