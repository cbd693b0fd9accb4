//! The trait that every distribution implements.

use std::borrow::Cow;
use std::fmt;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::{class_column, joined};
use crate::named::{AxisNames, DimensionNames, Named};
use crate::parameter::outside;
use crate::values::ParameterValues;
use crate::{Cardinality, Expanded, Parameter, ParameterError, Support};

/// A probability distribution of one number, or of a batch of independent numbers.
///
/// One draw may also be a vector or matrix whose numbers depend on each other: an event. Its
/// axes come first, those of the batch last, and the log density has a number for each of the
/// batch.
///
/// Parameters are [`Var`]s. With plain numbers everything is a plain number; with nodes of a
/// graph the density, its moments and a reparameterised draw are nodes of that graph.
///
/// ```
/// use bayes_nn_autodiff::{Graph, Var, grad};
/// use bayes_nn_distributions::{Distribution, Normal};
///
/// let log_prob = Normal::new(0.0, 2.0).log_prob(Var::from(1.0));
/// assert!((log_prob.number().unwrap() + 1.737085713764618).abs() < 1e-15);
///
/// let graph = Graph::new();
/// let loc = graph.input("loc", []);
/// let data = graph.constant(&[1.0, 2.5, -0.3], [3]);
/// let log_likelihood = Normal::new(loc, 2.0).log_prob(data).sum();
/// let score = grad(log_likelihood, &[loc])?[0];
/// # let _ = score;
/// # Ok::<(), bayes_nn_autodiff::GraphError>(())
/// ```
pub trait Distribution<'g>: fmt::Debug + Send + Sync {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// The parameters, in the order of the constructor.
    fn parameters(&self) -> Vec<Parameter<'g>>;

    /// Where draws lie.
    fn support(&self) -> Support<'g>;

    /// The logarithm of the density (or probability) at `x`, in nats, element by element over
    /// the broadcast of `x` and the parameters, without the axes of an event.
    ///
    /// Outside the support it is `-inf`, with derivative zero. At NaN it is NaN or `-inf`, never
    /// finite. Where the distribution is discrete, the derivative by `x` is zero.
    fn log_prob(&self, x: Var<'g>) -> Var<'g>;

    /// A draw as a differentiable function of the parameters and of noise that does not depend
    /// on them, in the shape of the noise; `None` where there is no such function.
    ///
    /// `noise` gives a fresh, independent node of noise, of the shape [`Distribution::shape`]
    /// (or one that it broadcasts to), at each call.
    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>>;

    /// One draw on the host.
    ///
    /// `parameters` are numbers in the order of [`Distribution::parameters`], with as many for
    /// each as [`Parameter::numbers`] says. They should have passed
    /// [`Distribution::check_values`]: with others the draw is NaN or meaningless.
    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64;

    /// One draw of an event on the host, in row-major order, into as many places as it has
    /// numbers; [`Distribution::draw`] gives the first of them.
    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        event.fill(self.draw(parameters, rng));
    }

    /// The expectation; NaN where there is none, or no closed form is known here
    /// ([`Ordered`](crate::Ordered)). Of an angle ([`VonMises`](crate::VonMises)) it is the mean
    /// direction.
    fn mean(&self) -> Var<'g>;

    /// The variance; infinite or NaN where there is none, NaN where no closed form is known here.
    /// Of an angle it is the circular variance.
    fn variance(&self) -> Var<'g>;

    /// The expectation of [`Distribution::log_prob`] at a normal number, `E ln p(x)` for
    /// `x ~ N(mean, sd^2)`, in nats, element by element over the broadcast of `mean`, `sd` and
    /// the parameters; `None` where no closed form is known here. Of numbers with a common hidden
    /// scale ([`SphericalStudentT`](crate::SphericalStudentT)) or a hidden component
    /// ([`Mixture`](crate::Mixture)) it is a bound below it.
    ///
    /// `sd` must be above 0. Of a discrete distribution, and of one that does not have all reals
    /// as its support, there is no such expectation.
    fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
        let _ = (mean, sd);
        None
    }

    /// The log probability of each class of a finite distribution, in nats, of the shape
    /// `[classes, ...batch]`: row `k` is [`Distribution::log_prob`] at `k`.
    ///
    /// `None` where the support is not [`Support::Boolean`] or [`Support::Categories`], and where
    /// all parameters are plain numbers, which belong to no graph that could hold a vector. A
    /// count with an upper bound is no class: its probabilities are those of `log_prob`, asked
    /// one by one.
    fn log_probabilities(&self) -> Option<Var<'g>> {
        let Cardinality::Classes(classes) = self.support().cardinality() else {
            return None;
        };
        let parameters = self.parameters();
        let graph = parameters.iter().find_map(|p| p.value.graph())?;
        let batch = self.batch_shape();
        let log_prob = self.log_prob(class_column(graph, classes, batch.rank()));
        Some(log_prob.broadcast_to(joined(Shape::from([classes]), batch)))
    }

    /// Location and *variance*, where this is a normal distribution; of shapes that broadcast to
    /// the batch.
    fn normal(&self) -> Option<(Var<'g>, Var<'g>)> {
        None
    }

    /// What is wrong between parameters that are each in their domain, if anything is.
    ///
    /// The numbers come as in [`Distribution::draw`]. One that is not known yet is NaN, which
    /// therefore has to pass.
    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let _ = parameters;
        None
    }

    /// Whether the density integrates to 1, so that there are draws.
    fn is_proper(&self) -> bool {
        true
    }

    /// The axes that belong to one draw; none where it is a number.
    fn event_shape(&self) -> Shape {
        Shape::SCALAR
    }

    /// What the axes are called, where [`Distribution::over`] or [`Distribution::along`] say so.
    fn axis_names(&self) -> AxisNames {
        AxisNames::default()
    }

    /// The shape of independent draws: the broadcast of the parameters without their event axes.
    fn batch_shape(&self) -> Shape {
        let parameters = self.parameters();
        parameters.iter().fold(Shape::SCALAR, |shape, parameter| {
            // What does not broadcast is an error of `check`, and of the graph.
            shape.broadcast(&parameter.batch_shape()).unwrap_or(shape)
        })
    }

    /// The shape of the whole: the event, then the batch.
    fn shape(&self) -> Shape {
        joined(self.event_shape(), self.batch_shape())
    }

    /// Checks shapes, and all values that are known before anything runs.
    ///
    /// # Errors
    /// The first parameter that lies outside its domain, with position and value; parameters
    /// that do not fit each other; shapes that do not broadcast.
    fn check(&self) -> Result<(), ParameterError> {
        let parameters = self.parameters();
        let empty = |what| ParameterError::Empty {
            distribution: self.name(),
            what,
        };
        let mut shape = Shape::SCALAR;
        for parameter in &parameters {
            if parameter.numbers() == 0 {
                return Err(empty(parameter.name.clone()));
            }
            let own = parameter.batch_shape();
            shape = match shape.broadcast(&own) {
                Some(common) => common,
                None => {
                    return Err(ParameterError::Shapes {
                        distribution: self.name(),
                        parameter: parameter.name.clone(),
                        shapes: Box::new([own, shape]),
                    });
                }
            };
            let values = parameter.value.constant_values();
            let is_number = parameter.value.shape() == Shape::SCALAR;
            for (position, &value) in values.iter().flatten().enumerate() {
                if !parameter.domain.contains(value) {
                    let position = (!is_number).then_some(position);
                    return Err(outside(self.name(), parameter, position, value));
                }
            }
        }
        if self.event_shape().elements() == 0 {
            return Err(empty(Cow::Borrowed("a draw")));
        }
        let known = ParameterValues::known_so_far(&parameters);
        let shape = known.shape();
        let mut numbers = Vec::new();
        for position in 0..shape.elements() {
            known.read(position, &mut numbers);
            if let Some(problem) = self.conflict(&numbers) {
                return Err(ParameterError::Conflict {
                    distribution: self.name(),
                    position: (shape != Shape::SCALAR).then_some(position),
                    problem,
                });
            }
        }
        Ok(())
    }

    /// Checks the numbers that one draw needs, in the order of [`Distribution::draw`].
    ///
    /// # Errors
    /// A density that nothing can be drawn from; a wrong count, a number outside its parameter's
    /// domain, numbers that do not fit each other.
    fn check_values(&self, parameters: &[f64]) -> Result<(), ParameterError> {
        if !self.is_proper() {
            return Err(ParameterError::Improper {
                distribution: self.name(),
            });
        }
        let described = self.parameters();
        let expected = described.iter().map(Parameter::numbers).sum();
        if parameters.len() != expected {
            return Err(ParameterError::Count {
                distribution: self.name(),
                expected,
                got: parameters.len(),
            });
        }
        let mut values = parameters.iter();
        for parameter in &described {
            for (position, &value) in values.by_ref().take(parameter.numbers()).enumerate() {
                if !parameter.domain.contains(value) {
                    let position = parameter.event.then_some(position);
                    return Err(outside(self.name(), parameter, position, value));
                }
            }
        }
        match self.conflict(parameters) {
            Some(problem) => Err(ParameterError::Conflict {
                distribution: self.name(),
                position: None,
                problem,
            }),
            None => Ok(()),
        }
    }

    /// Independent copies that fill a larger shape.
    #[must_use]
    fn expand(self, shape: impl Into<Shape>) -> Expanded<Self>
    where
        Self: Sized,
    {
        Expanded::new(self, shape.into())
    }

    /// Independent copies, one for each name of a dimension, or of each of several: in a model
    /// `Normal::new(0.0, 1.0).over("county")` is one value for each county, of the shape `[counties]`.
    /// The lengths of dimensions are those of the data that the model is declared over.
    ///
    /// Parameters may have the same axes, or the last of them; or more axes before these, which the
    /// variable then has, too: `Normal::new(0.0, 1.0).expand([3, 1]).over("county")` is three values for
    /// each county, `[3, counties]`.
    #[must_use]
    fn over(self, dimensions: impl Into<DimensionNames>) -> Named<Self>
    where
        Self: Sized,
    {
        Named::new(self, DimensionNames::default(), dimensions.into())
    }

    /// The same distribution, whose axes of one draw have names: in a model
    /// `MultivariateNormal::new(mean, factor).along("term").over("county")` is a vector of terms
    /// for each county, of the shape `[terms, counties]`.
    #[must_use]
    fn along(self, dimensions: impl Into<DimensionNames>) -> Named<Self>
    where
        Self: Sized,
    {
        Named::new(self, dimensions.into(), DimensionNames::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Categorical, Laplace, Mixture, Normal, Poisson, StudentT, Uniform};
    use bayes_nn_autodiff::Graph;

    #[test]
    fn distributions_of_numbers_can_be_stored_as_priors_of_any_graph() {
        type Prior = Box<dyn for<'g> Distribution<'g> + Send + Sync>;
        #[derive(Debug)]
        struct Network {
            priors: Vec<Prior>,
        }
        let network = Network {
            priors: vec![
                Box::new(Normal::new(0.0, 1.0)),
                Box::new(Laplace::new(0.0, 0.5)),
                Box::new(StudentT::new(3.0, 0.0, 1.0)),
                Box::new(Mixture::new([
                    (0.25, Normal::new(0.0, 1.0)),
                    (0.75, Normal::new(0.0, 0.01)),
                ])),
            ],
        };
        for prior in &network.priors {
            assert_eq!(prior.check(), Ok(()));
            let graph = Graph::new();
            let weights = graph.input("weights", [5, 2]);
            let log_prob = prior.expand([5, 2]).log_prob(weights);
            assert_eq!(log_prob.shape(), Shape::from([5, 2]));
            assert_eq!(graph.check(), Ok(()));
        }
        let shared: Arc<dyn for<'g> Distribution<'g>> = Arc::new(Poisson::new(2.0));
        let number = shared.log_prob(Var::from(0.0)).number();
        assert_eq!(number, Some(-2.0));
    }

    #[test]
    fn an_error_names_distribution_parameter_position_value_and_what_would_be_right() {
        let graph = Graph::new();
        let scale = graph.constant(&[1.0, -0.5, 2.0], [3]);
        let error = Normal::new(0.0, scale).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: scale at position 1 must be a finite number > 0, got -0.5"
        );
        let error = Normal::new(f64::NAN, 1.0).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: loc must be a finite number, got NaN"
        );
        let low = graph.constant(&[0.0, 1.0], [2]);
        let error = Uniform::new(low, 1.0).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Uniform at position 1: low must be less than high, got low = 1 and high = 1"
        );
        let error = Normal::new(low, scale).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: scale of batch shape [3] does not broadcast with [2]: aligned at the last \
             axis, lengths must be equal or 1"
        );
        let error = Normal::new(0.0, 1.0).check_values(&[1.0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: 2 parameter values are needed, got 1"
        );
        let error = Normal::new(0.0, 1.0).check_values(&[1.0, 0.0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: scale must be a finite number > 0, got 0"
        );
    }

    #[test]
    fn what_a_graph_computes_is_left_to_the_run() {
        let graph = Graph::new();
        let scale = graph.input("scale", [4]);
        assert_eq!(Normal::new(0.0, scale).check(), Ok(()));
        assert_eq!(Uniform::new(1.0, scale).check(), Ok(()));
        assert!(Normal::new(f64::INFINITY, scale).check().is_err());
    }

    #[test]
    fn the_shape_is_the_broadcast_of_the_parameters_without_event_axes() {
        let graph = Graph::new();
        let column = graph.input("column", [4, 1]);
        let row = graph.input("row", [3]);
        assert_eq!(Normal::new(column, row).shape(), Shape::from([4, 3]));
        let logits = graph.input("logits", [10, 7]);
        assert_eq!(Categorical::new(logits).shape(), Shape::from(7));
        assert_eq!(Normal::new(0.0, 1.0).shape(), Shape::SCALAR);
    }
}
