//! Weights that are standard ones times a scale: what has a scale of its own, and where fits begin.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Distribution, Normal};
use bayes_nn_models::model::{Begin, SiteOptions, Trace};

use super::{ParameterInfo, unless_set};
use crate::nn::LayerError;

/// What has a scale of its own in the weight of a layer, which is 0 as a whole or not.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior, prior::Each};
/// // Which columns of the data matter, and which of 100 hidden units are in use.
/// let net = Mlp::new([8, 100, 1]).prior(prior::horseshoe().each(Each::Input));
/// # let _ = net;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Each {
    /// Each weight by itself.
    #[default]
    Weight,
    /// The weights from an input of the layer to all of its outputs: a column of the data in the first
    /// layer, a hidden unit in the others.
    Input,
    /// The weights from all inputs to an output of the layer.
    Unit,
}

/// A weight about to be declared, of which all parts have a scale.
pub(super) struct Weight<'a, 'g> {
    pub(super) trace: &'a Trace<'g>,
    pub(super) parameter: &'a ParameterInfo,
    /// The shape of its scales, which broadcasts to that of the weight.
    pub(super) scales: Shape,
    /// The inputs that fits begin with.
    fan_in: f64,
}

/// How far a guide of the logarithm of a scale reaches at the start.
const NARROW: f64 = 0.1;

impl Each {
    /// Declares a parameter as `scale * raw` if it is a weight. Biases and single numbers have the prior
    /// that they have where nothing is said.
    pub(super) fn declare<'g>(
        self,
        trace: &Trace<'g>,
        parameter: &ParameterInfo,
        weight: impl FnOnce(Weight<'_, 'g>) -> Var<'g>,
    ) -> Var<'g> {
        let shape = parameter.shape;
        if shape.rank() < 2 {
            return unless_set(parameter).declare(trace, parameter);
        }
        let last = shape.rank() - 1;
        // Inputs come first and outputs last; tables of embeddings, say, have neither.
        let has_inputs = shape.elements() == parameter.fan_in * shape[last];
        let mut lengths = shape.to_vec();
        match self {
            Each::Weight => {}
            _ if !has_inputs => {
                let refused = LayerError::NoScales {
                    parameter: parameter.name.clone(),
                    shape: Box::new(shape),
                };
                return trace.refuse(refused, shape);
            }
            Each::Input => lengths[1..].fill(1),
            Each::Unit => lengths[..last].fill(1),
        }
        weight(Weight {
            trace,
            parameter,
            scales: Shape::try_new(&lengths).unwrap_or(shape),
            fan_in: parameter.fan_in.max(1) as f64,
        })
    }
}

impl<'g> Weight<'_, 'g> {
    /// The size at which signals keep theirs from layer to layer (He et al. 2015, equation 10).
    pub(super) fn size(&self) -> f64 {
        (2.0 / self.fan_in).sqrt()
    }

    /// The same where fits begin as of a narrower layer, with the first `inputs` of those that have a scale, and
    /// how many that are.
    pub(super) fn narrowed(mut self, inputs: usize) -> (Self, usize) {
        let all = self.scales.elements();
        let inputs = inputs.clamp(1, all);
        self.fan_in *= inputs as f64 / all as f64;
        (self, inputs)
    }

    /// Refuses a setting of the prior that is not what it must be.
    pub(super) fn check(&self, fits: bool, name: &'static str, value: f64, expected: &'static str) {
        if !fits {
            let refused = LayerError::PriorSetting {
                parameter: self.parameter.name.clone(),
                setting: name,
                value,
                expected,
            };
            self.trace.refuse(refused, Shape::SCALAR);
        }
    }

    /// A variable of the prior's own, as `layer0.weight.global`, of this shape, in which fits begin at
    /// `begin` in unconstrained space.
    pub(super) fn own(
        &self,
        name: &str,
        distribution: impl Distribution<'g> + 'g,
        begin: f64,
    ) -> Var<'g> {
        let begin = Begin {
            mean: begin,
            spread: 0.0,
            sd: NARROW,
        };
        self.variable(name, distribution, begin)
    }

    /// The same where each element begins at a place of its own.
    pub(super) fn own_each(
        &self,
        name: &str,
        distribution: impl Distribution<'g> + 'g,
        begin: impl Fn(usize) -> f64,
    ) -> Var<'g> {
        let own = self.own(name, distribution, begin(0));
        let begin: Vec<f64> = (0..own.shape().elements()).map(begin).collect();
        if begin.iter().any(|place| *place != begin[0]) {
            let name = format!("{}.{name}", self.parameter.name);
            let sd = vec![NARROW; begin.len()];
            self.trace.begin_at(&name, begin, Some(sd));
        }
        own
    }

    fn variable(
        &self,
        name: &str,
        distribution: impl Distribution<'g> + 'g,
        begin: Begin,
    ) -> Var<'g> {
        let name = format!("{}.{name}", self.parameter.name);
        let options = SiteOptions {
            begin: Some(begin),
            point: false,
        };
        self.trace.options(&name, options);
        self.trace.sample(&name, distribution)
    }

    /// The weight `scale * raw`, where `raw` is `layer0.weight.raw` and standard normal, and scales begin
    /// at `start`.
    pub(super) fn times(self, scale: Var<'g>, start: f64) -> Var<'g> {
        let begin = Begin {
            mean: 0.0,
            spread: self.size() / start,
            sd: super::SMALL / self.fan_in.sqrt() / start,
        };
        let standard = Normal::new(0.0, 1.0).expand(self.parameter.shape);
        let raw = self.variable("raw", standard, begin);
        let weight = self.trace.scale_weight(raw, scale);
        self.trace.deterministic(&self.parameter.name, weight)
    }
}
