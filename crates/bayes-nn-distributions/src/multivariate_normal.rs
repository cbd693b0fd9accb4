//! The multivariate normal distribution, by the Cholesky factor of its covariance.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::linear::{Lower, asymmetry, factor, padded};
use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The normal distribution of vectors with mean `loc` and covariance `L L^T`, `L = scale_tril`.
///
/// `loc` has the shape `[K, ...batch]` (or is one number for all), `scale_tril`
/// `[K, K, ...batch]`.
///
/// ```text
/// p(x) = exp(-|y|^2 / 2) / ((2 pi)^(K / 2) prod_i L[i, i]),   L y = x - loc,   x in R^K
/// ```
///
/// `L = scale_tril` is lower triangular with a positive diagonal, and `L L^T` the covariance. A
/// constant with numbers other than 0 above its diagonal is refused, as one on whose diagonal a number
/// is not positive; of a matrix that is data or depends on variables the lower triangle is read. The
/// density fails where `|y|^2` overflows: there it is `-inf`.
///
/// S. Kotz, N. Balakrishnan and N. Johnson, *Continuous Multivariate Distributions*, 2000,
/// chapter 45.
///
/// ```
/// use bayes_nn_autodiff::{Bindings, Graph};
/// use bayes_nn_distributions::{Distribution, MultivariateNormal};
/// let graph = Graph::new();
/// let scale_tril = graph.constant(&[1.0, 0.0, 0.5, 2.0], [2, 2]);
/// let normal = MultivariateNormal::new(0.0, scale_tril);
/// let x = graph.constant(&[1.0, 0.5], [2]);
/// let log_prob = normal.log_prob(x).number().unwrap();
/// assert!((log_prob - (-0.5 - std::f64::consts::TAU.ln() - 2f64.ln())).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MultivariateNormal<'a> {
    pub(crate) loc: Var<'a>,
    pub(crate) scale_tril: Lower<'a>,
    covariance: Option<Var<'a>>,
}

impl<'a> MultivariateNormal<'a> {
    /// With mean `loc` and the covariance `[K, K]`. A constant that is not symmetric is refused; of
    /// any other matrix the lower triangle is read.
    ///
    /// `scale_tril` is the covariance's Cholesky factor. Where the covariance is not positive
    /// definite, or not to rounding, that is NaN and so is the density; a small number added to
    /// the diagonal of the covariance mends it.
    ///
    /// ```
    /// use bayes_nn_autodiff::Graph;
    /// use bayes_nn_distributions::{Distribution, MultivariateNormal};
    /// let graph = Graph::new();
    /// let covariance = graph.constant(&[1.0, 0.5, 0.5, 4.25], [2, 2]);
    /// let normal = MultivariateNormal::with_covariance(0.0, covariance);
    /// let x = graph.constant(&[1.0, 0.5], [2]);
    /// let log_prob = normal.log_prob(x).number().unwrap();
    /// assert!((log_prob - (-0.5 - std::f64::consts::TAU.ln() - 2f64.ln())).abs() < 1e-14);
    /// ```
    #[track_caller]
    pub fn with_covariance(
        loc: impl Into<Var<'a>>,
        covariance: impl Into<Var<'a>>,
    ) -> MultivariateNormal<'a> {
        let covariance = covariance.into();
        MultivariateNormal {
            covariance: Some(covariance),
            ..MultivariateNormal::new(loc, factor(covariance))
        }
    }

    /// With mean `loc` and the lower triangular `scale_tril`, of batches that broadcast.
    pub fn new(loc: impl Into<Var<'a>>, scale_tril: impl Into<Var<'a>>) -> MultivariateNormal<'a> {
        MultivariateNormal {
            loc: loc.into(),
            scale_tril: Lower(scale_tril.into()),
            covariance: None,
        }
    }

    /// What is wrong with `loc` and `scale_tril`, where `by_matrix` constructs from `L L^T`.
    pub(crate) fn conflict_of(&self, parameters: &[f64], by_matrix: &str) -> Option<String> {
        let size = self.scale_tril.size();
        let shape = self.scale_tril.0.shape();
        if shape.rank() > 0 && shape.get(1) != Some(&size) {
            return Some(format!(
                "scale_tril must be square, [K, K, ...batch], and has the shape {shape}"
            ));
        }
        let matrix = parameters.len().saturating_sub(size * size);
        let own = || self.scale_tril.conflict(&parameters[matrix..], by_matrix);
        self.covariance.and_then(asymmetry).or_else(own)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for MultivariateNormal<'a> {
    fn name(&self) -> &'static str {
        "MultivariateNormal"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter {
                event: true,
                ..Parameter::new("loc", self.loc, Domain::Real)
            },
            Parameter {
                event: true,
                ..Parameter::new("scale_tril", self.scale_tril.flat(), Domain::CholeskyFactor)
            },
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.scale_tril.size()])
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let scale_tril: Lower<'g> = Lower(self.scale_tril.0);
        let own = self.batch_shape().rank();
        let rank = own.max(x.shape().rank().saturating_sub(1));
        let d = padded(x, 1, rank) - padded(self.loc, 1, rank);
        let (square, log_det) = scale_tril.solve(d, rank);
        square * -0.5 - log_det - LN_SQRT_2_PI * scale_tril.size() as f64
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let scale_tril: Lower<'g> = Lower(self.scale_tril.0);
        let noise = noise(NoiseKind::Normal);
        let rank = noise.shape().rank().saturating_sub(1);
        Some(scale_tril.product(noise) + padded(self.loc, 1, rank))
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let mut event = vec![f64::NAN; self.scale_tril.size()];
        self.draw_event(parameters, rng, &mut event);
        event[0]
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let size = event.len();
        let (loc, matrix) = parameters.split_at(parameters.len().saturating_sub(size * size));
        let noise: Vec<f64> = (0..size).map(|_| draws::normal(rng)).collect();
        Lower::product_of(matrix, &noise, event);
        for (place, x) in event.iter_mut().enumerate() {
            *x += loc.get(place).or(loc.first()).copied().unwrap_or(f64::NAN);
        }
    }

    fn mean(&self) -> Var<'g> {
        let rank = self.batch_shape().rank();
        padded(self.loc, 1, rank).broadcast_to(self.shape())
    }

    /// The diagonal of the covariance.
    fn variance(&self) -> Var<'g> {
        let rank = self.batch_shape().rank();
        let scale_tril: Lower<'g> = Lower(self.scale_tril.0);
        padded(scale_tril.row_squares(), 1, rank).broadcast_to(self.shape())
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        self.conflict_of(parameters, "with_covariance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::{assert_components_follow, assert_stable, normal_cdf};
    use bayes_nn_autodiff::{Bindings, Graph};

    const FACTOR: [f64; 9] = [1.0, 0.0, 0.0, 0.5, 2.0, 0.0, -1.0, 0.3, 0.7];

    fn normal(graph: &Graph) -> MultivariateNormal<'_> {
        let loc = graph.constant(&[1.0, -2.0, 0.5], [3]);
        MultivariateNormal::new(loc, graph.constant(&FACTOR, [3, 3]))
    }

    #[test]
    fn a_seed_gives_these_numbers() {
        let graph = Graph::new();
        assert_stable(
            &normal(&graph),
            &[
                0.731392630537905,
                -2.2432280249473493,
                0.34726595463888077,
                -0.6093372090488809,
                0.434696161543882,
                3.0387460334979526,
                1.795755237999129,
                -4.186399246208645,
                0.48696988011007414,
                -0.026673542204863843,
                -0.030074386873925718,
                1.2606665482192971,
                1.398223184222236,
                0.6780965733677524,
                1.025608980214347,
            ],
        );
    }

    #[test]
    fn draws_have_the_marginals_and_the_covariance() {
        let graph = Graph::new();
        let deviations = [1.0, 4.25f64.sqrt(), 1.58f64.sqrt()];
        let loc = [1.0, -2.0, 0.5];
        assert_components_follow(&normal(&graph), |place, x| {
            normal_cdf((x - loc[place]) / deviations[place])
        });
        let draws = sample(&normal(&graph), 20_000, 8).unwrap();
        let product = |d: &[f64]| (d[0] - 1.0) * (d[1] + 2.0);
        let covariance = draws.chunks(3).map(product).sum::<f64>() / 20_000.0;
        // sqrt((v1 v2 + c^2) / n) is 0.015; four of them.
        assert!((covariance - 0.5).abs() < 0.06, "{covariance}");
    }

    #[test]
    fn reparameterised_draws_are_the_factor_times_noise() {
        let graph = Graph::new();
        let eps = graph.constant(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0], [3, 2]);
        let draw = normal(&graph).rsample(&mut |_| eps).unwrap();
        let values = graph.evaluate(&[draw], &Bindings::new()).unwrap();
        assert_eq!(values[0].values(), [2.0, 1.0, -1.5, 0.0, -0.5, 0.8]);
    }

    #[test]
    fn batches_of_values_means_and_factors_broadcast() {
        let graph = Graph::new();
        let (x, many) = (graph.input("x", [3]), graph.input("many", [3, 5]));
        let factor = graph.input("factor", [3, 3]);
        let factors = graph.input("factors", [3, 3, 5]);
        let shape = |d: MultivariateNormal<'_>| (d.shape(), d.log_prob(x).shape());
        let batch = (Shape::from([3, 5]), Shape::from([5]));
        assert_eq!(shape(MultivariateNormal::new(many, factor)), batch);
        assert_eq!(shape(MultivariateNormal::new(x, factors)), batch);
        let log_prob = MultivariateNormal::new(0.0, factor).log_prob(many);
        assert_eq!(log_prob.shape(), Shape::from([5]));
        let of_one = MultivariateNormal::new(x, factors);
        assert_eq!(of_one.mean().shape(), Shape::from([3, 5]));
        assert_eq!(of_one.variance().shape(), Shape::from([3, 5]));
        assert_eq!(graph.check(), Ok(()));
    }

    #[test]
    fn a_covariance_stands_for_its_factor() {
        let graph = Graph::new();
        let x = graph.input("x", [3, 4]);
        let by_factor = normal(&graph);
        let factor = graph.constant(&FACTOR, [3, 3]);
        let covariance = factor.matmul(factor.t());
        let by_covariance = MultivariateNormal::with_covariance(by_factor.loc, covariance);
        let log_probs = [by_covariance.log_prob(x), by_factor.log_prob(x)];
        let at = Bindings::new().bind(
            x,
            &[
                0.3, -2.0, 1.0, 0.7, 4.0, 0.1, -3.0, 1.5, 0.2, 0.0, 9.0, -1.0,
            ],
        );
        let values = graph.evaluate(&log_probs, &at).unwrap();
        for (a, b) in values[0].values().iter().zip(values[1].values()) {
            assert!((a - b).abs() < 1e-13 * b.abs(), "{a} for {b}");
        }
        let number = MultivariateNormal::with_covariance(0.0, 4.0);
        let one = number.log_prob(Var::from(1.0)).number().unwrap();
        assert!((one + 0.125 + 2f64.ln() + LN_SQRT_2_PI).abs() < 1e-15);
    }

    #[test]
    fn a_covariance_that_is_not_positive_definite_is_refused() {
        let graph = Graph::new();
        let covariance = graph.constant(&[1.0, 2.0, 2.0, 1.0], [2, 2]);
        assert_eq!(
            MultivariateNormal::with_covariance(0.0, covariance)
                .check()
                .unwrap_err()
                .to_string(),
            "MultivariateNormal: scale_tril at position 2 must be finite, as in the factor of a \
             positive definite matrix, got NaN"
        );
        let not_square = graph.input("not square", [2, 3]);
        graph.scope("y", || MultivariateNormal::with_covariance(0.0, not_square));
        let message = graph.check().unwrap_err().to_string();
        assert!(message.contains("cholesky at") && message.contains("multivariate_normal.rs"));
        assert!(
            message.contains("in `y`: [2, 3] is no square matrix"),
            "{message}"
        );
    }

    fn refused(normal: MultivariateNormal<'_>) -> String {
        normal.check().unwrap_err().to_string()
    }

    #[test]
    fn a_whole_covariance_in_place_of_its_factor_is_refused_and_the_other_way_round() {
        let graph = Graph::new();
        let whole = graph.constant(&[4.0, 1.0, 1.0, 2.0], [2, 2]);
        assert_eq!(
            refused(MultivariateNormal::new(0.0, whole)),
            "MultivariateNormal: scale_tril must be lower triangular, and has 1 in row 0, column \
             1; `with_covariance` takes a covariance or scale matrix, and `scale_tril.tril(0)` is \
             the lower triangle alone"
        );
        assert!(MultivariateNormal::new(0.0, whole.tril(0)).check().is_ok());
        assert!(
            MultivariateNormal::with_covariance(0.0, whole)
                .check()
                .is_ok()
        );
        let one_of_two = [1.0, 1.0, 0.0, 5.0, 0.5, 0.5, 1.0, 1.0];
        let batch = graph.constant(&one_of_two, [2, 2, 2]);
        assert!(refused(MultivariateNormal::new(0.0, batch)).contains("has 5 in row 0, column 1"));
        assert_eq!(
            refused(MultivariateNormal::with_covariance(0.0, whole.tril(0))),
            "MultivariateNormal: the covariance must be symmetric, and has 1 in row 1, column 0 \
             and 0 in row 0, column 1; a Cholesky factor is `scale_tril`, which `new` takes"
        );
        let rounded = graph.constant(&[4.0, 1.0, 1.0 + 1e-7, 2.0], [2, 2]);
        assert!(
            MultivariateNormal::with_covariance(0.0, rounded)
                .check()
                .is_ok()
        );
    }

    #[test]
    fn of_a_matrix_that_is_not_known_before_the_lower_triangle_is_read() {
        let graph = Graph::new();
        let (x, matrix) = (graph.input("x", [2]), graph.input("matrix", [2, 2]));
        let normal = MultivariateNormal::new(0.0, matrix);
        assert!(normal.check_values(&[0.0, 1.0, 9.0, 0.5, 2.0]).is_ok());
        let density = |above: f64| {
            let at = Bindings::new().bind(x, &[1.0, 0.5]);
            let at = at.bind(matrix, &[1.0, above, 0.5, 2.0]);
            graph.evaluate(&[normal.log_prob(x)], &at).unwrap()[0].values()[0]
        };
        assert_eq!(density(9.0), density(0.0));
    }

    #[test]
    fn a_diagonal_that_is_not_positive_is_refused() {
        let graph = Graph::new();
        let factor = graph.constant(&[1.0, 0.0, 3.0, 0.0], [2, 2]);
        assert_eq!(
            MultivariateNormal::new(0.0, factor)
                .check()
                .unwrap_err()
                .to_string(),
            "MultivariateNormal: the diagonal of scale_tril must be positive, got 0 in row 1"
        );
        let tall = graph.constant(&[1.0, 0.5], [2, 1]);
        assert_eq!(
            MultivariateNormal::new(0.0, tall)
                .check()
                .unwrap_err()
                .to_string(),
            "MultivariateNormal: scale_tril must be square, [K, K, ...batch], and has the shape [2, 1]"
        );
    }
}
