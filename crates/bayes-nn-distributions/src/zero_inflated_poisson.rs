//! The zero-inflated Poisson distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::{Distribution, Domain, Parameter, Poisson, Support, draws};

/// The distribution that is 0 with probability `gate`, and else a Poisson count with mean `rate`.
///
/// ```text
/// P(0) = gate + (1 - gate) exp(-rate)
/// P(k) = (1 - gate) rate^k exp(-rate) / k!,   k = 1, 2, ...
/// ```
///
/// The logarithm of `P(0)` is written in three forms, for small rates, for large ones, and for
/// gates that matter beside `exp(-rate)`. For rates above 700 a gate below 1e-304, unless it is
/// zero, is counted too little. For positive counts see [`Poisson`].
///
/// D. Lambert, *Zero-Inflated Poisson Regression*, 1992.
///
/// `gate` lies from 0 to 1; `rate` is 0 or above.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, ZeroInflatedPoisson};
/// let fish = ZeroInflatedPoisson::new(0.25, 800.0);
/// assert_eq!(fish.log_prob(Var::from(0.0)).number(), Some(0.25f64.ln()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ZeroInflatedPoisson<'a> {
    gate: Var<'a>,
    rate: Var<'a>,
}

impl<'a> ZeroInflatedPoisson<'a> {
    /// With the probability `gate` of a zero that is none of the Poisson distribution, and the
    /// mean `rate` of the latter, of shapes that broadcast.
    pub fn new(gate: impl Into<Var<'a>>, rate: impl Into<Var<'a>>) -> ZeroInflatedPoisson<'a> {
        ZeroInflatedPoisson {
            gate: gate.into(),
            rate: rate.into(),
        }
    }

    fn log_prob_zero(&self) -> Var<'a> {
        let (gate, rate) = (self.gate, self.rate);
        let small = rate.le(1.0);
        let few = ((1.0 - gate) * (-small.select(rate, 1.0)).expm1()).log1p();
        let negligible = (gate.ln() + rate).lt(0.0);
        let growth = negligible.select(rate, 1.0).minimum(700.0).expm1();
        let faint = (gate * growth).log1p() - rate;
        let used = negligible.select(1.0, gate);
        let strong = used.ln() + ((1.0 - used) * (-rate - used.ln()).exp()).log1p();
        small.select(few, negligible.select(faint, strong))
    }
}

impl<'a: 'g, 'g> Distribution<'g> for ZeroInflatedPoisson<'a> {
    fn name(&self) -> &'static str {
        "ZeroInflatedPoisson"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("gate", self.gate, Domain::Probability),
            Parameter::new("rate", self.rate, Domain::NonNegative),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Naturals
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let x = x.stop_gradient();
        let is_zero = x.eq(0.0);
        let is_positive = x.gt(0.0) * x.lt(f64::INFINITY) * x.floor().eq(x);
        // The gate is asked for only where it shuts out.
        let open = (-is_positive.select(self.gate, 0.0)).log1p();
        let count = Poisson::new(self.rate).log_prob(is_positive.select(x, 1.0));
        let inside = is_zero.select(self.log_prob_zero(), open + count);
        (is_zero + is_positive).select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [gate, rate] = draws::numbers(parameters);
        match draws::uniform(rng) < gate {
            true => 0.0,
            false => Poisson::new(rate).draw(&[rate], rng),
        }
    }

    fn mean(&self) -> Var<'g> {
        (1.0 - self.gate) * self.rate
    }

    fn variance(&self) -> Var<'g> {
        (1.0 - self.gate) * self.rate * (self.gate * self.rate + 1.0)
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
            &ZeroInflatedPoisson::new(0.3, 4.0),
            &[3.0, 5.0, 4.0, 0.0, 2.0],
        );
    }

    #[test]
    fn draws_have_their_probabilities() {
        for (gate, rate) in [(0.3, 4.0), (0.05, 0.4), (0.9, 20.0)] {
            assert_draws_count(&ZeroInflatedPoisson::new(gate, rate), 100);
            assert_moments(&ZeroInflatedPoisson::new(gate, rate));
        }
    }

    #[test]
    fn everything_but_counts_is_impossible() {
        let graph = Graph::new();
        let outside = [-1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY];
        assert_impossible(&graph, &ZeroInflatedPoisson::new(0.3, 2.0), &outside);
    }

    #[test]
    fn without_inflation_it_is_a_poisson() {
        for rate in [0.3, 5.0, 800.0] {
            for k in [0.0, 1.0, 7.0] {
                let got = ZeroInflatedPoisson::new(0.0, rate)
                    .log_prob(Var::from(k))
                    .number();
                assert_eq!(got, Poisson::new(rate).log_prob(Var::from(k)).number());
            }
        }
    }
}
