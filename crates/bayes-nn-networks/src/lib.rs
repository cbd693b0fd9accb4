//! What a network is: layers with priors on their parameters, a head that says what the outputs
//! mean, and the model that both make ([`Bnn`]).
#![forbid(unsafe_code)]

pub mod nn;
mod sparse;

mod bnn;
mod for_data;

pub use bnn::Bnn;
