//! The chi-squared distribution: the gamma distribution of sums of squares.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Gamma, Parameter, Support, draws};

/// The distribution of the sum of `df > 0` squared standard normal numbers.
///
/// ```text
/// p(x) = x^(df / 2 - 1) exp(-x / 2) / (2^(df / 2) gamma(df / 2)),   x > 0
/// ```
///
/// Density and draws are those of [`Gamma`] with concentration `df / 2` and rate 1/2, with its
/// failure regions.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 18.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{ChiSquared, Distribution};
/// let statistic = ChiSquared::new(2.0);
/// let log_prob = statistic.log_prob(Var::from(6.0)).number().unwrap();
/// assert!((log_prob - (0.5f64.ln() - 3.0)).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ChiSquared<'a> {
    df: Var<'a>,
}

impl<'a> ChiSquared<'a> {
    /// With `df` degrees of freedom, not necessarily whole.
    pub fn new(df: impl Into<Var<'a>>) -> ChiSquared<'a> {
        ChiSquared { df: df.into() }
    }

    fn gamma(&self) -> Gamma<'a> {
        Gamma::new(self.df * 0.5, 0.5)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for ChiSquared<'a> {
    fn name(&self) -> &'static str {
        "ChiSquared"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("df", self.df, Domain::Positive)]
    }

    fn support(&self) -> Support<'g> {
        Support::Positive
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        self.gamma().log_prob(x)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [df] = draws::numbers(parameters);
        2.0 * draws::gamma(0.5 * df, rng)
    }

    fn mean(&self) -> Var<'g> {
        self.df
    }

    fn variance(&self) -> Var<'g> {
        self.df * 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_draws_follow, assert_impossible, assert_moments, assert_stable};
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &ChiSquared::new(5.0),
            &[
                3.5896993266634514,
                5.038125689075698,
                1.112462515519214,
                3.3931232678759904,
                7.123481888129255,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        assert_draws_follow(&ChiSquared::new(1.0), |x| libm::erf((0.5 * x).sqrt()));
        let four = ChiSquared::new(4.0);
        assert_draws_follow(&four, |x| 1.0 - (-0.5 * x).exp() * (1.0 + 0.5 * x));
        assert_moments(&ChiSquared::new(0.7));
        assert_moments(&ChiSquared::new(30.0));
    }

    #[test]
    fn zero_and_below_are_impossible() {
        let graph = Graph::new();
        let outside = [0.0, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &ChiSquared::new(2.0), &outside);
    }
}
