//! Layers whose parameters are estimated as points.

use std::fmt;

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{self, FileError};

use super::frame::Place;
use super::layer::Output;
use super::{Layer, Parameters};

/// The layer that [`Layer::point`] makes.
#[derive(Clone, Copy)]
pub struct Point<L> {
    pub(super) layer: L,
}

impl<L> Point<L> {
    pub(super) fn new(layer: L) -> Point<L> {
        Point { layer }
    }
}

impl<L: Layer> fmt::Debug for Point<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.fmt(f)
    }
}

impl<L: Layer> Layer for Point<L> {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        p.as_points().enter(Place::Same, &self.layer, None, inputs)
    }

    fn describe(&self, place: &saved::Place<'_>) -> Result<saved::Value, FileError> {
        self.described(place)
    }
}
