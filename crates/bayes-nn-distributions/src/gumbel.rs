//! The Gumbel distribution, of largest values.

use std::f64::consts::PI;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{EULER, quotient};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The Gumbel distribution with mode `loc` and `scale > 0`.
///
/// ```text
/// p(x) = exp(-z - exp(-z)) / scale,   z = (x - loc) / scale,   x real
/// ```
///
/// The density fails where `exp(-z)` overflows, for `z < -709`: there it is `-inf`.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 2,
/// 1995, chapter 22.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Gumbel};
/// let largest = Gumbel::new(0.0, 1.0);
/// assert_eq!(largest.log_prob(Var::from(0.0)).number(), Some(-1.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gumbel<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> Gumbel<'a> {
    /// With mode `loc` and `scale`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Gumbel<'a> {
        Gumbel {
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Gumbel<'a> {
    fn name(&self) -> &'static str {
        "Gumbel"
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
        let z = quotient(x - self.loc, self.scale);
        -(z + (-z).exp()) - self.scale.ln()
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let u = noise(NoiseKind::Uniform);
        Some(self.loc - (-u.ln()).ln() * self.scale)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale] = draws::numbers(parameters);
        loc - scale * libm::log(-libm::log(draws::uniform(rng)))
    }

    fn mean(&self) -> Var<'g> {
        self.loc + self.scale * EULER
    }

    fn variance(&self) -> Var<'g> {
        self.scale * self.scale * (PI * PI / 6.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_moments, assert_rsample_follows, assert_stable,
    };

    fn cdf(x: f64) -> f64 {
        (-(-(x - 1.0) / 2.0).exp()).exp()
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Gumbel::new(1.0, 2.0),
            &[
                4.165396139379642,
                0.7324679308324215,
                9.240932724582565,
                3.0709709155435783,
                3.928113306978781,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        assert_draws_follow(&Gumbel::new(1.0, 2.0), cdf);
        assert_moments(&Gumbel::new(1.0, 2.0));
        assert_rsample_follows(&Gumbel::new(1.0, 2.0), cdf);
    }
}
