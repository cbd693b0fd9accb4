//! The gamma distribution, by concentration (shape) and rate.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, deviance_by, stirling_error};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The gamma distribution with mean `concentration / rate`, both positive.
///
/// ```text
/// p(x) = rate^a x^(a - 1) exp(-rate x) / gamma(a),   a = concentration,   x > 0
/// ```
///
/// The log density is written with the deviance of `a` from `rate x` and the error of Stirling's
/// formula, as Loader's saddle-point expansion does for the Poisson distribution: for large
/// concentrations the terms of the plain formula cancel. The density fails where `rate x`
/// overflows: there it is `-inf`. Zero has no density here; with concentration 1 the
/// [`Exponential`](crate::Exponential) gives it one.
///
/// Draws: G. Marsaglia and W. W. Tsang, *A Simple Method for Generating Gamma Variables*, 2000.
/// With a concentration below about 0.01 a fair part of the distribution lies below the smallest
/// `f64`; such draws are zero.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 17.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Gamma};
/// let precision = Gamma::new(2.0, 1.0);
/// let log_prob = precision.log_prob(Var::from(3.0)).number().unwrap();
/// assert!((log_prob - (3f64.ln() - 3.0)).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gamma<'a> {
    concentration: Var<'a>,
    rate: Var<'a>,
}

impl<'a> Gamma<'a> {
    /// With `concentration` and `rate`, of shapes that broadcast.
    pub fn new(concentration: impl Into<Var<'a>>, rate: impl Into<Var<'a>>) -> Gamma<'a> {
        Gamma {
            concentration: concentration.into(),
            rate: rate.into(),
        }
    }
}

/// The logarithm of `m^a exp(-m) / gamma(a)`, given `m` and `ln(m)`.
pub(crate) fn log_kernel<'g>(a: Var<'g>, m: Var<'g>, ln_m: Var<'g>) -> Var<'g> {
    let deviance = deviance_by(a, m - a, ln_m - a.ln());
    a.ln() * 0.5 - deviance - stirling_error(a) - LN_SQRT_2_PI
}

impl<'a: 'g, 'g> Distribution<'g> for Gamma<'a> {
    fn name(&self) -> &'static str {
        "Gamma"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("concentration", self.concentration, Domain::Positive),
            Parameter::new("rate", self.rate, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Positive
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.le(0.0) + x.eq(f64::INFINITY);
        let x = outside.select(1.0, x);
        let ln_x = x.ln();
        let inside = log_kernel(self.concentration, x * self.rate, ln_x + self.rate.ln()) - ln_x;
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [concentration, rate] = draws::numbers(parameters);
        draws::gamma(concentration, rng) / rate
    }

    fn mean(&self) -> Var<'g> {
        self.concentration / self.rate
    }

    fn variance(&self) -> Var<'g> {
        self.concentration / self.rate / self.rate
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
            &Gamma::new(2.5, 0.5),
            &[
                3.5896993266634514,
                5.038125689075698,
                1.112462515519214,
                3.3931232678759904,
                7.123481888129255,
            ],
        );
        assert_stable(
            &Gamma::new(0.3, 0.5),
            &[
                3.3563416688480547,
                1.7318829069227961,
                0.007059579860626899,
                0.024504620425878303,
                0.00020773744544176897,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        assert_draws_follow(&Gamma::new(0.5, 2.0), |x| libm::erf((2.0 * x).sqrt()));
        let three = Gamma::new(3.0, 1.0);
        assert_draws_follow(&three, |x| 1.0 - (-x).exp() * (1.0 + x + 0.5 * x * x));
        let large = Gamma::new(400.0, 2.0);
        assert_draws_follow(&large, density_cdf(&large, 100.0, 300.0));
        for concentration in [0.1, 1.0, 7.3] {
            assert_moments(&Gamma::new(concentration, 0.5));
        }
    }

    #[test]
    fn zero_and_below_are_impossible() {
        let graph = Graph::new();
        let outside = [0.0, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &Gamma::new(0.5, 2.0), &outside);
    }
}
