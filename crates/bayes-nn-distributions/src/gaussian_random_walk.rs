//! The Gaussian random walk: sums of independent normal steps.

use bayes_nn_autodiff::{NoiseKind, Shape, Var, concat};
use rand_core::Rng;

use crate::axes::{cumulative_sum, first_axis_sum, from_row};
use crate::initial::{initial_conflict, initial_parameters};
use crate::linear::{padded, stacked};
use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Flat, Parameter, Support, draws};

/// The distribution of walks `[T, ...batch]` by the mean `drift` and the standard deviation
/// `scale > 0` of a step.
///
/// ```text
/// x[t] = x[t - 1] + drift + scale e[t],   e[t] standard normal,   t = 1 .. T - 1
/// ```
///
/// Where the walk begins, `x[0]`:
/// - unless told otherwise it is taken as given and adds nothing to the log density, which is that
///   of the steps. That suits a walk that is observed, and a level whose start the data tell. It is
///   no probability distribution of the whole walk, so that nothing can be drawn from it;
/// - with [`GaussianRandomWalk::initial`] it comes from a distribution. Then walks can be drawn, as
///   prior draws and simulated observations need it. `Normal::new(drift, scale)` makes it a step
///   from zero: for deviations from a level that is a variable of its own.
///
/// `T` is at least 2. The density fails where the square of a step overflows: there it is `-inf`.
///
/// G. Box and G. Jenkins, *Time Series Analysis: Forecasting and Control*, 1970.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Distribution, GaussianRandomWalk, Normal, sample};
/// let graph = Graph::new();
/// let walk = GaussianRandomWalk::new(3, 0.0, 1.0);
/// let still = walk.log_prob(graph.constant(&[7.0; 3], [3])).number().unwrap();
/// assert!((still + std::f64::consts::TAU.ln()).abs() < 1e-14);
/// assert!(sample(&walk, 1, 0).is_err());
///
/// let from_around_7 = walk.initial(Normal::new(7.0, 0.1));
/// assert!((sample(&from_around_7, 1, 0)?[0] - 7.0).abs() < 1.0);
/// # Ok::<(), bayes_nn_distributions::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GaussianRandomWalk<'a, D = Flat<'a>> {
    steps: usize,
    drift: Var<'a>,
    scale: Var<'a>,
    initial: D,
}

impl<'a> GaussianRandomWalk<'a> {
    /// Of so many numbers `steps`, given the first of them, with `drift` and `scale`, of shapes
    /// that broadcast.
    pub fn new(
        steps: usize,
        drift: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
    ) -> GaussianRandomWalk<'a> {
        GaussianRandomWalk {
            steps,
            drift: drift.into(),
            scale: scale.into(),
            initial: Flat::real(),
        }
    }
}

impl<'a, D> GaussianRandomWalk<'a, D> {
    /// With the distribution of the first number, a distribution of real numbers of a shape that
    /// broadcasts with the batch.
    #[must_use]
    pub fn initial<E>(self, initial: E) -> GaussianRandomWalk<'a, E> {
        GaussianRandomWalk {
            steps: self.steps,
            drift: self.drift,
            scale: self.scale,
            initial,
        }
    }
}

impl<'a: 'g, 'g, D: Distribution<'g>> GaussianRandomWalk<'a, D> {
    /// A value for each number, by how many steps led to it.
    fn each(&self, value: impl Fn(f64) -> Var<'g>) -> Var<'g> {
        let values: Vec<Var<'g>> = (0..self.steps).map(|steps| value(steps as f64)).collect();
        let parameters: Vec<Var<'g>> = self.parameters().iter().map(|p| p.value).collect();
        stacked(&parameters, &values, self.batch_shape())
    }
}

impl<'a: 'g, 'g, D: Distribution<'g>> Distribution<'g> for GaussianRandomWalk<'a, D> {
    fn name(&self) -> &'static str {
        "GaussianRandomWalk"
    }

    /// `drift`, `scale`, and `initial.*` of the initial distribution.
    fn parameters(&self) -> Vec<Parameter<'g>> {
        let mut parameters = vec![
            Parameter::new("drift", self.drift, Domain::Real),
            Parameter::new("scale", self.scale, Domain::Positive),
        ];
        parameters.extend(initial_parameters(&self.initial));
        parameters
    }

    fn support(&self) -> Support<'g> {
        Support::Real
    }

    fn is_proper(&self) -> bool {
        self.initial.is_proper()
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.steps])
    }

    fn batch_shape(&self) -> Shape {
        let own = [self.scale.shape(), self.initial.batch_shape()];
        own.iter().fold(self.drift.shape(), |shape, own| {
            shape.broadcast(own).unwrap_or(shape)
        })
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let own = self.batch_shape().rank();
        let x = padded(x, 1, own.max(x.shape().rank().saturating_sub(1)));
        let shape = x.shape();
        if shape.rank() == 0 || shape[0] < 2 {
            return Var::from(f64::NAN);
        }
        let steps = shape[0] - 1;
        let before = x.view(0, shape.with(0, steps));
        let z = (from_row(x, 1) - before - self.drift) / self.scale;
        let first = self.initial.log_prob(x.view(0, shape.with(0, 1)));
        let given = first_axis_sum(z * z) * -0.5 - (self.scale.ln() + LN_SQRT_2_PI) * steps as f64;
        given + first_axis_sum(first)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let first = self.initial.rsample(noise)?;
        let steps = noise(NoiseKind::Normal) * self.scale + self.drift;
        let shape = steps.shape().with(0, 1);
        let places = concat(&[first.view(0, shape), from_row(steps, 1)], 0);
        Some(cumulative_sum(places))
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let own = parameters.len().min(2);
        self.initial.draw(&parameters[own..], rng)
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let [drift, scale] = draws::numbers(parameters);
        let Some((first, others)) = event.split_first_mut() else {
            return;
        };
        *first = self.draw(parameters, rng);
        let mut place = *first;
        for x in others {
            place += drift + scale * draws::normal(rng);
            *x = place;
        }
    }

    /// NaN without an initial distribution. It needs a graph to be written in: with plain numbers
    /// it is NaN.
    fn mean(&self) -> Var<'g> {
        self.each(|steps| self.initial.mean() + self.drift * steps)
    }

    /// NaN without an initial distribution. It needs a graph to be written in: with plain numbers
    /// it is NaN.
    fn variance(&self) -> Var<'g> {
        self.each(|steps| self.initial.variance() + self.scale * self.scale * steps)
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        if self.steps < 2 {
            let steps = self.steps;
            return Some(format!("a walk must have at least 2 numbers, got {steps}"));
        }
        let own = parameters.len().min(2);
        initial_conflict(&self.initial, &parameters[own..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_components_follow, assert_stable, normal_cdf};
    use crate::{Normal, sample};
    use bayes_nn_autodiff::{Bindings, Graph};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &GaussianRandomWalk::new(3, 0.5, 2.0).initial(Normal::new(0.5, 2.0)),
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
        let walk = GaussianRandomWalk::new(4, 0.5, scale).initial(Normal::new(7.0, 3.0));
        assert_components_follow(&walk, |t, x| {
            let steps = t as f64;
            normal_cdf((x - 7.0 - 0.5 * steps) / (9.0 + 4.0 * steps).sqrt())
        });
    }

    #[test]
    fn reparameterised_draws_are_sums_of_steps() {
        let graph = Graph::new();
        let noise = graph.constant(&[1.0, 0.0, -1.0, 2.0, 0.5, 0.0], [3, 2]);
        let walk = GaussianRandomWalk::new(3, 1.0, 2.0).initial(Normal::new(1.0, 2.0));
        let draw = walk.rsample(&mut |_| noise);
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

    #[test]
    fn where_a_walk_begins_does_not_move_its_scale() {
        let graph = Graph::new();
        let walk = GaussianRandomWalk::new(3, 0.5, 1.5);
        let at = |level: f64| {
            let x = [level, level + 1.0, level - 0.5];
            let log_prob = walk.log_prob(graph.constant(&x, [3]));
            log_prob.number().unwrap()
        };
        assert_eq!(at(0.0), at(1024.0));
        let error = GaussianRandomWalk::new(1, 0.0, 1.0).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "GaussianRandomWalk: a walk must have at least 2 numbers, got 1"
        );
        assert!(
            sample(&walk, 1, 0)
                .unwrap_err()
                .to_string()
                .contains("`initial`")
        );
    }
}
