//! The beta distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, deviance_by, stirling_error};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The beta distribution with mean `alpha / (alpha + beta)`, both positive.
///
/// ```text
/// p(x) = x^(alpha - 1) (1 - x)^(beta - 1) gamma(alpha + beta) / (gamma(alpha) gamma(beta)),
/// 0 < x < 1
/// ```
///
/// The log density is written with the deviances of `alpha` and `beta` from the shares `x` and
/// `1 - x` of their sum, as Loader's saddle-point expansion does for the binomial distribution:
/// for large parameters the terms of the plain formula cancel. A number near 1 is only as
/// accurate as a double near 1 can say. 0 and 1 have no density here; with `alpha = beta = 1` the
/// [`Uniform`](crate::Uniform) gives them one.
///
/// Draws compare two gammas by their logarithms, so that small parameters do not divide zero by
/// zero; those nearer to 1 than a double can say are 1.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 2,
/// 1995, chapter 25.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Beta, Distribution};
/// let share = Beta::new(2.0, 1.0);
/// let log_prob = share.log_prob(Var::from(0.25)).number().unwrap();
/// assert!((log_prob - 0.5f64.ln()).abs() < 1e-14);
/// assert_eq!(share.log_prob(Var::from(1.5)).number(), Some(f64::NEG_INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Beta<'a> {
    alpha: Var<'a>,
    beta: Var<'a>,
}

impl<'a> Beta<'a> {
    /// With the exponents `alpha - 1` of `x` and `beta - 1` of `1 - x`, of shapes that broadcast.
    pub fn new(alpha: impl Into<Var<'a>>, beta: impl Into<Var<'a>>) -> Beta<'a> {
        Beta {
            alpha: alpha.into(),
            beta: beta.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Beta<'a> {
    fn name(&self) -> &'static str {
        "Beta"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("alpha", self.alpha, Domain::Positive),
            Parameter::new("beta", self.beta, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Interval(Var::from(0.0), Var::from(1.0))
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let (alpha, beta): (Var<'g>, Var<'g>) = (self.alpha, self.beta);
        let inside = x.gt(0.0) * x.lt(1.0);
        let x = inside.select(x, 0.5);
        let rest = 1.0 - x;
        let (ln_x, ln_rest) = (x.ln(), (-x).log1p());
        let (ln_alpha, ln_beta) = (alpha.ln(), beta.ln());
        let (small, large) = (alpha.minimum(beta), beta.maximum(alpha));
        let growth = (small / large).log1p();
        let ln_sum = large.ln() + growth;
        let spread = (small.ln() - growth) * 0.5;
        let errors = stirling_error(alpha + beta) - stirling_error(alpha) - stirling_error(beta);
        let shift = alpha * rest - beta * x;
        let ones = deviance_by(alpha, -shift, ln_sum + ln_x - ln_alpha);
        let zeros = deviance_by(beta, shift, ln_sum + ln_rest - ln_beta);
        let density = spread + errors - ones - zeros - LN_SQRT_2_PI - ln_x - ln_rest;
        inside.select(density, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [alpha, beta] = draws::numbers(parameters);
        let log_odds = draws::log_gamma(alpha, rng) - draws::log_gamma(beta, rng);
        1.0 / (1.0 + libm::exp(-log_odds))
    }

    fn mean(&self) -> Var<'g> {
        self.alpha / (self.alpha + self.beta)
    }

    fn variance(&self) -> Var<'g> {
        let sum = self.alpha + self.beta;
        (self.alpha / sum) * (self.beta / sum) / (sum + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_impossible, assert_moments, assert_stable, density_cdf,
    };
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Beta::new(2.0, 3.0),
            &[
                0.30538140681988496,
                0.13451816656809384,
                0.48463419206296093,
                0.23212174005322103,
                0.5066080916049492,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let arcsine = Beta::new(0.5, 0.5);
        assert_draws_follow(&arcsine, |x| std::f64::consts::FRAC_2_PI * x.sqrt().asin());
        let skewed = Beta::new(2.0, 3.0);
        assert_draws_follow(&skewed, |x| x * x * (6.0 - 8.0 * x + 3.0 * x * x));
        let narrow = Beta::new(200.0, 500.0);
        assert_draws_follow(&narrow, density_cdf(&narrow, 0.15, 0.45));
        assert_moments(&Beta::new(0.1, 0.2));
        assert_moments(&skewed);
    }

    #[test]
    fn the_ends_and_beyond_are_impossible() {
        let graph = Graph::new();
        let outside = [0.0, 1.0, -0.5, 1.5, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &Beta::new(0.5, 2.0), &outside);
    }
}
