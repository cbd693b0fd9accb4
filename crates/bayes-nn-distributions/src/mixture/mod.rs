//! Finite mixtures of distributions of one support.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Parameter, Support, draws};

/// How far from 1 the sum of the weights may be.
const WEIGHT_TOLERANCE: f64 = 1e-6;

/// A distribution that draws one of its components, by weight, and then from it.
///
/// ```text
/// p(x) = sum_i weight[i] p_i(x)
/// ```
///
/// The logarithm is taken of the sum relative to its largest term, so nothing overflows, and
/// underflow is no loss. The sum itself is rounded: where a probability is nearly 1, its
/// logarithm is right to about 1e-16 in absolute terms. The derivative by a weight of exactly
/// zero is given as zero. Where the density of a component has a pole, like that of a
/// [`Horseshoe`](crate::Horseshoe) at 0, so has the mixture, with derivative zero.
///
/// The weights lie from 0 to 1 and sum to 1 within 1e-6; the components agree in their support
/// and event shape.
///
/// G. McLachlan and D. Peel, *Finite Mixture Models*, 2000.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Mixture, Normal};
/// let two_peaks = Mixture::new([
///     (0.5, Normal::new(-1.0, 0.1)),
///     (0.5, Normal::new(1.0, 0.1)),
/// ]);
/// assert_eq!(two_peaks.mean().number(), Some(0.0));
/// assert_eq!(two_peaks.parameters()[5].name, "component[1].scale");
/// ```
#[derive(Clone, Debug)]
pub struct Mixture<'a, D> {
    parts: Vec<(Var<'a>, D)>,
}

impl<'a, D> Mixture<'a, D> {
    /// Of pairs of weight and component. The weights are probabilities, one for each component,
    /// of shapes that broadcast with the components'; they sum to 1.
    pub fn new<W: Into<Var<'a>>>(parts: impl IntoIterator<Item = (W, D)>) -> Mixture<'a, D> {
        Mixture {
            parts: parts.into_iter().map(|(w, d)| (w.into(), d)).collect(),
        }
    }

    /// The components.
    pub fn components(&self) -> impl Iterator<Item = &D> {
        self.parts.iter().map(|(_, component)| component)
    }

    /// The numbers of a draw: all weights, then what is left for the components.
    fn split<'n>(&self, parameters: &'n [f64]) -> (&'n [f64], &'n [f64]) {
        parameters.split_at(self.parts.len().min(parameters.len()))
    }
}

/// Takes the numbers of one component off the front of `rest`.
fn take<'g, 'n>(component: &impl Distribution<'g>, rest: &mut &'n [f64]) -> &'n [f64] {
    let parameters = component.parameters();
    let count: usize = parameters.iter().map(Parameter::numbers).sum();
    let (own, others) = rest.split_at(count.min(rest.len()));
    *rest = others;
    own
}

impl<'a, D> Mixture<'a, D> {
    /// Draws a component by weight, with its own numbers.
    fn choose<'g, 'n>(&self, parameters: &'n [f64], rng: &mut dyn Rng) -> Option<(&D, &'n [f64])>
    where
        D: Distribution<'g>,
    {
        let (weights, mut rest) = self.split(parameters);
        let mut left = draws::uniform(rng) * weights.iter().sum::<f64>();
        let mut chosen = None;
        for (&weight, component) in weights.iter().zip(self.components()) {
            let own = take(component, &mut rest);
            if weight > 0.0 {
                chosen = Some((component, own));
                left -= weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        chosen
    }
}

impl<'a, D> Mixture<'a, D> {
    /// The logarithm of the weighted sum of what has these logarithms for each component; `None`
    /// where one has none, or there is no component.
    fn log_sum<'g>(&self, logarithm: impl Fn(&D) -> Option<Var<'g>>) -> Option<Var<'g>>
    where
        'a: 'g,
    {
        let terms = self.parts.iter().map(|(weight, component)| {
            let weight: Var<'g> = *weight;
            let absent = weight.eq(0.0);
            let present = absent.select(1.0, weight).ln() + logarithm(component)?;
            Some(absent.select(f64::NEG_INFINITY, present))
        });
        let terms = terms.collect::<Option<Vec<_>>>()?;
        let largest = terms.iter().copied().reduce(|a, b| a.maximum(b))?;
        // No component has x, or the density of one has a pole there.
        let infinite = largest.abs().eq(f64::INFINITY);
        // The result does not depend on the shift, whose derivative is therefore left out.
        let shift = infinite.select(0.0, largest).stop_gradient();
        let sum = terms
            .iter()
            .map(|term| (infinite.select(0.0, *term) - shift).exp())
            .reduce(|a, b| a + b)?;
        Some(infinite.select(largest.stop_gradient(), shift + sum.ln()))
    }
}

impl<'a: 'g, 'g, D: Distribution<'g>> Distribution<'g> for Mixture<'a, D> {
    fn name(&self) -> &'static str {
        "Mixture"
    }

    /// `weight[0]`, `weight[1]`, ..., then `component[0].*`, `component[1].*`, ...
    fn parameters(&self) -> Vec<Parameter<'g>> {
        let mut parameters = Vec::new();
        for (i, &(weight, _)) in self.parts.iter().enumerate() {
            parameters.push(Parameter {
                name: Cow::Owned(format!("weight[{i}]")),
                ..Parameter::new("", weight, Domain::Probability)
            });
        }
        for (i, component) in self.components().enumerate() {
            for parameter in component.parameters() {
                parameters.push(Parameter {
                    name: Cow::Owned(format!("component[{i}].{}", parameter.name)),
                    ..parameter
                });
            }
        }
        parameters
    }

    /// That of the first component, with which the others must agree.
    fn support(&self) -> Support<'g> {
        let first = self.components().next();
        first.map_or(Support::Real, |component| component.support())
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        self.log_sum(|component| Some(component.log_prob(x)))
            .unwrap_or(Var::from(f64::NEG_INFINITY))
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let chosen = self.choose(parameters, rng);
        chosen.map_or(f64::NAN, |(component, own)| component.draw(own, rng))
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        match self.choose(parameters, rng) {
            Some((component, own)) => component.draw_event(own, rng, event),
            None => event.fill(f64::NAN),
        }
    }

    fn mean(&self) -> Var<'g> {
        weighted(self.parts.iter().map(|(w, d)| (*w, d.mean())))
    }

    fn variance(&self) -> Var<'g> {
        let mean = self.mean();
        weighted(self.parts.iter().map(|(w, d)| {
            let offset = d.mean() - mean;
            (*w, d.variance() + offset * offset)
        }))
    }

    /// `ln sum_i weight[i] exp E ln p_i(x)`, which is below the expectation of the log density: the
    /// largest bound in which the component is drawn by probabilities of its own, whatever the
    /// number. `None` where a component has no such expectation.
    fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
        self.log_sum(|component| component.expected_log_prob(mean, sd))
    }

    fn is_proper(&self) -> bool {
        self.components().all(|component| component.is_proper())
    }

    /// That of the first component, with which the others must agree.
    fn event_shape(&self) -> Shape {
        let first = self.components().next();
        first.map_or(Shape::SCALAR, |component| component.event_shape())
    }

    fn batch_shape(&self) -> Shape {
        let shapes = self.parts.iter().map(|(w, d)| (w.shape(), d.batch_shape()));
        shapes.fold(Shape::SCALAR, |shape, (weight, component)| {
            let shape = shape.broadcast(&weight).unwrap_or(shape);
            shape.broadcast(&component).unwrap_or(shape)
        })
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        if self.parts.is_empty() {
            return Some("there must be at least one component".to_owned());
        }
        let support = self.support();
        for (i, component) in self.components().enumerate() {
            let other = component.support();
            if !support.agrees(&other) {
                return Some(format!(
                    "all components must have the same support, component[0] draws {support}, \
                     component[{i}] {other}"
                ));
            }
            let (first, other) = (self.event_shape(), component.event_shape());
            if first != other {
                return Some(format!(
                    "all components must draw events of the same shape, component[0] has {first}, \
                     component[{i}] {other}"
                ));
            }
        }
        let (weights, mut rest) = self.split(parameters);
        let sum: f64 = weights.iter().sum();
        if (sum - 1.0).abs() > WEIGHT_TOLERANCE {
            return Some(format!("the weights must sum to 1, got {sum}"));
        }
        self.components().enumerate().find_map(|(i, component)| {
            let problem = component.conflict(take(component, &mut rest))?;
            Some(format!("component[{i}]: {problem}"))
        })
    }
}

fn weighted<'g>(terms: impl Iterator<Item = (Var<'g>, Var<'g>)>) -> Var<'g> {
    terms
        .map(|(weight, value)| weight * value)
        .reduce(|a, b| a + b)
        .unwrap_or(Var::from(f64::NAN))
}
