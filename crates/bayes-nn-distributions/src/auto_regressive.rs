//! The autoregressive process: each number is a combination of those before it, plus noise.

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::{first_axis_sum, from_row};
use crate::initial::{initial_conflict, initial_parameters};
use crate::linear::{padded, stacked};
use crate::stable::LN_SQRT_2_PI;
use crate::{Distribution, Domain, Flat, Parameter, Support, draws};

/// The distribution of series `[T, ...batch]` with coefficients `[p, ...batch]` of the last `p`
/// numbers, nearest first, and standard deviation `scale > 0` of the noise.
///
/// ```text
/// x[t] = constant + sum_i coefficients[i] x[t - 1 - i] + scale e[t],   t = p .. T - 1
/// ```
///
/// with `e[t]` standard normal. The first `p` numbers have no predecessors:
/// - unless told otherwise they are taken as given and add nothing to the log density, which is
///   that of the others given these (the conditional likelihood of Box and Jenkins, and of
///   statsmodels' `AutoReg`). That suits a series that is observed, whatever its level. It is no
///   probability distribution of the whole series, so that nothing can be drawn from it;
/// - with [`AutoRegressive::initial`] each of them comes from a distribution. Then series can be
///   drawn, as prior draws and simulated observations need it.
///
/// A series that is itself a variable of the model can be either: without an initial distribution
/// its first numbers have a flat prior.
///
/// The coefficients need not be those of a stationary process. The density fails where the square
/// of a residual overflows: there it is `-inf`.
///
/// `constant` and `coefficients` may be any finite numbers; `T` is larger than `p`.
///
/// G. Box and G. Jenkins, *Time Series Analysis: Forecasting and Control*, 1970, section 7.1.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{AutoRegressive, Distribution, Normal, sample};
/// let graph = Graph::new();
/// let x = graph.constant(&[0.3, -1.0, 0.5], [3]);
/// let halved = AutoRegressive::new(3, 0.0, 0.5, 1.0);
/// let given_the_first = -std::f64::consts::TAU.ln() - 0.5 * (1.15 * 1.15 + 1.0);
/// assert!((halved.log_prob(x).number().unwrap() - given_the_first).abs() < 1e-14);
/// assert!(sample(&halved, 1, 0).is_err());
///
/// let from_around_7 = halved.initial(Normal::new(7.0, 0.1));
/// assert!((sample(&from_around_7, 1, 0)?[0] - 7.0).abs() < 1.0);
/// # Ok::<(), bayes_nn_distributions::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AutoRegressive<'a, D = Flat<'a>> {
    steps: usize,
    constant: Var<'a>,
    coefficients: Var<'a>,
    scale: Var<'a>,
    initial: D,
}

impl<'a> AutoRegressive<'a> {
    /// Of so many numbers `steps`, given the first of them; a plain number is the only coefficient.
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
            initial: Flat::real(),
        }
    }
}

impl<'a, D> AutoRegressive<'a, D> {
    /// With the distribution of each of the first `p` numbers, a distribution of real numbers of a
    /// shape that broadcasts with the batch.
    #[must_use]
    pub fn initial<E>(self, initial: E) -> AutoRegressive<'a, E> {
        AutoRegressive {
            steps: self.steps,
            constant: self.constant,
            coefficients: self.coefficients,
            scale: self.scale,
            initial,
        }
    }

    /// `p`
    fn order(&self) -> usize {
        self.coefficients.shape().first().copied().unwrap_or(1)
    }

    /// The coefficients, each `[...batch]`.
    fn each_coefficient(&self) -> Vec<Var<'a>> {
        match self.coefficients.shape().rank() {
            0 => vec![self.coefficients],
            _ => (0..self.order())
                .map(|lag| self.coefficients.row(lag))
                .collect(),
        }
    }
}

/// The series of so many numbers that these coefficients make of what is new in each of them; the
/// first are new altogether.
fn series<'g>(
    steps: usize,
    coefficients: &[Var<'g>],
    new: impl Fn(usize) -> Var<'g>,
) -> Vec<Var<'g>> {
    let mut series: Vec<Var<'g>> = Vec::with_capacity(steps);
    for step in 0..steps {
        let past = match step < coefficients.len() {
            true => &[],
            false => coefficients,
        };
        let past = past.iter().zip(series.iter().rev());
        let next = past.fold(new(step), |sum, (coefficient, x)| sum + *coefficient * *x);
        series.push(next);
    }
    series
}

impl<'a: 'g, 'g, D: Distribution<'g>> AutoRegressive<'a, D> {
    fn stacked(&self, values: &[Var<'g>]) -> Var<'g> {
        let parameters: Vec<Var<'g>> = self.parameters().iter().map(|p| p.value).collect();
        stacked(&parameters, values, self.batch_shape())
    }
}

impl<'a: 'g, 'g, D: Distribution<'g>> Distribution<'g> for AutoRegressive<'a, D> {
    fn name(&self) -> &'static str {
        "AutoRegressive"
    }

    /// `constant`, `coefficients`, `scale`, and `initial.*` of the initial distribution.
    fn parameters(&self) -> Vec<Parameter<'g>> {
        let mut parameters = vec![
            Parameter::new("constant", self.constant, Domain::Real),
            Parameter {
                event: true,
                ..Parameter::new("coefficients", self.coefficients, Domain::Real)
            },
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

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let own = self.batch_shape().rank();
        let x = padded(x, 1, own.max(x.shape().rank().saturating_sub(1)));
        let (shape, order) = (x.shape(), self.order());
        if shape.rank() == 0 || shape[0] <= order {
            return Var::from(f64::NAN);
        }
        let steps = shape[0] - order;
        let stride: usize = shape[1..].iter().product();
        let mut residual = from_row(x, order) - self.constant;
        for (lag, coefficient) in (1..).zip(self.each_coefficient()) {
            let before = x.view((order - lag) * stride, shape.with(0, steps));
            residual = residual - before * coefficient;
        }
        let z = residual / self.scale;
        let first = self.initial.log_prob(x.view(0, shape.with(0, order)));
        let given = first_axis_sum(z * z) * -0.5 - (self.scale.ln() + LN_SQRT_2_PI) * steps as f64;
        given + first_axis_sum(first)
    }

    fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        let first = self.initial.rsample(noise)?;
        let shocks = noise(NoiseKind::Normal) * self.scale + self.constant;
        let (order, coefficients) = (self.order(), self.each_coefficient());
        let new = |step| match step < order {
            true => first.row(step),
            false => shocks.row(step),
        };
        let batch = shocks.shape().without(0, 1);
        Some(stacked(
            &[shocks],
            &series(self.steps, &coefficients, new),
            batch,
        ))
    }

    fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
        let own = (self.order() + 2).min(parameters.len());
        self.initial.draw(&parameters[own..], rng)
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let order = self.order();
        let own = (order + 2).min(parameters.len());
        let [constant, coefficients @ .., scale] = &parameters[..own] else {
            return event.fill(f64::NAN);
        };
        for step in 0..event.len() {
            event[step] = match step < order {
                true => self.draw(parameters, rng),
                false => {
                    let past = coefficients.iter().zip(event[..step].iter().rev());
                    let carried: f64 = past.map(|(coefficient, x)| coefficient * x).sum();
                    carried + (constant + scale * draws::normal(rng))
                }
            };
        }
    }

    /// NaN without an initial distribution. It needs a graph to be written in: with plain numbers
    /// it is NaN.
    fn mean(&self) -> Var<'g> {
        let (order, coefficients) = (self.order(), self.each_coefficient());
        let (first, constant): (Var<'g>, Var<'g>) = (self.initial.mean(), self.constant);
        let new = |step| if step < order { first } else { constant };
        self.stacked(&series(self.steps, &coefficients, new))
    }

    /// NaN without an initial distribution. It needs a graph to be written in: with plain numbers
    /// it is NaN.
    fn variance(&self) -> Var<'g> {
        let (order, coefficients) = (self.order(), self.each_coefficient());
        // What one unit in a step adds to this and the later ones.
        let response = |unit: usize| {
            let new = |step| Var::from(f64::from(step == unit));
            series(self.steps, &coefficients, new)
        };
        let firsts: Vec<Vec<Var<'g>>> = (0..order).map(response).collect();
        // After `k` steps a shock adds what the last of the first numbers adds after `k` steps.
        let last = order.saturating_sub(1);
        let of_last = response(last);
        let mut of_shocks = Var::from(0.0);
        let square = |x: Var<'g>| x * x;
        let sums: Vec<Var<'g>> = (0..self.steps)
            .map(|step| {
                if step >= order {
                    of_shocks = of_shocks + square(of_last[last + step - order] * self.scale);
                }
                let of_firsts = firsts.iter().map(|responses| square(responses[step]));
                let of_firsts = of_firsts.fold(Var::from(0.0), |sum, square| sum + square);
                of_firsts * self.initial.variance() + of_shocks
            })
            .collect();
        self.stacked(&sums)
    }

    fn batch_shape(&self) -> Shape {
        let own = [
            self.constant.shape(),
            self.scale.shape(),
            self.initial.batch_shape(),
        ];
        let lags = self.coefficients.shape();
        let lags = lags.without(0, lags.rank().min(1));
        own.iter()
            .fold(lags, |shape, own| shape.broadcast(own).unwrap_or(shape))
    }

    fn conflict(&self, parameters: &[f64]) -> Option<String> {
        let (steps, order) = (self.steps, self.order());
        if steps <= order {
            return Some(format!(
                "a series must have more numbers than coefficients, got {steps} and {order}"
            ));
        }
        let own = (order + 2).min(parameters.len());
        initial_conflict(&self.initial, &parameters[own..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_components_follow, assert_stable, normal_cdf};
    use crate::{HalfNormal, Normal, sample};
    use bayes_nn_autodiff::{Bindings, Graph};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &AutoRegressive::new(3, 0.5, 0.9, 2.0).initial(Normal::new(0.5, 2.0)),
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
        let series = AutoRegressive::new(4, 1.0, coefficients, 2.0);
        let series = series.initial(Normal::new(3.0, 0.5));
        // To the last add the first with -0.15, the second with -0.05, the shocks with 0.5 and 1.
        let means = [3.0, 3.0, 1.6, 0.9];
        let variances = [0.25, 0.25, 4.085, 5.00625];
        assert_components_follow(&series, |t, x| {
            normal_cdf((x - means[t]) / f64::sqrt(variances[t]))
        });
        let moments = [series.mean(), series.variance()];
        let values = graph.evaluate(&moments, &Bindings::new()).unwrap();
        for t in 0..4 {
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
        let series = series.initial(Normal::new(1.0, 2.0));
        let draw = series.rsample(&mut |_| noise).unwrap();
        let values = graph.evaluate(&[draw], &Bindings::new()).unwrap();
        assert_eq!(values[0].values(), [3.0, 1.0, -1.0, 5.0, 0.75, 3.25]);
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
        let wide = series.initial(Normal::new(graph.input("loc", [5]), 1.0));
        assert_eq!(wide.shape(), Shape::from([4, 5]));
        assert_eq!(graph.check(), Ok(()));
    }

    #[test]
    fn the_level_of_a_series_is_that_of_its_constant() {
        let graph = Graph::new();
        let at = |level: f64| {
            let x = [level, level + 1.0, level - 0.5, level + 0.25];
            let series = AutoRegressive::new(4, 1.75 * level, -0.75, 1.5);
            series.log_prob(graph.constant(&x, [4])).number().unwrap()
        };
        assert_eq!(at(0.0), at(1024.0));
    }

    #[test]
    fn what_cannot_begin_is_refused() {
        let message = |d: &dyn Distribution<'static>| d.check().unwrap_err().to_string();
        assert_eq!(
            message(&AutoRegressive::new(1, 0.0, 0.5, 1.0)),
            "AutoRegressive: a series must have more numbers than coefficients, got 1 and 1"
        );
        let series = AutoRegressive::new(3, 0.0, 0.5, 1.0);
        assert_eq!(
            message(&series.initial(HalfNormal::new(1.0))),
            "AutoRegressive: the initial distribution must be one of real numbers; HalfNormal \
             draws a finite number >= 0"
        );
        assert_eq!(
            message(&series.initial(Normal::new(0.0, -1.0))),
            "AutoRegressive: initial.scale must be a finite number > 0, got -1"
        );
        let error = sample(&series, 1, 0).unwrap_err().to_string();
        assert!(error.contains("`initial`"), "{error}");
    }
}
