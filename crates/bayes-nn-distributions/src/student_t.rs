//! Student's t distribution, with location and scale.

use std::f64::consts::TAU;

use bayes_nn_autodiff::{NoiseKind, Var};
use rand_core::Rng;

use crate::stable::{LN_SQRT_2_PI, half_step};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// Student's t with `df > 0` degrees of freedom, location `loc` and `scale > 0`.
///
/// ```text
/// p(x) = gamma((df + 1) / 2) / (gamma(df / 2) sqrt(pi df) scale)
///        (1 + z^2 / df)^(-(df + 1) / 2),   z = (x - loc) / scale,   x real
/// ```
///
/// As `df` grows this becomes the normal distribution, and the plain formula loses all digits
/// of what is left of `df`: the gamma functions cancel, and so does `df ln(1 + z^2 / df)` with
/// `z^2`. Here the first is a series for their difference, the second `log1pmx`. Far out, where
/// `z^2` might overflow, logarithms are taken of `|x - loc|`, `scale` and `df` each.
///
/// Draws: R. Bailey, *Polar Generation of Random Variates with the t-Distribution*, 1994. With
/// `df` below about 0.1 a fair part of the distribution lies beyond the largest `f64`; such
/// draws are infinite.
///
/// N. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, volume 2,
/// 1995, chapter 28.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, StudentT};
/// let cauchy = StudentT::new(1.0, 0.0, 1.0);
/// let at_zero = cauchy.log_prob(Var::from(0.0)).number().unwrap();
/// assert!((at_zero + std::f64::consts::PI.ln()).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StudentT<'a> {
    df: Var<'a>,
    loc: Var<'a>,
    scale: Var<'a>,
}

impl<'a> StudentT<'a> {
    /// With `df` degrees of freedom, location `loc` and `scale`, of shapes that broadcast.
    pub fn new(
        df: impl Into<Var<'a>>,
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
    ) -> StudentT<'a> {
        StudentT {
            df: df.into(),
            loc: loc.into(),
            scale: scale.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for StudentT<'a> {
    fn name(&self) -> &'static str {
        "StudentT"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("df", self.df, Domain::Positive),
            Parameter::new("loc", self.loc, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let (df, scale): (Var<'g>, Var<'g>) = (self.df, self.scale);
        let deviation = x - self.loc;
        let size = deviation.abs();
        let border = scale * df.sqrt();
        let far = size.gt(border);

        // (df + 1) / 2 ln(1 + w), w = z^2 / df, in two forms, and ln(scale), which the second has
        // in it: of its df + 2 logarithms of the scale only df are left.
        let z = far.select(0.0, deviation) / scale;
        let square = z * z;
        let w = square / df;
        let near = (square + df * w.log1pmx() + w.log1p()) * 0.5;
        let size = far.select(size, 1.0);
        let inverse = border.minimum(size) / size;
        let powers = df + 1.0;
        let of_border = powers * df.ln() * 0.5 + df * scale.ln();
        let apart = powers * (size.ln() + (inverse * inverse).log1p() * 0.5) - of_border;

        half_step(df * 0.5)
            - far.select(apart, near)
            - far.select(LN_SQRT_2_PI, scale.ln() + LN_SQRT_2_PI)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let df: Var<'g> = self.df;
        let growth = (noise(NoiseKind::Uniform).ln() * -2.0 / df).expm1();
        let z = (growth * df).sqrt() * (noise(NoiseKind::Uniform) * TAU).cos();
        Some(z * self.scale + self.loc)
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [df, loc, scale] = draws::numbers(parameters);
        let growth = libm::expm1(-2.0 * libm::log(draws::uniform(rng)) / df);
        let z = (growth * df).sqrt() * libm::cos(TAU * draws::uniform(rng));
        loc + scale * z
    }

    /// `loc`, for `df > 1`.
    fn mean(&self) -> Var<'g> {
        let df: Var<'g> = self.df;
        df.le(1.0).select(f64::NAN, self.loc)
    }

    /// `scale^2 df / (df - 2)` for `df > 2`, infinite down to `df > 1`, else NaN.
    fn variance(&self) -> Var<'g> {
        let df: Var<'g> = self.df;
        let heavy = df.le(2.0);
        let light = heavy.select(3.0, df);
        let finite = self.scale * self.scale * (light / (light - 2.0));
        let undefined = df.le(1.0).select(f64::NAN, f64::INFINITY);
        heavy.select(undefined, finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_draws_follow, assert_moments, assert_rsample_follows, assert_stable,
    };

    /// For three degrees of freedom.
    fn cdf(x: f64) -> f64 {
        let u = x / 3.0f64.sqrt();
        0.5 + (u / (1.0 + u * u) + u.atan()) / std::f64::consts::PI
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &StudentT::new(3.0, 1.0, 2.0),
            &[
                0.44385711868788946,
                0.8907802276301755,
                -0.203224860759462,
                -3.7321721329945907,
                5.305831719189815,
            ],
        );
    }

    #[test]
    fn draws_follow_the_distribution_function() {
        let t = StudentT::new(3.0, 1.0, 2.0);
        assert_draws_follow(&t, |x| cdf((x - 1.0) / 2.0));
        assert_rsample_follows(&t, |x| cdf((x - 1.0) / 2.0));
        let cauchy = StudentT::new(1.0, 0.0, 1.0);
        assert_draws_follow(&cauchy, |x| 0.5 + x.atan() / std::f64::consts::PI);
        assert_moments(&StudentT::new(12.0, 1.0, 2.0));
    }

    #[test]
    fn moments_that_do_not_exist_are_not_made_up() {
        let moments = |df: f64| {
            let t = StudentT::new(df, 5.0, 1.0);
            (t.mean().number().unwrap(), t.variance().number().unwrap())
        };
        assert!(moments(1.0).0.is_nan() && moments(1.0).1.is_nan());
        assert_eq!(moments(1.5), (5.0, f64::INFINITY));
        assert_eq!(moments(4.0), (5.0, 2.0));
    }
}
