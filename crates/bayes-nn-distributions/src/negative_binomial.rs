//! The negative binomial distribution, by mean and concentration.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_2, LN_SQRT_2_PI, deviance_by, deviance_of, excess, stirling_error};
use crate::{Distribution, Domain, Parameter, Poisson, Support, draws};

/// The distribution of a count with `mean > 0` and variance `mean + mean^2 / concentration`.
///
/// ```text
/// P(k) = gamma(k + c) / (k! gamma(c)) (mean / (c + mean))^k (c / (c + mean))^c,
/// c = concentration,   k = 0, 1, 2, ...
/// ```
///
/// The counts of a Poisson distribution whose rate is gamma distributed; as the concentration
/// grows it becomes the Poisson distribution. The log probability is written by the saddle-point
/// expansion of C. Loader, *Fast and Accurate Computation of Binomial Probabilities*, 2000, with
/// the excesses of its deviances as fractions in which nothing cancels, so that what is left of a
/// large concentration keeps its digits. The density fails where `mean / concentration` overflows.
///
/// Draws: a gamma, then a [`Poisson`].
///
/// `mean` and `concentration` are positive.
///
/// N. Johnson, A. Kemp and S. Kotz, *Univariate Discrete Distributions*, 2005, chapter 5.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, NegativeBinomial};
/// let counts = NegativeBinomial::new(1.0, 1.0);
/// let zero = counts.log_prob(Var::from(0.0)).number().unwrap();
/// assert!((zero - 0.5f64.ln()).abs() < 1e-15);
/// assert_eq!(counts.variance().number(), Some(2.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NegativeBinomial<'a> {
    mean: Var<'a>,
    concentration: Var<'a>,
}

impl<'a> NegativeBinomial<'a> {
    /// With `mean` and `concentration`, of shapes that broadcast.
    pub fn new(
        mean: impl Into<Var<'a>>,
        concentration: impl Into<Var<'a>>,
    ) -> NegativeBinomial<'a> {
        NegativeBinomial {
            mean: mean.into(),
            concentration: concentration.into(),
        }
    }
}

/// The logarithm of the probability of a whole number `k >= 0`, given the mean `m`, its logarithm,
/// which also says what `m` is where it is too small for a number, and the concentration `c`.
pub(crate) fn log_mass<'g>(k: Var<'g>, m: Var<'g>, ln_m: Var<'g>, c: Var<'g>) -> Var<'g> {
    let positive = k.gt(0.0);
    // Half of c + m and of c + k, which themselves may overflow.
    let of_mean = c * 0.5 + m * 0.5;
    let ln_of_mean = of_mean.ln();
    let ln_half = c.ln() - LN_2;
    // c ln(1 + m / c), which for large c is nearly m.
    let rare = m.le(c);
    let ratio = m.minimum(c) / c.maximum(m);
    let near = m + c * rare.select(ratio, 0.0).log1pmx();
    let none = -rare.select(near, c * (ln_of_mean - ln_half));
    // The formula for positive counts is asked for a harmless one where it is not used.
    let k = positive.select(k, 1.0);
    let of_count = c * 0.5 + k * 0.5;
    let (ln_k, ln_of_count) = (k.ln(), of_count.ln());
    // With n = c + k, p = c / (c + m): the excess of n p over c, and that of n (1 - p) over k.
    let excess = excess((k - m) * 0.5, of_mean);
    let ln_ratio = excess.0.select(excess.1.log1p(), ln_of_count - ln_of_mean);
    let difference = (k - m) * (rare.select(1.0, ratio) / (ratio + 1.0));
    let successes = deviance_of(c, difference, excess, ln_ratio);
    let failures = deviance_by(k, -difference, ln_ratio + ln_m - ln_k);
    let errors = stirling_error(c + k) - stirling_error(c) - stirling_error(k);
    let few = k.lt(c);
    let growth = few.select((few.select(k, 0.0) / c).log1p(), ln_of_count - ln_half);
    let spread = growth * -0.5 - ln_k * 0.5 - LN_SQRT_2_PI;
    positive.select(spread + errors - successes - failures, none)
}

impl<'a: 'g, 'g> Distribution<'g> for NegativeBinomial<'a> {
    fn name(&self) -> &'static str {
        "NegativeBinomial"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("mean", self.mean, Domain::Positive),
            Parameter::new("concentration", self.concentration, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Naturals
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let x = x.stop_gradient();
        let is_count = x.ge(0.0) * x.lt(f64::INFINITY) * x.floor().eq(x);
        let (mean, k): (Var<'g>, Var<'g>) = (self.mean, is_count.select(x, 0.0));
        let inside = log_mass(k, mean, mean.ln(), self.concentration);
        is_count.select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [mean, concentration] = draws::numbers(parameters);
        let rate = draws::gamma(concentration, rng) / concentration * mean;
        let rate = rate.clamp(0.0, f64::MAX);
        Poisson::new(rate).draw(&[rate], rng)
    }

    fn mean(&self) -> Var<'g> {
        self.mean
    }

    fn variance(&self) -> Var<'g> {
        self.mean + self.mean * (self.mean / self.concentration)
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
            &NegativeBinomial::new(4.0, 2.0),
            &[3.0, 2.0, 13.0, 6.0, 9.0],
        );
    }

    #[test]
    fn draws_have_their_probabilities() {
        for (mean, concentration) in [(0.3, 1.5), (9.5, 40.0), (10.5, 3.0)] {
            assert_draws_count(&NegativeBinomial::new(mean, concentration), 400);
            assert_moments(&NegativeBinomial::new(mean, concentration));
        }
    }

    #[test]
    fn everything_but_counts_is_impossible() {
        let graph = Graph::new();
        let outside = [-1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        assert_impossible(&graph, &NegativeBinomial::new(3.0, 2.0), &outside);
    }

    #[test]
    fn a_large_concentration_is_a_poisson() {
        for k in [0.0, 3.0, 40.0] {
            let got = NegativeBinomial::new(7.0, 1e17)
                .log_prob(Var::from(k))
                .number();
            let expected = Poisson::new(7.0).log_prob(Var::from(k)).number().unwrap();
            assert!((got.unwrap() - expected).abs() < 1e-13 * expected.abs());
        }
    }
}
