//! The exponential distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Parameter, Support, draws};

/// The exponential distribution with mean `1 / rate`, `rate > 0`.
///
/// ```text
/// p(x) = rate exp(-rate x),   x >= 0
/// ```
///
/// The density fails where `rate x` overflows: there it is `-inf`.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 19.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Exponential};
/// let waiting = Exponential::new(1.0);
/// assert_eq!(waiting.log_prob(Var::from(3.0)).number(), Some(-3.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Exponential<'a> {
    rate: Var<'a>,
}

impl<'a> Exponential<'a> {
    /// With `rate`, one over the mean.
    pub fn new(rate: impl Into<Var<'a>>) -> Exponential<'a> {
        Exponential { rate: rate.into() }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Exponential<'a> {
    fn name(&self) -> &'static str {
        "Exponential"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("rate", self.rate, Domain::Positive)]
    }

    fn support(&self) -> Support<'g> {
        Support::NonNegative
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.lt(0.0);
        let inside = self.rate.ln() - outside.select(0.0, x) * self.rate;
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some(-noise(NoiseKind::Uniform).ln() / self.rate)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [rate] = draws::numbers(parameters);
        -libm::log(draws::uniform(rng)) / rate
    }

    fn mean(&self) -> Var<'g> {
        self.rate.reciprocal()
    }

    fn variance(&self) -> Var<'g> {
        (self.rate * self.rate).reciprocal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_impossible, assert_moments, assert_rsample_follows,
        assert_stable,
    };
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Exponential::new(0.5),
            &[
                0.4108402241357366,
                2.2862506731196444,
                0.03247388075847969,
                0.7101079507375628,
                0.46259216189013,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let exponential = Exponential::new(0.5);
        assert_draws_follow(&exponential, |x| -(-0.5 * x).exp_m1());
        assert_moments(&exponential);
        assert_rsample_follows(&exponential, |x| -(-0.5 * x).exp_m1());
    }

    #[test]
    fn negative_numbers_are_impossible() {
        let graph = Graph::new();
        let outside = [-1e-300, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &Exponential::new(2.0), &outside);
    }
}
