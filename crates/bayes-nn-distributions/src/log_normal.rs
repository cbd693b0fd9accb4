//! The log-normal distribution: the exponential of a normal.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of `e^y` for `y` normal with mean `loc` and standard deviation `scale > 0`.
///
/// ```text
/// p(x) = exp(-z^2 / 2) / (x scale sqrt(2 pi)),   z = (ln(x) - loc) / scale,   x > 0
/// ```
///
/// `z` carries the rounding of `ln(x)` divided by `scale`: with a scale of `s` the derivatives
/// next to the median are right to about `1e-16 / s` in absolute terms of `z`.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 14.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, LogNormal};
/// let log_normal = LogNormal::new(0.0, 1.0);
/// assert_eq!(log_normal.log_prob(Var::from(1.0)).number(), Some(-0.9189385332046728));
/// assert_eq!(log_normal.log_prob(Var::from(0.0)).number(), Some(f64::NEG_INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LogNormal<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> LogNormal<'a> {
    /// With mean `loc` and standard deviation `scale` of the logarithm, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> LogNormal<'a> {
        LogNormal {
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for LogNormal<'a> {
    fn name(&self) -> &'static str {
        "LogNormal"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Positive
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.le(0.0);
        let log_x = outside.select(1.0, x).ln();
        let z = outside.select(0.0, log_x - self.loc) / self.scale;
        let inside = z * z * -0.5 - log_x - (self.scale.ln() + LN_SQRT_2_PI);
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some((noise(NoiseKind::Normal) * self.scale + self.loc).exp())
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale] = draws::numbers(parameters);
        libm::exp(loc + scale * draws::normal(rng))
    }

    fn mean(&self) -> Var<'g> {
        (self.loc + self.scale * self.scale * 0.5).exp()
    }

    fn variance(&self) -> Var<'g> {
        let square = self.scale * self.scale;
        square.expm1() * (self.loc * 2.0 + square).exp()
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
            &LogNormal::new(1.0, 0.5),
            &[
                2.376660414879028,
                2.6452588249490825,
                2.0354406103035814,
                1.2157138017939495,
                6.109477118393011,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let log_normal = LogNormal::new(1.0, 0.5);
        assert_draws_follow(&log_normal, |x| normal_cdf((x.ln() - 1.0) / 0.5));
        assert_moments(&log_normal);
        assert_rsample_follows(&log_normal, |x| normal_cdf((x.ln() - 1.0) / 0.5));
    }

    #[test]
    fn zero_and_below_are_impossible() {
        let graph = Graph::new();
        assert_impossible(
            &graph,
            &LogNormal::new(1.0, 0.5),
            &[0.0, -1.0, f64::NEG_INFINITY],
        );
    }
}
