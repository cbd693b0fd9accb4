//! Distributions behind a reference, a box or a shared pointer.

use std::sync::Arc;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::{AxisNames, Distribution, Parameter, ParameterError, Support};

/// The methods of a distribution, but for the names of axes, as those of another that it holds.
macro_rules! forward_methods {
    ($self:ident => $inner:expr) => {
        fn name(&$self) -> &'static str {
            ($inner).name()
        }
        fn parameters(&$self) -> Vec<Parameter<'g>> {
            ($inner).parameters()
        }
        fn support(&$self) -> Support<'g> {
            ($inner).support()
        }
        fn log_prob(&$self, x: Var<'g>) -> Var<'g> {
            ($inner).log_prob(x)
        }
        fn rsample(&$self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
            ($inner).rsample(noise)
        }
        fn draw(&$self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
            ($inner).draw(parameters, rng)
        }
        fn draw_event(&$self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
            ($inner).draw_event(parameters, rng, event);
        }
        fn is_proper(&$self) -> bool {
            ($inner).is_proper()
        }
        fn event_shape(&$self) -> Shape {
            ($inner).event_shape()
        }
        fn batch_shape(&$self) -> Shape {
            ($inner).batch_shape()
        }
        fn mean(&$self) -> Var<'g> {
            ($inner).mean()
        }
        fn variance(&$self) -> Var<'g> {
            ($inner).variance()
        }
        fn expected_log_prob(&$self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
            ($inner).expected_log_prob(mean, sd)
        }
        fn log_probabilities(&$self) -> Option<Var<'g>> {
            ($inner).log_probabilities()
        }
        fn normal(&$self) -> Option<(Var<'g>, Var<'g>)> {
            ($inner).normal()
        }
        fn conflict(&$self, parameters: &[f64]) -> Option<String> {
            ($inner).conflict(parameters)
        }
        fn shape(&$self) -> Shape {
            ($inner).shape()
        }
        fn check(&$self) -> Result<(), ParameterError> {
            ($inner).check()
        }
        fn check_values(&$self, parameters: &[f64]) -> Result<(), ParameterError> {
            ($inner).check_values(parameters)
        }
    };
}
pub(crate) use forward_methods;

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<'g, D: Distribution<'g> + ?Sized> Distribution<'g> for $pointer {
            forward_methods!(self => **self);

            fn axis_names(&self) -> AxisNames {
                (**self).axis_names()
            }
        }
    )*};
}

forward!(&D, Box<D>, Arc<D>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;
    use bayes_nn_autodiff::Graph;
    use rand_core::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// A distribution that answers every question in its own way.
    #[derive(Debug)]
    struct Probe;

    impl<'g> Distribution<'g> for Probe {
        fn name(&self) -> &'static str {
            "Probe"
        }
        fn parameters(&self) -> Vec<Parameter<'g>> {
            vec![Parameter::new("p", Var::from(2.0), Domain::Positive)]
        }
        fn support(&self) -> Support<'g> {
            Support::Categories(3)
        }
        fn log_prob(&self, x: Var<'g>) -> Var<'g> {
            x + 4.0
        }
        fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
            Some(noise(NoiseKind::Normal) + 5.0)
        }
        fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
            parameters[0] + rng.next_u64() as f64
        }
        fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
            event.fill(parameters[0] + 7.0 + f64::from(rng.next_u32()));
        }
        fn mean(&self) -> Var<'g> {
            Var::from(8.0)
        }
        fn variance(&self) -> Var<'g> {
            Var::from(9.0)
        }
        fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
            Some(mean * 10.0 + sd)
        }
        fn log_probabilities(&self) -> Option<Var<'g>> {
            Some(Var::from(11.0))
        }
        fn normal(&self) -> Option<(Var<'g>, Var<'g>)> {
            Some((Var::from(12.0), Var::from(13.0)))
        }
        fn conflict(&self, parameters: &[f64]) -> Option<String> {
            Some(format!("conflict of {parameters:?}"))
        }
        fn is_proper(&self) -> bool {
            false
        }
        fn event_shape(&self) -> Shape {
            Shape::from([14])
        }
        fn batch_shape(&self) -> Shape {
            Shape::from([15])
        }
        fn shape(&self) -> Shape {
            Shape::from([14, 15])
        }
        fn check(&self) -> Result<(), ParameterError> {
            Err(ParameterError::Improper {
                distribution: "check",
            })
        }
        fn check_values(&self, parameters: &[f64]) -> Result<(), ParameterError> {
            Err(ParameterError::Count {
                distribution: "check_values",
                expected: 16,
                got: parameters.len(),
            })
        }
        fn axis_names(&self) -> AxisNames {
            AxisNames {
                event: "17".into(),
                ..AxisNames::default()
            }
        }
    }

    /// A distribution that answers only what it must, and that differently from the probe.
    #[derive(Debug)]
    struct Bare;

    impl<'g> Distribution<'g> for Bare {
        fn name(&self) -> &'static str {
            "Bare"
        }
        fn parameters(&self) -> Vec<Parameter<'g>> {
            Vec::new()
        }
        fn support(&self) -> Support<'g> {
            Support::Real
        }
        fn log_prob(&self, x: Var<'g>) -> Var<'g> {
            x
        }
        fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
            None
        }
        fn draw(&self, _: &[f64], _: &mut dyn Rng) -> f64 {
            0.0
        }
        fn mean(&self) -> Var<'g> {
            Var::from(0.0)
        }
        fn variance(&self) -> Var<'g> {
            Var::from(0.0)
        }
    }

    macro_rules! answers {
        ($distribution:expr; $($method:ident $arguments:tt)*) => {
            vec![$((
                stringify!($method),
                format!("{:?}", Distribution::$method $arguments),
            )),*]
        };
    }

    /// What a distribution answers, with the name of each method.
    fn answers<'g>(distribution: &(impl Distribution<'g> + ?Sized)) -> Vec<(&'static str, String)> {
        answers_at(distribution, Var::from(1.0), &[3.0], 3)
    }

    /// What it answers at `x`, and of draws of so many numbers with these parameters.
    fn answers_at<'g>(
        d: &(impl Distribution<'g> + ?Sized),
        x: Var<'g>,
        numbers: &[f64],
        event: usize,
    ) -> Vec<(&'static str, String)> {
        let two = Var::from(2.0);
        let mut noise = |_: NoiseKind| x * 0.5;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut event = vec![0.0; event];
        let mut answers = answers![d;
            name(d) parameters(d) support(d) log_prob(d, x) rsample(d, &mut noise)
            draw(d, numbers, &mut rng) draw_event(d, numbers, &mut rng, &mut event) mean(d)
            variance(d) expected_log_prob(d, x, two) log_probabilities(d) normal(d)
            conflict(d, numbers) is_proper(d) event_shape(d) batch_shape(d) shape(d) check(d)
            check_values(d, numbers) axis_names(d)
        ];
        let drawn = answers.iter_mut().find(|(name, _)| *name == "draw_event");
        drawn.expect("it is asked").1 = format!("{event:?}");
        answers
    }

    #[test]
    fn every_method_goes_through_every_pointer() {
        let direct = answers(&Probe);
        assert_eq!(answers(&&Probe), direct);
        assert_eq!(answers(&Box::new(Probe)), direct);
        assert_eq!(answers(&Arc::new(Probe)), direct);
        let boxed: Box<dyn Distribution<'_>> = Box::new(Probe);
        assert_eq!(answers(&boxed), direct);
        assert_eq!(answers(&*boxed), direct);
        let shared: Arc<dyn for<'g> Distribution<'g> + Send + Sync> = Arc::new(Probe);
        assert_eq!(answers(&shared), direct);
        // Expanded to its own shape, a distribution is what it was, but that numbers have that shape.
        let expanded = answers(&Expanded::new(Probe, Shape::from([14, 15])));
        let number = |answer: &str| answer.split(": [").next().map(|a| a.replace(')', ""));
        for (expanded, direct) in expanded.iter().zip(&direct) {
            let (expanded, direct) = (number(&expanded.1), number(&direct.1));
            assert_eq!(expanded, direct);
        }
        // A method that a pointer forgets gives the default, which must differ to be seen.
        for (ours, default) in direct.iter().zip(answers(&Bare)) {
            assert_ne!(ours.1, default.1, "{} is as by default", ours.0);
        }
    }

    /// Asks a distribution directly and in a box; its name.
    fn asked<'g>(graph: &'g Graph, direct: impl Distribution<'g> + Clone + 'g) -> String {
        let boxed: Box<dyn Distribution<'g> + 'g> = Box::new(direct.clone());
        let values = ParameterValues::known(&direct).unwrap();
        let mut numbers = Vec::new();
        values.read(0, &mut numbers);
        let shape = direct.event_shape();
        let x = match shape.rank() {
            0 => Var::from(0.5),
            _ => graph.constant(&vec![0.25; shape.elements()], shape),
        };
        let count = shape.elements();
        let answers = answers_at(&direct, x, &numbers, count);
        assert_eq!(answers_at(&boxed, x, &numbers, count), answers);
        direct.name().to_owned()
    }

    #[test]
    fn every_distribution_answers_the_same_in_a_box() {
        let graph = Graph::new();
        let g = &graph;
        let three = graph.constant(&[0.2, 0.3, 0.5], [3]);
        let factor = graph.constant(&[1.0, 0.0, 0.5, 2.0], [2, 2]);
        let normal = Normal::new(0.3, 1.5);
        let mut names = vec![
            asked(g, AutoRegressive::new(3, 0.1, 0.5, 1.0).initial(normal)),
            asked(g, Bernoulli::probs(0.3)),
            asked(g, Beta::new(2.0, 3.0)),
            asked(g, BetaBinomial::new(7.0, 2.0, 3.0)),
            asked(g, Binomial::probs(7.0, 0.3)),
            asked(g, Categorical::new(three)),
            asked(g, Cauchy::new(0.3, 1.5)),
            asked(g, ChiSquared::new(3.0)),
            asked(g, Dirichlet::new(three)),
            asked(g, ExGaussian::new(0.3, 1.5, 2.0)),
            asked(g, Exponential::new(2.0)),
            asked(g, Flat::positive()),
            asked(g, Gamma::new(2.0, 3.0)),
            asked(g, GaussianRandomWalk::new(3, 0.1, 0.5).initial(normal)),
            asked(g, Geometric::new(0.3)),
            asked(g, Gumbel::new(0.3, 1.5)),
            asked(g, HalfCauchy::new(1.5)),
            asked(g, HalfNormal::new(1.5)),
            asked(g, HalfStudentT::new(3.0, 1.5)),
            asked(g, Horseshoe::new(1.5)),
            asked(g, InverseGamma::new(2.0, 3.0)),
            asked(g, Laplace::new(0.3, 1.5)),
            asked(g, LkjCholesky::new(3, 1.5)),
            asked(g, LogNormal::new(0.3, 1.5)),
            asked(g, Logistic::new(0.3, 1.5)),
            asked(
                g,
                Mixture::new([(0.3, normal), (0.7, Normal::new(1.0, 2.0))]),
            ),
            asked(g, Multinomial::probs(7.0, three)),
            asked(g, MultivariateNormal::new(0.3, factor)),
            asked(g, MultivariateStudentT::new(3.0, 0.3, factor)),
            asked(g, NegativeBinomial::new(2.0, 3.0)),
            asked(g, normal),
            asked(g, Ordered::new(normal, 3)),
            asked(g, OrderedLogistic::new(0.3, three)),
            asked(g, Poisson::new(2.0)),
            asked(g, SkewNormal::new(0.3, 1.5, 2.0)),
            asked(g, SphericalStudentT::new(1.5, 6.0, [2, 3])),
            asked(g, StudentT::new(3.0, 0.3, 1.5)),
            asked(g, TruncatedNormal::new(0.3, 1.5, -1.0, 2.0)),
            asked(g, Uniform::new(-1.0, 2.0)),
            asked(g, VonMises::new(0.3, 1.5)),
            asked(g, Weibull::new(2.0, 3.0)),
            asked(g, ZeroInflatedPoisson::new(0.3, 2.0)),
        ];
        let _ = asked(g, normal.expand([2]));
        let exports = include_str!("lib.rs")
            .split("pub use auto_regressive")
            .nth(1);
        let lines = exports.expect("the distributions").lines();
        let mut exported: Vec<&str> = lines
            .filter_map(|line| line.rsplit("::").next()?.strip_suffix(';'))
            .collect();
        exported.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, exported);
    }

    #[test]
    fn every_method_of_the_trait_is_asked() {
        let source = include_str!("distribution.rs");
        let body = source.split("pub trait Distribution").nth(1);
        let body = body.and_then(|rest| rest.split("\n}\n").next());
        let methods = body.expect("the trait").lines();
        let names = methods.filter_map(|line| line.strip_prefix("    fn ")?.split('(').next());
        let made = ["expand", "over", "along"];
        let mut declared: Vec<&str> = names.filter(|name| !made.contains(name)).collect();
        let mut asked: Vec<&str> = answers(&Probe).iter().map(|(name, _)| *name).collect();
        declared.sort_unstable();
        asked.sort_unstable();
        assert_eq!(asked, declared);
    }
}
