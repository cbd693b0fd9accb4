//! The distribution of where a series begins, as a part of that of the series.

use std::borrow::Cow;

use bayes_nn_autodiff::Shape;

use crate::{Distribution, Parameter, Support};

/// Its parameters, named as such.
pub(crate) fn initial_parameters<'g>(
    initial: &impl Distribution<'g>,
) -> impl Iterator<Item = Parameter<'g>> {
    initial.parameters().into_iter().map(|parameter| Parameter {
        name: Cow::Owned(format!("initial.{}", parameter.name)),
        ..parameter
    })
}

/// What is wrong with it, given its own numbers.
pub(crate) fn initial_conflict<'g>(
    initial: &impl Distribution<'g>,
    parameters: &[f64],
) -> Option<String> {
    let (support, event) = (initial.support(), initial.event_shape());
    match matches!(support, Support::Real) && event == Shape::SCALAR {
        true => Some(format!("initial: {}", initial.conflict(parameters)?)),
        false => Some(format!(
            "the initial distribution must be one of real numbers; {} draws {support}{}",
            initial.name(),
            match event {
                Shape::SCALAR => String::new(),
                event => format!(", events of shape {event}"),
            }
        )),
    }
}
