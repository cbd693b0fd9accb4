//! Where chains and guides begin.

use crate::Approximation;

/// Where chains and the means of guides begin, in unconstrained space.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Start {
    /// Uniform between -2 and 2 in every coordinate.
    #[default]
    Uniform,
    /// What the density gives as its start ([`crate::Density::start`]): of models, prior draws.
    Prior,
    /// A variational fit to the same density: chains begin at draws of it, a guide at its means.
    Approximation(Approximation),
}
