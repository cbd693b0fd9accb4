//! Variational methods: a family of densities, the guide, is fitted to a posterior by gradient
//! ascent on the ELBO.
//!
//! [`pathfinder`] finds normals along the paths of an optimiser instead.
//!
//! [`advi`] is the method; [`Optimizer`], [`Schedule`] and [`ConvergenceTest`] are its parts that
//! any other method with gradient steps can use.

pub mod advi;
mod convergence;
mod ivon;
pub(crate) mod natural;
mod optimizer;
pub mod pathfinder;
mod schedule;

pub use convergence::{Convergence, ConvergenceTest, Evidence};
pub use optimizer::Optimizer;
pub use schedule::Schedule;
