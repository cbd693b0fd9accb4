//! Order statistics: independent draws of one distribution, sorted.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::{first_axis_sum, from_row};
use crate::linear::padded;
use crate::{Distribution, Parameter, Support};

/// The distribution of `count` independent draws of `inner`, a distribution of real or of
/// positive numbers, in increasing order: vectors `[count, ...batch]`.
///
/// ```text
/// p(x) = K! prod_k p(x[k]),   x[0] < x[1] < ... < x[K - 1]
/// ```
///
/// What tells the components of a mixture apart, whose density does not change when they change
/// places: without an order its posterior has `K!` copies of every mode. (David and Nagaraja
/// 2003, *Order Statistics*, section 2.2.)
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Distribution, Normal, Ordered};
/// let graph = Graph::new();
/// let peaks = Ordered::new(Normal::new(0.0, 1.0), 2);
/// let both = peaks.log_prob(graph.constant(&[-1.0, 1.0], [2])).number().unwrap();
/// assert!((both - (2f64.ln() - 1.0 - std::f64::consts::TAU.ln())).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ordered<D> {
    inner: D,
    count: usize,
}

impl<D> Ordered<D> {
    /// Of so many draws of `inner`.
    pub fn new(inner: D, count: usize) -> Ordered<D> {
        Ordered { inner, count }
    }
}

/// Whether the numbers increase along the first axis.
pub(crate) fn is_increasing(x: Var<'_>) -> Var<'_> {
    let shape = x.shape();
    match shape.first() {
        None | Some(0 | 1) => Var::from(1.0),
        Some(count) => {
            let lower = x.view(0, shape.with(0, count - 1));
            first_axis_sum(from_row(x, 1).gt(lower).eq(0.0)).eq(0.0)
        }
    }
}

impl<'g, D: Distribution<'g>> Distribution<'g> for Ordered<D> {
    fn name(&self) -> &'static str {
        "Ordered"
    }

    /// Those of the distribution that is drawn from.
    fn parameters(&self) -> Vec<Parameter<'g>> {
        self.inner.parameters()
    }

    fn support(&self) -> Support<'g> {
        match self.inner.support() {
            Support::Positive | Support::NonNegative => Support::PositiveOrdered,
            _ => Support::Ordered,
        }
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.count])
    }

    fn batch_shape(&self) -> Shape {
        self.inner.batch_shape()
    }

    fn is_proper(&self) -> bool {
        self.inner.is_proper()
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let own = self.batch_shape().rank();
        let x = padded(x, 1, own.max(x.shape().rank().saturating_sub(1)));
        let orders: f64 = (2..=self.count).map(|k| (k as f64).ln()).sum();
        let density = first_axis_sum(self.inner.log_prob(x)) + orders;
        is_increasing(x).select(density, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let mut event = vec![f64::NAN; self.count.max(1)];
        self.draw_event(parameters, rng, &mut event);
        event[0]
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        for x in &mut *event {
            *x = self.inner.draw(parameters, rng);
        }
        event.sort_by(f64::total_cmp);
    }

    /// NaN: order statistics have no common closed form.
    fn mean(&self) -> Var<'g> {
        Var::from(f64::NAN)
    }

    /// NaN: order statistics have no common closed form.
    fn variance(&self) -> Var<'g> {
        Var::from(f64::NAN)
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let (support, event) = (self.inner.support(), self.inner.event_shape());
        let fits = event == Shape::SCALAR
            && matches!(
                support,
                Support::Real | Support::Positive | Support::NonNegative
            );
        match fits {
            true => self.inner.conflict(parameters),
            false => Some(format!(
                "the numbers put in order must be real or positive; {} draws {support}",
                self.inner.name()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_stable, normal_cdf};
    use crate::{
        AutoRegressive, Beta, Categorical, Dirichlet, Flat, GaussianRandomWalk, HalfNormal,
        LkjCholesky, Multinomial, MultivariateNormal, Normal, OrderedLogistic, sample,
    };
    use bayes_nn_autodiff::{Bindings, Graph};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Ordered::new(Normal::new(0.5, 2.0), 2),
            &[
                -0.03721473892419003,
                0.39107565978369807,
                -2.718674418097762,
                -0.6571507536879113,
                1.7671545986823516,
                3.7393647660683222,
                -2.08427686520821,
                2.091510475998258,
                -1.5533470844097277,
                3.843904708258385,
            ],
        );
    }

    #[test]
    fn draws_are_the_sorted_draws_of_one_distribution() {
        let draws = sample(&Ordered::new(Normal::new(0.0, 1.0), 3), 20_000, 5).unwrap();
        for x in [-1.5, -0.5, 0.0, 0.8] {
            let share = |place: usize| {
                let below = draws.iter().skip(place).step_by(3).filter(|v| **v < x);
                below.count() as f64 / 20_000.0
            };
            let p = normal_cdf(x);
            let expected = [1.0 - (1.0 - p).powi(3), p * p * (3.0 - 2.0 * p), p.powi(3)];
            for (place, expected) in expected.into_iter().enumerate() {
                // Of twelve shares one is beyond four standard errors once in 1,300 right runs.
                let error = (expected * (1.0 - expected) / 20_000.0).sqrt();
                assert!(
                    (share(place) - expected).abs() < 4.0 * error,
                    "{place} at {x}"
                );
            }
        }
    }

    #[test]
    fn a_batch_has_an_order_for_each() {
        let graph = Graph::new();
        let scale = graph.constant(&[1.0, 2.0], [2]);
        let ordered = Ordered::new(HalfNormal::new(scale), 3);
        assert_eq!(ordered.shape(), Shape::from([3, 2]));
        let draws = sample(&ordered, 50, 3).unwrap();
        for draw in draws.chunks(6) {
            assert!((0..4).all(|i| 0.0 < draw[i] && draw[i] < draw[i + 2]));
        }
        let x = graph.constant(&draws[..6], [3, 2]);
        let alone = HalfNormal::new(scale).log_prob(x).sum_axis(0) + 6f64.ln();
        let outputs = [ordered.log_prob(x), alone, ordered.log_prob(-x)];
        let values = graph.evaluate(&outputs, &Bindings::new()).unwrap();
        assert_eq!(values[0].values(), values[1].values());
        assert_eq!(values[2].values(), [f64::NEG_INFINITY; 2]);
    }

    #[test]
    fn nothing_to_put_in_order_is_refused_as_is_everything_without_elements() {
        let graph = Graph::new();
        let (none, normal) = (graph.constant(&[], [0]), Normal::new(0.0, 1.0));
        let square = graph.constant(&[], [0, 0]);
        let empty: [(&str, Box<dyn Distribution<'_> + '_>); 10] = [
            ("Ordered: a draw", Box::new(Ordered::new(normal, 0))),
            ("Flat: a draw", Box::new(Flat::ordered(0))),
            (
                "GaussianRandomWalk: a draw",
                Box::new(GaussianRandomWalk::new(0, 0.0, 1.0)),
            ),
            ("LkjCholesky: a draw", Box::new(LkjCholesky::new(0, 1.0))),
            ("Dirichlet: concentration", Box::new(Dirichlet::new(none))),
            ("Categorical: logits", Box::new(Categorical::new(none))),
            (
                "Multinomial: probs",
                Box::new(Multinomial::probs(0.0, none)),
            ),
            (
                "OrderedLogistic: cutpoints",
                Box::new(OrderedLogistic::new(0.0, none)),
            ),
            (
                "MultivariateNormal: loc",
                Box::new(MultivariateNormal::new(none, square)),
            ),
            (
                "AutoRegressive: coefficients",
                Box::new(AutoRegressive::new(3, 0.0, none, 1.0)),
            ),
        ];
        for (what, distribution) in empty {
            assert_eq!(
                distribution.check().unwrap_err().to_string(),
                format!("{what} is empty; at least one element is needed")
            );
        }
    }

    #[test]
    fn numbers_between_bounds_are_refused() {
        let error = Ordered::new(Beta::new(2.0, 2.0), 2).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Ordered: the numbers put in order must be real or positive; Beta draws a number from \
             0 to 1"
        );
    }
}
