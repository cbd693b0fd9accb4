//! The half-Cauchy distribution: the absolute value of a centred Cauchy.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::log_cauchy;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of `|x|` for `x` Cauchy with median 0 and half width `scale > 0`.
///
/// ```text
/// p(x) = 2 / (pi scale (1 + z^2)),   z = x / scale,   x >= 0
/// ```
///
/// The mean is infinite.
///
/// A. Gelman, *Prior distributions for variance parameters in hierarchical models*, 2006.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, HalfCauchy};
/// let spread = HalfCauchy::new(5.0);
/// let at_scale = spread.log_prob(Var::from(5.0)).number().unwrap();
/// assert!((at_scale + (5.0 * std::f64::consts::PI).ln()).abs() < 1e-15);
/// assert_eq!(spread.log_prob(Var::from(-1.0)).number(), Some(f64::NEG_INFINITY));
/// assert_eq!(spread.mean().number(), Some(f64::INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HalfCauchy<'a> {
    scale: Var<'a>,
}

impl<'a> HalfCauchy<'a> {
    /// With `scale`, which is the median.
    pub fn new(scale: impl Into<Var<'a>>) -> HalfCauchy<'a> {
        HalfCauchy {
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for HalfCauchy<'a> {
    fn name(&self) -> &'static str {
        "HalfCauchy"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("scale", self.scale, Domain::Positive)]
    }

    fn support(&self) -> Support<'g> {
        Support::NonNegative
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.lt(0.0);
        let inside = FRAC_2_PI.ln() - log_cauchy(outside.select(0.0, x), self.scale);
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let angle = noise(NoiseKind::Uniform) * FRAC_PI_2;
        Some(angle.cos() / angle.sin() * self.scale)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [scale] = draws::numbers(parameters);
        let angle = FRAC_PI_2 * draws::uniform(rng);
        scale * (libm::cos(angle) / libm::sin(angle))
    }

    /// Infinite.
    fn mean(&self) -> Var<'g> {
        self.scale * f64::INFINITY
    }

    /// There is none: NaN.
    fn variance(&self) -> Var<'g> {
        self.scale * f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_impossible, assert_rsample_follows, assert_stable,
    };
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &HalfCauchy::new(2.0),
            &[
                0.6005057984126217,
                3.6539992025419563,
                0.0506087605787387,
                1.0145611848582006,
                0.6724758144878381,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let half = HalfCauchy::new(2.0);
        assert_draws_follow(&half, |x| FRAC_2_PI * (x / 2.0).atan());
        assert_rsample_follows(&half, |x| FRAC_2_PI * (x / 2.0).atan());
    }

    #[test]
    fn negative_numbers_are_impossible() {
        let graph = Graph::new();
        let outside = [-1e-300, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &HalfCauchy::new(2.0), &outside);
    }
}
