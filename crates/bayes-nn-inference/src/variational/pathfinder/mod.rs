//! Pathfinder: normals along the paths of an optimiser, drawn from by importance.
//!
//! [`Pathfinder`] holds the settings, [`PathfinderFit`] what was found.

pub(crate) mod draws;
mod fit;
pub(crate) mod gaussian;
mod importance;
mod lbfgs;
pub(crate) mod mode;
pub(crate) mod path;
mod result;
mod settings;
mod starts;
#[cfg(test)]
mod tests;

pub use result::{Path, PathfinderFit};
pub use settings::Pathfinder;
pub(crate) use starts::Starts;
