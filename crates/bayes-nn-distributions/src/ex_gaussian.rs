//! The exponentially modified normal distribution: a normal number plus an exponential one.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, log_mills, log_upper_half, quotient};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of the sum of a normal number, with mean `loc` and standard deviation
/// `scale > 0`, and an exponential one, with mean `1 / rate`, `rate > 0`.
///
/// ```text
/// p(x) = rate exp(rate (loc - x) + (rate scale)^2 / 2) Phi(v),   x real
/// v = z - rate scale,   z = (x - loc) / scale
/// ```
///
/// For negative `v` the exponent and the tail of the distribution function `Phi` cancel; there the
/// density is `rate phi(z)` times Mills' ratio of `-v`. So it stays right as `rate scale` grows,
/// when it becomes the normal density. The density fails where `z^2` or `rate (x - loc)` overflows:
/// there it is `-inf`.
///
/// E. Grushka, *Characterization of Exponentially Modified Gaussian Peaks in Chromatography*, 1972.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, ExGaussian};
/// let reaction_time = ExGaussian::new(0.4, 0.05, 4.0);
/// assert_eq!(reaction_time.mean().number(), Some(0.65));
/// assert!(reaction_time.log_prob(Var::from(-50.0)).number().unwrap() > -1e6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExGaussian<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
    rate: Var<'a>,
}

impl<'a> ExGaussian<'a> {
    /// With `loc` and `scale` of the normal number and `rate` of the exponential one, of shapes
    /// that broadcast.
    pub fn new(
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        rate: impl Into<Var<'a>>,
    ) -> ExGaussian<'a> {
        ExGaussian {
            loc: loc.into(),
            scale: scale.into(),
            rate: rate.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for ExGaussian<'a> {
    fn name(&self) -> &'static str {
        "ExGaussian"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
            Parameter::new("rate", self.rate, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let (scale, rate): (Var<'g>, Var<'g>) = (self.scale, self.rate);
        let deviation = x - self.loc;
        let z = quotient(deviation, scale);
        let k = (rate * scale).minimum(1e300);
        let v = z - k;
        let left = v.lt(0.0);
        let z_left = left.select(z, 0.0);
        let normal = log_mills(left.select(-v, 0.0)) - z_left * z_left * 0.5 - LN_SQRT_2_PI;
        // k (z - k / 2), without a quotient that the scale would have to make up for.
        let fall = rate * left.select(0.0, deviation - k * scale * 0.5);
        let exponential = log_upper_half(left.select(0.0, v)) - fall;
        left.select(normal, exponential) + self.rate.ln()
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let normal = noise(NoiseKind::Normal) * self.scale + self.loc;
        Some(normal - noise(NoiseKind::Uniform).ln() / self.rate)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale, rate] = draws::numbers(parameters);
        let normal = loc + scale * draws::normal(rng);
        normal - libm::log(draws::uniform(rng)) / rate
    }

    fn mean(&self) -> Var<'g> {
        self.loc + self.rate.reciprocal()
    }

    fn variance(&self) -> Var<'g> {
        self.scale * self.scale + (self.rate * self.rate).reciprocal()
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
            &ExGaussian::new(1.0, 0.5, 2.0),
            &[
                0.8738147854585725,
                1.3791733440494016,
                0.9811203336721337,
                0.908373911026111,
                1.8521960418347168,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        for rate in [0.5, 3.0] {
            let sum = ExGaussian::new(1.0, 0.7, rate);
            assert_draws_follow(&sum, density_cdf(&sum, -6.0, 40.0));
            assert_moments(&sum);
        }
        let sum = ExGaussian::new(1.0, 0.7, 1.0);
        assert_rsample_follows(&sum, density_cdf(&sum, -6.0, 40.0));
    }
}
