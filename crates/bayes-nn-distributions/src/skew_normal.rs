//! The skew normal distribution.

use std::f64::consts::FRAC_2_PI;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_2, LN_SQRT_2_PI, log_normal_cdf, quotient};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The skew normal distribution with location `loc`, `scale > 0` and `skew`, any real number.
///
/// ```text
/// p(x) = 2 / scale phi(z) Phi(skew z),   z = (x - loc) / scale,   x real
/// ```
///
/// The logarithm of the distribution function `Phi` keeps its digits in both tails. The density
/// fails where `(skew z)^2` overflows: there it is `-inf`, or NaN where `skew z` itself overflows.
///
/// A. Azzalini, *A Class of Distributions which Includes the Normal Ones*, 1985.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Normal, SkewNormal};
/// let at_loc = SkewNormal::new(1.0, 2.0, 3.0).log_prob(Var::from(1.0)).number().unwrap();
/// assert!((at_loc + 0.5 * std::f64::consts::TAU.ln() + 2f64.ln()).abs() < 1e-15);
/// // Without skew it is the normal distribution.
/// let straight = SkewNormal::new(1.0, 2.0, 0.0).log_prob(Var::from(3.0)).number().unwrap();
/// let normal = Normal::new(1.0, 2.0).log_prob(Var::from(3.0)).number().unwrap();
/// assert!((straight - normal).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SkewNormal<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
    skew: Var<'a>,
}

impl<'a> SkewNormal<'a> {
    /// With `loc`, `scale` and `skew`, of shapes that broadcast.
    pub fn new(
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        skew: impl Into<Var<'a>>,
    ) -> SkewNormal<'a> {
        SkewNormal {
            loc: loc.into(),
            scale: scale.into(),
            skew: skew.into(),
        }
    }

    /// `sqrt(1 + skew^2)`, and `skew` over it.
    fn delta(&self) -> (Var<'a>, Var<'a>) {
        let length = (self.skew * self.skew + 1.0).sqrt();
        (length, self.skew / length)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for SkewNormal<'a> {
    fn name(&self) -> &'static str {
        "SkewNormal"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
            Parameter::new("skew", self.skew, Domain::Real),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let z = quotient(x - self.loc, self.scale);
        let half = log_normal_cdf(z * self.skew);
        half - z * z * 0.5 - (self.scale.ln() + (LN_SQRT_2_PI - LN_2))
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let (length, delta) = self.delta();
        let z = noise(NoiseKind::Normal).abs() * delta + noise(NoiseKind::Normal) / length;
        Some(z * self.scale + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale, skew] = draws::numbers(parameters);
        let length = (1.0 + skew * skew).sqrt();
        let common = draws::normal(rng).abs();
        let own = draws::normal(rng);
        loc + scale * (skew / length * common + own / length)
    }

    fn mean(&self) -> Var<'g> {
        let (_, delta) = self.delta();
        self.loc + self.scale * delta * FRAC_2_PI.sqrt()
    }

    fn variance(&self) -> Var<'g> {
        let (_, delta) = self.delta();
        self.scale * self.scale * (1.0 - delta * delta * FRAC_2_PI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_moments, assert_rsample_follows, assert_stable, density_cdf,
    };

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &SkewNormal::new(1.0, 2.0, -3.0),
            &[
                0.4559084489445946,
                -1.1156038141208864,
                -1.672421781923044,
                -1.3270595071057598,
                -2.8216319083572814,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        for skew in [-3.0, 0.5] {
            let normal = SkewNormal::new(1.0, 2.0, skew);
            assert_draws_follow(&normal, density_cdf(&normal, -19.0, 21.0));
            assert_moments(&normal);
        }
        let normal = SkewNormal::new(1.0, 2.0, 4.0);
        assert_rsample_follows(&normal, density_cdf(&normal, -19.0, 21.0));
    }
}
