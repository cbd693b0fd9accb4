//! The standard normal distribution on an interval: its probability, its moments and its draws.

use std::f64::consts::FRAC_1_SQRT_2;

use bayes_nn_autodiff::Var;
use rand_core::Rng;

use super::Bounds;
use crate::draws;
use crate::stable::{LN_SQRT_2_PI, log_mills, log_upper_half, quotient};

/// Half of the nodes and weights of the Gauss-Legendre rule of 8 points on [-1/2, 1/2].
const NODES: [(f64, f64); 4] = [
    (0.091_717_321_247_824_9, 0.181_341_891_689_181),
    (0.262_766_204_958_164_5, 0.156_853_322_938_943_64),
    (0.398_333_238_706_813_37, 0.111_190_517_226_687_24),
    (0.480_144_928_248_768_15, 0.050_614_268_145_188_13),
];

/// The interval in units of `scale` from `loc`, mirrored to have its middle at or above 0.
pub(super) struct Standard<'g> {
    /// 1 where it was mirrored.
    pub(super) mirrored: Var<'g>,
    /// Its lower end.
    pub(super) a: Var<'g>,
    /// Its upper end and its length, unless it has none.
    pub(super) b: Option<(Var<'g>, Var<'g>)>,
    /// 1 where the density hardly changes over it.
    pub(super) narrow: Var<'g>,
    /// 1 where it begins above the mode and is not narrow.
    pub(super) tail: Var<'g>,
    /// The logarithm of the probability in it over the density at the point of reference, the
    /// middle where narrow, `a` in the tail, else 0; and where narrow over its length.
    pub(super) log_share: Var<'g>,
    /// The logarithm of what `log_share` leaves out and of the unit: of the length of the interval
    /// where narrow, else of `scale`.
    pub(super) ln_unit: Var<'g>,
}

impl<'g> Standard<'g> {
    pub(super) fn new(loc: Var<'g>, scale: Var<'g>, bounds: Bounds<'g>) -> Standard<'g> {
        let zero = Var::from(0.0);
        let one_sided = |mirrored: f64, a: Var<'g>| {
            let tail = a.gt(0.0);
            let share = log_upper_half(-tail.select(0.0, a)) + LN_SQRT_2_PI;
            Standard {
                mirrored: Var::from(mirrored),
                a,
                b: None,
                narrow: zero,
                tail,
                log_share: tail.select(log_mills(tail.select(a, 0.0)), share),
                ln_unit: scale.ln(),
            }
        };
        let (low, high) = match bounds {
            Bounds::Above(low) => return one_sided(0.0, quotient(low - loc, scale)),
            Bounds::Below(high) => return one_sided(1.0, quotient(loc - high, scale)),
            Bounds::Between(low, high) => (low, high),
        };
        let (a, b, width) = (
            quotient(low - loc, scale),
            quotient(high - loc, scale),
            quotient(high - low, scale),
        );
        let mirrored = (a + b).lt(0.0);
        let (a, b) = (mirrored.select(-b, a), mirrored.select(-a, b));
        let drop = (a + b) * 0.5 * width;
        let narrow = drop.le(1.0) * width.le(1.0);
        let tail = narrow.select(0.0, a.gt(0.0));
        let wide = (narrow + tail).eq(0.0);

        let [total, _, _] = integrals(narrow.select(drop, 0.0), narrow.select(width, 1.0));

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
            log_share: narrow.select(total.ln(), tail.select(steep, around)),
            ln_unit: narrow.select(high - low, scale).ln(),
        }
    }

    /// Mean and variance of `z`.
    pub(super) fn moments(self) -> (Var<'g>, Var<'g>) {
        let Standard {
            mirrored,
            a,
            b,
            narrow,
            tail,
            log_share,
            ..
        } = self;
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
                    integrals(narrow.select(drop, 0.0), narrow.select(width, 1.0));
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

/// The integrals of `t^k exp(-drop t - width^2 t^2 / 2)` over `t` from -1/2 to 1/2, for k = 0, 1, 2.
fn integrals<'g>(drop: Var<'g>, width: Var<'g>) -> [Var<'g>; 3] {
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

/// A standard normal number between `a` and `b`, of which the middle is not negative.
pub(super) fn draw_standard(a: f64, b: f64, rng: &mut dyn Rng) -> f64 {
    if a.is_nan() || b.is_nan() || a > b {
        return f64::NAN;
    }
    // What it is more than `a` is lost in the last digit.
    if a > 1e100 || a == b {
        return a;
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
