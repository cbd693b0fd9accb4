//! The inverse gamma distribution, by concentration (shape) and scale.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::gamma::log_kernel;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of `1 / y` for `y` gamma with `concentration > 0` and rate `scale > 0`.
///
/// ```text
/// p(x) = scale^a x^(-a - 1) exp(-scale / x) / gamma(a),   a = concentration,   x > 0
/// ```
///
/// The log density is written as that of the [`Gamma`](crate::Gamma), with `scale / x` in place of
/// `rate x`. The density fails where `scale / x` overflows: there it is `-inf`.
///
/// Draws are one over those of a gamma; with a concentration below about 0.01 a fair part of the
/// distribution lies beyond the largest `f64`, and such draws are infinite.
///
/// A. Gelman and others, *Bayesian Data Analysis*, 2013, appendix A.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, InverseGamma};
/// let variance = InverseGamma::new(3.0, 2.0);
/// assert_eq!(variance.mean().number(), Some(1.0));
/// assert_eq!(variance.log_prob(Var::from(0.0)).number(), Some(f64::NEG_INFINITY));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InverseGamma<'a> {
    concentration: Var<'a>,
    scale: Var<'a>,
}

/// Of a smaller share the reciprocal is infinite.
const SMALLEST_SHARE: f64 = 6e-309;

impl<'a> InverseGamma<'a> {
    /// With `concentration` and `scale`, of shapes that broadcast.
    pub fn new(concentration: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> InverseGamma<'a> {
        InverseGamma {
            concentration: concentration.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for InverseGamma<'a> {
    fn name(&self) -> &'static str {
        "InverseGamma"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("concentration", self.concentration, Domain::Positive),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Positive
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let scale: Var<'g> = self.scale;
        let outside = x.le(0.0);
        let x = outside.select(1.0, x);
        let ln_x = x.ln();
        // A quotient that overflows is a constant: the derivative by x would be a difference of infinities.
        let near = x.gt(scale * SMALLEST_SHARE);
        let mean = near.select(scale / near.select(x, scale), f64::INFINITY);
        let inside = log_kernel(self.concentration, mean, scale.ln() - ln_x) - ln_x;
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [concentration, scale] = draws::numbers(parameters);
        scale / draws::gamma(concentration, rng)
    }

    /// `scale / (concentration - 1)` for concentrations above 1, else infinite.
    fn mean(&self) -> Var<'g> {
        let a: Var<'g> = self.concentration;
        let heavy = a.le(1.0);
        heavy.select(f64::INFINITY, self.scale / (heavy.select(2.0, a) - 1.0))
    }

    /// `mean^2 / (concentration - 2)` for concentrations above 2, infinite down to above 1, else
    /// NaN.
    fn variance(&self) -> Var<'g> {
        let a: Var<'g> = self.concentration;
        let heavy = a.le(2.0);
        let light = heavy.select(3.0, a);
        let mean = self.scale / (light - 1.0);
        let undefined = a.le(1.0).select(f64::NAN, f64::INFINITY);
        heavy.select(undefined, mean * mean / (light - 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_draws_follow, assert_impossible, assert_moments, assert_stable};
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &InverseGamma::new(2.5, 0.5),
            &[
                0.2785748635191345,
                0.19848651298405012,
                0.8989066921803428,
                0.2947137256896578,
                0.14038078789340708,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let half = InverseGamma::new(0.5, 2.0);
        assert_draws_follow(&half, |x| libm::erfc((2.0 / x).sqrt()));
        let three = InverseGamma::new(3.0, 1.0);
        assert_draws_follow(&three, |x| (-1.0 / x).exp() * (1.0 + 1.0 / x + 0.5 / x / x));
        assert_moments(&InverseGamma::new(12.0, 3.0));
    }

    #[test]
    fn zero_and_below_are_impossible() {
        let graph = Graph::new();
        let outside = [0.0, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &InverseGamma::new(0.5, 2.0), &outside);
    }

    #[test]
    fn moments_that_do_not_exist_are_not_made_up() {
        let moments = |a: f64| {
            let d = InverseGamma::new(a, 3.0);
            (d.mean().number().unwrap(), d.variance().number().unwrap())
        };
        assert_eq!(moments(1.0).0, f64::INFINITY);
        assert!(moments(1.0).1.is_nan());
        assert_eq!(moments(1.5), (6.0, f64::INFINITY));
        assert_eq!(moments(4.0), (1.0, 0.5));
    }
}
