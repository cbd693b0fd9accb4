//! The half-normal distribution: the absolute value of a centred normal.

use std::f64::consts::FRAC_2_PI;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_2, LN_SQRT_2_PI};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of `|x|` for `x` normal with mean 0 and standard deviation `scale > 0`.
///
/// ```text
/// p(x) = 2 exp(-z^2 / 2) / (scale sqrt(2 pi)),   z = x / scale,   x >= 0
/// ```
///
/// The density fails where `z^2` overflows, for `z > 1.3e154`: there it is `-inf`.
///
/// F. Leone, L. Nelson and R. Nottingham, *The Folded Normal Distribution*, 1961.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, HalfNormal};
/// let noise = HalfNormal::new(0.5);
/// let at_zero = noise.log_prob(Var::from(0.0)).number().unwrap();
/// assert!((at_zero - 0.467_355_827_915_218).abs() < 1e-15);
/// assert_eq!(noise.log_prob(Var::from(-1.0)).number(), Some(f64::NEG_INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HalfNormal<'a> {
    scale: Var<'a>,
}

impl<'a> HalfNormal<'a> {
    /// With `scale`, the standard deviation of the normal that is folded.
    pub fn new(scale: impl Into<Var<'a>>) -> HalfNormal<'a> {
        HalfNormal {
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for HalfNormal<'a> {
    fn name(&self) -> &'static str {
        "HalfNormal"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("scale", self.scale, Domain::Positive)]
    }

    fn support(&self) -> Support<'g> {
        Support::NonNegative
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.lt(0.0);
        let z = outside.select(0.0, x) / self.scale;
        let inside = z * z * -0.5 - (self.scale.ln() + (LN_SQRT_2_PI - LN_2));
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some(noise(NoiseKind::Normal).abs() * self.scale)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [scale] = draws::numbers(parameters);
        scale * draws::normal(rng).abs()
    }

    fn mean(&self) -> Var<'g> {
        self.scale * FRAC_2_PI.sqrt()
    }

    fn variance(&self) -> Var<'g> {
        self.scale * self.scale * (1.0 - FRAC_2_PI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_impossible, assert_moments, assert_rsample_follows,
        assert_stable, normal_cdf,
    };
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &HalfNormal::new(2.0),
            &[
                0.53721473892419,
                0.1089243402163019,
                1.1571507536879113,
                3.218674418097762,
                3.2393647660683222,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let half = HalfNormal::new(2.0);
        assert_draws_follow(&half, |x| 2.0 * normal_cdf(x / 2.0) - 1.0);
        assert_moments(&half);
        assert_rsample_follows(&half, |x| 2.0 * normal_cdf(x / 2.0) - 1.0);
    }

    #[test]
    fn negative_numbers_are_impossible() {
        let graph = Graph::new();
        assert_impossible(
            &graph,
            &HalfNormal::new(2.0),
            &[-1e-300, -1.0, f64::NEG_INFINITY],
        );
    }
}
