//! Distributions whose axes have names.

use std::sync::Arc;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::forward::forward_methods;
use crate::{Distribution, Parameter, ParameterError, Support};

/// Names of dimensions: one, or several in the order of their axes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DimensionNames(Vec<Arc<str>>);

impl DimensionNames {
    /// The names in the order of the axes.
    pub fn names(&self) -> &[Arc<str>] {
        &self.0
    }

    /// The number of axes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for DimensionNames {
    fn from(name: &str) -> DimensionNames {
        DimensionNames(vec![name.into()])
    }
}

impl From<&String> for DimensionNames {
    fn from(name: &String) -> DimensionNames {
        name.as_str().into()
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for DimensionNames {
    fn from(names: [S; N]) -> DimensionNames {
        names.as_slice().into()
    }
}

impl<S: AsRef<str>> From<&[S]> for DimensionNames {
    fn from(names: &[S]) -> DimensionNames {
        DimensionNames(names.iter().map(|name| name.as_ref().into()).collect())
    }
}

impl<S: AsRef<str>> From<Vec<S>> for DimensionNames {
    fn from(names: Vec<S>) -> DimensionNames {
        names.as_slice().into()
    }
}

/// What the axes of a distribution are called: [`Distribution::along`], [`Distribution::over`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AxisNames {
    /// Those of an event; none unless they are named.
    pub event: DimensionNames,
    /// Those of independent draws; none unless they are named.
    pub batch: DimensionNames,
}

impl AxisNames {
    /// Whether no axis has a name.
    pub fn is_empty(&self) -> bool {
        self.event.is_empty() && self.batch.is_empty()
    }
}

/// A distribution whose axes have names; made by [`Distribution::over`] and [`Distribution::along`].
/// How long a dimension is, says what the distribution is declared to, such as the trace of a model:
/// by itself it has the shape of the distribution without names.
#[derive(Clone, Debug)]
pub struct Named<D> {
    inner: D,
    axes: AxisNames,
}

impl<D> Named<D> {
    pub(crate) fn new<'g>(inner: D, event: DimensionNames, batch: DimensionNames) -> Named<D>
    where
        D: Distribution<'g>,
    {
        let own = inner.axis_names();
        let mut axes = AxisNames { event, batch };
        if axes.event.is_empty() {
            axes.event = own.event;
        }
        // What is repeated once more has its own axes last.
        axes.batch.0.extend(own.batch.0);
        Named { inner, axes }
    }
}

impl<'g, D: Distribution<'g>> Distribution<'g> for Named<D> {
    forward_methods!(self => self.inner);

    fn axis_names(&self) -> AxisNames {
        self.axes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MultivariateNormal, Normal};
    use bayes_nn_autodiff::Graph;

    fn names(names: &DimensionNames) -> Vec<&str> {
        names.names().iter().map(|name| &**name).collect()
    }

    #[test]
    fn names_of_axes_stay_through_copies_and_pointers() {
        let graph = Graph::new();
        let mean = graph.constant(&[0.0, 1.0], [2]);
        let scale = graph.constant(&[1.0, 0.0, 0.5, 1.0], [2, 2]);
        let effects = MultivariateNormal::new(mean, scale)
            .along("term")
            .over(["state", "county"])
            .over("year");
        let copies = Box::new(effects.expand([2, 3, 4, 5]));
        let axes = copies.axis_names();
        assert_eq!(names(&axes.event), ["term"]);
        assert_eq!(names(&axes.batch), ["year", "state", "county"]);
        assert!(Normal::new(0.0, 1.0).axis_names().is_empty());
    }

    #[test]
    fn a_distribution_with_names_has_the_density_of_one_without() {
        let plain = Normal::new(0.5, 2.0);
        let named = Normal::new(0.5, 2.0).over("county");
        let log_prob = |d: &dyn Distribution<'static>| d.log_prob(Var::from(1.0)).number();
        assert_eq!(log_prob(&named), log_prob(&plain));
        assert_eq!(named.shape(), Shape::SCALAR);
    }
}
