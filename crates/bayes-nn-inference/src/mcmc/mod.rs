//! Markov chains whose draws are from the posterior in the limit of many.
//!
//! [`nuts`] is the No-U-Turn Sampler.

pub mod nuts;
