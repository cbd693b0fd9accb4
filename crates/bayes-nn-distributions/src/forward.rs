//! Distributions behind a reference, a box or a shared pointer.

use std::sync::Arc;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::{Distribution, Parameter, ParameterError, Support};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<'g, D: Distribution<'g> + ?Sized> Distribution<'g> for $pointer {
            fn name(&self) -> &'static str {
                (**self).name()
            }
            fn parameters(&self) -> Vec<Parameter<'g>> {
                (**self).parameters()
            }
            fn support(&self) -> Support<'g> {
                (**self).support()
            }
            fn log_prob(&self, x: Var<'g>) -> Var<'g> {
                (**self).log_prob(x)
            }
            fn rsample(&self, noise: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
                (**self).rsample(noise)
            }
            fn draw(&self, parameters: &[f64], rng: &mut dyn Rng) -> f64 {
                (**self).draw(parameters, rng)
            }
            fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
                (**self).draw_event(parameters, rng, event);
            }
            fn is_proper(&self) -> bool {
                (**self).is_proper()
            }
            fn event_shape(&self) -> Shape {
                (**self).event_shape()
            }
            fn batch_shape(&self) -> Shape {
                (**self).batch_shape()
            }
            fn mean(&self) -> Var<'g> {
                (**self).mean()
            }
            fn variance(&self) -> Var<'g> {
                (**self).variance()
            }
            fn expected_log_prob(&self, mean: Var<'g>, sd: Var<'g>) -> Option<Var<'g>> {
                (**self).expected_log_prob(mean, sd)
            }
            fn log_probabilities(&self) -> Option<Var<'g>> {
                (**self).log_probabilities()
            }
            fn normal(&self) -> Option<(Var<'g>, Var<'g>)> {
                (**self).normal()
            }
            fn conflict(&self, parameters: &[f64]) -> Option<String> {
                (**self).conflict(parameters)
            }
            fn shape(&self) -> Shape {
                (**self).shape()
            }
            fn check(&self) -> Result<(), ParameterError> {
                (**self).check()
            }
            fn check_values(&self, parameters: &[f64]) -> Result<(), ParameterError> {
                (**self).check_values(parameters)
            }
        }
    )*};
}

forward!(&D, Box<D>, Arc<D>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Domain, Expanded};

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

    struct Counter(u64);

    impl rand_core::TryRng for Counter {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            self.try_next_u64().map(|number| number as u32)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.0 += 1;
            Ok(self.0)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(0);
            Ok(())
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
        let (one, two) = (Var::from(1.0), Var::from(2.0));
        let mut noise = |_: NoiseKind| Var::from(0.5);
        let mut rng = Counter(0);
        let mut event = [0.0; 3];
        let d = distribution;
        let mut answers = answers![d;
            name(d) parameters(d) support(d) log_prob(d, one) rsample(d, &mut noise)
            draw(d, &[3.0], &mut rng) draw_event(d, &[3.0], &mut rng, &mut event) mean(d)
            variance(d) expected_log_prob(d, one, two) log_probabilities(d) normal(d)
            conflict(d, &[3.0]) is_proper(d) event_shape(d) batch_shape(d) shape(d) check(d)
            check_values(d, &[3.0])
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

    #[test]
    fn every_method_of_the_trait_is_asked() {
        let source = include_str!("distribution.rs");
        let body = source.split("pub trait Distribution").nth(1);
        let body = body.and_then(|rest| rest.split("\n}\n").next());
        let methods = body.expect("the trait").lines();
        let names = methods.filter_map(|line| line.strip_prefix("    fn ")?.split('(').next());
        let mut declared: Vec<&str> = names.filter(|name| *name != "expand").collect();
        let mut asked: Vec<&str> = answers(&Probe).iter().map(|(name, _)| *name).collect();
        declared.sort_unstable();
        asked.sort_unstable();
        assert_eq!(asked, declared);
    }
}
