//! The multivariate Student's t distribution, by the Cholesky factor of its scale matrix.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::linear::{Lower, padded};
use crate::stable::{LN_SQRT_2_PI, half_step};
use crate::{Distribution, Domain, MultivariateNormal, Parameter, Support, draws};

/// Student's t of vectors, with `df > 0` degrees of freedom, location `loc` and scale matrix
/// `L L^T`, `L = scale_tril`.
///
/// `df` has the shape `[...batch]`, `loc` `[K, ...batch]` (or is one number for all),
/// `scale_tril` `[K, K, ...batch]`.
///
/// ```text
/// p(x) = gamma((df + K) / 2) / (gamma(df / 2) (pi df)^(K / 2) prod_i L[i, i])
///        (1 + |y|^2 / df)^(-(df + K) / 2),   L y = x - loc,   x in R^K
/// ```
///
/// `L = scale_tril` is lower triangular with a positive diagonal; what of it is refused, and what is
/// not read, [`MultivariateNormal`] says. As for [`StudentT`](crate::StudentT), what cancels for large `df` is written as
/// series. The density fails where `|y|^2` overflows: there it is `-inf`.
///
/// Draws: a normal vector over the square root of a chi-squared number divided by `df`.
///
/// S. Kotz and S. Nadarajah, *Multivariate t Distributions and Their Applications*, 2004.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Distribution, MultivariateStudentT};
/// let graph = Graph::new();
/// let scale_tril = graph.constant(&[1.0, 0.0, 0.0, 1.0], [2, 2]);
/// let t = MultivariateStudentT::new(3.0, 0.0, scale_tril);
/// let at_zero = t.log_prob(graph.constant(&[0.0; 2], [2])).number().unwrap();
/// assert!((at_zero + std::f64::consts::TAU.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MultivariateStudentT<'a> {
    df: Var<'a>,
    gaussian: MultivariateNormal<'a>,
}

impl<'a> MultivariateStudentT<'a> {
    /// With `df`, `loc` and the lower triangular `scale_tril`, of batches that broadcast.
    pub fn new(
        df: impl Into<Var<'a>>,
        loc: impl Into<Var<'a>>,
        scale_tril: impl Into<Var<'a>>,
    ) -> MultivariateStudentT<'a> {
        MultivariateStudentT {
            df: df.into(),
            gaussian: MultivariateNormal::new(loc, scale_tril),
        }
    }

    /// With `df`, `loc` and the scale matrix `[K, K]`, of which a constant must be symmetric.
    /// `scale_tril` is its Cholesky factor; see [`MultivariateNormal::with_covariance`] for what
    /// is not positive definite. The covariance is `df / (df - 2)` times the scale matrix.
    #[track_caller]
    pub fn with_scale_matrix(
        df: impl Into<Var<'a>>,
        loc: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
    ) -> MultivariateStudentT<'a> {
        MultivariateStudentT {
            df: df.into(),
            gaussian: MultivariateNormal::with_covariance(loc, scale),
        }
    }

    fn size(&self) -> usize {
        self.gaussian.scale_tril.size()
    }
}

impl<'a: 'g, 'g> Distribution<'g> for MultivariateStudentT<'a> {
    fn name(&self) -> &'static str {
        "MultivariateStudentT"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        let mut parameters = vec![Parameter::new("df", self.df, Domain::Positive)];
        parameters.extend(self.gaussian.parameters());
        parameters
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.size()])
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let (df, scale_tril): (Var<'g>, Var<'g>) = (self.df, self.gaussian.scale_tril.0);
        let size = self.size();
        let own = self.batch_shape().rank();
        let rank = own.max(x.shape().rank().saturating_sub(1));
        let d = padded(x, 1, rank) - padded(self.gaussian.loc, 1, rank);
        let (square, log_det) = Lower(scale_tril).solve(d, rank);
        let w = square / df;
        let far = w.gt(1.0);
        // (df + K) / 2 ln(1 + w) in two forms.
        let near_w = far.select(0.0, w);
        let near = far.select(0.0, square) + df * near_w.log1pmx() + near_w.log1p() * size as f64;
        let apart = (df + size as f64) * w.log1p();
        let steps = (0..size).map(|m| {
            let m = m as f64;
            (m / df).log1p() * 0.5 + half_step((df + m) * 0.5) - LN_SQRT_2_PI
        });
        let normalisation = steps.reduce(|a, b| a + b).unwrap_or(Var::from(0.0));
        normalisation - far.select(apart, near) * 0.5 - log_det
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let mut event = vec![f64::NAN; self.size()];
        self.draw_event(parameters, rng, &mut event);
        event[0]
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let [df] = draws::numbers(parameters);
        let size = event.len();
        let rest = parameters.get(1..).unwrap_or_default();
        let (loc, matrix) = rest.split_at(rest.len().saturating_sub(size * size));
        let growth = (draws::gamma(0.5 * df, rng) / (0.5 * df)).sqrt();
        let noise: Vec<f64> = (0..size).map(|_| draws::normal(rng) / growth).collect();
        Lower::product_of(matrix, &noise, event);
        for (place, x) in event.iter_mut().enumerate() {
            *x += loc.get(place).or(loc.first()).copied().unwrap_or(f64::NAN);
        }
    }

    /// `loc`, for `df > 1`.
    fn mean(&self) -> Var<'g> {
        let df: Var<'g> = self.df;
        let heavy = df.le(1.0);
        let mean: Var<'g> = self.gaussian.mean();
        heavy.select(f64::NAN, mean)
    }

    /// The diagonal of `L L^T`, times `df / (df - 2)` for `df > 2`; infinite down to `df > 1`,
    /// else NaN.
    fn variance(&self) -> Var<'g> {
        let df: Var<'g> = self.df;
        let heavy = df.le(2.0);
        let light = heavy.select(3.0, df);
        let finite = self.gaussian.variance() * (light / (light - 2.0));
        let undefined = df.le(1.0).select(f64::NAN, f64::INFINITY);
        heavy.select(undefined, finite)
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let parameters = parameters.get(1..).unwrap_or_default();
        self.gaussian.conflict_of(parameters, "with_scale_matrix")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StudentT;
    use crate::testing::{assert_components_follow, assert_stable, density_cdf};
    use bayes_nn_autodiff::Graph;

    const FACTOR: [f64; 4] = [1.0, 0.0, 0.6, 0.8];

    #[test]
    fn a_seed_gives_these_numbers() {
        let graph = Graph::new();
        let factor = graph.constant(&FACTOR, [2, 2]);
        assert_stable(
            &MultivariateStudentT::new(3.0, 1.0, factor),
            &[
                1.2936954746686036,
                1.9270781110016313,
                1.639004377542309,
                2.0254598227821567,
                -4.270724800609541,
                -0.8973677810300662,
                1.525687908257423,
                2.624399746244772,
                0.8514982288523718,
                1.9510120247612939,
            ],
        );
    }

    #[test]
    fn draws_have_student_marginals() {
        let graph = Graph::new();
        let factor = graph.constant(&FACTOR, [2, 2]);
        let one = StudentT::new(12.0, 1.0, 1.0);
        let cdf = density_cdf(&one, -40.0, 42.0);
        let t = MultivariateStudentT::new(12.0, 1.0, factor);
        assert_components_follow(&t, |_, x| cdf(x));
    }

    #[test]
    fn one_dimension_is_the_univariate_distribution() {
        let graph = Graph::new();
        for (df, x) in [(0.7, 3.0), (5.0, -40.0), (1e9, 2.0)] {
            let factor = graph.constant(&[1.5], [1, 1]);
            let scale = graph.constant(&[2.25], [1, 1]);
            let same = StudentT::new(df, 0.2, 1.5).log_prob(Var::from(x)).number();
            for t in [
                MultivariateStudentT::new(df, 0.2, factor),
                MultivariateStudentT::with_scale_matrix(df, 0.2, scale),
            ] {
                let got = t.log_prob(graph.constant(&[x], [1])).number().unwrap();
                assert!((got - same.unwrap()).abs() < 1e-13 * got.abs(), "{df} {x}");
            }
        }
    }
}
