//! The normal distribution restricted to an interval or to one side of a bound.

use std::f64::consts::FRAC_1_SQRT_2;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, log_mills, log_upper_half};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// Half of the nodes and weights of the Gauss-Legendre rule of 8 points on [-1/2, 1/2].
const NODES: [(f64, f64); 4] = [
    (0.091_717_321_247_824_9, 0.181_341_891_689_181),
    (0.262_766_204_958_164_5, 0.156_853_322_938_943_64),
    (0.398_333_238_706_813_37, 0.111_190_517_226_687_24),
    (0.480_144_928_248_768_15, 0.050_614_268_145_188_13),
];

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

/// The interval in units of `scale` from `loc`, mirrored to have its middle at or above 0.
struct Standard<'g> {
    /// 1 where it was mirrored.
    mirrored: Var<'g>,
    /// Its lower end.
    a: Var<'g>,
    /// Its upper end and its length, unless it has none.
    b: Option<(Var<'g>, Var<'g>)>,
    /// 1 where the density hardly changes over it.
    narrow: Var<'g>,
    /// 1 where it begins above the mode and is not narrow.
    tail: Var<'g>,
    /// The logarithm of the probability in it over the density at the point of reference: the
    /// middle where narrow, `a` in the tail, else 0.
    log_share: Var<'g>,
}

impl<'a> TruncatedNormal<'a> {
    /// Between `low` and `high`, which must be larger.
    pub fn new(
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        low: impl Into<Var<'a>>,
        high: impl Into<Var<'a>>,
    ) -> TruncatedNormal<'a> {
        TruncatedNormal {
            loc: loc.into(),
            scale: scale.into(),
            bounds: Bounds::Between(low.into(), high.into()),
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

    fn standard(&self) -> Standard<'a> {
        let (loc, scale, zero) = (self.loc, self.scale, Var::from(0.0));
        let one_sided = |mirrored: f64, a: Var<'a>| {
            let tail = a.gt(0.0);
            let share = log_upper_half(-tail.select(0.0, a)) + LN_SQRT_2_PI;
            Standard {
                mirrored: Var::from(mirrored),
                a,
                b: None,
                narrow: zero,
                tail,
                log_share: tail.select(log_mills(tail.select(a, 0.0)), share),
            }
        };
        let (low, high) = match self.bounds {
            Bounds::Above(low) => return one_sided(0.0, (low - loc) / scale),
            Bounds::Below(high) => return one_sided(1.0, (loc - high) / scale),
            Bounds::Between(low, high) => (low, high),
        };
        let (a, b, width) = (
            (low - loc) / scale,
            (high - loc) / scale,
            (high - low) / scale,
        );
        let mirrored = (a + b).lt(0.0);
        let (a, b) = (mirrored.select(-b, a), mirrored.select(-a, b));
        let drop = (a + b) * 0.5 * width;
        let narrow = drop.le(1.0) * width.le(1.0);
        let tail = narrow.select(0.0, a.gt(0.0));
        let wide = (narrow + tail).eq(0.0);

        let [total, _, _] = moments(narrow.select(drop, 0.0), narrow.select(width, 1.0));
        let flat = total.ln() + narrow.select(width, 1.0).ln();

        let mills = [tail.select(a, 1.0), tail.select(b, 2.0)].map(log_mills);
        let lost = mills[1] - mills[0] - tail.select(drop, 1.5);
        let steep = mills[0] + (-lost.exp()).log1p();

        let ends = [wide.select(-a, 1.0), wide.select(b, 1.0)];
        let tails = ends.map(|end| (end * FRAC_1_SQRT_2).erfc());
        let around = ((tails[0] + tails[1]) * -0.5).log1p() + LN_SQRT_2_PI;
        Standard {
            mirrored,
            a,
            b: Some((b, width)),
            narrow,
            tail,
            log_share: narrow.select(flat, tail.select(steep, around)),
        }
    }
}

/// The integrals of `t^k exp(-drop t - width^2 t^2 / 2)` over `t` from -1/2 to 1/2, for k = 0, 1, 2.
fn moments<'g>(drop: Var<'g>, width: Var<'g>) -> [Var<'g>; 3] {
    let mut sums = [Var::from(0.0); 3];
    for (node, weight) in NODES {
        let curve = (width * width * (-0.5 * node * node)).exp() * weight;
        let (left, right) = ((drop * node).exp() * curve, (drop * -node).exp() * curve);
        sums[0] = sums[0] + (left + right);
        sums[1] = sums[1] + (right - left) * node;
        sums[2] = sums[2] + (left + right) * (node * node);
    }
    sums
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
        let standard = self.standard();
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
        let from_a = from_end / scale;
        let z = (x - self.loc) / scale;
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
        inside.select(-fall - standard.log_share - scale.ln(), f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, scale, first, second] = draws::numbers(parameters);
        match self.bounds {
            Bounds::Above(_) => {
                let z = draw_standard((first - loc) / scale, f64::INFINITY, rng);
                (loc + scale * z).max(first)
            }
            Bounds::Below(_) => {
                let z = draw_standard((loc - first) / scale, f64::INFINITY, rng);
                (loc - scale * z).min(first)
            }
            Bounds::Between(..) => {
                let (a, b) = ((first - loc) / scale, (second - loc) / scale);
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
        let (mean, _) = self.standard_moments();
        self.loc + self.scale * mean
    }

    fn variance(&self) -> Var<'g> {
        let (_, variance) = self.standard_moments();
        self.scale * self.scale * variance
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let [_, _, low, high] = draws::numbers(parameters);
        (matches!(self.bounds, Bounds::Between(..)) && low >= high)
            .then(|| format!("low must be less than high, got low = {low} and high = {high}"))
    }
}

impl<'a> TruncatedNormal<'a> {
    /// Mean and variance of `z`.
    fn standard_moments(&self) -> (Var<'a>, Var<'a>) {
        let Standard {
            mirrored,
            a,
            b,
            narrow,
            tail,
            log_share,
        } = self.standard();
        // Densities at the ends, over the probability.
        let at_a = (tail.select(0.0, a * a * -0.5) - log_share).exp();
        let (mean, variance) = match b {
            None => (at_a, a * at_a - at_a * at_a + 1.0),
            Some((b, width)) => {
                let drop = (a + b) * 0.5 * width;
                let at_b = (tail.select(-drop, b * b * -0.5) - log_share).exp();
                let mean = at_a - at_b;
                let variance = a * at_a - b * at_b - mean * mean + 1.0;
                let [total, first, second] =
                    moments(narrow.select(drop, 0.0), narrow.select(width, 1.0));
                let share = first / total;
                let spread = second / total - share * share;
                (
                    narrow.select((a + b) * 0.5 + width * share, mean),
                    narrow.select(width * width * spread, variance),
                )
            }
        };
        (mirrored.select(-mean, mean), variance)
    }
}

/// A standard normal number between `a` and `b`, of which the middle is not negative.
fn draw_standard(a: f64, b: f64, rng: &mut dyn Rng) -> f64 {
    if a.is_nan() || b.is_nan() || a >= b {
        return f64::NAN;
    }
    if a > 0.0 {
        let rate = 0.5 * (a + (a * a + 4.0).sqrt());
        let lost = libm::expm1(-rate * (b - a));
        loop {
            let z = a - libm::log1p(draws::uniform(rng) * lost) / rate;
            if draws::uniform(rng) <= libm::exp(-0.5 * (z - rate) * (z - rate)) {
                return z;
            }
        }
    }
    loop {
        let (z, accept) = match b - a < 2.5 {
            true => {
                let z = a + (b - a) * draws::uniform(rng);
                (z, draws::uniform(rng) <= libm::exp(-0.5 * z * z))
            }
            false => {
                let z = draws::normal(rng);
                (z, z >= a && z <= b)
            }
        };
        if accept {
            return z;
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
