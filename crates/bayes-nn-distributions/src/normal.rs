//! The normal distribution.

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The normal distribution with mean `loc` and standard deviation `scale > 0`.
///
/// ```text
/// p(x) = exp(-z^2 / 2) / (scale sqrt(2 pi)),   z = (x - loc) / scale,   x real
/// ```
///
/// The density fails where `z^2` overflows, for `|z| > 1.3e154`: there it is `-inf`.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 1,
/// 1994, chapter 13.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, Normal};
/// let standard = Normal::new(0.0, 1.0);
/// let at_zero = standard.log_prob(Var::from(0.0)).number();
/// assert_eq!(at_zero, Some(-0.9189385332046728));
/// ```
///
/// Of an observation that is only known to lie above `c` the log probability is that of the upper
/// tail, by [`Var::log_erfc`]:
///
/// ```
/// use std::f64::consts::{FRAC_1_SQRT_2, LN_2};
/// use bayes_nn_autodiff::Var;
/// let (c, loc, scale) = (Var::from(78.0), 0.0, 2.0);
/// let above = ((c - loc) / scale * FRAC_1_SQRT_2).log_erfc() - LN_2;
/// assert!((above.number().unwrap() + 765.0831565643775).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Normal<'a> {
    loc: Var<'a>,
    spread: Spread<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Spread<'a> {
    Scale(Var<'a>),
    Variance(Var<'a>),
}

impl<'a> Normal<'a> {
    /// With mean `loc` and standard deviation `scale`, of shapes that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> Normal<'a> {
        Normal {
            loc: loc.into(),
            spread: Spread::Scale(scale.into()),
        }
    }

    /// With mean `loc` and `variance > 0`, of shapes that broadcast: for a variance that is
    /// itself drawn or fitted, whose root nothing here takes except to draw.
    ///
    /// ```
    /// use bayes_nn_autodiff::Var;
    /// use bayes_nn_distributions::{Distribution, Normal};
    /// let wide = Normal::with_variance(1.0, 4.0);
    /// let log_prob = wide.log_prob(Var::from(3.0)).number().unwrap();
    /// assert!((log_prob + 2.112085713764618).abs() < 1e-15);
    /// ```
    pub fn with_variance(loc: impl Into<Var<'a>>, variance: impl Into<Var<'a>>) -> Normal<'a> {
        Normal {
            loc: loc.into(),
            spread: Spread::Variance(variance.into()),
        }
    }

    /// The standard deviation.
    fn scale(&self) -> Var<'a> {
        match self.spread {
            Spread::Scale(scale) => scale,
            Spread::Variance(variance) => variance.sqrt(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Normal<'a> {
    fn name(&self) -> &'static str {
        "Normal"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("loc", self.loc, Domain::Real),
            match self.spread {
                Spread::Scale(scale) => Parameter::new("scale", scale, Domain::Positive),
                Spread::Variance(v) => Parameter::new("variance", v, Domain::Positive),
            },
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let deviation = x - self.loc;
        match self.spread {
            Spread::Scale(scale) => {
                let z = deviation / scale;
                z * z * -0.5 - (scale.ln() + LN_SQRT_2_PI)
            }
            Spread::Variance(variance) => {
                // Divided before it is squared, which would overflow first.
                deviation / variance * deviation * -0.5 - (variance.ln() * 0.5 + LN_SQRT_2_PI)
            }
        }
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some(noise(NoiseKind::Normal) * self.scale() + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [loc, spread] = draws::numbers(parameters);
        let scale = match self.spread {
            Spread::Scale(_) => spread,
            Spread::Variance(_) => spread.sqrt(),
        };
        loc + scale * draws::normal(rng)
    }

    fn mean(&self) -> Var<'g> {
        self.loc
    }

    fn variance(&self) -> Var<'g> {
        match self.spread {
            Spread::Scale(scale) => scale * scale,
            Spread::Variance(variance) => variance,
        }
    }

    /// `ln p(mean) - sd^2 / (2 variance)`, as `E (x - loc)^2 = (mean - loc)^2 + sd^2` (Kingma and
    /// Welling, *Auto-Encoding Variational Bayes*, 2014, appendix B).
    fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
        let spread = match self.spread {
            Spread::Scale(scale) => {
                let ratio = sd / scale;
                ratio * ratio
            }
            Spread::Variance(variance) => sd / variance * sd,
        };
        Some(self.log_prob(mean) + spread * -0.5)
    }

    fn normal(&self) -> Option<(Var<'g>, Var<'g>)> {
        Some((self.loc, self.variance()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::{
        assert_close, assert_draws_follow, assert_expected, assert_moments, assert_rsample_follows,
        assert_stable, normal_cdf,
    };
    use bayes_nn_autodiff::Graph;

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &Normal::new(1.0, 2.0),
            &[
                0.46278526107581,
                0.8910756597836981,
                -0.15715075368791132,
                -2.218674418097762,
                4.239364766068322,
            ],
        );
    }

    #[test]
    fn a_variance_says_what_its_root_as_scale_says() {
        let (by_scale, by_variance) = (Normal::new(1.0, 2.0), Normal::with_variance(1.0, 4.0));
        assert_eq!(sample(&by_scale, 9, 3), sample(&by_variance, 9, 3));
        assert_rsample_follows(&by_variance, |x| normal_cdf((x - 1.0) / 2.0));
        let graph = Graph::new();
        let variance = graph.input("variance", []);
        let normal = Normal::with_variance(1.0, variance);
        assert_eq!(normal.parameters()[1].name, "variance");
        assert_eq!(normal.normal().unwrap().1.id(), variance.id());
        assert_eq!(normal.variance().id(), variance.id());
        assert!(Normal::with_variance(0.0, 0.0).check().is_err());
        for x in [-1e160, -3.0, 1.0, 1e-3, 40.0] {
            let by_root = by_scale.log_prob(Var::from(x)).number().unwrap();
            let itself = by_variance.log_prob(Var::from(x)).number().unwrap();
            assert_close(itself, by_root, 1e-15, "log_prob");
        }
        // The square of this deviation would overflow.
        let far = Normal::with_variance(0.0, 1e300).log_prob(Var::from(1e160));
        assert_close(far.number().unwrap(), -5e19, 1e-14, "far out");
    }

    #[test]
    fn the_expectation_under_a_normal_is_that_of_quadrature() {
        assert_expected(&Normal::new(0.7, 1.3));
        assert_expected(&Normal::with_variance(-0.2, 0.3));
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let normal = Normal::new(1.0, 2.0);
        assert_draws_follow(&normal, |x| normal_cdf((x - 1.0) / 2.0));
        assert_moments(&normal);
        assert_rsample_follows(&normal, |x| normal_cdf((x - 1.0) / 2.0));
    }
}
