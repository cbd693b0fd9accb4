//! The beta-binomial distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::negative_binomial::log_mass;
use crate::{Beta, Binomial, Distribution, Domain, Parameter, Support, draws};

/// The distribution of the count of successes among `total_count` trials whose common
/// probability is drawn from a beta distribution.
///
/// ```text
/// P(k) = n! / (k! (n - k)!) B(k + alpha, n - k + beta) / B(alpha, beta),
/// k = 0, 1, ..., n = total_count
/// ```
///
/// The counts of a binomial distribution whose probability is beta distributed. It is also the
/// distribution of one of two [`NegativeBinomial`](crate::NegativeBinomial) counts, of
/// concentrations `alpha` and `beta` and means in their proportion, given their sum; so the log
/// probability is written, with terms that do not cancel for large parameters. The derivative by
/// `total_count` is given as zero.
///
/// Draws: a [`Beta`], then a [`Binomial`].
///
/// `total_count` is a whole number, 0 or above; `alpha` and `beta` are positive.
///
/// N. Johnson, A. Kemp and S. Kotz, *Univariate Discrete Distributions*, 2005, chapter 6.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{BetaBinomial, Distribution};
/// // With alpha = beta = 1 all counts are equally likely.
/// let urn = BetaBinomial::new(9.0, 1.0, 1.0);
/// let four = urn.log_prob(Var::from(4.0)).number().unwrap();
/// assert!((four - 0.1f64.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BetaBinomial<'a> {
    total_count: Var<'a>,
    alpha: Var<'a>,
    beta: Var<'a>,
}

impl<'a> BetaBinomial<'a> {
    /// With `total_count` trials and the parameters `alpha` and `beta` of the beta distribution,
    /// of shapes that broadcast.
    pub fn new(
        total_count: impl Into<Var<'a>>,
        alpha: impl Into<Var<'a>>,
        beta: impl Into<Var<'a>>,
    ) -> BetaBinomial<'a> {
        BetaBinomial {
            total_count: total_count.into(),
            alpha: alpha.into(),
            beta: beta.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for BetaBinomial<'a> {
    fn name(&self) -> &'static str {
        "BetaBinomial"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("total_count", self.total_count, Domain::Count),
            Parameter::new("alpha", self.alpha, Domain::Positive),
            Parameter::new("beta", self.beta, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::UpTo(self.total_count)
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let n = self.total_count.stop_gradient();
        let x = x.stop_gradient();
        let is_count = x.ge(0.0) * x.le(n) * x.lt(f64::INFINITY) * x.floor().eq(x);
        let trials = is_count * n.gt(0.0);
        let total = trials.select(n, 1.0);
        let k = trials.select(x, 0.0);
        let (alpha, beta): (Var<'g>, Var<'g>) = (self.alpha, self.beta);
        let sum = alpha + beta;
        let (ln_total, ln_sum) = (total.ln(), sum.ln());
        let of = |count: Var<'g>, parameter: Var<'g>| {
            let ln_mean = ln_total + parameter.ln() - ln_sum;
            log_mass(count, total * (parameter / sum), ln_mean, parameter)
        };
        let inside = of(k, alpha) + of(total - k, beta) - log_mass(total, total, ln_total, sum);
        is_count.select(trials.select(inside, 0.0), f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [n, alpha, beta] = draws::numbers(parameters);
        let p = Beta::new(alpha, beta).draw(&[alpha, beta], rng);
        Binomial::probs(n, p).draw(&[n, p], rng)
    }

    fn mean(&self) -> Var<'g> {
        self.total_count * (self.alpha / (self.alpha + self.beta))
    }

    fn variance(&self) -> Var<'g> {
        let sum = self.alpha + self.beta;
        let binomial = self.total_count * (self.alpha / sum) * (self.beta / sum);
        binomial * ((sum + self.total_count) / (sum + 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_draws_count, assert_impossible, assert_moments, assert_stable};
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &BetaBinomial::new(20.0, 2.0, 3.0),
            &[4.0, 4.0, 13.0, 9.0, 6.0],
        );
    }

    #[test]
    fn draws_have_their_probabilities() {
        for (n, alpha, beta) in [(1.0, 0.3, 0.2), (20.0, 2.0, 3.0), (100.0, 50.0, 7.0)] {
            assert_draws_count(&BetaBinomial::new(n, alpha, beta), n as usize + 1);
            assert_moments(&BetaBinomial::new(n, alpha, beta));
        }
    }

    #[test]
    fn everything_but_counts_up_to_the_total_is_impossible() {
        let graph = Graph::new();
        let outside = [-1.0, 0.5, 8.0, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &BetaBinomial::new(7.0, 0.3, 2.0), &outside);
    }

    #[test]
    fn no_trials_have_no_successes() {
        let none = BetaBinomial::new(0.0, 0.3, 2.0);
        assert_eq!(none.log_prob(Var::from(0.0)).number(), Some(0.0));
    }
}
