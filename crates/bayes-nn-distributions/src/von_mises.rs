//! The von Mises distribution, of an angle.

use std::f64::consts::{PI, TAU};

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, polynomial};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// From here on the polynomial in `16 / c` is used.
const LARGE: f64 = 16.0;

/// `ln(I0(c) exp(-c) sqrt(2 pi c)) c / 16`, by powers of `16 / c`: a Chebyshev fit.
const BESSEL: [f64; 12] = [
    0.007_812_499_999_999_977_4,
    0.000_244_140_625_006_411_3,
    1.589_457_163_749_249_3e-5,
    1.549_726_310_481_171_2e-6,
    1.998_098_141_004_439_2e-7,
    3.225_983_002_732_655e-8,
    5.130_891_395_789_871_4e-9,
    3.492_526_368_701_824_3e-9,
    -2.710_059_931_383_306_5e-9,
    2.834_779_032_856_378_3e-9,
    -1.390_315_805_607_110_3e-9,
    3.459_153_164_765_663_5e-10,
];

/// The von Mises distribution with mean direction `loc` and `concentration > 0`.
///
/// ```text
/// p(x) = exp(c cos(x - loc)) / (2 pi I0(c)),   c = concentration,   -pi <= x <= pi
/// ```
///
/// with the modified Bessel function `I0`. `ln(I0(c) exp(-c))` is a power series below 16, and
/// above a polynomial in `16 / c`, within 1e-16. Draws and `loc` are angles in radians; the density
/// knows only the interval from `-pi` to `pi`, `loc` may be any. A variable that has this prior is
/// fitted as a point in the plane ([`Bijector::Circle`](crate::Bijector::Circle)); its mean and
/// standard deviation are those of the number between `-pi` and `pi`, which near these ends says
/// little: take the means of its sine and cosine. Where data say far more of an angle than a prior
/// of a concentration below 8 does, a mean-field guide spreads up to 1.4 times too far, a full-rank
/// guide may not converge, and one or two in 100 trajectories of NUTS diverge near the centre of the
/// plane, of which `target_accept(0.99)` leaves one in 1,000.
///
/// Draws: D. Best and N. Fisher, *Efficient Simulation of the von Mises Distribution*, 1979; above
/// a concentration of 1e6 from the normal distribution, which differs by one part in 1e6.
///
/// K. Mardia and P. Jupp, *Directional Statistics*, 2000, section 3.5.4.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, VonMises};
/// let direction = VonMises::new(0.0, 1e-9);
/// let log_prob = direction.log_prob(Var::from(1.0)).number().unwrap();
/// assert!((log_prob + std::f64::consts::TAU.ln()).abs() < 1e-8);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VonMises<'a> {
    loc: Var<'a>,
    concentration: Var<'a>,
}

impl<'a> VonMises<'a> {
    /// With mean direction `loc` and `concentration`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, concentration: impl Into<Var<'a>>) -> VonMises<'a> {
        VonMises {
            loc: loc.into(),
            concentration: concentration.into(),
        }
    }
}

/// `ln(2 pi I0(c) exp(-c))`
fn log_normalisation(c: Var<'_>) -> Var<'_> {
    let large = c.ge(LARGE);
    let inverse = large.select(c, LARGE).reciprocal() * LARGE;
    let far =
        inverse * polynomial(inverse, &BESSEL) + LN_SQRT_2_PI - large.select(c, LARGE).ln() * 0.5;
    let near = large.select(1.0, c);
    let quarter = near * near * 0.25;
    // Terms are quarter^k / k!^2; beyond 34 none is left.
    let series = (1..=34).rev().fold(Var::from(1.0), |sum, k| {
        quarter * sum * (1.0 / f64::from(k * k)) + 1.0
    });
    large.select(far, series.ln() - near + TAU.ln())
}

impl<'a: 'g, 'g> Distribution<'g> for VonMises<'a> {
    fn name(&self) -> &'static str {
        "VonMises"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("concentration", self.concentration, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Circle(self.concentration)
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let c: Var<'g> = self.concentration;
        let inside = x.ge(-PI) * x.le(PI);
        // cos(d) - 1 = -2 sin(d / 2)^2
        let sine = ((inside.select(x, 0.0) - self.loc) * 0.5).sin();
        let density = -(c * sine * sine * 2.0) - log_normalisation(c);
        inside.select(density, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, concentration] = draws::numbers(parameters);
        let angle = loc + draw_centred(concentration, rng);
        // Rounding can lead a hair beyond the ends; NaN has to stay.
        let turned = angle - TAU * (angle / TAU).round();
        if turned.is_nan() {
            turned
        } else {
            turned.clamp(-PI, PI)
        }
    }

    /// The mean of the number between `-pi` and `pi` has no closed form; this is the mean
    /// direction, `loc` turned into that interval.
    fn mean(&self) -> Var<'g> {
        self.loc - ((self.loc / TAU) + 0.5).floor() * TAU
    }

    /// The circular variance `1 - I1(c) / I0(c)`: 1 less the mean of `cos(x - loc)`.
    fn variance(&self) -> Var<'g> {
        let c: Var<'g> = self.concentration;
        let large = c.ge(LARGE);
        // The derivative of the normalisation, which `grad` knows and a number does not: I1 / I0
        // by the continued fraction 1 / (2 / c + 1 / (4 / c + 1 / (6 / c + ...))).
        let depth = 60;
        let near = large.select(1.0, c);
        let ratio = (1..=depth).rev().fold(Var::from(0.0), |rest, k| {
            (near.reciprocal() * (2.0 * f64::from(k)) + rest).reciprocal()
        });
        let inverse = large.select(c, LARGE).reciprocal();
        let scaled = inverse * LARGE;
        let slopes: Vec<f64> = (1..).zip(BESSEL).map(|(k, b)| f64::from(k) * b).collect();
        let far = inverse * 0.5 + inverse * scaled * polynomial(scaled, &slopes);
        large.select(far, 1.0 - ratio)
    }
}

/// An angle with mean direction 0.
fn draw_centred(c: f64, rng: &mut dyn Rng) -> f64 {
    if !Domain::Positive.contains(c) {
        return f64::NAN;
    }
    if c < 1e-300 {
        return PI * (2.0 * draws::uniform(rng) - 1.0);
    }
    if c > 1e6 {
        return draws::normal(rng) / c.sqrt();
    }
    let s = match c < 1e-5 {
        // 1 / rho would lose its digits.
        true => 1.0 / c + c,
        false => {
            let r = 1.0 + (1.0 + 4.0 * c * c).sqrt();
            let rho = (r - (2.0 * r).sqrt()) / (2.0 * c);
            (1.0 + rho * rho) / (2.0 * rho)
        }
    };
    loop {
        let z = libm::cos(PI * draws::uniform(rng));
        let w = (1.0 + s * z) / (s + z);
        let y = c * (s - w);
        let v = draws::uniform(rng);
        if y * (2.0 - y) - v >= 0.0 || libm::log(y / v) + 1.0 - y >= 0.0 {
            let angle = libm::acos(w.clamp(-1.0, 1.0));
            return match rng.next_u64() >> 63 {
                0 => angle,
                _ => -angle,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::{
        assert_close, assert_draws_follow, assert_impossible, assert_stable, density_cdf,
    };
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &VonMises::new(1.0, 2.0),
            &[
                -0.7259440216126958,
                0.13045247960336326,
                0.1988049676243977,
                0.9230902301284127,
                0.7574744892724498,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        for concentration in [1e-7, 0.5, 4.0, 100.0] {
            let angle = VonMises::new(2.5, concentration);
            assert_draws_follow(&angle, density_cdf(&angle, -PI, PI));
        }
        let spread = VonMises::new(0.3, 1e8);
        let draws = sample(&spread, 1000, 3).unwrap();
        assert!(draws.iter().all(|x| (x - 0.3).abs() < 5e-4));
    }

    #[test]
    fn angles_beyond_half_a_turn_are_impossible() {
        let graph = Graph::new();
        let outside = [3.15, -3.15, 1e300, f64::INFINITY, f64::NAN];
        assert_impossible(&graph, &VonMises::new(1.0, 2.0), &outside);
    }

    #[test]
    fn the_variance_is_one_plus_the_slope_of_the_normalisation() {
        let graph = Graph::new();
        let c = graph.input("c", []);
        let slope = grad(log_normalisation(c), &[c]).unwrap()[0];
        for at in [1e-6, 0.3, 3.0, 15.9, 16.1, 1e3, 1e9] {
            let bound = Bindings::new().bind(c, &[at]);
            let slope = graph.evaluate(&[slope], &bound).unwrap()[0].values()[0];
            let variance = VonMises::new(0.0, at).variance().number().unwrap();
            assert_close(variance, -slope, 1e-11, &format!("at {at}"));
        }
    }
}
