//! The spherical Student's t distribution: normal numbers of one variance that is not known.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::joined;
use crate::stable::{LN_SQRT_2_PI, stirling_error};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// Normal numbers around 0 with one variance for all of them, which has an inverse-gamma
/// distribution and is integrated out; `concentration > 0`, `scale > 0`.
///
/// ```text
/// p(x) = integral of prod_i N(x[i]; 0, v) InverseGamma(v; concentration, scale) over v
///      = gamma(a + n / 2) / (gamma(a) (2 pi b)^(n / 2)) (1 + S / (2 b))^-(a + n / 2),
/// a = concentration,   b = scale,   S = sum_i x[i]^2,   x of any shape with n numbers
/// ```
///
/// It is Student's t of `n` numbers with `2 a` degrees of freedom and the scale matrix `b / a`
/// times the identity. One draw is a tensor of the shape that is given; parameters are numbers, or
/// have the shape of a batch.
///
/// As the prior of a tensor of weights it says that their scale is to be learned: Wu et al. 2019,
/// *Deterministic Variational Inference for Robust Bayesian Neural Networks*, section 4, with
/// `concentration` 1 and `scale` 10.
///
/// What cancels for large `n` or `concentration` is written as series. The density fails where `S`
/// overflows: there it is `-inf`.
///
/// Draws: a variance, and normal numbers with it.
///
/// S. Kotz and S. Nadarajah, *Multivariate t Distributions and Their Applications*, 2004.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::{Distribution, SphericalStudentT, StudentT};
/// let one = SphericalStudentT::new(1.5, 6.0, []).log_prob(Var::from(0.7));
/// let same = StudentT::new(3.0, 0.0, 2.0).log_prob(Var::from(0.7));
/// assert!((one.number().unwrap() - same.number().unwrap()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SphericalStudentT<'a> {
    concentration: Var<'a>,
    scale: Var<'a>,
    event: Shape,
}

impl<'a> SphericalStudentT<'a> {
    /// For tensors of the shape `event`, of which the variance has the distribution
    /// `InverseGamma(concentration, scale)`.
    pub fn new(
        concentration: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
        event: impl Into<Shape>,
    ) -> SphericalStudentT<'a> {
        SphericalStudentT {
            concentration: concentration.into(),
            scale: scale.into(),
            event: event.into(),
        }
    }

    /// The log density where the squares sum up to `squares`.
    fn log_prob_of<'g>(&self, squares: Var<'g>) -> Var<'g>
    where
        'a: 'g,
    {
        let (a, b): (Var<'g>, Var<'g>) = (self.concentration, self.scale);
        let half = 0.5 * self.event.elements() as f64;
        // (1 + w)^(a + n / 2), w = S / (2 b), is split into that of 1 + u, u = n / (2 a), and that
        // of the quotient. By Stirling's formula the first cancels with the gamma functions; the
        // quotient is near 1 where u is small.
        let (w, u) = (squares * 0.5 / b, half / a);
        let few = u.le(1.0);
        let excess = few.select(w - u, 0.0) / (1.0 + u);
        let quotient = few.select(1.0, (1.0 + w) / (1.0 + u));
        let power = few.select(excess.log1p(), quotient.ln());
        let errors = stirling_error(a + half) - stirling_error(a);
        let unit = half * (b.ln() - a.ln() + 2.0 * LN_SQRT_2_PI + 1.0);
        errors - u.log1p() * 0.5 - unit - (a + half) * power
    }

    /// The sum of `x` over each event; a plain number stands for all of its elements.
    fn sum<'g>(&self, x: Var<'g>) -> Var<'g> {
        let (shape, elements) = (x.shape(), self.event.elements());
        match shape.rank() {
            0 => x * elements as f64,
            rank if rank <= self.event.rank() => x.sum(),
            _ => {
                let batch = shape.without(0, self.event.rank());
                let columns = joined(Shape::from([elements]), batch);
                x.reshape(columns).sum_axis(0)
            }
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for SphericalStudentT<'a> {
    fn name(&self) -> &'static str {
        "SphericalStudentT"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("concentration", self.concentration, Domain::Positive),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn event_shape(&self) -> Shape {
        self.event
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        self.log_prob_of(self.sum(x * x))
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let mut event = vec![f64::NAN; self.event.elements()];
        self.draw_event(parameters, rng, &mut event);
        event.first().copied().unwrap_or(f64::NAN)
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let [concentration, scale] = draws::numbers(parameters);
        let sd = (scale / draws::gamma(concentration, rng)).sqrt();
        event.iter_mut().for_each(|x| *x = sd * draws::normal(rng));
    }

    /// 0, for `concentration > 1/2`.
    fn mean(&self) -> Var<'g> {
        let a: Var<'g> = self.concentration;
        a.le(0.5).select(f64::NAN, 0.0)
    }

    /// `scale / (concentration - 1)` for `concentration > 1`; infinite down to 1/2, else NaN.
    fn variance(&self) -> Var<'g> {
        let a: Var<'g> = self.concentration;
        let heavy = a.le(1.0);
        let finite = self.scale / (heavy.select(2.0, a) - 1.0);
        let undefined = a.le(0.5).select(f64::NAN, f64::INFINITY);
        heavy.select(undefined, finite)
    }

    /// The log density with the expectation of `S` in place of `S`, which is below the expectation
    /// of the log density: the largest bound that independent normals have together with a
    /// distribution of the variance. The latter then is
    /// `InverseGamma(concentration + n / 2, scale + E S / 2)` (Wu et al. 2019, section 4).
    fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
        Some(self.log_prob_of(self.sum(mean * mean + sd * sd)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StudentT;
    use crate::testing::{assert_close, assert_components_follow, assert_stable, density_cdf};
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &SphericalStudentT::new(1.5, 6.0, [2]),
            &[
                0.5873909493372069,
                1.877152065501173,
                1.2780087550846182,
                1.6051429906419281,
                -10.541449601219082,
                3.1626677483391457,
                1.051375816514846,
                3.2724675032257964,
                -0.2970035422952563,
                2.6002827186246766,
            ],
        );
    }

    #[test]
    fn draws_have_student_marginals() {
        let one = StudentT::new(12.0, 0.0, 2.0);
        let cdf = density_cdf(&one, -80.0, 80.0);
        let t = SphericalStudentT::new(6.0, 24.0, [2]);
        assert_components_follow(&t, |_, x| cdf(x));
    }

    #[test]
    fn a_batch_has_a_density_for_each_tensor() {
        let graph = Graph::new();
        let x = graph.constant(&[1.0, 2.0, -0.5, 0.3, 0.7, 4.0], [3, 2]);
        let t = SphericalStudentT::new(1.0, 10.0, [3]);
        let each = graph.evaluate(&[t.log_prob(x)], &Bindings::new()).unwrap();
        for (column, values) in [[1.0, -0.5, 0.7], [2.0, 0.3, 4.0]].iter().enumerate() {
            let alone = t.log_prob(graph.constant(values, [3])).number();
            assert_close(each[0].values()[column], alone.unwrap(), 1e-14, "a column");
        }
    }

    #[test]
    fn the_expectation_is_the_best_bound_with_a_distribution_of_the_variance() {
        // n numbers, of which the squares have the expectation s: the bound at the distribution
        // InverseGamma(c, d) of the variance, E ln N(x; 0, v) + E ln p(v) - E ln q(v).
        let (a, b, n, s): (f64, f64, f64, f64) = (1.0, 10.0, 6.0, 3.7);
        let special =
            |f: fn(Var<'static>) -> Var<'static>, x: f64| f(Var::from(x)).number().unwrap();
        let bound = |c: f64, d: f64| {
            let ln_v = d.ln() - special(Var::digamma, c);
            let by_v = c / d;
            let normals = -0.5 * n * (std::f64::consts::TAU.ln() + ln_v) - 0.5 * s * by_v;
            let prior = a * b.ln() - special(Var::lgamma, a) - (a + 1.0) * ln_v - b * by_v;
            let entropy =
                c + d.ln() + special(Var::lgamma, c) - (1.0 + c) * special(Var::digamma, c);
            normals + prior + entropy
        };
        let t = SphericalStudentT::new(a, b, [2, 3]);
        let graph = Graph::new();
        let mean = graph.constant(&[0.5, -1.0, 0.2, 0.4, 0.9, -0.3], [2, 3]);
        let squares: f64 = mean.constant_values().unwrap().iter().map(|m| m * m).sum();
        let sd = Var::from(((s - squares) / n).sqrt());
        let got = t.expected_log_prob(mean, sd).unwrap().number().unwrap();
        let (c, d) = (a + 0.5 * n, b + 0.5 * s);
        assert_close(got, bound(c, d), 1e-13, "the bound");
        for (c, d) in [(1.1 * c, d), (0.9 * c, d), (c, 1.1 * d), (c, 0.9 * d)] {
            assert!(bound(c, d) < got, "{c} {d}");
        }
    }

    #[test]
    fn the_derivative_shrinks_weights_by_the_mean_precision() {
        let graph = Graph::new();
        let x = graph.input("x", [4]);
        let t = SphericalStudentT::new(1.0, 10.0, [4]);
        let slope = grad(t.log_prob(x), &[x]).unwrap()[0];
        let values = [1.0, -2.0, 0.5, 3.0];
        let at = Bindings::new().bind(x, &values);
        let slope = graph.evaluate(&[slope], &at).unwrap();
        let precision = (1.0 + 2.0) / (10.0 + 0.5 * values.iter().map(|x| x * x).sum::<f64>());
        for (got, x) in slope[0].values().iter().zip(values) {
            assert_close(*got, -precision * x, 1e-14, "slope");
        }
    }
}
