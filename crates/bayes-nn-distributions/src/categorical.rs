//! The categorical distribution, by logits.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::axes::{aligned, first_axis_max, first_axis_sum};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of one of `K` classes, numbered from 0.
///
/// The logits have the shape `[K, ...batch]`: classes along the first axis, the batch last. A
/// draw is a class number, as a float; a batch of them has the shape `[...batch]`.
///
/// ```text
/// P(y) = exp(logits[y]) / sum_j exp(logits[j]),   y = 0 .. K - 1
/// ```
///
/// Its logarithm is `-ln(1 + sum_{j != y} exp(logits[j] - logits[y]))`: the sum leaves `y` out,
/// so that the log probability of a nearly certain class keeps its relative accuracy, like the
/// two-class case does with `log_sigmoid`.
///
/// `logits` may be any finite numbers; adding one number to all `K` changes nothing.
///
/// C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 2.2 and 4.3.4.
///
/// ```
/// use bayes_nn_autodiff::{Bindings, Graph, Var};
/// use bayes_nn_distributions::{Categorical, Distribution, Support};
/// let graph = Graph::new();
/// let odds = Categorical::new(graph.constant(&[0.0, 2f64.ln(), 0.0], [3]));
/// let values = graph.evaluate(&[odds.log_prob(Var::from(1.0))], &Bindings::new())?;
/// assert!((values[0].values()[0] - 0.5f64.ln()).abs() < 1e-15);
///
/// let logits = graph.input("logits", [10, 500]);
/// let labels = graph.input("labels", [500]);
/// let digit = Categorical::new(logits);
/// assert_eq!(digit.log_prob(labels).shape().to_string(), "[500]");
/// assert!(matches!(digit.support(), Support::Categories(10)));
/// # Ok::<(), bayes_nn_autodiff::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Categorical<'a> {
    logits: Var<'a>,
}

impl<'a> Categorical<'a> {
    /// With `logits` of the shape `[K, ...batch]`; adding a constant to all `K` changes nothing.
    pub fn new(logits: impl Into<Var<'a>>) -> Categorical<'a> {
        Categorical {
            logits: logits.into(),
        }
    }

    /// How many classes there are; a plain number is the logit of the only one.
    pub fn classes(&self) -> usize {
        self.logits.shape().first().copied().unwrap_or(1)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Categorical<'a> {
    fn name(&self) -> &'static str {
        "Categorical"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter {
            event: true,
            ..Parameter::new("logits", self.logits, Domain::Real)
        }]
    }

    fn support(&self) -> Support<'g> {
        Support::Categories(self.classes())
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let (logits, numbers) = aligned(self.logits, x.shape().rank());
        let is_x = numbers.eq(x);
        let at_x = first_axis_sum(is_x.select(logits, 0.0));
        let excess = logits - at_x;
        // At x the excess is 0, so the largest is not negative. The result does not depend on
        // the shift, whose derivative is therefore left out.
        let shift = first_axis_max(excess).stop_gradient();
        let others = first_axis_sum(is_x.select(0.0, (excess - shift).exp()));
        let inside = -(shift + ((-shift).expm1() + others).log1p());
        first_axis_sum(is_x).select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// By [`Var::logsumexp`]: right to about 1e-16 in absolute terms, where `log_prob` of one
    /// class is right in relative terms.
    fn log_probabilities(&self) -> Option<Var<'g>> {
        let (shape, _) = (self.logits.shape(), self.logits.graph()?);
        let total = self.logits.logsumexp(0).reshape(shape.with(0, 1));
        Some(self.logits - total)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let largest = parameters.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = parameters.iter().map(|l| libm::exp(l - largest)).sum();
        if parameters.is_empty() || !total.is_finite() {
            return f64::NAN;
        }
        let mut rest = draws::uniform(rng) * total;
        for (class, logit) in parameters.iter().enumerate() {
            rest -= libm::exp(logit - largest);
            if rest < 0.0 {
                return class as f64;
            }
        }
        // Rounding has left a hair over: it belongs to the last class that can occur.
        let possible = |logit: &f64| libm::exp(logit - largest) > 0.0;
        parameters.iter().rposition(possible).unwrap_or(0) as f64
    }

    /// The mean class number.
    fn mean(&self) -> Var<'g> {
        let (probabilities, numbers) = self.probabilities();
        first_axis_sum(probabilities * numbers)
    }

    /// The variance of the class number.
    fn variance(&self) -> Var<'g> {
        let (probabilities, numbers) = self.probabilities();
        let deviation = numbers - first_axis_sum(probabilities * numbers);
        first_axis_sum(probabilities * deviation * deviation)
    }
}

impl<'a> Categorical<'a> {
    fn probabilities(&self) -> (Var<'a>, Var<'a>) {
        let (logits, numbers) = aligned(self.logits, 0);
        let weights = (logits - first_axis_max(logits).stop_gradient()).exp();
        (weights / first_axis_sum(weights), numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_classes, assert_close, assert_draws_count, assert_impossible, assert_moments,
        assert_stable,
    };
    use bayes_nn_autodiff::{Bindings, Graph, Shape, grad};

    const LOGITS: [f64; 4] = [0.5, -1.0, 2.0, 0.0];

    #[test]
    fn a_seed_gives_these_numbers() {
        let graph = Graph::new();
        assert_stable(
            &Categorical::new(graph.constant(&LOGITS, [4])),
            &[2.0, 2.0, 3.0, 2.0, 2.0],
        );
    }

    #[test]
    fn draws_have_their_probabilities() {
        let graph = Graph::new();
        let categorical = Categorical::new(graph.constant(&LOGITS, [4]));
        assert_draws_count(&categorical, 4);
        assert_moments(&categorical);
    }

    #[test]
    fn the_classes_have_the_log_probabilities_of_each() {
        let graph = Graph::new();
        let logits = graph.constant(&[-9.0, 1.5, 0.0, 3.0, 40.0, 900.0], [3, 2]);
        assert_classes(&graph, &Categorical::new(logits), 3, 1e-15);
        let column = graph.constant(&LOGITS, [4]);
        assert_classes(&graph, &Categorical::new(column), 4, 1e-15);
    }

    #[test]
    fn everything_but_class_numbers_is_impossible() {
        let graph = Graph::new();
        let categorical = Categorical::new(graph.constant(&LOGITS, [4]));
        assert_impossible(
            &graph,
            &categorical,
            &[4.0, -1.0, 0.5, f64::INFINITY, f64::NAN],
        );
        let far = Categorical::new(graph.constant(&[-1e4, -2e4], [2]));
        assert_impossible(&graph, &far, &[2.0]);
    }

    #[test]
    fn a_thousand_classes_share_one_probability() {
        let graph = Graph::new();
        let logits = graph.input("logits", [1000, 2]);
        let x = graph.constant(&[0.0, 999.0], [2]);
        let log_prob = Categorical::new(logits).log_prob(x);
        let slope = grad(log_prob.sum(), &[logits]).unwrap()[0];
        let at = Bindings::new().bind(logits, &[-3.0; 2000]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        for (column, class) in [(0, 0), (1, 999)] {
            assert_close(values[0].values()[column], -1000f64.ln(), 1e-14, "log_prob");
            for j in 0..1000 {
                let expected = if j == class { 0.999 } else { -0.001 };
                assert_close(values[1].values()[j * 2 + column], expected, 1e-13, "slope");
            }
        }
    }

    #[test]
    fn values_and_logits_broadcast_over_the_batch() {
        let graph = Graph::new();
        let logits = graph.input("logits", [3, 4]);
        let column = graph.input("column", [2, 1]);
        let shape = |x| Categorical::new(logits).log_prob(x).shape();
        assert_eq!(shape(column), Shape::from([2, 4]));
        assert_eq!(shape(Var::from(1.0)), Shape::from([4]));
        let vector = graph.input("vector", [3]);
        let many = graph.input("many", [5, 7]);
        assert_eq!(
            Categorical::new(vector).log_prob(many).shape(),
            Shape::from([5, 7])
        );
        assert_eq!(graph.check(), Ok(()));

        let six = graph.input("six", [1, 1, 1, 1, 1, 2]);
        Categorical::new(vector).log_prob(six);
        assert!(graph.check().is_err());
    }

    #[test]
    fn one_number_is_the_only_class() {
        let only = Categorical::new(3.0);
        assert_eq!(only.log_prob(Var::from(0.0)).number(), Some(0.0));
        let other = only.log_prob(Var::from(1.0)).number();
        assert_eq!(other, Some(f64::NEG_INFINITY));
    }
}
