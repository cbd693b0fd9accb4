//! A distribution repeated, independently, over a larger shape.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::joined;
use crate::{AxisNames, Distribution, Parameter, ParameterError, Support};

/// Independent copies of a distribution that fill a shape; made by [`Distribution::expand`].
///
/// ```
/// use bayes_nn_autodiff::Shape;
/// use bayes_nn_distributions::{Distribution, Normal};
/// let weights = Normal::new(0.0, 1.0).expand([5, 2]);
/// assert_eq!(weights.shape(), Shape::from([5, 2]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Expanded<D> {
    inner: D,
    shape: Shape,
}

/// The shape without the axes of an event.
fn batch<'g>(shape: Shape, inner: &impl Distribution<'g>) -> Shape {
    let event = inner.event_shape().rank();
    match event <= shape.rank() {
        true => shape.without(0, event),
        false => shape,
    }
}

impl<D> Expanded<D> {
    pub(crate) fn new(inner: D, shape: Shape) -> Expanded<D> {
        Expanded { inner, shape }
    }

    /// The distribution that is repeated.
    pub fn inner(&self) -> &D {
        &self.inner
    }

    /// `value`, of the shape of the repeated distribution, in the larger shape.
    fn stretched<'g>(&self, value: Var<'g>) -> Var<'g>
    where
        D: Distribution<'g>,
    {
        let (event, own) = (self.inner.event_shape(), self.inner.batch_shape());
        stretch(value, event, own, self.shape)
    }
}

/// `value`, of the axes `event` and then `own`, in `shape`, which has more axes between them.
fn stretch<'g>(value: Var<'g>, event: Shape, own: Shape, shape: Shape) -> Var<'g> {
    let missing = shape.rank().saturating_sub(event.rank() + own.rank());
    let axes: Vec<usize> = (event.iter().copied())
        .chain(std::iter::repeat_n(1, missing))
        .chain(own.iter().copied())
        .collect();
    match Shape::try_new(&axes) {
        Some(between) if value.shape() != Shape::SCALAR => value.reshape(between),
        _ => value,
    }
    .broadcast_to(shape)
}

/// `value` in the broadcast of its own shape and `batch`.
fn at_least(value: Var<'_>, batch: Shape) -> Var<'_> {
    match value.shape().broadcast(&batch) {
        Some(shape) => value.broadcast_to(shape),
        // Cannot be stretched: this writes the error into the graph.
        None => value.broadcast_to(batch),
    }
}

impl<'g, D: Distribution<'g>> Distribution<'g> for Expanded<D> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    /// Those of the repeated distribution, in their own shapes.
    fn parameters(&self) -> Vec<Parameter<'g>> {
        self.inner.parameters()
    }

    fn support(&self) -> Support<'g> {
        self.inner.support()
    }

    /// A plain number stands for all elements; anything else comes in (at least) the shape.
    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        at_least(self.inner.log_prob(x), self.batch_shape())
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        self.inner.rsample(noise)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        self.inner.draw(parameters, rng)
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        self.inner.draw_event(parameters, rng, event);
    }

    fn mean(&self) -> Var<'g> {
        self.stretched(self.inner.mean())
    }

    fn variance(&self) -> Var<'g> {
        self.stretched(self.inner.variance())
    }

    /// As for [`Distribution::log_prob`], in (at least) the shape.
    fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
        let expected = self.inner.expected_log_prob(mean, sd)?;
        Some(at_least(expected, self.batch_shape()))
    }

    fn log_probabilities(&self) -> Option<Var<'g>> {
        let of_one = self.inner.log_probabilities()?;
        let classes = Shape::from([of_one.shape().first().copied().unwrap_or(1)]);
        let shape = joined(classes, self.batch_shape());
        Some(stretch(of_one, classes, self.inner.batch_shape(), shape))
    }

    /// That of the repeated distribution, in its own shapes.
    fn normal(&self) -> Option<(Var<'g>, Var<'g>)> {
        self.inner.normal()
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        self.inner.conflict(parameters)
    }

    fn is_proper(&self) -> bool {
        self.inner.is_proper()
    }

    fn event_shape(&self) -> Shape {
        self.inner.event_shape()
    }

    fn axis_names(&self) -> AxisNames {
        self.inner.axis_names()
    }

    fn batch_shape(&self) -> Shape {
        batch(self.shape, &self.inner)
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn check_values(&self, parameters: &[f64]) -> Result<(), ParameterError> {
        self.inner.check_values(parameters)
    }

    fn check(&self) -> Result<(), ParameterError> {
        self.inner.check()?;
        let own = self.inner.shape();
        let batch = self.batch_shape();
        let fits = self.inner.batch_shape().broadcast(&batch) == Some(batch)
            && joined(self.inner.event_shape(), batch) == self.shape;
        match fits {
            true => Ok(()),
            false => Err(ParameterError::Conflict {
                distribution: self.name(),
                position: None,
                problem: format!("its shape {own} cannot be stretched to {}", self.shape),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_classes;
    use crate::{Bernoulli, Normal, sample};
    use bayes_nn_autodiff::{Bindings, Graph};

    #[test]
    fn one_value_counts_once_for_each_copy() {
        let graph = Graph::new();
        let x = graph.input("x", []);
        let log_prob = Normal::new(0.0, 1.0).expand([2, 3]).log_prob(x).sum();
        let at = Bindings::new().bind(x, &[1.0]);
        let sum = graph.evaluate(&[log_prob], &at).unwrap()[0].values()[0];
        let one = Normal::new(0.0, 1.0).log_prob(Var::from(1.0));
        assert!((sum - 6.0 * one.number().unwrap()).abs() < 1e-14);
    }

    #[test]
    fn classes_stay_the_first_axis_of_copies() {
        let graph = Graph::new();
        let coin = Bernoulli::logits(graph.constant(&[0.3, -1.0], [2]));
        assert_classes(&graph, &coin.expand([3, 2]), 2, 0.0);
    }

    #[test]
    fn an_expectation_counts_once_for_each_copy() {
        let graph = Graph::new();
        let (mean, sd) = (graph.input("mean", []), graph.input("sd", []));
        let copies = Normal::new(0.0, 1.0).expand([2, 3]);
        let expected = copies.expected_log_prob(mean, sd);
        assert_eq!(expected.map(|e| e.shape()), Some(Shape::from([2, 3])));
    }

    #[test]
    fn copies_are_drawn_independently() {
        let draws = sample(&Normal::new(0.0, 1.0).expand([4]), 2, 3).unwrap();
        assert_eq!(draws.len(), 8);
        assert!((1..8).all(|i| draws[i] != draws[0]));
    }

    #[test]
    fn a_shape_that_the_parameters_do_not_stretch_to_is_an_error() {
        let graph = Graph::new();
        let loc = graph.constant(&[0.0; 3], [3]);
        let error = Normal::new(loc, 1.0).expand([2]).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: its shape [3] cannot be stretched to [2]"
        );
        Normal::new(loc, 1.0).expand([2]).log_prob(Var::from(0.0));
        assert!(graph.check().is_err());
    }
}
