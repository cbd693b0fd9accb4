//! The Poisson distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, deviance, stirling_error};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of a count with mean `rate >= 0`.
///
/// ```text
/// P(k) = rate^k exp(-rate) / k!,   k = 0, 1, 2, ...
/// ```
///
/// The log probability is written by Loader's saddle-point expansion (C. Loader, *Fast and
/// Accurate Computation of Binomial Probabilities*, 2000), whose terms do not cancel for large
/// counts. Counts of 2^53 and more are whole whatever was meant.
///
/// Draws: inversion for rates below 10, above the transformed rejection PTRS of W. Hörmann, *The
/// transformed rejection method for generating Poisson random variables*, 1993.
///
/// N. Johnson, A. Kemp and S. Kotz, *Univariate Discrete Distributions*, 2005, chapter 4.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Poisson};
/// let events = Poisson::new(3.0);
/// assert_eq!(events.log_prob(Var::from(0.0)).number(), Some(-3.0));
/// assert_eq!(events.log_prob(Var::from(0.5)).number(), Some(f64::NEG_INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Poisson<'a> {
    rate: Var<'a>,
}

impl<'a> Poisson<'a> {
    /// With the mean count `rate`.
    pub fn new(rate: impl Into<Var<'a>>) -> Poisson<'a> {
        Poisson { rate: rate.into() }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Poisson<'a> {
    fn name(&self) -> &'static str {
        "Poisson"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("rate", self.rate, Domain::NonNegative)]
    }

    fn support(&self) -> Support<'g> {
        Support::Naturals
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let rate: Var<'g> = self.rate;
        let x = x.stop_gradient();
        let is_count = x.ge(0.0) * x.lt(f64::INFINITY) * x.floor().eq(x);
        let positive = is_count * x.gt(0.0);
        // The formula for positive counts is asked for a harmless one where it is not used.
        let k = positive.select(x, 1.0);
        let rate_k = positive.select(rate, 1.0);
        let many = -(deviance(k, rate_k) + stirling_error(k) + 0.5 * k.ln() + LN_SQRT_2_PI);
        is_count.select(positive.select(many, -rate), f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [rate] = draws::numbers(parameters);
        match rate {
            r if !Domain::NonNegative.contains(r) => f64::NAN,
            r if r < 10.0 => by_inversion(r, rng),
            r => by_rejection(r, rng),
        }
    }

    fn mean(&self) -> Var<'g> {
        self.rate
    }

    fn variance(&self) -> Var<'g> {
        self.rate
    }
}

/// Goes up the distribution function until it passes a uniform number.
fn by_inversion(rate: f64, rng: &mut dyn Rng) -> f64 {
    let mut rest = draws::uniform(rng);
    let mut count = 0.0;
    let mut probability = libm::exp(-rate);
    // Beyond 200 no probability is left that a uniform number could see.
    while rest > probability && count < 200.0 {
        rest -= probability;
        count += 1.0;
        probability *= rate / count;
    }
    count
}

/// Algorithm PTRS, with its constants.
fn by_rejection(rate: f64, rng: &mut dyn Rng) -> f64 {
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let squeeze = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = draws::uniform(rng) - 0.5;
        let v = draws::uniform(rng);
        let us = 0.5 - u.abs();
        let count = ((2.0 * a / us + b) * u + rate + 0.43).floor();
        if us >= 0.07 && v <= squeeze {
            return count;
        }
        if count < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let log_prob = Poisson::new(rate).log_prob(Var::from(count)).number();
        let hat = libm::log(v * inverse_alpha / (a / (us * us) + b));
        if log_prob.is_none_or(|log_prob| hat <= log_prob) {
            return count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_draws_count, assert_impossible, assert_moments, assert_stable};
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(&Poisson::new(4.0), &[6.0, 3.0, 9.0, 5.0, 6.0]);
        assert_stable(&Poisson::new(400.0), &[420.0, 419.0, 373.0, 403.0, 411.0]);
    }

    #[test]
    fn draws_have_their_probabilities() {
        for rate in [0.3, 9.5, 10.5, 60.0] {
            assert_draws_count(&Poisson::new(rate), 160);
            assert_moments(&Poisson::new(rate));
        }
        assert_moments(&Poisson::new(1e12));
    }

    #[test]
    fn everything_but_counts_is_impossible() {
        let graph = Graph::new();
        let outside = [-1.0, 0.5, 1e9 + 0.5, f64::INFINITY, f64::NEG_INFINITY];
        assert_impossible(&graph, &Poisson::new(3.0), &outside);
        let nan = Poisson::new(3.0).log_prob(Var::from(f64::NAN));
        assert_eq!(nan.number(), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn a_rate_of_zero_gives_zero() {
        let graph = Graph::new();
        let rate = graph.input("rate", []);
        let zero = Poisson::new(rate).log_prob(Var::from(0.0));
        let one = Poisson::new(rate).log_prob(Var::from(1.0));
        let slope = grad(zero, &[rate]).unwrap()[0];
        let at = Bindings::new().bind(rate, &[0.0]);
        let values = graph.evaluate(&[zero, one, slope], &at).unwrap();
        let values: Vec<f64> = values.iter().map(|v| v.values()[0]).collect();
        assert_eq!(values, [0.0, f64::NEG_INFINITY, -1.0]);
    }
}
