//! Parameters: what a distribution says of the numbers that it is made of.

use std::borrow::Cow;

use bayes_nn_autodiff::{Shape, Var};

use crate::{Domain, ParameterError};

/// One parameter of a distribution.
#[derive(Clone, Debug)]
pub struct Parameter<'g> {
    /// The name, as the constructor calls it.
    pub name: Cow<'static, str>,
    /// The value: `[...batch]`, or `[n, ...batch]` when `event`.
    pub value: Var<'g>,
    /// Where each element must lie.
    pub domain: Domain,
    /// Whether the first axis belongs to one draw, like the classes of a categorical. A matrix is
    /// given with its two axes as one, in row-major order.
    pub event: bool,
}

impl<'g> Parameter<'g> {
    /// A parameter of which each draw needs one number.
    pub fn new(name: &'static str, value: Var<'g>, domain: Domain) -> Parameter<'g> {
        Parameter {
            name: Cow::Borrowed(name),
            value,
            domain,
            event: false,
        }
    }

    /// How many numbers of this parameter one draw needs.
    pub fn numbers(&self) -> usize {
        match self.event {
            true => self.value.shape().first().copied().unwrap_or(1),
            false => 1,
        }
    }

    /// The shape without the axis that belongs to one draw.
    pub fn batch_shape(&self) -> Shape {
        let shape = self.value.shape();
        match self.event && shape.rank() > 0 {
            true => shape.without(0, 1),
            false => shape,
        }
    }
}

/// The error of a number outside its parameter's domain.
pub(crate) fn outside(
    distribution: &'static str,
    parameter: &Parameter<'_>,
    position: Option<usize>,
    value: f64,
) -> ParameterError {
    ParameterError::Domain {
        distribution,
        parameter: parameter.name.clone(),
        position,
        value,
        expected: parameter.domain.to_string(),
    }
}
