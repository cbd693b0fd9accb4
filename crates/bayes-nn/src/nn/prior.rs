//! Priors that a network keeps until it is written into a graph.

use std::fmt;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::Distribution;

use crate::model::Trace;

/// The prior of a parameter of a network: any distribution that is given by numbers alone.
pub trait Prior: fmt::Debug + Send + Sync {
    /// Declares a parameter whose elements have this prior, independently.
    fn declare<'g>(&self, trace: &Trace<'g>, name: &str, shape: Shape) -> Var<'g>;
}

impl<D> Prior for D
where
    D: for<'g> Distribution<'g> + Clone + Send + Sync + 'static,
{
    fn declare<'g>(&self, trace: &Trace<'g>, name: &str, shape: Shape) -> Var<'g> {
        trace.sample(name, self.clone().expand(shape))
    }
}
