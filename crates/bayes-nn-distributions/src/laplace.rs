//! The Laplace (double exponential) distribution.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::LN_2;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The Laplace distribution with mean `loc` and mean absolute deviation `scale > 0`.
///
/// ```text
/// p(x) = exp(-|x - loc| / scale) / (2 scale),   x real
/// ```
///
/// At `x = loc` the density has a kink; the derivative there is given as zero.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 2,
/// 1995, chapter 24.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Laplace};
/// let laplace = Laplace::new(0.0, 0.5);
/// assert_eq!(laplace.log_prob(Var::from(3.0)).number(), Some(-6.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Laplace<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> Laplace<'a> {
    /// With mean `loc` and mean absolute deviation `scale`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Laplace<'a> {
        Laplace {
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Laplace<'a> {
    fn name(&self) -> &'static str {
        "Laplace"
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
        -(x - self.loc).abs() / self.scale - (self.scale.ln() + LN_2)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let u = noise(NoiseKind::Uniform);
        // The inverse distribution function, its tails written with the exact u and 1 - u.
        let lower = u.lt(0.5);
        let tail = lower.select(u, 1.0 - u) * 2.0;
        let deviation = lower.select(tail.ln(), -tail.ln());
        Some(deviation * self.scale + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale] = draws::numbers(parameters);
        let size = -scale * libm::log(draws::uniform(rng));
        match rng.next_u64() >> 63 {
            0 => loc - size,
            _ => loc + size,
        }
    }

    fn mean(&self) -> Var<'g> {
        self.loc
    }

    fn variance(&self) -> Var<'g> {
        self.scale * self.scale * 2.0
    }

    /// `ln p(x)` with the mean of the folded normal distribution for `|x - loc|`,
    /// `E |y| = d erf(d / (sd sqrt 2)) + sd sqrt(2 / pi) exp(-d^2 / (2 sd^2))` with
    /// `d = mean - loc` (Leone, Nelson and Nottingham, *The Folded Normal Distribution*, 1961).
    fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
        let d = mean - self.loc;
        let ratio = d / sd;
        // From here on the fold is not seen, and the square might overflow.
        let far = ratio.abs().gt(40.0);
        let ratio = far.select(0.0, ratio);
        let folded = d * (ratio * FRAC_1_SQRT_2).erf()
            + sd * (ratio * ratio * -0.5).exp() * FRAC_2_PI.sqrt();
        let size = far.select(d.abs(), folded);
        Some(-size / self.scale - (self.scale.ln() + LN_2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_expected, assert_moments, assert_rsample_follows, assert_stable,
    };

    fn cdf(x: f64) -> f64 {
        let z = (x - 1.0) / 2.0;
        match z < 0.0 {
            true => 0.5 * z.exp(),
            false => 1.0 - 0.5 * (-z).exp(),
        }
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Laplace::new(1.0, 2.0),
            &[
                0.5891597758642634,
                1.0324738807584797,
                1.46259216189013,
                5.15325194523027,
                4.1431557527862966,
            ],
        );
    }

    #[test]
    fn the_expectation_under_a_normal_is_that_of_quadrature() {
        assert_expected(&Laplace::new(0.7, 1.3));
        let far = Laplace::new(0.0, 1.0).expected_log_prob(Var::from(-1e200), Var::from(1e-9));
        assert_eq!(far.unwrap().number(), Some(-1e200));
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let laplace = Laplace::new(1.0, 2.0);
        assert_draws_follow(&laplace, cdf);
        assert_moments(&laplace);
        assert_rsample_follows(&laplace, cdf);
    }
}
