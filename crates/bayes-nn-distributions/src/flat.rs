//! The flat "distribution": the density 1 over a support, for a variable without a prior.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::first_axis_sum;
use crate::ordered::is_increasing;
use crate::support::bounds_conflict;
use crate::{Distribution, Domain, Parameter, Support};

/// The density 1 over all reals, over those beyond or between bounds, or over vectors of
/// increasing numbers. (Over shares that sum to 1, [`Dirichlet`](crate::Dirichlet) with
/// concentrations of 1 is flat.)
///
/// ```text
/// p(x) = 1,   x in the support
/// ```
///
/// Where the support is not bounded this is no probability distribution: it has no moments, and
/// nothing can be drawn from it. Between two bounds it is not divided by their distance either,
/// which matters where a bound is itself a variable: [`Uniform`](crate::Uniform) is. The
/// posterior exists if the other terms of the model see to it; nothing here checks that.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Flat, sample};
/// let slope = Flat::real();
/// assert_eq!(slope.log_prob(Var::from(1e100)).number(), Some(0.0));
/// assert_eq!(Flat::positive().log_prob(Var::from(-1.0)).number(), Some(f64::NEG_INFINITY));
/// assert!(!slope.is_proper() && sample(&slope, 1, 0).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a> {
    support: Support<'a>,
    event: Shape,
}

impl<'a> Flat<'a> {
    fn over(support: Support<'a>, event: Shape) -> Flat<'a> {
        Flat { support, event }
    }

    /// Over all real numbers.
    pub fn real() -> Flat<'a> {
        Flat::over(Support::Real, Shape::SCALAR)
    }

    /// Over the positive numbers.
    pub fn positive() -> Flat<'a> {
        Flat::over(Support::Positive, Shape::SCALAR)
    }

    /// Over the numbers from `low` upwards.
    pub fn above(low: impl Into<Var<'a>>) -> Flat<'a> {
        Flat::over(Support::LowerBound(low.into()), Shape::SCALAR)
    }

    /// Over the numbers from `high` downwards.
    pub fn below(high: impl Into<Var<'a>>) -> Flat<'a> {
        Flat::over(Support::UpperBound(high.into()), Shape::SCALAR)
    }

    /// Over the numbers from `low` to `high`, which must be larger; of shapes that broadcast.
    pub fn between(low: impl Into<Var<'a>>, high: impl Into<Var<'a>>) -> Flat<'a> {
        let support = Support::Interval(low.into(), high.into());
        Flat::over(support, Shape::SCALAR)
    }

    /// Over the vectors of so many increasing numbers.
    pub fn ordered(count: usize) -> Flat<'a> {
        Flat::over(Support::Ordered, Shape::from([count]))
    }

    /// Over the vectors of so many increasing positive numbers.
    pub fn positive_ordered(count: usize) -> Flat<'a> {
        Flat::over(Support::PositiveOrdered, Shape::from([count]))
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Flat<'a> {
    fn name(&self) -> &'static str {
        "Flat"
    }

    /// The bounds.
    fn parameters(&self) -> Vec<Parameter<'g>> {
        let low = |low| Parameter::new("low", low, Domain::Real);
        let high = |high| Parameter::new("high", high, Domain::Real);
        match self.support {
            Support::LowerBound(bound) => vec![low(bound)],
            Support::UpperBound(bound) => vec![high(bound)],
            Support::Interval(from, to) => vec![low(from), high(to)],
            _ => Vec::new(),
        }
    }

    fn support(&self) -> Support<'g> {
        self.support
    }

    fn event_shape(&self) -> Shape {
        self.event
    }

    fn is_proper(&self) -> bool {
        false
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let finite = x.abs().lt(f64::INFINITY);
        let inside = match self.support() {
            Support::Positive => finite * x.gt(0.0),
            Support::LowerBound(low) => finite * x.ge(low),
            Support::UpperBound(high) => finite * x.le(high),
            Support::Interval(low, high) => finite * x.ge(low) * x.le(high),
            Support::Ordered => all(finite) * is_increasing(x),
            Support::PositiveOrdered => all(finite * x.gt(0.0)) * is_increasing(x),
            _ => finite,
        };
        inside.select(0.0, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// NaN: there is nothing to draw from.
    fn draw(&self, _: &[f64], _: &mut dyn Rng) -> f64 {
        f64::NAN
    }

    /// NaN: there is none.
    fn mean(&self) -> Var<'g> {
        Var::from(f64::NAN)
    }

    /// NaN: there is none.
    fn variance(&self) -> Var<'g> {
        Var::from(f64::NAN)
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        match (self.support, parameters) {
            (Support::Interval(..), [low, high]) => bounds_conflict(*low, *high),
            _ => None,
        }
    }
}

/// Whether a condition holds for all along the first axis.
fn all(condition: Var<'_>) -> Var<'_> {
    first_axis_sum(condition.eq(0.0)).eq(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_impossible;
    use crate::{ParameterError, sample};
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn the_density_is_one_inside_and_zero_outside() {
        let graph = Graph::new();
        let cases: [(Flat<'_>, &[f64], &[f64]); 5] = [
            (Flat::real(), &[-1e300, 0.0, 3.0], &[f64::INFINITY]),
            (
                Flat::positive(),
                &[1e-300, 1e300],
                &[0.0, -1.0, f64::INFINITY],
            ),
            (Flat::above(2.0), &[2.0, 7.0], &[1.9, f64::INFINITY]),
            (Flat::below(2.0), &[2.0, -7.0], &[2.1, f64::NEG_INFINITY]),
            (
                Flat::between(-1.0, 2.0),
                &[-1.0, 0.3, 2.0],
                &[-1.1, 2.1, f64::NAN],
            ),
        ];
        for (flat, inside, outside) in cases {
            for &x in inside {
                assert_eq!(flat.log_prob(Var::from(x)).number(), Some(0.0), "{flat:?}");
                assert!(flat.support().contains(x));
            }
            assert_impossible(&graph, &flat, outside);
            assert_impossible(&graph, &flat, &[f64::NAN]);
        }
    }

    #[test]
    fn vectors_must_increase() {
        let graph = Graph::new();
        let x = graph.input("x", [3, 2]);
        let outputs = [Flat::ordered(3), Flat::positive_ordered(3)].map(|f| f.log_prob(x));
        let rows = [[-1.0, 1.0], [0.5, 2.0], [0.5 + 1e-9, 3.0]].concat();
        let values = |rows: &[f64]| {
            let values = graph.evaluate(&outputs, &Bindings::new().bind(x, rows));
            values
                .unwrap()
                .iter()
                .map(|v| v.values().to_vec())
                .collect()
        };
        let expected: [Vec<f64>; 2] = [vec![0.0, 0.0], vec![f64::NEG_INFINITY, 0.0]];
        let got: Vec<Vec<f64>> = values(&rows);
        assert_eq!(got, expected);
        let rows = [[-1.0, 1.0], [0.5, 1.0], [0.5, f64::NAN]].concat();
        let got: Vec<Vec<f64>> = values(&rows);
        assert_eq!(got, vec![vec![f64::NEG_INFINITY; 2]; 2]);
    }

    #[test]
    fn bounds_are_variables_whose_distance_does_not_count() {
        let graph = Graph::new();
        let high = graph.input("high", []);
        let log_prob = Flat::between(0.0, high).log_prob(Var::from(0.5));
        let slope = grad(log_prob, &[high]).unwrap()[0];
        let at = Bindings::new().bind(high, &[0.75]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert_eq!([values[0].values()[0], values[1].values()[0]], [0.0, 0.0]);
        assert_eq!(
            Flat::between(1.0, -1.0).check().unwrap_err().to_string(),
            "Flat: low must be less than high, got low = 1 and high = -1"
        );
    }

    #[test]
    fn drawing_is_an_error_that_says_why() {
        let flat = Flat::real().expand([3]);
        assert_eq!(flat.check(), Ok(()));
        assert!(!flat.is_proper() && !Box::new(flat).is_proper());
        let error = sample(&flat, 2, 0).unwrap_err();
        assert_eq!(
            error,
            ParameterError::Improper {
                distribution: "Flat"
            }
        );
        assert_eq!(flat.check_values(&[]).unwrap_err(), error);
        assert!(error.to_string().contains("no probability distribution"));
    }
}
