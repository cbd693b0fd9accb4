//! The multinomial distribution, by probabilities or by logits.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::first_axis_sum;
use crate::linear::padded;
use crate::stable::{LN_SQRT_2_PI, deviance_by, stirling_error};
use crate::{Binomial, Distribution, Domain, Parameter, Support};

/// How far from 1 the sum of the probabilities may be.
const SUM_TOLERANCE: f64 = 1e-6;

/// The distribution of the counts of `K` classes among `total_count` draws.
///
/// Probabilities or logits and counts have the shape `[K, ...batch]`, `total_count` `[...batch]`.
///
/// ```text
/// P(x) = n! prod_k p[k]^x[k] / x[k]!,   x[k] = 0, 1, ...,   sum_k x[k] = n = total_count
/// p = probs,  or  p = softmax(logits)
/// ```
///
/// The log probability is written as that of the [`Binomial`], by a saddle-point expansion whose
/// terms do not cancel for large counts of several classes; where nearly all `n` counts are of one
/// class, it is right to about `1e-16 n`. The derivative by `total_count` is given as zero.
///
/// Draws: a [`Binomial`] for each class, given those before.
///
/// `total_count` is a whole number, 0 or above; `probs` lie from 0 to 1 and sum to 1 within
/// 1e-6; `logits` may be any finite numbers.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Discrete Multivariate Distributions*, 1997, chapter
/// 35.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Distribution, Multinomial};
/// let graph = Graph::new();
/// let votes = Multinomial::probs(3.0, graph.constant(&[0.5, 0.25, 0.25], [3]));
/// let counts = graph.constant(&[1.0, 1.0, 1.0], [3]);
/// let log_prob = votes.log_prob(counts).number().unwrap();
/// assert!((log_prob - 0.1875f64.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Multinomial<'a> {
    total_count: Var<'a>,
    parameter: P<'a>,
}

#[derive(Clone, Copy, Debug)]
enum P<'a> {
    Probs(Var<'a>),
    Logits(Var<'a>),
}

impl<'a> Multinomial<'a> {
    /// By probabilities that sum to 1 along their first axis.
    pub fn probs(total_count: impl Into<Var<'a>>, probs: impl Into<Var<'a>>) -> Multinomial<'a> {
        Multinomial {
            total_count: total_count.into(),
            parameter: P::Probs(probs.into()),
        }
    }

    /// By logits; adding a constant to all `K` changes nothing.
    pub fn logits(total_count: impl Into<Var<'a>>, logits: impl Into<Var<'a>>) -> Multinomial<'a> {
        Multinomial {
            total_count: total_count.into(),
            parameter: P::Logits(logits.into()),
        }
    }

    fn parameter(&self) -> Var<'a> {
        match self.parameter {
            P::Probs(value) | P::Logits(value) => value,
        }
    }

    /// The probabilities.
    fn shares(&self) -> Var<'a> {
        match self.parameter {
            P::Probs(probs) => probs,
            P::Logits(logits) => log_softmax(logits).exp(),
        }
    }
}

fn log_softmax(logits: Var<'_>) -> Var<'_> {
    match logits.shape().rank() {
        0 => Var::from(0.0),
        _ => logits - logits.logsumexp(0),
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Multinomial<'a> {
    fn name(&self) -> &'static str {
        "Multinomial"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        let (name, domain) = match self.parameter {
            P::Probs(_) => ("probs", Domain::Probability),
            P::Logits(_) => ("logits", Domain::Real),
        };
        vec![
            Parameter::new("total_count", self.total_count, Domain::Count),
            Parameter {
                event: true,
                ..Parameter::new(name, self.parameter(), domain)
            },
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::UpTo(self.total_count)
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.parameter().shape().first().copied().unwrap_or(1)])
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let n = self.total_count.stop_gradient();
        let own = self.batch_shape().rank();
        let rank = own.max(x.shape().rank().saturating_sub(1));
        let x = padded(x.stop_gradient(), 1, rank);
        let is_count = x.ge(0.0) * x.lt(f64::INFINITY) * x.floor().eq(x);
        let wrong = first_axis_sum(is_count.eq(0.0)) + first_axis_sum(x).eq(n).eq(0.0);
        let is_inside = wrong.eq(0.0);
        let positive = is_inside * x.gt(0.0);
        let (p, ln_p) = match self.parameter {
            P::Probs(probs) => {
                let p = positive.select(padded(probs, 1, rank), 0.5);
                (p, p.ln())
            }
            P::Logits(logits) => {
                let ln_p = log_softmax(padded(logits, 1, rank));
                (ln_p.exp(), ln_p)
            }
        };
        let k = positive.select(x, 1.0);
        let some = is_inside * n.gt(0.0);
        let n = some.select(n, 1.0);
        // k ln(n p / k), without the part that cancels where it is near n p.
        let difference = n * p - k;
        let ratio = n.ln() + ln_p - k.ln();
        let each = difference - deviance_by(k, difference, ratio);
        let each = each - stirling_error(k) - k.ln() * 0.5 - LN_SQRT_2_PI;
        let whole = stirling_error(n) + n.ln() * 0.5 + LN_SQRT_2_PI;
        let inside = first_axis_sum(positive.select(each, 0.0)) + whole;
        is_inside.select(some.select(inside, 0.0), f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let mut event = vec![f64::NAN; parameters.len().max(2) - 1];
        self.draw_event(parameters, rng, &mut event);
        event[0]
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let &[mut left, ref values @ ..] = parameters else {
            return event.fill(f64::NAN);
        };
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |value: &f64| match self.parameter {
            P::Probs(_) => *value,
            P::Logits(_) => libm::exp(value - largest),
        };
        let weights: Vec<f64> = values.iter().map(weight).collect();
        for (class, count) in event.iter_mut().enumerate() {
            let rest: f64 = weights[class..].iter().sum();
            // What is left goes to the last class that can occur.
            let share = match weights[class] >= rest {
                true if rest > 0.0 => 1.0,
                true => 0.0,
                false => weights[class] / rest,
            };
            *count = Binomial::probs(left, share).draw(&[left, share], rng);
            left -= *count;
        }
    }

    fn mean(&self) -> Var<'g> {
        self.shares() * self.total_count
    }

    fn variance(&self) -> Var<'g> {
        let p = self.shares();
        p * (1.0 - p) * self.total_count
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let sum: f64 = parameters.get(1..)?.iter().sum();
        (matches!(self.parameter, P::Probs(_)) && (sum - 1.0).abs() > SUM_TOLERANCE)
            .then(|| format!("probs must sum to 1, got a sum of {sum}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::assert_stable;
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        let graph = Graph::new();
        let probs = graph.constant(&[0.2, 0.5, 0.3], [3]);
        assert_stable(
            &Multinomial::probs(20.0, probs),
            &[
                6.0, 10.0, 4.0, 5.0, 8.0, 7.0, 2.0, 11.0, 7.0, 7.0, 8.0, 5.0, 5.0, 12.0, 3.0,
            ],
        );
    }

    #[test]
    fn draws_have_their_probabilities() {
        let graph = Graph::new();
        let logits = graph.constant(&[0.0, 1.0, -0.5], [3]);
        let votes = Multinomial::logits(2.0, logits);
        let draws = sample(&votes, 20_000, 4).unwrap();
        let (mut statistic, mut total) = (0.0, 0.0);
        for event in [
            [2.0, 0.0, 0.0],
            [0.0, 2.0, 0.0],
            [0.0, 0.0, 2.0],
            [1.0, 1.0, 0.0],
            [1.0, 0.0, 1.0],
            [0.0, 1.0, 1.0],
        ] {
            let p = votes
                .log_prob(graph.constant(&event, [3]))
                .number()
                .unwrap()
                .exp();
            let observed = draws.chunks(3).filter(|draw| **draw == event).count() as f64;
            statistic += (observed - 20_000.0 * p).powi(2) / (20_000.0 * p);
            total += p;
        }
        assert!((total - 1.0).abs() < 1e-14);
        // One in a thousand lies beyond, on five degrees of freedom.
        assert!(statistic < 20.5, "{statistic}");
    }

    #[test]
    fn counts_that_do_not_sum_to_the_total_are_impossible() {
        let graph = Graph::new();
        let (x, probs) = (graph.input("x", [2]), graph.input("probs", [2]));
        let log_prob = Multinomial::probs(3.0, probs).log_prob(x);
        let slope = grad(log_prob, &[probs]).unwrap()[0];
        for outside in [[1.0, 1.0], [4.0, -1.0], [1.5, 1.5], [f64::NAN, 1.0]] {
            let at = Bindings::new().bind(x, &outside).bind(probs, &[0.3, 0.7]);
            let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
            assert_eq!(values[0].values(), [f64::NEG_INFINITY]);
            assert_eq!(values[1].values(), [0.0; 2]);
        }
        let at = Bindings::new()
            .bind(x, &[0.0, 3.0])
            .bind(probs, &[0.0, 1.0]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert!(values[0].values()[0].abs() < 1e-14);
        assert!((values[1].values()[1] - 3.0).abs() < 1e-14);
    }

    #[test]
    fn probabilities_must_sum_to_one() {
        let graph = Graph::new();
        let probs = graph.constant(&[0.25, 0.5], [2]);
        assert_eq!(
            Multinomial::probs(3.0, probs)
                .check()
                .unwrap_err()
                .to_string(),
            "Multinomial: probs must sum to 1, got a sum of 0.75"
        );
    }
}
