//! Markov chains whose draws are from the posterior in the limit of many.
//!
//! [`nuts`] is the No-U-Turn Sampler, whose chains are exact. [`Sgld`] takes minibatches, and its
//! draws have an error that shrinks with the step size.

pub mod nuts;
mod sgld;

pub use sgld::{Sgld, SgldChain, SgldFit};
