//! The half Student's t distribution: the absolute value of a centred Student's t.

use std::f64::consts::FRAC_2_PI;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_2, half_step};
use crate::{Distribution, Domain, Parameter, StudentT, Support, draws};

/// The distribution of `|x|` for `x` Student's t with `df > 0` degrees of freedom, location 0 and
/// `scale > 0`.
///
/// ```text
/// p(x) = 2 t(x; df, 0, scale),   x >= 0
/// ```
///
/// Density and draws are those of [`StudentT`], with its failure regions: with `df` below about
/// 0.1 a fair part of the distribution lies beyond the largest `f64`.
///
/// A. Gelman, *Prior distributions for variance parameters in hierarchical models*, 2006.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, HalfCauchy, HalfStudentT};
/// let at_zero = HalfStudentT::new(2.0, 2.0).log_prob(Var::from(0.0)).number().unwrap();
/// assert!((at_zero + 1.5 * 2f64.ln()).abs() < 1e-14);
/// // With one degree of freedom it is the half-Cauchy distribution.
/// let t = HalfStudentT::new(1.0, 2.5).log_prob(Var::from(3.0)).number().unwrap();
/// let cauchy = HalfCauchy::new(2.5).log_prob(Var::from(3.0)).number().unwrap();
/// assert!((t - cauchy).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HalfStudentT<'a> {
    df: Var<'a>,
    scale: Var<'a>,
}

impl<'a> HalfStudentT<'a> {
    /// With `df` degrees of freedom and `scale`, of shapes that broadcast.
    pub fn new(df: impl Into<Var<'a>>, scale: impl Into<Var<'a>>) -> HalfStudentT<'a> {
        HalfStudentT {
            df: df.into(),
            scale: scale.into(),
        }
    }

    fn whole(&self) -> StudentT<'a> {
        StudentT::new(self.df, 0.0, self.scale)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for HalfStudentT<'a> {
    fn name(&self) -> &'static str {
        "HalfStudentT"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("df", self.df, Domain::Positive),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::NonNegative
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let outside = x.lt(0.0);
        let inside = self.whole().log_prob(outside.select(0.0, x)) + LN_2;
        outside.select(f64::NEG_INFINITY, inside)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        self.whole().rsample(noise).map(Var::abs)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [df, scale] = draws::numbers(parameters);
        self.whole().draw(&[df, 0.0, scale], rng).abs()
    }

    /// `scale 2 sqrt(df / pi) gamma((df + 1) / 2) / (gamma(df / 2) (df - 1))` for `df > 1`, else
    /// infinite.
    fn mean(&self) -> Var<'g> {
        let df: Var<'g> = self.df;
        let heavy = df.le(1.0);
        let light = heavy.select(2.0, df);
        let growth = half_step(light * 0.5).exp() * (light / (light - 1.0));
        heavy.select(f64::INFINITY, self.scale * growth * FRAC_2_PI.sqrt())
    }

    /// `scale^2 df / (df - 2) - mean^2` for `df > 2`, infinite down to `df > 1`, else NaN.
    fn variance(&self) -> Var<'g> {
        let df: Var<'g> = self.df;
        let heavy = df.le(2.0);
        let light = HalfStudentT::new(heavy.select(3.0, df), self.scale);
        let mean = light.mean();
        let finite = light.whole().variance() - mean * mean;
        let undefined = df.le(1.0).select(f64::NAN, f64::INFINITY);
        heavy.select(undefined, finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_impossible, assert_moments, assert_rsample_follows,
        assert_stable,
    };
    use bayes_nn_autodiff::Graph;

    /// For three degrees of freedom and scale 2.
    fn cdf(x: f64) -> f64 {
        let u = x / 2.0 / 3.0f64.sqrt();
        FRAC_2_PI * (u / (1.0 + u * u) + u.atan())
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &HalfStudentT::new(3.0, 2.0),
            &[
                0.5561428813121105,
                0.10921977236982451,
                1.203224860759462,
                4.732172132994591,
                4.305831719189815,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        assert_draws_follow(&HalfStudentT::new(3.0, 2.0), cdf);
        assert_rsample_follows(&HalfStudentT::new(3.0, 2.0), cdf);
        assert_moments(&HalfStudentT::new(12.0, 2.0));
    }

    #[test]
    fn negative_numbers_are_impossible() {
        let graph = Graph::new();
        let outside = [-1e-300, -1.0, f64::NEG_INFINITY];
        assert_impossible(&graph, &HalfStudentT::new(4.0, 2.0), &outside);
    }

    #[test]
    fn moments_that_do_not_exist_are_not_made_up() {
        let moments = |df: f64| {
            let t = HalfStudentT::new(df, 1.0);
            (t.mean().number().unwrap(), t.variance().number().unwrap())
        };
        assert_eq!(moments(1.0).0, f64::INFINITY);
        assert!(moments(1.0).1.is_nan());
        assert_eq!(moments(1.5).1, f64::INFINITY);
        assert!((moments(3.0).0 - 12f64.sqrt() / std::f64::consts::PI).abs() < 1e-14);
    }
}
