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
