//! The Dirichlet distribution, of shares that sum to 1.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::first_axis_sum;
use crate::linear::padded;
use crate::stable::{LN_SQRT_2_PI, deviance_by, stirling_error};
use crate::{Distribution, Domain, Parameter, Support, draws};

/// How far from 1 the sum of the shares may be.
const SUM_TOLERANCE: f64 = 1e-6;

/// The Dirichlet distribution with positive concentrations of the shape `[K, ...batch]`.
///
/// ```text
/// p(x) = gamma(sum_k a[k]) prod_k x[k]^(a[k] - 1) / gamma(a[k]),   a = concentration
/// x[k] > 0,   sum_k x[k] = 1
/// ```
///
/// It is the density of the first `K - 1` shares. It is written with the deviances of the
/// concentrations from their sum times the shares, as that of the [`Beta`](crate::Beta): for
/// large concentrations the terms of the plain formula cancel. The shares may sum to 1 within
/// 1e-6; the derivative by each is that of the formula above, the others held fixed.
///
/// Draws compare gammas by their logarithms, so that small concentrations do not divide zero by
/// zero.
///
/// S. Kotz, N. Balakrishnan and N. Johnson, *Continuous Multivariate Distributions*, 2000,
/// chapter 49.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Dirichlet, Distribution};
/// let graph = Graph::new();
/// let uniform = Dirichlet::new(graph.constant(&[1.0; 3], [3]));
/// let shares = graph.constant(&[0.5, 0.2, 0.3], [3]);
/// let log_prob = uniform.log_prob(shares).number().unwrap();
/// assert!((log_prob - 2f64.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dirichlet<'a> {
    concentration: Var<'a>,
}

impl<'a> Dirichlet<'a> {
    /// With `concentration` of the shape `[K, ...batch]`.
    pub fn new(concentration: impl Into<Var<'a>>) -> Dirichlet<'a> {
        Dirichlet {
            concentration: concentration.into(),
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for Dirichlet<'a> {
    fn name(&self) -> &'static str {
        "Dirichlet"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter {
            event: true,
            ..Parameter::new("concentration", self.concentration, Domain::Positive)
        }]
    }

    fn support(&self) -> Support<'g> {
        Support::Simplex
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.concentration.shape().first().copied().unwrap_or(1)])
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let concentration: Var<'g> = self.concentration;
        let rank = |v: Var<'g>| v.shape().rank().saturating_sub(1);
        let axes = rank(x).max(rank(concentration));
        let (x, a) = (padded(x, 1, axes), padded(concentration, 1, axes));
        let excess = first_axis_sum(x) - 1.0;
        let outside = first_axis_sum(x.gt(0.0).eq(0.0)) + excess.abs().le(SUM_TOLERANCE).eq(0.0);
        let is_inside = outside.eq(0.0);
        let share = is_inside.select(x, 0.5);
        let sum = first_axis_sum(a);
        let (ln_a, ln_share) = (a.ln(), share.ln());
        let deviance = deviance_by(a, sum * share - a, sum.ln() + ln_share - ln_a);
        let each = ln_a * 0.5 - stirling_error(a) - deviance - ln_share;
        let parts = self.event_shape()[0] as f64;
        let whole = stirling_error(sum) - sum.ln() * 0.5 - LN_SQRT_2_PI * (parts - 1.0);
        // The deviances leave out that the shares sum to 1 only nearly.
        let inside = first_axis_sum(each) + whole + sum * is_inside.select(excess, 0.0);
        is_inside.select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let mut event = vec![f64::NAN; parameters.len().max(1)];
        self.draw_event(parameters, rng, &mut event);
        event[0]
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        for (share, &concentration) in event.iter_mut().zip(parameters) {
            *share = draws::log_gamma(concentration, rng);
        }
        let largest = event.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for share in &mut *event {
            *share = libm::exp(*share - largest);
        }
        let sum: f64 = event.iter().sum();
        for share in event {
            *share /= sum;
        }
    }

    fn mean(&self) -> Var<'g> {
        let a: Var<'g> = self.concentration;
        a / first_axis_sum(a)
    }

    fn variance(&self) -> Var<'g> {
        let a: Var<'g> = self.concentration;
        let sum = first_axis_sum(a);
        let mean = a / sum;
        mean * (1.0 - mean) / (sum + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_components_follow, assert_stable};
    use crate::{Bijector, sample};
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        let graph = Graph::new();
        assert_stable(
            &Dirichlet::new(graph.constant(&[0.5, 2.0, 1.0], [3])),
            &[
                0.5570423345163149,
                0.23527562142544398,
                0.20768204405824117,
                0.09439644275053555,
                0.16098175085300928,
                0.7446218063964551,
                0.2550942778250385,
                0.7194384399064858,
                0.02546728226847561,
                0.05884661866629406,
                0.32688252435521653,
                0.6142708569784895,
                0.008630904871697393,
                0.8810317903287054,
                0.11033730479959715,
            ],
        );
    }

    #[test]
    fn draws_have_beta_marginals_and_sum_to_one() {
        let graph = Graph::new();
        let shares = Dirichlet::new(graph.constant(&[1.0; 4], [4]));
        assert_components_follow(&shares, |_, x| 1.0 - (1.0 - x).powi(3));
        let sparse = Dirichlet::new(graph.constant(&[1e-3; 3], [3]));
        for draw in sample(&sparse, 100, 5).unwrap().chunks(3) {
            assert!((draw.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn what_is_no_set_of_shares_is_impossible() {
        let graph = Graph::new();
        let x = graph.input("x", [3]);
        let log_prob = Dirichlet::new(graph.constant(&[0.5, 2.0, 1.0], [3])).log_prob(x);
        let slope = grad(log_prob, &[x]).unwrap()[0];
        for outside in [
            [0.5, 0.5, 0.1],
            [1.2, -0.3, 0.1],
            [0.0, 0.5, 0.5],
            [f64::NAN, 0.5, 0.5],
        ] {
            let at = Bindings::new().bind(x, &outside);
            let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
            assert_eq!(values[0].values(), [f64::NEG_INFINITY], "{outside:?}");
            assert_eq!(values[1].values(), [0.0; 3], "{outside:?}");
        }
    }

    #[test]
    fn the_density_over_the_unconstrained_plane_integrates_to_one() {
        let graph = Graph::new();
        let n = 161;
        let step = 0.25;
        let place = |i: usize| (i as f64 - 80.0) * step;
        let first = (0..n * n).map(|i| place(i / n));
        let second = (0..n * n).map(|i| place(i % n));
        let grid: Vec<f64> = first.chain(second).collect();
        let z = graph.input("z", [2, n * n]);
        let x = Bijector::Simplex.forward(z);
        let dirichlet = Dirichlet::new(graph.constant(&[1.5, 2.0, 4.0], [3]));
        let density = dirichlet.log_prob(x) + Bijector::Simplex.log_det_jacobian(z);
        let at = Bindings::new().bind(z, &grid);
        let values = graph.evaluate(&[density.exp().sum()], &at).unwrap();
        let total = values[0].values()[0] * step * step;
        assert!((total - 1.0).abs() < 1e-8, "{total}");
    }
}
