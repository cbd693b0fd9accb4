//! The Bernoulli distribution, by probability or by logit.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of a 1 with probability `p`, and a 0 otherwise.
///
/// ```text
/// P(1) = p,  P(0) = 1 - p,   p = probs,  or  p = sigmoid(logits)
/// ```
///
/// With logits both log probabilities keep full relative accuracy at any logit. With
/// probabilities `1 - p` is only as accurate as a `p` near 1 can say.
///
/// `probs` lies from 0 to 1; `logits` may be any finite number.
///
/// N. Johnson, A. Kemp and S. Kotz, *Univariate Discrete Distributions*, 2005, chapter 3.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Bernoulli, Distribution};
/// let coin = Bernoulli::probs(0.25);
/// assert_eq!(coin.log_prob(Var::from(1.0)).number(), Some(0.25f64.ln()));
/// let nearly_certain = Bernoulli::logits(800.0);
/// assert_eq!(nearly_certain.log_prob(Var::from(0.0)).number(), Some(-800.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bernoulli<'a> {
    parameter: P<'a>,
}

#[derive(Clone, Copy, Debug)]
enum P<'a> {
    Probs(Var<'a>),
    Logits(Var<'a>),
}

impl<'a> Bernoulli<'a> {
    /// By the probability of a 1, from 0 to 1.
    pub fn probs(probs: impl Into<Var<'a>>) -> Bernoulli<'a> {
        Bernoulli {
            parameter: P::Probs(probs.into()),
        }
    }

    /// By `ln(p / (1 - p))` of the probability `p` of a 1.
    pub fn logits(logits: impl Into<Var<'a>>) -> Bernoulli<'a> {
        Bernoulli {
            parameter: P::Logits(logits.into()),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Bernoulli<'a> {
    fn name(&self) -> &'static str {
        "Bernoulli"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![match self.parameter {
            P::Probs(p) => Parameter::new("probs", p, Domain::Probability),
            P::Logits(logits) => Parameter::new("logits", logits, Domain::Real),
        }]
    }

    fn support(&self) -> Support<'g> {
        Support::Boolean
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let (is_one, is_zero) = (x.eq(1.0), x.eq(0.0));
        let inside = match self.parameter {
            P::Probs(p) => {
                let one = is_one.select(p, 0.5).ln();
                let zero = (-is_zero.select(p, 0.5)).log1p();
                is_one.select(one, zero)
            }
            // A sign, not a choice: its derivative is one product.
            P::Logits(logits) => ((2.0 * is_one - 1.0) * logits).log_sigmoid(),
        };
        (is_one + is_zero).select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [parameter] = draws::numbers(parameters);
        let p = match self.parameter {
            P::Probs(_) => parameter,
            P::Logits(_) => 1.0 / (1.0 + libm::exp(-parameter)),
        };
        match p.is_nan() {
            true => f64::NAN,
            false => f64::from(draws::uniform(rng) < p),
        }
    }

    fn mean(&self) -> Var<'g> {
        match self.parameter {
            P::Probs(p) => p,
            P::Logits(logits) => logits.sigmoid(),
        }
    }

    fn variance(&self) -> Var<'g> {
        match self.parameter {
            P::Probs(p) => p * (1.0 - p),
            P::Logits(logits) => logits.sigmoid() * (-logits).sigmoid(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_classes, assert_draws_count, assert_impossible, assert_moments, assert_stable,
    };
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(&Bernoulli::probs(0.4), &[0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_stable(&Bernoulli::logits(0.5), &[0.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn draws_have_their_probabilities() {
        assert_draws_count(&Bernoulli::probs(0.3), 2);
        assert_draws_count(&Bernoulli::logits(-1.2), 2);
        assert_moments(&Bernoulli::probs(0.3));
        assert_moments(&Bernoulli::logits(-1.2));
    }

    #[test]
    fn the_classes_have_the_log_probabilities_of_each() {
        let graph = Graph::new();
        let logits = graph.constant(&[-800.0, -1.5, 0.0, 3.0, 40.0, 900.0], [2, 3]);
        assert_classes(&graph, &Bernoulli::logits(logits), 2, 0.0);
        let probs = graph.constant(&[0.0, 0.2, 1.0], [3]);
        assert_classes(&graph, &Bernoulli::probs(probs), 2, 0.0);
        assert!(Bernoulli::logits(0.3).log_probabilities().is_none());
    }

    #[test]
    fn everything_but_zero_and_one_is_impossible() {
        let graph = Graph::new();
        let outside = [0.5, -1.0, 2.0, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &Bernoulli::probs(0.3), &outside);
        assert_impossible(&graph, &Bernoulli::logits(0.3), &outside);
    }

    #[test]
    fn certainty_has_finite_derivatives_for_what_it_expects() {
        let graph = Graph::new();
        let p = graph.input("p", [2]);
        let x = graph.constant(&[0.0, 1.0], [2]);
        let log_prob = Bernoulli::probs(p).log_prob(x);
        let slope = grad(log_prob.sum(), &[p]).unwrap()[0];
        let at = Bindings::new().bind(p, &[0.0, 1.0]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert_eq!(values[0].values(), [0.0, 0.0]);
        assert_eq!(values[1].values(), [-1.0, 1.0]);
    }
}
