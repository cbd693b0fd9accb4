//! The Weibull distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::log_ratio;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The Weibull distribution with `concentration > 0` (the exponent) and `scale > 0`.
///
/// ```text
/// p(x) = k / x exp(y - e^y),   y = k ln(x / scale),   k = concentration,   x > 0
/// ```
///
/// `y` carries the rounding of `ln(x / scale)` times `k`. The density fails where `e^y` overflows:
/// there it is `-inf`. Zero has no density here; with concentration 1 the
/// [`Exponential`](crate::Exponential) gives it one.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 21.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Weibull};
/// let lifetime = Weibull::new(2.0, 1.0);
/// let log_prob = lifetime.log_prob(Var::from(1.0)).number().unwrap();
/// assert!((log_prob - (2f64.ln() - 1.0)).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Weibull<'a> {
    concentration: Var<'a>,
    scale: Var<'a>,
}

impl<'a> Weibull<'a> {
    /// With `concentration` and `scale`, of shapes that broadcast.
    pub fn new(concentration: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Weibull<'a> {
        Weibull {
            concentration: concentration.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Weibull<'a> {
    fn name(&self) -> &'static str {
        "Weibull"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("concentration", self.concentration, Domain::Positive),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Positive
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.le(0.0) + x.eq(f64::INFINITY);
        let x = outside.select(self.scale, x);
        let y = log_ratio(x, self.scale) * self.concentration;
        let inside = y - y.exp() + self.concentration.ln() - x.ln();
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let exponential = -noise(NoiseKind::Uniform).ln();
        Some((exponential.ln() / self.concentration).exp() * self.scale)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [concentration, scale] = draws::numbers(parameters);
        let exponential = -libm::log(draws::uniform(rng));
        scale * libm::exp(libm::log(exponential) / concentration)
    }

    /// `scale gamma(1 + 1 / concentration)`
    fn mean(&self) -> Var<'g> {
        (self.concentration.reciprocal() + 1.0).lgamma().exp() * self.scale
    }

    /// `scale^2 (gamma(1 + 2 / k) - gamma(1 + 1 / k)^2)`, by the ratio of the two terms.
    fn variance(&self) -> Var<'g> {
        let inverse = self.concentration.reciprocal();
        let excess = (inverse * 2.0 + 1.0).lgamma() - (inverse + 1.0).lgamma() * 2.0;
        self.mean() * self.mean() * excess.expm1()
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
            &Weibull::new(1.5, 2.0),
            &[
                0.6962929055285381,
                2.186549076714466,
                0.128242741336262,
                1.0028275319946398,
                0.7536022361508025,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let weibull = Weibull::new(1.5, 2.0);
        assert_draws_follow(&weibull, |x| -(-(x / 2.0).powf(1.5)).exp_m1());
        assert_moments(&weibull);
        assert_rsample_follows(&weibull, |x| -(-(x / 2.0).powf(1.5)).exp_m1());
    }

    #[test]
    fn zero_and_below_are_impossible() {
        let graph = Graph::new();
        let outside = [0.0, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &Weibull::new(0.5, 2.0), &outside);
    }
}
