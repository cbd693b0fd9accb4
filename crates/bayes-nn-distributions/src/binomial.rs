//! The binomial distribution, by probability or by logit.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, deviance_by, stirling_error};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of the count of successes among `total_count` trials.
///
/// ```text
/// P(k) = n! / (k! (n - k)!) p^k (1 - p)^(n - k),   k = 0, 1, ..., n = total_count
/// p = probs,  or  p = sigmoid(logits)
/// ```
///
/// The log probability is written by the saddle-point expansion of C. Loader, *Fast and Accurate
/// Computation of Binomial Probabilities*, 2000, whose terms do not cancel for large counts. With
/// probabilities `1 - p` is only as accurate as a `p` near 1 can say. The derivative by
/// `total_count` is given as zero.
///
/// Draws: inversion where `n p` or `n (1 - p)` is below 10, above the transformed rejection BTRS
/// of W. Hörmann, *The generation of binomial random variates*, 1993.
///
/// `total_count` is a whole number, 0 or above, `probs` lies from 0 to 1; `logits` may be any
/// finite number.
///
/// N. Johnson, A. Kemp and S. Kotz, *Univariate Discrete Distributions*, 2005, chapter 3.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Binomial, Distribution};
/// let heads = Binomial::probs(3.0, 0.5);
/// let two = heads.log_prob(Var::from(2.0)).number().unwrap();
/// assert!((two - 0.375f64.ln()).abs() < 1e-14);
/// assert_eq!(heads.log_prob(Var::from(4.0)).number(), Some(f64::NEG_INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Binomial<'a> {
    total_count: Var<'a>,
    parameter: P<'a>,
}

#[derive(Clone, Copy, Debug)]
enum P<'a> {
    Probs(Var<'a>),
    Logits(Var<'a>),
}

impl<'a> Binomial<'a> {
    /// By the probability of a success, from 0 to 1.
    pub fn probs(total_count: impl Into<Var<'a>>, probs: impl Into<Var<'a>>) -> Binomial<'a> {
        Binomial {
            total_count: total_count.into(),
            parameter: P::Probs(probs.into()),
        }
    }

    /// By `ln(p / (1 - p))` of the probability `p` of a success.
    pub fn logits(total_count: impl Into<Var<'a>>, logits: impl Into<Var<'a>>) -> Binomial<'a> {
        Binomial {
            total_count: total_count.into(),
            parameter: P::Logits(logits.into()),
        }
    }
}

/// The logarithm of `n! / (k! r!) p^k q^r` for whole `k, r > 0` and `n = k + r`.
fn log_mass<'g>(
    k: Var<'g>,
    r: Var<'g>,
    [p, ln_p]: [Var<'g>; 2],
    [q, ln_q]: [Var<'g>; 2],
) -> Var<'g> {
    let n = k + r;
    let deviance = |count: Var<'g>, p: Var<'g>, ln_p: Var<'g>| {
        deviance_by(count, n * p - count, n.ln() + ln_p - count.ln())
    };
    let (ones, zeros) = (deviance(k, p, ln_p), deviance(r, q, ln_q));
    let errors = stirling_error(n) - stirling_error(k) - stirling_error(r);
    (n.ln() - k.ln() - r.ln()) * 0.5 - LN_SQRT_2_PI + errors - ones - zeros
}

impl<'a: 'g, 'g> Distribution<'g> for Binomial<'a> {
    fn name(&self) -> &'static str {
        "Binomial"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("total_count", self.total_count, Domain::Count),
            match self.parameter {
                P::Probs(p) => Parameter::new("probs", p, Domain::Probability),
                P::Logits(logits) => Parameter::new("logits", logits, Domain::Real),
            },
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::UpTo(self.total_count)
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let n = self.total_count.stop_gradient();
        let x = x.stop_gradient();
        let is_count = x.ge(0.0) * x.le(n) * x.lt(f64::INFINITY) * x.floor().eq(x);
        let some_ones = is_count * x.gt(0.0);
        let some_zeros = is_count * x.lt(n);
        let (ones, zeros) = match self.parameter {
            P::Probs(p) => {
                // Each probability is asked for only where it has an exponent.
                let (p, rest) = (some_ones.select(p, 0.5), some_zeros.select(p, 0.5));
                ([p, p.ln()], [1.0 - rest, (-rest).log1p()])
            }
            P::Logits(logits) => (
                [logits.sigmoid(), logits.log_sigmoid()],
                [(-logits).sigmoid(), (-logits).log_sigmoid()],
            ),
        };
        let both = some_ones * some_zeros;
        let (k, r) = (both.select(x, 1.0), both.select(n - x, 1.0));
        let edge = some_ones.select(n * ones[1], n * zeros[1]);
        let inside = both.select(log_mass(k, r, ones, zeros), edge);
        is_count.select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [n, parameter] = draws::numbers(parameters);
        let (p, q) = match self.parameter {
            P::Probs(_) if !Domain::Probability.contains(parameter) => (f64::NAN, f64::NAN),
            P::Probs(_) => (parameter, 1.0 - parameter),
            P::Logits(_) => (
                1.0 / (1.0 + libm::exp(-parameter)),
                1.0 / (1.0 + libm::exp(parameter)),
            ),
        };
        if !Domain::Count.contains(n) || p.is_nan() {
            return f64::NAN;
        }
        match p <= q {
            true => draw_rare(n, p, rng),
            false => n - draw_rare(n, q, rng),
        }
    }

    fn mean(&self) -> Var<'g> {
        match self.parameter {
            P::Probs(p) => self.total_count * p,
            P::Logits(logits) => self.total_count * logits.sigmoid(),
        }
    }

    fn variance(&self) -> Var<'g> {
        match self.parameter {
            P::Probs(p) => self.total_count * p * (1.0 - p),
            P::Logits(logits) => self.total_count * logits.sigmoid() * (-logits).sigmoid(),
        }
    }
}

/// A draw for `p <= 1/2`.
fn draw_rare(n: f64, p: f64, rng: &mut dyn Rng) -> f64 {
    match n * p < 10.0 {
        true => by_inversion(n, p, rng),
        false => by_rejection(n, p, rng),
    }
}

/// Goes up the distribution function until it passes a uniform number.
fn by_inversion(n: f64, p: f64, rng: &mut dyn Rng) -> f64 {
    let mut rest = draws::uniform(rng);
    let mut count = 0.0;
    let mut probability = libm::exp(n * libm::log1p(-p));
    // Beyond 200 no probability is left that a uniform number could see.
    while rest > probability && count < n.min(200.0) {
        rest -= probability;
        probability *= (n - count) / (count + 1.0) * (p / (1.0 - p));
        count += 1.0;
    }
    count
}

/// Algorithm BTRS, with its constants.
fn by_rejection(n: f64, p: f64, rng: &mut dyn Rng) -> f64 {
    let deviation = (n * p * (1.0 - p)).sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let alpha = (2.83 + 5.1 / b) * deviation;
    let squeeze = 0.92 - 4.2 / b;
    let log_prob = |k: f64| {
        let log_prob = Binomial::probs(n, p).log_prob(Var::from(k)).number();
        log_prob.unwrap_or(f64::NAN)
    };
    let at_mode = log_prob(((n + 1.0) * p).floor());
    loop {
        let u = draws::uniform(rng) - 0.5;
        let v = draws::uniform(rng);
        let us = 0.5 - u.abs();
        let count = ((2.0 * a / us + b) * u + n * p + 0.5).floor();
        if us >= 0.07 && v <= squeeze {
            return count;
        }
        if count < 0.0 || count > n {
            continue;
        }
        let hat = libm::log(v * alpha / (a / (us * us) + b));
        if hat <= log_prob(count) - at_mode {
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
        assert_stable(&Binomial::probs(20.0, 0.3), &[8.0, 5.0, 11.0, 7.0, 8.0]);
        assert_stable(
            &Binomial::logits(400.0, 0.5),
            &[239.0, 240.0, 262.0, 247.0, 244.0],
        );
    }

    #[test]
    fn draws_have_their_probabilities() {
        for (n, p) in [
            (1.0, 0.3),
            (20.0, 0.49),
            (20.0, 0.9),
            (100.0, 0.3),
            (90.0, 0.8),
        ] {
            assert_draws_count(&Binomial::probs(n, p), n as usize + 1);
            assert_moments(&Binomial::probs(n, p));
        }
        assert_draws_count(&Binomial::logits(60.0, 1.2), 61);
        assert_moments(&Binomial::probs(1e12, 0.25));
    }

    #[test]
    fn everything_but_counts_up_to_the_total_is_impossible() {
        let graph = Graph::new();
        let outside = [-1.0, 0.5, 8.0, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &Binomial::probs(7.0, 0.3), &outside);
        assert_impossible(&graph, &Binomial::logits(7.0, 0.3), &outside);
    }

    #[test]
    fn certainty_has_finite_derivatives_for_what_it_expects() {
        let graph = Graph::new();
        let p = graph.input("p", [3]);
        let n = graph.constant(&[5.0, 5.0, 0.0], [3]);
        let x = graph.constant(&[0.0, 5.0, 0.0], [3]);
        let log_prob = Binomial::probs(n, p).log_prob(x);
        let slope = grad(log_prob.sum(), &[p]).unwrap()[0];
        let at = Bindings::new().bind(p, &[0.0, 1.0, 1.0]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert_eq!(values[0].values(), [0.0, 0.0, 0.0]);
        assert_eq!(values[1].values(), [-5.0, 5.0, 0.0]);
    }
}
