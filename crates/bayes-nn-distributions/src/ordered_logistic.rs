//! The ordered logistic distribution: an ordinal response, by a predictor and cutpoints.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::axes::{aligned, first_axis_sum};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of one of `K` ordered classes, numbered from 0, by `K - 1` cutpoints.
///
/// The cutpoints have the shape `[K - 1, ...batch]`, the predictor and a draw `[...batch]`.
///
/// ```text
/// P(y) = sigmoid(predictor - c[y - 1]) - sigmoid(predictor - c[y]),   y = 0 .. K - 1
/// c = cutpoints, increasing;   c[-1] = -inf,   c[K - 1] = inf
/// ```
///
/// The difference is written as a product, `sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b)
/// (1 - exp(b - a))`, of which each factor keeps its digits.
///
/// P. McCullagh, *Regression Models for Ordinal Data*, 1980.
///
/// ```
/// use bayes_nn_autodiff::{Graph, Var};
/// use bayes_nn_distributions::{Distribution, OrderedLogistic, Support};
/// let of_two = OrderedLogistic::new(0.7, 0.7);
/// assert_eq!(of_two.log_prob(Var::from(1.0)).number(), Some(0.5f64.ln()));
///
/// let graph = Graph::new();
/// let predictor = graph.input("predictor", [500]);
/// let cutpoints = graph.input("cutpoints", [4, 1]);
/// let rating = OrderedLogistic::new(predictor, cutpoints);
/// assert!(matches!(rating.support(), Support::Categories(5)));
/// assert_eq!(rating.shape().to_string(), "[500]");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OrderedLogistic<'a> {
    predictor: Var<'a>,
    cutpoints: Var<'a>,
}

impl<'a> OrderedLogistic<'a> {
    /// With `predictor`, and `cutpoints` that increase along their first axis; a plain number is
    /// the only cutpoint.
    pub fn new(
        predictor: impl Into<Var<'a>>,
        cutpoints: impl Into<Var<'a>>,
    ) -> OrderedLogistic<'a> {
        OrderedLogistic {
            predictor: predictor.into(),
            cutpoints: cutpoints.into(),
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.cutpoints.shape().first().copied().unwrap_or(1) + 1
    }

    /// The probability of each class but the first and all above it, and the number of the class
    /// below, along a first axis.
    fn exceedances(&self) -> (Var<'a>, Var<'a>) {
        let (cutpoints, numbers) = aligned(self.cutpoints, self.predictor.shape().rank());
        ((self.predictor - cutpoints).sigmoid(), numbers)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for OrderedLogistic<'a> {
    fn name(&self) -> &'static str {
        "OrderedLogistic"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("predictor", self.predictor, Domain::Real),
            Parameter {
                event: true,
                ..Parameter::new("cutpoints", self.cutpoints, Domain::Real)
            },
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Categories(self.classes())
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let x = x.stop_gradient();
        let last = (self.classes() - 1) as f64;
        let is_class = x.ge(0.0) * x.le(last) * x.floor().eq(x);
        let (cutpoints, numbers) = aligned(self.cutpoints, x.shape().rank());
        let below = first_axis_sum(numbers.eq(x - 1.0).select(cutpoints, 0.0));
        let above = first_axis_sum(numbers.eq(x).select(cutpoints, 0.0));
        let (not_first, not_last) = (is_class * x.gt(0.0), is_class * x.lt(last));
        let between = not_first * not_last;
        let distance = between.select(below - above, -1.0);
        let inside = not_first.select((self.predictor - below).log_sigmoid(), 0.0)
            + not_last.select((above - self.predictor).log_sigmoid(), 0.0)
            + between.select((-distance.expm1()).ln(), 0.0);
        is_class.select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [predictor, cutpoints @ ..] = parameters else {
            return f64::NAN;
        };
        let u = draws::uniform(rng);
        let latent = predictor + (libm::log(u) - libm::log(1.0 - u));
        match latent.is_nan() {
            true => f64::NAN,
            false => cutpoints.iter().filter(|&&c| c < latent).count() as f64,
        }
    }

    /// The mean class number.
    fn mean(&self) -> Var<'g> {
        let (exceedances, _) = self.exceedances();
        first_axis_sum(exceedances)
    }

    /// The variance of the class number.
    fn variance(&self) -> Var<'g> {
        let (exceedances, numbers) = self.exceedances();
        let mean = first_axis_sum(exceedances);
        first_axis_sum(exceedances * (numbers * 2.0 + 1.0)) - mean * mean
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let cutpoints = parameters.get(1..)?;
        let place = cutpoints.windows(2).position(|pair| pair[0] >= pair[1])?;
        Some(format!(
            "cutpoints must increase, got {} and then {}",
            cutpoints[place],
            cutpoints[place + 1]
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_classes, assert_draws_count, assert_impossible, assert_moments, assert_stable,
    };
    use bayes_nn_autodiff::{Graph, Shape};

    const CUTPOINTS: [f64; 3] = [-1.0, 0.5, 2.0];

    #[test]
    fn a_seed_gives_these_numbers() {
        let graph = Graph::new();
        let rating = OrderedLogistic::new(0.7, graph.constant(&CUTPOINTS, [3]));
        assert_stable(&rating, &[3.0, 1.0, 3.0, 2.0, 3.0]);
    }

    #[test]
    fn draws_have_their_probabilities() {
        let graph = Graph::new();
        let rating = OrderedLogistic::new(0.7, graph.constant(&CUTPOINTS, [3]));
        assert_draws_count(&rating, 4);
        assert_moments(&rating);
        assert_draws_count(&OrderedLogistic::new(0.7, 1.0), 2);
        assert_moments(&OrderedLogistic::new(0.7, 1.0));
    }

    #[test]
    fn the_classes_have_the_log_probabilities_of_each() {
        let graph = Graph::new();
        let cutpoints = graph.constant(&CUTPOINTS, [3, 1]);
        let predictor = graph.constant(&[-30.0, 0.7], [2]);
        assert_classes(&graph, &OrderedLogistic::new(predictor, cutpoints), 4, 0.0);
        let common = graph.constant(&CUTPOINTS, [3]);
        assert_classes(&graph, &OrderedLogistic::new(predictor, common), 4, 0.0);
        assert_classes(&graph, &OrderedLogistic::new(predictor, 0.4), 2, 0.0);
    }

    #[test]
    fn everything_but_class_numbers_is_impossible() {
        let graph = Graph::new();
        let rating = OrderedLogistic::new(0.7, graph.constant(&CUTPOINTS, [3]));
        assert_impossible(&graph, &rating, &[4.0, -1.0, 0.5, f64::INFINITY, f64::NAN]);
    }

    #[test]
    fn cutpoints_that_do_not_increase_are_refused() {
        let graph = Graph::new();
        let rating = OrderedLogistic::new(0.7, graph.constant(&[0.0, 2.0, 1.0], [3]));
        assert_eq!(
            rating.check().unwrap_err().to_string(),
            "OrderedLogistic: cutpoints must increase, got 2 and then 1"
        );
    }

    #[test]
    fn common_cutpoints_serve_a_batch() {
        let graph = Graph::new();
        let cutpoints = graph.input("cutpoints", [3]);
        let predictor = graph.input("predictor", [5]);
        let rating = OrderedLogistic::new(predictor, cutpoints);
        let y = graph.input("y", [5]);
        assert_eq!(rating.log_prob(y).shape(), Shape::from([5]));
        assert_eq!(rating.mean().shape(), Shape::from([5]));
        assert_eq!(graph.check(), Ok(()));
    }
}
