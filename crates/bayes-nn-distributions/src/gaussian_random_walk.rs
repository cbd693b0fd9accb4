//! The Gaussian random walk: sums of independent normal steps.

use bayes_nn_autodiff::{NoiseKind, Shape, Var, concat};
use rand_core::Rng;

use crate::axes::{cumulative_sum, first_axis_sum};
use crate::linear::{padded, stacked};
use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of walks `[T, ...batch]` by the mean `drift` and the standard deviation
/// `scale > 0` of a step.
///
/// ```text
/// x[t] = x[t - 1] + drift + scale e[t],   x[-1] = 0,   e[t] standard normal,   t = 0 .. T - 1
/// ```
///
/// The first number is a step from zero; add a variable of its own for a walk that begins
/// elsewhere. The density fails where the square of a step overflows: there it is `-inf`.
///
/// G. Box and G. Jenkins, *Time Series Analysis: Forecasting and Control*, 1970.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Distribution, GaussianRandomWalk};
/// let graph = Graph::new();
/// let walk = GaussianRandomWalk::new(3, 0.0, 1.0);
/// let still = walk.log_prob(graph.constant(&[0.0; 3], [3])).number().unwrap();
/// assert!((still + 1.5 * std::f64::consts::TAU.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GaussianRandomWalk<'a> {
    steps: usize,
    drift: Var<'a>,
    scale: Var<'a>,
}

impl<'a> GaussianRandomWalk<'a> {
    /// Of so many `steps`, with `drift` and `scale`, of shapes that broadcast.
    pub fn new(
        steps: usize,
        drift: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
    ) -> GaussianRandomWalk<'a> {
        GaussianRandomWalk {
            steps,
            drift: drift.into(),
            scale: scale.into(),
        }
    }

    fn each(&self, value: impl Fn(f64) -> Var<'a>) -> Var<'a> {
        let values: Vec<Var<'a>> = (1..=self.steps).map(|steps| value(steps as f64)).collect();
        let batch = self.drift.shape().broadcast(&self.scale.shape());
        stacked(
            &[self.drift, self.scale],
            &values,
            batch.unwrap_or(Shape::SCALAR),
        )
    }
}

/// `x` moved by `lag` places along its first axis, with zeros before it.
pub(crate) fn lagged(x: Var<'_>, lag: usize) -> Var<'_> {
    let (Some(graph), [steps, ..]) = (x.graph(), &*x.shape()) else {
        return Var::from(0.0);
    };
    let lag = lag.min(*steps);
    let zeros = graph
        .constant(&[0.0], [1])
        .broadcast_to(x.shape().with(0, lag));
    match steps - lag {
        0 => zeros,
        left => concat(&[zeros, x.view(0, x.shape().with(0, left))], 0),
    }
}

impl<'a: 'g, 'g> Distribution<'g> for GaussianRandomWalk<'a> {
    fn name(&self) -> &'static str {
        "GaussianRandomWalk"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("drift", self.drift, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
        ]
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.steps])
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let own = self.batch_shape().rank();
        let x = padded(x, 1, own.max(x.shape().rank().saturating_sub(1)));
        let z = (x - lagged(x, 1) - self.drift) / self.scale;
        let steps = self.steps as f64;
        first_axis_sum(z * z) * -0.5 - (self.scale.ln() + LN_SQRT_2_PI) * steps
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        Some(cumulative_sum(
            noise(NoiseKind::Normal) * self.scale + self.drift,
        ))
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let [drift, scale] = draws::numbers(parameters);
        drift + scale * draws::normal(rng)
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let mut place = 0.0;
        for x in event {
            place += self.draw(parameters, rng);
            *x = place;
        }
    }

    /// `(t + 1) drift`. It needs a graph to be written in: with plain numbers it is NaN.
    fn mean(&self) -> Var<'g> {
        self.each(|steps| self.drift * steps)
    }

    /// `(t + 1) scale^2`. It needs a graph to be written in: with plain numbers it is NaN.
    fn variance(&self) -> Var<'g> {
        self.each(|steps| self.scale * self.scale * steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_components_follow, assert_stable, normal_cdf};
    use bayes_nn_autodiff::{Bindings, Graph};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &GaussianRandomWalk::new(3, 0.5, 2.0),
            &[
                -0.03721473892419003,
                0.35386092085950804,
                -0.30328983282840327,
                -2.718674418097762,
                1.0206903479705605,
                2.7878449466529123,
                2.091510475998258,
                0.0072336107900481394,
                3.851138319048433,
                -1.5533470844097277,
                1.4299152998187785,
                0.10564000947637076,
                1.2964463684444718,
                4.2754313497011065,
                6.352529684695643,
            ],
        );
    }

    #[test]
    fn draws_have_normal_marginals() {
        let graph = Graph::new();
        let scale = graph.constant(&[2.0], [1]);
        let walk = GaussianRandomWalk::new(4, 0.5, scale);
        assert_components_follow(&walk, |t, x| {
            let steps = t as f64 + 1.0;
            normal_cdf((x - 0.5 * steps) / (2.0 * steps.sqrt()))
        });
    }

    #[test]
    fn reparameterised_draws_are_sums_of_steps() {
        let graph = Graph::new();
        let noise = graph.constant(&[1.0, 0.0, -1.0, 2.0, 0.5, 0.0], [3, 2]);
        let draw = GaussianRandomWalk::new(3, 1.0, 2.0).rsample(&mut |_| noise);
        let values = graph.evaluate(&[draw.unwrap()], &Bindings::new()).unwrap();
        assert_eq!(values[0].values(), [3.0, 1.0, 2.0, 6.0, 4.0, 7.0]);
    }

    #[test]
    fn walks_of_a_batch_have_their_own_scales() {
        let graph = Graph::new();
        let walk = GaussianRandomWalk::new(4, 0.0, graph.input("scale", [5]));
        assert_eq!(walk.shape(), Shape::from([4, 5]));
        assert_eq!(
            walk.log_prob(graph.input("x", [4])).shape(),
            Shape::from([5])
        );
        assert_eq!(walk.mean().shape(), Shape::from([4, 5]));
        assert_eq!(
            walk.expand([4, 7, 5]).mean().shape(),
            Shape::from([4, 7, 5])
        );
        assert_eq!(graph.check(), Ok(()));
    }
}
