//! The continuous uniform distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::support::bounds_conflict;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The uniform distribution from `low` to `high`, which must be larger.
///
/// ```text
/// p(x) = 1 / (high - low),   low <= x <= high
/// ```
///
/// `high - low` is a finite number.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 2,
/// 1995, chapter 26.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Uniform};
/// let angle = Uniform::new(-2.0, 2.0);
/// assert_eq!(angle.log_prob(Var::from(0.1)).number(), Some(-4.0f64.ln()));
/// assert_eq!(
///     Uniform::new(2.0, -2.0).check().unwrap_err().to_string(),
///     "Uniform: low must be less than high, got low = 2 and high = -2"
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Uniform<'a> {
    low: Var<'a>,
    high: Var<'a>,
}

impl<'a> Uniform<'a> {
    /// From `low` to `high`, of shapes that broadcast.
    pub fn new(low: impl Into<Var<'a>>, high: impl Into<Var<'a>>) -> Uniform<'a> {
        Uniform {
            low: low.into(),
            high: high.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Uniform<'a> {
    fn name(&self) -> &'static str {
        "Uniform"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("low", self.low, Domain::Real),
            Parameter::new("high", self.high, Domain::Real),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Interval(self.low, self.high)
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let inside = x.ge(self.low) * x.le(self.high);
        inside.select(-(self.high - self.low).ln(), f64::NEG_INFINITY)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some(noise(NoiseKind::Uniform) * (self.high - self.low) + self.low)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [low, high] = draws::numbers(parameters);
        // Rounding can lead a hair beyond `high`.
        (low + (high - low) * draws::uniform(rng)).min(high)
    }

    fn mean(&self) -> Var<'g> {
        self.low * 0.5 + self.high * 0.5
    }

    fn variance(&self) -> Var<'g> {
        let width = self.high - self.low;
        width * width / 12.0
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let [low, high] = draws::numbers(parameters);
        bounds_conflict(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_impossible, assert_moments, assert_rsample_follows,
        assert_stable,
    };
    use crate::{Flat, TruncatedNormal};
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Uniform::new(-1.0, 3.0),
            &[
                2.25722058049164,
                0.2752841602466447,
                2.9355766727099555,
                1.8045423925390223,
                2.1740179587669166,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let uniform = Uniform::new(-1.0, 3.0);
        assert_draws_follow(&uniform, |x| (x + 1.0) / 4.0);
        assert_moments(&uniform);
        assert_rsample_follows(&uniform, |x| (x + 1.0) / 4.0);
    }

    #[test]
    fn bounds_whose_distance_overflows_are_refused_wherever_there_are_bounds() {
        let message = |d: &dyn Distribution<'static>| d.check().unwrap_err().to_string();
        let far = 1e308;
        assert_eq!(
            message(&Uniform::new(-far, far)),
            "Uniform: high - low must be a finite number, got low = -1e308 and high = 1e308; a \
             larger unit makes both smaller"
        );
        for message in [
            message(&TruncatedNormal::new(0.0, 1.0, -far, far)),
            message(&Flat::between(-far, far)),
        ] {
            assert!(message.contains("must be a finite number"), "{message}");
        }
        assert!(message(&Uniform::new(far, -far)).contains("low must be less"));
        assert_eq!(Uniform::new(0.0, far).check(), Ok(()));
    }

    #[test]
    fn numbers_beyond_the_bounds_are_impossible() {
        let graph = Graph::new();
        let beyond = [-1.0 - 1e-15, 3.0 + 1e-15, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &Uniform::new(-1.0, 3.0), &beyond);
    }
}
