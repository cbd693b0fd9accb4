//! The logistic distribution.

use std::f64::consts::PI;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Parameter, Support, draws};

/// The logistic distribution with mean `loc` and `scale > 0`.
///
/// ```text
/// p(x) = sigmoid(z) sigmoid(-z) / scale,   z = (x - loc) / scale,   x real
/// ```
///
/// Both factors are taken as logarithms, which keep their digits in both tails. The derivative by
/// `x` is a difference of the two: next to the mode it is right in absolute terms of `z`.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 2,
/// 1995, chapter 23.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Logistic};
/// let logistic = Logistic::new(0.0, 1.0);
/// assert_eq!(logistic.log_prob(Var::from(800.0)).number(), Some(-800.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Logistic<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> Logistic<'a> {
    /// With mean `loc` and `scale`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Logistic<'a> {
        Logistic {
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Logistic<'a> {
    fn name(&self) -> &'static str {
        "Logistic"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let z = (x - self.loc) / self.scale;
        z.log_sigmoid() + (-z).log_sigmoid() - self.scale.ln()
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let u = noise(NoiseKind::Uniform);
        Some((u.ln() - (1.0 - u).ln()) * self.scale + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale] = draws::numbers(parameters);
        let u = draws::uniform(rng);
        loc + scale * (libm::log(u) - libm::log(1.0 - u))
    }

    fn mean(&self) -> Var<'g> {
        self.loc
    }

    fn variance(&self) -> Var<'g> {
        self.scale * self.scale * (PI * PI / 3.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_moments, assert_rsample_follows, assert_stable,
    };

    fn cdf(x: f64) -> f64 {
        1.0 / (1.0 + ((1.0 - x) / 2.0).exp())
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Logistic::new(1.0, 2.0),
            &[
                3.956460811157403,
                -0.5183902382562255,
                9.224673814398853,
                2.7054226771095693,
                3.6923610554418187,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        assert_draws_follow(&Logistic::new(1.0, 2.0), cdf);
        assert_moments(&Logistic::new(1.0, 2.0));
        assert_rsample_follows(&Logistic::new(1.0, 2.0), cdf);
    }
}
