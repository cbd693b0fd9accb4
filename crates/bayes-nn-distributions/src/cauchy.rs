//! The Cauchy distribution: Student's t with one degree of freedom.

use std::f64::consts::PI;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::log_cauchy;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The Cauchy distribution with median `loc` and half width at half maximum `scale > 0`.
///
/// ```text
/// p(x) = 1 / (pi scale (1 + z^2)),   z = (x - loc) / scale,   x real
/// ```
///
/// Neither mean nor variance exists.
///
/// Draws invert the distribution function, `z = -cot(pi u)`.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 16.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Cauchy, Distribution};
/// let cauchy = Cauchy::new(0.0, 1.0);
/// let at_zero = cauchy.log_prob(Var::from(0.0)).number().unwrap();
/// assert!((at_zero + std::f64::consts::PI.ln()).abs() < 1e-15);
/// assert!(cauchy.mean().number().unwrap().is_nan());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cauchy<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> Cauchy<'a> {
    /// With median `loc` and half width `scale`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Cauchy<'a> {
        Cauchy {
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Cauchy<'a> {
    fn name(&self) -> &'static str {
        "Cauchy"
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
        -log_cauchy(x - self.loc, self.scale) - PI.ln()
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let u = noise(NoiseKind::Uniform);
        // Both tails are written with the exact distance to their end.
        let lower = u.lt(0.5);
        let angle = lower.select(u, 1.0 - u) * PI;
        let size = angle.cos() / angle.sin();
        Some(lower.select(-size, size) * self.scale + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale] = draws::numbers(parameters);
        let angle = PI * (draws::uniform(rng) - 0.5);
        loc + scale * (libm::sin(angle) / libm::cos(angle))
    }

    /// There is none: NaN.
    fn mean(&self) -> Var<'g> {
        (self.loc + self.scale) * f64::NAN
    }

    /// There is none: NaN.
    fn variance(&self) -> Var<'g> {
        (self.loc + self.scale) * f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_draws_follow, assert_rsample_follows, assert_stable};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Cauchy::new(1.0, 2.0),
            &[
                4.0302728097657,
                -0.27965410688535464,
                40.49354526409857,
                2.464015007924001,
                3.6378467466751427,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let cauchy = Cauchy::new(1.0, 2.0);
        assert_draws_follow(&cauchy, |x| 0.5 + ((x - 1.0) / 2.0).atan() / PI);
        assert_rsample_follows(&cauchy, |x| 0.5 + ((x - 1.0) / 2.0).atan() / PI);
    }
}
