//! The geometric distribution, of failures before the first success.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of the count of failures before a success of probability `probs > 0`.
///
/// ```text
/// P(k) = (1 - p)^k p,   k = 0, 1, 2, ...
/// ```
///
/// `1 - p` is only as accurate as a `p` near 1 can say.
///
/// `probs` lies above 0, up to 1.
///
/// N. Johnson, A. Kemp and S. Kotz, *Univariate Discrete Distributions*, 2005, section 5.2.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Geometric};
/// let failures = Geometric::new(0.5);
/// let two = failures.log_prob(Var::from(2.0)).number().unwrap();
/// assert!((two - 0.125f64.ln()).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Geometric<'a> {
    probs: Var<'a>,
}

impl<'a> Geometric<'a> {
    /// With the probability `probs` of a success, above 0 and up to 1.
    pub fn new(probs: impl Into<Var<'a>>) -> Geometric<'a> {
        Geometric {
            probs: probs.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Geometric<'a> {
    fn name(&self) -> &'static str {
        "Geometric"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("probs", self.probs, Domain::Probability)]
    }

    fn support(&self) -> Support<'g> {
        Support::Naturals
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let x = x.stop_gradient();
        let is_count = x.ge(0.0) * x.lt(f64::INFINITY) * x.floor().eq(x);
        let positive = is_count * x.gt(0.0);
        // A certain success has no failures to ask for.
        let failures = positive.select(x, 0.0) * (-positive.select(self.probs, 0.5)).log1p();
        is_count.select(failures + self.probs.ln(), f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [probs] = draws::numbers(parameters);
        (libm::log(draws::uniform(rng)) / libm::log1p(-probs)).floor()
    }

    fn mean(&self) -> Var<'g> {
        (1.0 - self.probs) / self.probs
    }

    fn variance(&self) -> Var<'g> {
        (1.0 - self.probs) / self.probs / self.probs
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let [probs] = draws::numbers(parameters);
        (probs == 0.0).then(|| "probs must be greater than 0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::{assert_draws_count, assert_impossible, assert_moments, assert_stable};
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(&Geometric::new(0.2), &[0.0, 5.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn draws_have_their_probabilities() {
        for probs in [0.1, 0.7] {
            assert_draws_count(&Geometric::new(probs), 500);
            assert_moments(&Geometric::new(probs));
        }
    }

    #[test]
    fn draws_of_the_rarest_success_are_counts() {
        for probs in [5e-324, 1e-308, 1e-300, 1.0] {
            let failures = Geometric::new(probs);
            for draw in sample(&failures, 100, 1).unwrap() {
                assert!(failures.support().contains(draw), "{probs}: {draw}");
                let log_prob = failures.log_prob(Var::from(draw)).number().unwrap();
                assert!(log_prob.is_finite(), "{probs}: {log_prob} at {draw}");
            }
        }
    }

    #[test]
    fn everything_but_counts_is_impossible() {
        let graph = Graph::new();
        let outside = [-1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        assert_impossible(&graph, &Geometric::new(0.3), &outside);
    }

    #[test]
    fn a_success_that_never_comes_is_refused_and_a_certain_one_is_not() {
        let error = Geometric::new(0.0).check().unwrap_err();
        assert_eq!(error.to_string(), "Geometric: probs must be greater than 0");
        let graph = Graph::new();
        let probs = graph.input("probs", []);
        let log_prob = Geometric::new(probs).log_prob(Var::from(0.0));
        let slope = grad(log_prob, &[probs]).unwrap()[0];
        let at = Bindings::new().bind(probs, &[1.0]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert_eq!(values[0].values(), [0.0]);
        assert_eq!(values[1].values(), [1.0]);
    }
}
