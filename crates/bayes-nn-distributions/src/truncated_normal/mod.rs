//! The normal distribution restricted to an interval or to one side of a bound.

mod standard;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use self::standard::{Standard, draw_standard};
use crate::stable::quotient;
use crate::support::bounds_conflict;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of a normal `x`, with mean `loc` and standard deviation `scale > 0` before it
/// is truncated, given that it lies between bounds.
///
/// ```text
/// p(x) = phi(z) / (scale (Phi(b) - Phi(a))),   z = (x - loc) / scale,   low <= x <= high
/// a = (low - loc) / scale,   b = (high - loc) / scale
/// ```
///
/// The interval is mirrored to lie right of (or around) the mode. Then the probability in it is
/// written relative to the density at a point of reference, so that neither underflows far out:
/// - where the density hardly changes over the interval, relative to its middle, as an integral by
///   the Gauss-Legendre rule of 8 points (error below 1e-16);
/// - where it lies in the tail, relative to its lower end, by Mills' ratios;
/// - else relative to the mode, as 1 less the two tails.
///
/// The variance is a difference: in the tail, `a` standard deviations out, it is right to
/// about `1e-16 a^4`, and not at all beyond 1e4. The mean is right to the last digits of `loc`.
///
/// Draws: rejection from the truncated exponential distribution in the tail, else from the
/// uniform or the whole normal distribution; C. Robert, *Simulation of truncated normal
/// variables*, 1995.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, HalfNormal, TruncatedNormal};
/// let half = TruncatedNormal::above(0.0, 2.0, 0.0);
/// let same = HalfNormal::new(2.0).log_prob(Var::from(1.5)).number().unwrap();
/// assert!((half.log_prob(Var::from(1.5)).number().unwrap() - same).abs() < 1e-15);
/// // Forty standard deviations out, too.
/// let tail = TruncatedNormal::new(0.0, 1.0, 40.0, 41.0);
/// let at_end = tail.log_prob(Var::from(40.0)).number().unwrap();
/// assert!((at_end - 40.025f64.ln()).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TruncatedNormal<'a> {
    loc: Var<'a>,
    scale: Var<'a>,
    bounds: Bounds<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Bounds<'a> {
    Above(Var<'a>),
    Below(Var<'a>),
    Between(Var<'a>, Var<'a>),
}

impl<'a> TruncatedNormal<'a> {
    /// Between `low` and `high`, which must be larger; one of them may be infinite.
    pub fn new(
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        low: impl Into<Var<'a>>,
        high: impl Into<Var<'a>>,
    ) -> TruncatedNormal<'a> {
        let (low, high) = (low.into(), high.into());
        TruncatedNormal {
            loc: loc.into(),
            scale: scale.into(),
            bounds: match (low.number(), high.number()) {
                (_, Some(f64::INFINITY)) => Bounds::Above(low),
                (Some(f64::NEG_INFINITY), _) => Bounds::Below(high),
                _ => Bounds::Between(low, high),
            },
        }
    }

    /// From `low` upwards.
    pub fn above(
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        low: impl Into<Var<'a>>,
    ) -> TruncatedNormal<'a> {
        TruncatedNormal {
            loc: loc.into(),
            scale: scale.into(),
            bounds: Bounds::Above(low.into()),
        }
    }

    /// From `high` downwards.
    pub fn below(
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        high: impl Into<Var<'a>>,
    ) -> TruncatedNormal<'a> {
        TruncatedNormal {
            loc: loc.into(),
            scale: scale.into(),
            bounds: Bounds::Below(high.into()),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for TruncatedNormal<'a> {
    fn name(&self) -> &'static str {
        "TruncatedNormal"
    }

    /// `loc`, `scale`, and the bounds that there are.
    fn parameters(&self) -> Vec<Parameter<'g>> {
        let mut parameters = vec![
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
        ];
        let mut bound = |name, value| parameters.push(Parameter::new(name, value, Domain::Real));
        match self.bounds {
            Bounds::Above(low) => bound("low", low),
            Bounds::Below(high) => bound("high", high),
            Bounds::Between(low, high) => {
                bound("low", low);
                bound("high", high);
            }
        }
        parameters
    }

    fn support(&self) -> Support<'g> {
        match self.bounds {
            Bounds::Above(low) => Support::LowerBound(low),
            Bounds::Below(high) => Support::UpperBound(high),
            Bounds::Between(low, high) => Support::Interval(low, high),
        }
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let scale: Var<'g> = self.scale;
        let standard = Standard::new(self.loc, self.scale, self.bounds);
        let Standard {
            mirrored,
            a,
            narrow,
            tail,
            ..
        } = standard;
        let (inside, x, from_end) = match self.bounds {
            Bounds::Above(low) => {
                let inside = x.ge(low);
                let x = inside.select(x, low);
                (inside, x, x - low)
            }
            Bounds::Below(high) => {
                let inside = x.le(high);
                let x = inside.select(x, high);
                (inside, x, high - x)
            }
            Bounds::Between(low, high) => {
                let inside = x.ge(low) * x.le(high);
                let x = inside.select(x, low);
                (inside, x, mirrored.select(high - x, x - low))
            }
        };
        let from_a = quotient(from_end, scale);
        let z = quotient(x - self.loc, scale);
        // (r^2 - z^2) / 2 of the point of reference r, by the distance from it.
        let (reference, distance) = match standard.b {
            None => (tail.select(a, 0.0), tail.select(from_a, z)),
            Some((b, width)) => {
                let middle = narrow.select((a + b) * 0.5, 0.0);
                (
                    tail.select(a, middle),
                    tail.select(from_a, narrow.select(from_a - width * 0.5, z)),
                )
            }
        };
        let fall = distance * (reference + distance * 0.5);
        // A fall that overflows is a constant: its derivative by a bound would be a difference of infinities.
        let fall = fall.lt(f64::INFINITY).select(fall, f64::INFINITY);
        let density = -fall - standard.log_share - standard.ln_unit;
        inside.select(density, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale, first, second] = draws::numbers(parameters);
        // In standard deviations from the mean; NaN stays.
        let end = |bound: f64| ((bound - loc) / scale).clamp(f64::MIN, f64::MAX);
        match self.bounds {
            Bounds::Above(_) => {
                let z = draw_standard(end(first), f64::INFINITY, rng);
                (loc + scale * z).max(first)
            }
            Bounds::Below(_) => {
                let z = draw_standard(-end(first), f64::INFINITY, rng);
                (loc - scale * z).min(first)
            }
            Bounds::Between(..) => {
                let (a, b) = (end(first), end(second));
                let x = match a + b < 0.0 {
                    true => loc - scale * draw_standard(-b, -a, rng),
                    false => loc + scale * draw_standard(a, b, rng),
                };
                // Rounding can lead a hair beyond the bounds; NaN has to stay.
                if x < first {
                    first
                } else if x > second {
                    second
                } else {
                    x
                }
            }
        }
    }

    fn mean(&self) -> Var<'g> {
        let (mean, _) = Standard::new(self.loc, self.scale, self.bounds).moments();
        self.loc + self.scale * mean
    }

    fn variance(&self) -> Var<'g> {
        let (_, variance) = Standard::new(self.loc, self.scale, self.bounds).moments();
        self.scale * self.scale * variance
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let [_, _, low, high] = draws::numbers(parameters);
        match self.bounds {
            Bounds::Between(..) => bounds_conflict(low, high),
            Bounds::Above(_) | Bounds::Below(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_close, assert_draws_follow, assert_impossible, assert_moments, assert_stable,
        density_cdf,
    };
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &TruncatedNormal::new(1.0, 2.0, 0.0, 9.0),
            &[
                0.46278526107581,
                0.8910756597836981,
                4.239364766068322,
                2.2671545986823514,
                2.591510475998258,
            ],
        );
        assert_stable(
            &TruncatedNormal::above(1.0, 2.0, 7.0),
            &[
                8.019536718396486,
                7.9552429723922895,
                7.081104064814647,
                7.140994648088632,
                7.496512349840486,
            ],
        );
        assert_stable(
            &TruncatedNormal::below(1.0, 2.0, 3.0),
            &[
                1.53721473892419,
                1.1089243402163018,
                2.1571507536879113,
                -2.2393647660683222,
                -0.2671545986823516,
            ],
        );
    }

    #[test]
    fn an_infinite_bound_is_none() {
        let density = |of: TruncatedNormal<'static>| {
            let support = format!("{:?}", of.support());
            (of.log_prob(Var::from(2.0)).number().unwrap(), support)
        };
        let infinite = f64::INFINITY;
        assert_eq!(
            density(TruncatedNormal::new(1.0, 2.0, 0.5, infinite)),
            density(TruncatedNormal::above(1.0, 2.0, 0.5))
        );
        assert_eq!(
            density(TruncatedNormal::new(1.0, 2.0, -infinite, 3.0)),
            density(TruncatedNormal::below(1.0, 2.0, 3.0))
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        for (low, high) in [
            (-1.0, 1.5),
            (-9.0, 2.0),
            (3.0, 3.1),
            (4.0, 9.0),
            (-7.0, -4.0),
        ] {
            let normal = TruncatedNormal::new(0.5, 1.5, low, high);
            assert_draws_follow(&normal, density_cdf(&normal, low, high));
            assert_moments(&normal);
        }
        let above = TruncatedNormal::above(0.0, 1.0, 5.0);
        assert_draws_follow(&above, density_cdf(&above, 5.0, 12.0));
        assert_moments(&above);
        let below = TruncatedNormal::below(0.0, 1.0, 0.5);
        assert_draws_follow(&below, density_cdf(&below, -9.0, 0.5));
        assert_moments(&below);
    }

    #[test]
    fn numbers_beyond_the_bounds_are_impossible() {
        let graph = Graph::new();
        let beyond = [-1.0 - 1e-15, 3.0 + 1e-15, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &TruncatedNormal::new(0.0, 1.0, -1.0, 3.0), &beyond);
        assert_impossible(
            &graph,
            &TruncatedNormal::above(0.0, 1.0, 2.0),
            &[1.9, -1e300],
        );
        assert_impossible(
            &graph,
            &TruncatedNormal::below(0.0, 1.0, 2.0),
            &[2.1, 1e300],
        );
    }

    #[test]
    fn a_narrow_interval_is_nearly_uniform() {
        let narrow = TruncatedNormal::new(0.0, 1.0, 3.0, 3.0 + 1e-9);
        let log_prob = narrow.log_prob(Var::from(3.0)).number().unwrap();
        assert_close(log_prob, -(narrow.width().ln()), 1e-9, "log_prob");
        let variance = narrow.variance().number().unwrap();
        assert_close(variance, narrow.width().powi(2) / 12.0, 1e-8, "variance");
    }

    impl TruncatedNormal<'_> {
        fn width(&self) -> f64 {
            match self.bounds {
                Bounds::Between(low, high) => (high - low).number().unwrap(),
                _ => f64::INFINITY,
            }
        }
    }
}
