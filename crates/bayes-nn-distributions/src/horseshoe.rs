//! The horseshoe distribution: a normal whose standard deviation is half-Cauchy.

use std::f64::consts::{FRAC_PI_2, PI};

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{EULER, LN_2, LN_SQRT_2_PI, polynomial};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// From here on the continued fraction is used.
const LARGE: f64 = 3.0;

/// The distribution of `scale l e`, for `l` half-Cauchy and `e` standard normal.
///
/// ```text
/// p(x) = exp(y) E1(y) / (sqrt(2 pi^3) scale),   y = (x / scale)^2 / 2,   x real
/// ```
///
/// with the exponential integral `E1`: the local standard deviation is integrated out. Below
/// `y = 3` it is a power series, above a continued fraction, of which 30 levels leave an error
/// below 1e-14. At zero the density is infinite; its derivative there is given as zero. Neither
/// mean nor variance exists.
///
/// It is for a `scale` that is known. With a scale that is itself a variable, the pole narrows as
/// the scale falls, and no sampler keeps up: there `model::horseshoe` of the crate `bayes-nn`
/// writes the same prior as a product, with the local standard deviations as variables.
///
/// C. Carvalho, N. Polson and J. Scott, *The horseshoe estimator for sparse signals*, 2010.
///
/// `scale` is positive.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Horseshoe};
/// let shrinkage = Horseshoe::new(1.0);
/// assert_eq!(shrinkage.log_prob(Var::from(0.0)).number(), Some(f64::INFINITY));
/// // The tails are those of a Cauchy distribution.
/// let far = shrinkage.log_prob(Var::from(1e6)).number().unwrap();
/// assert!((far + 12.0 * 10f64.ln() + 1.370_521).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Horseshoe<'a> {
    scale: Var<'a>,
}

impl<'a> Horseshoe<'a> {
    /// With `scale > 0`, the global one: the median of the local standard deviations.
    pub fn new(scale: impl Into<Var<'a>>) -> Horseshoe<'a> {
        Horseshoe {
            scale: scale.into(),
        }
    }
}

/// `ln(exp(y) E1(y))` for positive `y`, given its logarithm, too.
fn log_scaled_integral<'g>(y: Var<'g>, ln_y: Var<'g>) -> Var<'g> {
    let large = y.ge(LARGE);
    let far_y = large.select(y, LARGE);
    // 1 / (y + 1 - 1 / (y + 3 - 4 / (y + 5 - 9 / (y + 7 - ...))))
    let rest = (1..=30).rev().fold(Var::from(0.0), |rest, k| {
        let k = f64::from(k);
        k * k / (far_y + (2.0 * k + 1.0) - rest)
    });
    let far = -ln_y - ((1.0 - rest) / far_y).log1p();

    // E1(y) = -euler - ln(y) + y - y^2 / (2 2!) + y^3 / (3 3!) - ...
    let near_y = large.select(1.0, y);
    let mut factorial = 1.0;
    let coefficients: Vec<f64> = (1..=28)
        .map(|k| {
            let k = f64::from(k);
            factorial *= -k;
            -1.0 / (k * factorial)
        })
        .collect();
    let powers = near_y * polynomial(near_y, &coefficients);
    let integral = powers - large.select(0.0, ln_y) - EULER;
    large.select(far, near_y + integral.ln())
}

impl<'a: 'g, 'g> Distribution<'g> for Horseshoe<'a> {
    fn name(&self) -> &'static str {
        "Horseshoe"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new("scale", self.scale, Domain::Positive)]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let scale: Var<'g> = self.scale;
        let is_zero = x.eq(0.0);
        let size = is_zero.select(scale, x).abs();
        // Not of the quotient, whose reciprocal may overflow.
        let ln_scale = scale.ln();
        let ln_y = (size.ln() - ln_scale) * 2.0 - LN_2;
        // Far out this is all that counts, and the square must not overflow.
        let z = size.minimum(scale * 1e150) / scale;
        let integral = log_scaled_integral(z * z * 0.5, ln_y);
        let density = integral - ln_scale - (LN_SQRT_2_PI + PI.ln());
        is_zero.select(f64::INFINITY, density)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let angle = noise(NoiseKind::Uniform) * FRAC_PI_2;
        let local = angle.cos() / angle.sin();
        Some(noise(NoiseKind::Normal) * local * self.scale)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [scale] = draws::numbers(parameters);
        let angle = FRAC_PI_2 * draws::uniform(rng);
        let local = libm::cos(angle) / libm::sin(angle);
        draws::normal(rng) * local * scale
    }

    /// There is none: NaN.
    fn mean(&self) -> Var<'g> {
        self.scale * f64::NAN
    }

    /// There is none: NaN.
    fn variance(&self) -> Var<'g> {
        self.scale * f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_draws_follow, assert_rsample_follows, assert_stable, normal_cdf};
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    /// The mean of the normal distribution functions over the local standard deviations.
    fn cdf(x: f64) -> f64 {
        const POINTS: usize = 400;
        let at = |i: usize| FRAC_PI_2 * (i as f64 + 0.5) / POINTS as f64;
        (0..POINTS)
            .map(|i| normal_cdf(x / 2.0 / at(i).tan()))
            .sum::<f64>()
            / POINTS as f64
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Horseshoe::new(2.0),
            &[
                0.9033407488132391,
                -0.5870001198605835,
                2.6384172983678322,
                0.1331555751590178,
                -2.082383829214773,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        assert_draws_follow(&Horseshoe::new(2.0), cdf);
        assert_rsample_follows(&Horseshoe::new(2.0), cdf);
    }

    #[test]
    fn the_pole_has_no_slope() {
        let graph = Graph::new();
        let x = graph.input("x", []);
        let log_prob = Horseshoe::new(1.0).log_prob(x);
        let slope = grad(log_prob, &[x]).unwrap()[0];
        let at = Bindings::new().bind(x, &[0.0]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert_eq!(values[0].values(), [f64::INFINITY]);
        assert_eq!(values[1].values(), [0.0]);
    }
}
