//! The normal distribution.
//!
//! ```text
//! p(x) = exp(-z^2 / 2) / (scale sqrt(2 pi)),   z = (x - loc) / scale,   x real
//! ```
//!
//! The density fails where `z^2` overflows, for `|z| > 1.3e154`: there it is `-inf`.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The normal distribution with mean `loc` and standard deviation `scale > 0`.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Normal};
/// let standard = Normal::new(0.0, 1.0);
/// let at_zero = standard.log_prob(Var::from(0.0)).number();
/// assert_eq!(at_zero, Some(-0.9189385332046728));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Normal<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> Normal<'a> {
    /// With mean `loc` and standard deviation `scale`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Normal<'a> {
        Normal {
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Normal<'a> {
    fn name(&self) -> &'static str {
        "Normal"
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
        z * z * -0.5 - (self.scale.ln() + LN_SQRT_2_PI)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some(noise(NoiseKind::Normal) * self.scale + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale] = draws::numbers(parameters);
        loc + scale * draws::normal(rng)
    }

    fn mean(&self) -> Var<'g> {
        self.loc
    }

    fn variance(&self) -> Var<'g> {
        self.scale * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_moments, assert_rsample_follows, assert_stable, normal_cdf,
    };

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Normal::new(1.0, 2.0),
            &[
                0.46278526107581,
                0.8910756597836981,
                -0.15715075368791132,
                -2.218674418097762,
                4.239364766068322,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let normal = Normal::new(1.0, 2.0);
        assert_draws_follow(&normal, |x| normal_cdf((x - 1.0) / 2.0));
        assert_moments(&normal);
        assert_rsample_follows(&normal, |x| normal_cdf((x - 1.0) / 2.0));
    }
}
