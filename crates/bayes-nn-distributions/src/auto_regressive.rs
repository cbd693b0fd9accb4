//! The autoregressive process: each number is a combination of those before it, plus noise.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::first_axis_sum;
use crate::gaussian_random_walk::lagged;
use crate::linear::{padded, stacked};
use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The distribution of series `[T, ...batch]` with coefficients `[p, ...batch]` of the last `p`
/// numbers, nearest first, and standard deviation `scale > 0` of the noise.
///
/// ```text
/// x[t] = constant + sum_i coefficients[i] x[t - 1 - i] + scale e[t],   t = 0 .. T - 1
/// x[t] = 0 for t < 0,   e[t] standard normal
/// ```
///
/// The coefficients need not be those of a stationary process. The density fails where the square
/// of a residual overflows: there it is `-inf`.
///
/// `constant` and `coefficients` may be any finite numbers.
///
/// G. Box and G. Jenkins, *Time Series Analysis: Forecasting and Control*, 1970.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{AutoRegressive, Distribution, GaussianRandomWalk};
/// let graph = Graph::new();
/// let x = graph.constant(&[0.3, -1.0, 0.5], [3]);
/// let halved = AutoRegressive::new(3, 0.0, 0.5, 1.0);
/// let expected = -1.5 * std::f64::consts::TAU.ln() - 0.5 * (0.09 + 1.15 * 1.15 + 1.0);
/// assert!((halved.log_prob(x).number().unwrap() - expected).abs() < 1e-14);
/// // With the coefficient 1 it is a random walk.
/// let series = AutoRegressive::new(3, 0.2, 1.0, 0.7).log_prob(x).number().unwrap();
/// let walk = GaussianRandomWalk::new(3, 0.2, 0.7).log_prob(x).number().unwrap();
/// assert!((series - walk).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AutoRegressive<'a> {
    steps: usize,
    constant: Var<'a>,
    coefficients: Var<'a>,
    scale: Var<'a>,
}

impl<'a> AutoRegressive<'a> {
    /// Of so many `steps`; a plain number is the only coefficient.
    pub fn new(
        steps: usize,
        constant: impl Into<Var<'a>>,
        coefficients: impl Into<Var<'a>>,
        scale: impl Into<Var<'a>>,
    ) -> AutoRegressive<'a> {
        AutoRegressive {
            steps,
            constant: constant.into(),
            coefficients: coefficients.into(),
            scale: scale.into(),
        }
    }

    /// The coefficients, each `[...batch]`.
    fn each_coefficient(&self) -> Vec<Var<'a>> {
        match &*self.coefficients.shape() {
            [order, ..] => (0..*order).map(|lag| self.coefficients.row(lag)).collect(),
            [] => vec![self.coefficients],
        }
    }

    /// The series that noise gives, step by step.
    fn series(&self, noise: impl Fn(usize) -> Var<'a>) -> Vec<Var<'a>> {
        let coefficients = self.each_coefficient();
        let mut series: Vec<Var<'a>> = Vec::with_capacity(self.steps);
        for step in 0..self.steps {
            let past = coefficients.iter().zip(series.iter().rev());
            let next = past.fold(noise(step), |sum, (coefficient, x)| sum + *coefficient * *x);
            series.push(next);
        }
        series
    }

    fn stacked(&self, values: &[Var<'a>]) -> Var<'a> {
        let parameters = [self.constant, self.coefficients, self.scale];
        stacked(&parameters, values, self.own_batch())
    }

    fn own_batch(&self) -> Shape {
        let lags = self.coefficients.shape();
        let lags = lags.without(0, lags.rank().min(1));
        let common = lags.broadcast(&self.constant.shape());
        let common = common.and_then(|shape| shape.broadcast(&self.scale.shape()));
        common.unwrap_or(Shape::SCALAR)
    }
}

impl<'a: 'g, 'g> Distribution<'g> for AutoRegressive<'a> {
    fn name(&self) -> &'static str {
        "AutoRegressive"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![
            Parameter::new("constant", self.constant, Domain::Real),
            Parameter {
                event: true,
                ..Parameter::new("coefficients", self.coefficients, Domain::Real)
            },
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
        let mut residual = x - self.constant;
        for (lag, coefficient) in (1..).zip(self.each_coefficient()) {
            residual = residual - lagged(x, lag) * coefficient;
        }
        let z = residual / self.scale;
        let steps = self.steps as f64;
        first_axis_sum(z * z) * -0.5 - (self.scale.ln() + LN_SQRT_2_PI) * steps
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let shocks = noise(NoiseKind::Normal) * self.scale + self.constant;
        let own: AutoRegressive<'g> = *self;
        let batch = shocks.shape().without(0, 1);
        Some(stacked(
            &[shocks],
            &own.series(|step| shocks.row(step)),
            batch,
        ))
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        match parameters {
            [constant, .., scale] => constant + scale * draws::normal(rng),
            _ => f64::NAN,
        }
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let [_, coefficients @ .., _] = parameters else {
            return event.fill(f64::NAN);
        };
        for step in 0..event.len() {
            let past = coefficients.iter().zip(event[..step].iter().rev());
            let carried: f64 = past.map(|(coefficient, x)| coefficient * x).sum();
            event[step] = carried + self.draw(parameters, rng);
        }
    }

    /// It needs a graph to be written in: with plain numbers it is NaN.
    fn mean(&self) -> Var<'g> {
        self.stacked(&self.series(|_| self.constant))
    }

    /// It needs a graph to be written in: with plain numbers it is NaN.
    fn variance(&self) -> Var<'g> {
        // What is left of one shock after so many steps; those of all shocks add up.
        let responses = self.series(|step| Var::from(f64::from(step == 0)));
        let mut variance = Var::from(0.0);
        let sums: Vec<Var<'a>> = responses
            .iter()
            .map(|response| {
                let shock = *response * self.scale;
                variance = variance + shock * shock;
                variance
            })
            .collect();
        self.stacked(&sums)
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
            &AutoRegressive::new(3, 0.5, 0.9, 2.0),
            &[
                -0.03721473892419003,
                0.35758239475192705,
                -0.33532659841117696,
                -2.718674418097762,
                1.2925577897803366,
                2.9304566094846547,
                2.091510475998258,
                -0.20191743680977758,
                3.662179015129585,
                -1.5533470844097277,
                1.5852500082597512,
                0.1024497170913683,
                1.2964463684444718,
                4.145786712856659,
                5.808306376565531,
            ],
        );
    }

    #[test]
    fn draws_have_normal_marginals() {
        let graph = Graph::new();
        let coefficients = graph.constant(&[0.5, -0.3], [2]);
        let series = AutoRegressive::new(3, 1.0, coefficients, 2.0);
        // Means 1, 1.5, 1.45; responses 1, 0.5, -0.05.
        let means = [1.0, 1.5, 1.45];
        let variances = [4.0, 5.0, 5.01];
        assert_components_follow(&series, |t, x| {
            normal_cdf((x - means[t]) / f64::sqrt(variances[t]))
        });
        let moments = [series.mean(), series.variance()];
        let values = graph.evaluate(&moments, &Bindings::new()).unwrap();
        for t in 0..3 {
            assert!((values[0].values()[t] - means[t]).abs() < 1e-14);
            assert!((values[1].values()[t] - variances[t]).abs() < 1e-14);
        }
    }

    #[test]
    fn reparameterised_draws_leave_the_noise_as_residual() {
        let graph = Graph::new();
        let noise = graph.constant(&[1.0, 0.0, -1.0, 2.0, 0.5, 0.0], [3, 2]);
        let coefficients = graph.constant(&[0.5, -0.25], [2]);
        let series = AutoRegressive::new(3, 1.0, coefficients, 2.0);
        let draw = series.rsample(&mut |_| noise).unwrap();
        let values = graph.evaluate(&[draw], &Bindings::new()).unwrap();
        assert_eq!(values[0].values(), [3.0, 1.0, 0.5, 5.5, 1.5, 3.5]);
    }

    #[test]
    fn series_of_a_batch_have_their_own_coefficients() {
        let graph = Graph::new();
        let series = AutoRegressive::new(4, 0.0, graph.input("coefficients", [2, 5]), 1.0);
        assert_eq!(series.shape(), Shape::from([4, 5]));
        assert_eq!(
            series.log_prob(graph.input("x", [4])).shape(),
            Shape::from([5])
        );
        assert_eq!(series.variance().shape(), Shape::from([4, 5]));
        assert_eq!(graph.check(), Ok(()));
    }
}
