//! Variational methods: a family of densities, the guide, is fitted to a posterior by gradient
//! ascent on the ELBO.
//!
//! [`advi`] is the method; [`Optimizer`], [`Schedule`] and [`ConvergenceTest`] are its parts that
//! any other method with gradient steps can use.

pub mod advi;
pub(crate) mod natural;
#[allow(dead_code)]
pub(crate) mod pathfinder;
mod convergence;
mod optimizer;
mod schedule;

pub use convergence::{Convergence, ConvergenceTest, Evidence};
pub use optimizer::Optimizer;
pub use schedule::Schedule;
